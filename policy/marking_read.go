package policy

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"entente/stix"
)

// says reads a definition that is not well known, without the markings on it. What
// is not understood wholly counts as unresolved: a marking restricts, so nothing
// of it may be passed over.
func (d *definition) says() *marking {
	if len(d.claims("TLP:")) > 0 || strings.EqualFold(d.kind, "tlp") || strings.EqualFold(d.foreign, "tlp") {
		return unresolved // there are no other markings of TLP than the well-known ones
	}
	m, known := d.typed()
	for _, name := range slices.Sorted(maps.Keys(d.extensions)) {
		var ext *marking
		switch name {
		case iepExtension:
			ext = readIEP(d.extensions[name])
		case acsExtension:
			ext = readACS(d.extensions[name])
		case cuiExtension:
			ext = &marking{acs: &ACS{CUI: true}}
		case string(HandlingExtension):
			ext = readHandling(d.extensions[name])
		default:
			return unresolved
		}
		m, known = m.join(ext), true
	}
	if !known {
		return unresolved
	}
	return m
}

// typed reads what definition_type stands for. known is false if that is nothing
// that is understood, or not there.
func (d *definition) typed() (m *marking, known bool) {
	m = nothing
	for _, level := range d.claims("PAP:") {
		pap, ok := looseLevel(level)
		if !ok || pap == LevelAmberStrict {
			return unresolved, true
		}
		m, known = m.join(&marking{pap: pap}), true
	}
	kind := d.kind
	if d.foreign != "" && !strings.EqualFold(kind, "pap") {
		kind = d.foreign // OpenCTI writes markings of its own types as statements
	}
	switch strings.ToLower(kind) {
	case "":
		return m, false
	case "pap":
		if !known {
			return unresolved, true
		}
	case "statement":
		ok := true
		if text(d.body, "statement", &ok) == "" && d.value == "" || !ok {
			return unresolved, true
		}
		m, known = m.join(&marking{statements: []stix.ID{stix.ID(strings.Clone(string(d.id)))}}), true
	default:
		return unresolved, true
	}
	return m, known
}

// An extension is the content of an extension of a marking definition. ok becomes
// false with the first property that has not its shape or its value.
type extension struct {
	m  map[string]json.RawMessage
	ok bool
}

// readExtension takes an extension apart, which must have no other properties than
// names and extension_type.
func readExtension(raw json.RawMessage, names ...string) *extension {
	m, ok := members(raw)
	x := &extension{m, ok}
	if !only(m, append(names, "extension_type")...) {
		x.ok = false
	}
	if t := x.text("extension_type"); t != "" && t != "property-extension" {
		x.ok = false
	}
	return x
}

// only reports whether m has no other members than those with the names.
func only(m map[string]json.RawMessage, names ...string) bool {
	for name := range m {
		if !slices.Contains(names, name) {
			return false
		}
	}
	return true
}

func (x *extension) text(name string) string { return text(x.m, name, &x.ok) }

// one is the string with the name, which must be one of values if it is there.
func (x *extension) one(name string, values ...string) string {
	t := x.text(name)
	if _, there := x.m[name]; there && !slices.Contains(values, t) {
		x.ok = false
	}
	return t
}

// list is the list of strings with the name, sorted and unique.
func (x *extension) list(name string) (l []string) {
	read(x.m, name, &l, &x.ok)
	slices.Sort(l)
	return slices.Compact(l)
}

// time is the timestamp with the name; absent is what stands for none, and for
// null.
func (x *extension) time(name string, absent Instant) Instant {
	if raw, there := x.m[name]; !there || string(raw) == "null" {
		return absent
	}
	i, ok := stixInstant(x.text(name))
	x.ok = x.ok && ok
	return i
}

// readHandling reads our own extension.
func readHandling(raw json.RawMessage) *marking {
	x := readExtension(raw, "handling", "source_evaluation", "information_evaluation", "purposes", "judicial_use", "pap",
		"embargo_until", "consent_contact_ref")
	m := &marking{
		handling: x.list("handling"), source: x.one("source_evaluation", "A", "B", "C", "X"),
		information: x.one("information_evaluation", "1", "2", "3", "4"), purposes: x.list("purposes"),
		judicial: x.one("judicial_use", "permit", "may", "consent", "must-not", "never"), embargo: x.time("embargo_until", 0),
	}
	if _, there := x.m["purposes"]; there && len(m.purposes) == 0 {
		m.purposes = noPurpose
	}
	if p := x.text("pap"); p != "" {
		var ok bool
		m.pap, ok = looseLevel(p)
		x.ok = x.ok && ok && m.pap != LevelAmberStrict
	}
	if codes(0).with(m.handling)&codeUnknown != 0 || !x.ok {
		return unresolved
	}
	m.coded = codes(0).with(m.handling)&^codeH0 != 0 || len(m.purposes) > 0 || strictness(m.judicial) > 0 && m.judicial != "" ||
		m.pap > LevelClear || m.embargo > 0
	return m
}
