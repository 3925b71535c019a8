package stix

import (
	"fmt"
	"strings"
)

// A Finding is something in an accepted object that the standard does not
// allow, or advises against.
type Finding struct {
	Must     bool   // a MUST of the standard is broken; else a SHOULD
	Section  string // of STIX 2.1
	Property string // "" if it is the object as a whole
	Reason   string
}

func (f Finding) String() string {
	text := f.Property
	if text != "" {
		text += " "
	}
	return text + f.Reason + " (STIX 2.1, section " + f.Section + ")"
}

// Lint looks at an object that Parse has accepted, and returns what is wrong
// with it beyond what every object is refused for, the first 100 things:
// common properties, basic types, relationships, extension definitions. It does
// not look at what is particular to other types, nor at patterns. An object that
// Parse refuses has that one finding.
func Lint(text string) []Finding {
	var s Scanner
	o, err := s.Object(text)
	if err != nil {
		return []Finding{{Must: true, Section: "3", Reason: err.Error()}}
	}
	return s.lint(&o)
}

// lint is Lint for an object that has been accepted.
func (s *Scanner) lint(o *Object) []Finding {
	l := linter{t: &s.scan.tape, o: o, kind: classOf(o.Type)}
	l.t.build(o.Raw)
	for k, end := l.t.first(0); k < end; {
		value := l.t.next(k)
		l.property(l.t.str(k), value)
		k = l.t.next(value)
	}
	l.values()
	l.required()
	return l.found
}

type linter struct {
	t     *tape
	o     *Object
	kind  class
	found []Finding
}

// maxFindings is enough to see what is wrong with an object.
const maxFindings = 100

func (l *linter) must(section, property, format string, args ...any) {
	l.add(Finding{true, section, property, fmt.Sprintf(format, args...)})
}

func (l *linter) should(section, property, format string, args ...any) {
	l.add(Finding{false, section, property, fmt.Sprintf(format, args...)})
}

func (l *linter) add(f Finding) {
	if len(l.found) < maxFindings {
		l.found = append(l.found, f)
	}
}

// property looks at one property at the top.
func (l *linter) property(name string, value int) {
	if name != "id" && !isPropertyName(name) {
		l.must("3.1", excerpt(name), "is not a property name: a letter, then a-z, 0-9 and _, 3 to 250 in all")
	}
	switch name {
	case "created", "modified":
		l.digits(name)
	case "confidence":
		if n := number(l.t.raw(value)); len(l.t.raw(value)) > 3 || n < 0 || n > 100 {
			l.must("3.2", name, "is not an integer from 0 to 100")
		}
	case "labels":
		l.strings(name, value)
	case "external_references":
		l.references(value)
	case "lang":
		if !isLanguage(l.t.str(value)) {
			l.must("3.2", name, "is not a language tag")
		}
	case "object_marking_refs":
		l.oneTLP()
	case "severity", "username", "phone_number", "action":
		l.should("3.8", name, "is a reserved name")
	}
	if l.forbidden(name) {
		l.must("3.2", name, "is not allowed on a %s", l.o.Type)
	}
}

// forbidden reports whether an object of the kind never has the common
// property.
func (l *linter) forbidden(name string) bool {
	switch l.kind {
	case observable:
		switch name {
		case "created", "modified", "created_by_ref", "revoked", "labels", "confidence", "lang", "external_references":
			return true
		}
	case marking:
		switch name {
		case "modified", "revoked", "labels", "confidence", "lang", "defanged":
			return true
		}
	case domain, meta:
		extension := l.o.Type == "extension-definition" && (name == "extensions" || name == "confidence" || name == "lang")
		return name == "defanged" || extension
	}
	return false
}

// digits looks at the fraction of created or modified; 2.0 has its own rule,
// which is the same for what it allows.
func (l *linter) digits(name string) {
	text := l.o.Created
	if name == "modified" {
		text = l.o.Modified
	}
	if len(text) < secondsLen+len(".000Z") {
		l.must("3.2", name, "has fewer than three digits after the second")
	}
}

func (l *linter) strings(name string, list int) {
	if !l.t.is(list, '[') {
		l.must("2.12", name, "is not a list")
		return
	}
	for e, end := l.t.first(list); e < end; e = l.t.next(e) {
		if !l.t.is(e, '"') {
			l.must("2.12", name, "has an element that is not a string")
		}
	}
}

func (l *linter) references(list int) {
	const name = "external_references"
	if !l.t.is(list, '[') {
		l.must("2.5", name, "is not a list")
		return
	}
	for e, end := l.t.first(list); e < end; e = l.t.next(e) {
		if l.t.str(l.t.member(e, "source_name")) == "" {
			l.must("2.5", name, "has an element without source_name")
		}
		if l.t.member(e, "description") < 0 && l.t.member(e, "url") < 0 && l.t.member(e, "external_id") < 0 {
			l.must("2.5", name, "has an element without any of description, url and external_id")
		}
	}
}

func (l *linter) oneTLP() {
	levels := 0
	for _, id := range l.o.Markings {
		if m, ok := TLPByID(id); ok && m.Edition == 1 {
			levels++
		}
	}
	if levels > 1 {
		l.should("7.2.1", "object_marking_refs", "has %d levels of TLP", levels)
	}
}

// maxInteger is the greatest integer of STIX 2.1, section 2.10, in digits.
const maxInteger = "9007199254740991"

// values looks at every value: lists, dictionaries and integers.
func (l *linter) values() {
	for i := range l.t.nodes {
		switch l.t.nodes[i].kind {
		case '[':
			if int(l.t.nodes[i].next) == i+1 {
				l.must("2.12", "", "has an empty list")
			}
		case '{':
			if int(l.t.nodes[i].next) == i+1 {
				l.should("2.3", "", "has an empty dictionary")
			}
		case 0:
			digits := strings.TrimPrefix(l.t.raw(i), "-")
			if !strings.ContainsAny(digits, ".eE") && (len(digits) > len(maxInteger) || len(digits) == len(maxInteger) && digits > maxInteger) {
				l.must("2.10", "", "has the integer %s, which is beyond 2^53-1", excerpt(l.t.raw(i)))
			}
		}
	}
}

func isPropertyName(name string) bool {
	if len(name) < 3 || len(name) > 250 || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// isLanguage reports whether tag has the form of RFC 5646: parts of 1 to 8
// letters and digits joined by hyphens, the first of 2 letters at least.
func isLanguage(tag string) bool {
	for i, part := range strings.Split(tag, "-") {
		if len(part) < 1 || len(part) > 8 || i == 0 && len(part) < 2 {
			return false
		}
		for _, c := range []byte(part) {
			letter := c|0x20 >= 'a' && c|0x20 <= 'z'
			if !letter && (i == 0 || c < '0' || c > '9') {
				return false
			}
		}
	}
	return true
}
