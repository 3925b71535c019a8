package policy

import (
	"encoding/json"
	"slices"
	"strings"

	"entente/stix"
)

// Extensions that marking definitions may have and that are understood.
const (
	iepExtension = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a" // FIRST IEP 2.0, as OASIS writes it
	acsExtension = "extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce" // ACS 3.0 (ISA)
	cuiExtension = "extension-definition--dff17fb3-edcb-4f99-ad1b-4b751c95738a" // controlled unclassified information
)

// HandlingExtension is the extension by which a marking definition carries what no
// standard has a marking for: handling codes, the 4x4 evaluation, purposes, use in
// court, PAP and an embargo.
const HandlingExtension stix.ID = "extension-definition--09c85c8a-e6ce-4176-9a24-c321c5c52641"

// MarkingExtension reports whether an extension of marking definitions is
// understood, as far as a Label goes.
func MarkingExtension(name string) bool {
	switch name {
	case iepExtension, acsExtension, cuiExtension, string(HandlingExtension), string(stix.TLPExtension):
		return true
	}
	return false
}

// standard reports whether objects of a type may have an extension whatever an
// agreement says: the standard defines it, or it is how a marking is written.
func standard(kind, name string) bool {
	return stix.StandardExtension(kind, name) || kind == "marking-definition" && MarkingExtension(name)
}

// pinned has what the well-known markings of TLP say. They are known by id alone:
// what a definition with such an id says of itself is never read.
var pinned = func() map[stix.ID]*marking {
	editions := [...]Editions{TLPOther, TLP1, TLP2}
	known := map[stix.ID]*marking{}
	for _, m := range stix.TLPMarkings() {
		known[m.ID] = &marking{level: Level(m.Level), editions: editions[m.Edition]}
	}
	return known
}()

// Forged reports whether raw, a marking definition, has the id of a well-known
// marking of TLP and says anything else than that marking does: another level, by
// whatever property; no level; or something besides. What is not well known
// cannot be forged.
func Forged(id stix.ID, raw string) bool {
	known, ok := stix.TLPByID(id)
	if !ok {
		return false
	}
	d, ok := readDefinition(raw)
	if !ok {
		return true
	}
	alias := known.Edition == 0
	switch strings.ToLower(d.kind) {
	case "", "tlp":
	case "statement":
		if !alias {
			return true
		}
	default:
		return true
	}
	for name := range d.extensions {
		if name != string(stix.TLPExtension) {
			return true
		}
	}
	claims := d.claims("TLP:")
	for _, c := range claims {
		if level, ok := looseLevel(c); !ok || level != Level(known.Level) {
			return true
		}
	}
	return len(claims) == 0 && !alias
}

// looseLevel reads a level in any case; TLP 1 and PAP say WHITE for CLEAR.
func looseLevel(text string) (Level, bool) {
	text = strings.ToUpper(text)
	if text == "WHITE" {
		return LevelClear, true
	}
	return ParseLevel(text)
}

// A definition is a marking definition, taken apart. Names are matched exactly.
type definition struct {
	id         stix.ID
	kind       string // definition_type
	name       string
	body       map[string]json.RawMessage // definition; nil if there is none
	extensions map[string]json.RawMessage // nil if there are none
	foreign    string                     // x_opencti_definition_type
	value      string                     // x_opencti_definition
	markings   []stix.ID                  // on the definition itself, of both kinds
}

// readDefinition takes raw apart; ok is false if a property that counts does not
// have its shape.
func readDefinition(raw string) (d definition, ok bool) {
	m, ok := members(json.RawMessage(raw))
	if !ok || text(m, "type", &ok) != "marking-definition" {
		return d, false
	}
	d.id = stix.ID(text(m, "id", &ok))
	d.kind, d.name = text(m, "definition_type", &ok), text(m, "name", &ok)
	d.foreign, d.value = text(m, "x_opencti_definition_type", &ok), text(m, "x_opencti_definition", &ok)
	sub(m, "definition", &d.body, &ok)
	sub(m, "extensions", &d.extensions, &ok)
	read(m, "object_marking_refs", &d.markings, &ok)
	var parts []map[string]json.RawMessage
	read(m, "granular_markings", &parts, &ok)
	for _, p := range parts {
		if ref := text(p, "marking_ref", &ok); ref != "" {
			d.markings = append(d.markings, stix.ID(ref))
		}
	}
	slices.Sort(d.markings)
	d.markings = slices.Compact(d.markings)
	return d, ok
}

// claims are the values that the definition gives for a scheme ("TLP:", "PAP:"), by
// whatever property.
func (d *definition) claims(scheme string) []string {
	name := strings.ToLower(strings.TrimSuffix(scheme, ":"))
	var found []string
	ok := true
	if _, there := d.body[name]; there {
		found = append(found, text(d.body, name, &ok))
	}
	if ext, there := d.extensions[string(stix.TLPExtension)]; there && name == "tlp" {
		m, _ := members(ext)
		if _, there := m["tlp_2_0"]; there {
			found = append(found, text(m, "tlp_2_0", &ok))
		}
	}
	for _, t := range []string{d.name, d.value, text(d.body, "statement", &ok)} {
		if len(t) >= len(scheme) && strings.EqualFold(t[:len(scheme)], scheme) {
			found = append(found, t[len(scheme):])
		}
	}
	return found
}

// members is a JSON object by names; duplicates are refused when an object is
// parsed.
func members(raw json.RawMessage) (m map[string]json.RawMessage, ok bool) {
	return m, json.Unmarshal(raw, &m) == nil && m != nil
}

// text is the string with the name; "" if there is none. ok becomes false if it is
// no string.
func text(m map[string]json.RawMessage, name string, ok *bool) (s string) {
	read(m, name, &s, ok)
	return s
}

// sub reads the object with the name.
func sub(m map[string]json.RawMessage, name string, to *map[string]json.RawMessage, ok *bool) {
	read(m, name, to, ok)
	if _, there := m[name]; there && *to == nil {
		*ok = false
	}
}

// read fills to with the member of the name, if there is one. ok becomes false if
// it has another shape, or is null.
func read(m map[string]json.RawMessage, name string, to any, ok *bool) {
	raw, there := m[name]
	if there && (string(raw) == "null" || json.Unmarshal(raw, to) != nil) {
		*ok = false
	}
}
