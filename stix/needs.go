package stix

import "strings"

// needs are what an object of a type must have, as far as leaving out parts can
// break it (STIX 2.1, sections 4 to 7; for all: what is in untouchable).
type needs struct {
	always []string // properties
	in20   []string // the same, of STIX 2.0 only
	one    []string // alternatives, each of one or more properties; the last one cannot go
	any    bool     // at least one property of its own
	with   []string // "a b": if a stays, b does
}

var named = needs{always: []string{"name"}}

var typeNeeds = map[string]needs{
	"attack-pattern":   named,
	"campaign":         named,
	"course-of-action": named,
	"identity":         {always: []string{"name"}, in20: []string{"identity_class"}},
	"incident":         named,
	"infrastructure":   named,
	"intrusion-set":    named,
	"threat-actor":     {always: []string{"name"}, in20: []string{"labels"}},
	"tool":             {always: []string{"name"}, in20: []string{"labels"}},
	"vulnerability":    named,
	"grouping":         {always: []string{"context", "object_refs"}},
	"indicator":        {always: []string{"pattern", "pattern_type", "valid_from"}, in20: []string{"labels"}},
	"location":         {one: []string{"region", "country", "latitude longitude"}, with: []string{"latitude longitude", "longitude latitude", "precision latitude"}},
	"malware":          {always: []string{"is_family"}, in20: []string{"name", "labels"}},
	"malware-analysis": {always: []string{"product"}, one: []string{"result", "analysis_sco_refs"}},
	"note":             {always: []string{"content", "object_refs"}},
	"observed-data":    {always: []string{"first_observed", "last_observed", "number_observed"}, one: []string{"objects", "object_refs"}},
	"opinion":          {always: []string{"opinion", "object_refs"}},
	"report":           {always: []string{"name", "published", "object_refs"}, in20: []string{"labels"}},
	"relationship":     {always: []string{"relationship_type", "source_ref", "target_ref"}},
	"sighting":         {always: []string{"sighting_of_ref"}},
	"language-content": {always: []string{"object_ref", "contents"}},

	"artifact":             {one: []string{"payload_bin", "url"}, with: []string{"url hashes", "decryption_key encryption_algorithm"}},
	"autonomous-system":    {always: []string{"number"}},
	"directory":            {always: []string{"path"}},
	"domain-name":          {always: []string{"value"}},
	"email-addr":           {always: []string{"value"}},
	"email-message":        {always: []string{"is_multipart"}},
	"file":                 {one: []string{"hashes", "name"}},
	"ipv4-addr":            {always: []string{"value"}},
	"ipv6-addr":            {always: []string{"value"}},
	"mac-addr":             {always: []string{"value"}},
	"mutex":                named,
	"network-traffic":      {always: []string{"protocols"}, one: []string{"src_ref", "dst_ref"}},
	"process":              {any: true},
	"software":             named,
	"url":                  {always: []string{"value"}},
	"user-account":         {any: true},
	"windows-registry-key": {any: true},
	"x509-certificate":     {any: true},
}

// timeNames are the times at the top of objects that tell when something
// happened or holds.
var timeNames = words("created first_observed last_observed first_seen last_seen valid_from valid_until published start_time stop_time " +
	"submitted analysis_started analysis_ended start end date created_time")

// untouchable are the properties that can only be withheld with the object:
// without them, or with part of them, it says something else.
var untouchable = func() map[string]bool {
	set := words("type spec_version id modified object_marking_refs granular_markings revoked defanged " +
		"pattern pattern_type pattern_version hashes value opinion relationship_type encryption_algorithm")
	for name := range timeNames {
		set[name] = true
	}
	return set
}()

// optional reports whether the property can go as far as the type is known.
// Only its schema knows what an object of another type needs.
func (c *cutter) optional(name string) bool {
	return classOf(c.source.Type) != unknown || commonProperties[name] || strings.HasPrefix(name, "x_")
}

// broken is a property, or a list of them, that the object n of the type had and
// must have and that goes; "" if there is none.
func (c *cutter) broken(n int, kind string) string {
	need := typeNeeds[kind]
	for _, name := range need.always {
		if c.goes(n, name) {
			return name
		}
	}
	if c.source.SpecVersion == "2.0" {
		for _, name := range need.in20 {
			if c.goes(n, name) {
				return name
			}
		}
	}
	if c.without(n, need.one) {
		return "all of " + strings.Join(need.one, ", ")
	}
	if need.any && c.bare(n) {
		return "all of its own properties"
	}
	for _, pair := range need.with {
		name, other, _ := strings.Cut(pair, " ")
		if c.stays(n, name) && c.goes(n, other) {
			return other
		}
	}
	if kind == "malware" && c.goes(n, "name") && c.tape.is(c.tape.member(n, "is_family"), 't') {
		return "name"
	}
	return ""
}

// goes reports whether the object n has the property and it is left out.
func (c *cutter) goes(n int, name string) bool {
	m := c.tape.member(n, name)
	return m >= 0 && c.drop[m]
}

// stays reports whether the object n has the property and keeps it.
func (c *cutter) stays(n int, name string) bool {
	m := c.tape.member(n, name)
	return m >= 0 && !c.drop[m]
}

// without reports whether the object n had one of the alternatives, each of one
// or more properties, and keeps none.
func (c *cutter) without(n int, alternatives []string) bool {
	had := false
	for _, alternative := range alternatives {
		before, after := true, true
		for name := range strings.FieldsSeq(alternative) {
			before = before && c.tape.member(n, name) >= 0
			after = after && c.stays(n, name)
		}
		if after {
			return false
		}
		had = had || before
	}
	return had
}

// bare reports whether the object n had properties beside the common ones and
// keeps none.
func (c *cutter) bare(n int) bool {
	had := false
	for name, value := range c.tape.parts(n) {
		if own := c.tape.str(name); !commonProperties[own] || own == "extensions" {
			if had = true; !c.drop[value] {
				return false
			}
		}
	}
	return had
}

// complete checks the object itself, and lets Withheld stand for a required name
// if the projection allows it.
func (c *cutter) complete() error {
	for _, name := range []string{"name", "description"} {
		m := c.tape.member(0, name)
		if !c.goes(0, name) || !c.p.Placeholder || !c.tape.is(m, '"') || classOf(c.source.Type) == observable {
			continue
		}
		if c.broken(0, c.source.Type) == name {
			c.drop[m], c.place[m], c.hidden[m] = false, `"`+Withheld+`"`, true
		}
	}
	if lost := c.broken(0, c.source.Type); lost != "" {
		return unredactable("%s: %s must have it", lost, c.source.Type)
	}
	return nil
}

// embedded leaves out the objects in observed-data that would not be valid, and
// fails if others refer to them.
func (c *cutter) embedded() error {
	t := &c.tape
	objects := t.member(0, "objects")
	if c.source.Type != "observed-data" || !t.is(objects, '{') || c.drop[objects] {
		return nil
	}
	gone := map[string]bool{}
	for name, value := range t.parts(objects) {
		if c.drop[value] = c.drop[value] || c.broken(value, t.str(t.member(value, "type"))) != ""; c.drop[value] {
			gone[t.str(name)] = true
		}
	}
	for _, value := range t.parts(objects) {
		if !c.drop[value] && c.refersTo(value, gone, false) {
			return unredactable("objects: one that stays refers to one that goes")
		}
	}
	c.emptied(0)
	return nil
}

// refersTo reports whether what stays of node n refers to one of the names.
func (c *cutter) refersTo(n int, names map[string]bool, ref bool) bool {
	t := &c.tape
	if t.is(n, '"') {
		return ref && names[t.str(n)]
	}
	for name, value := range t.parts(n) {
		if !c.drop[value] && c.refersTo(value, names, ref || name >= 0 && isRefName(t.str(name))) {
			return true
		}
	}
	return false
}

// extended checks that no property or type loses the extension that defines it
// (STIX 2.1, section 7.3).
func (c *cutter) extended() error {
	t := &c.tape
	all := t.member(0, "extensions")
	if !t.is(all, '{') {
		return nil
	}
	lost, left := false, false
	for name, value := range t.parts(all) {
		goes := c.drop[all] || c.drop[value]
		switch t.str(t.member(value, "extension_type")) {
		case "new-sdo", "new-sco", "new-sro":
			if goes {
				return unredactable("extensions.%s: it defines the type of the object", t.str(name))
			}
		case "toplevel-property-extension":
			lost, left = lost || goes, left || !goes
		}
	}
	if !lost || left {
		return nil
	}
	for name, value := range t.parts(0) {
		if own := t.str(name); !c.drop[value] && !strings.HasPrefix(own, "x_") && !isStandard(c.source.Type, own) {
			return unredactable("extensions: %s stays, which one that goes defines", excerpt(own))
		}
	}
	return nil
}
