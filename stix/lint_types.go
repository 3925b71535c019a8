package stix

import "strings"

// required looks for what objects of some types must have.
func (l *linter) required() {
	switch l.o.Type {
	case "relationship":
		l.relationship()
	case "sighting":
		l.ref("5.2", "sighting_of_ref")
	case "extension-definition":
		l.extensionDefinition()
	}
}

func (l *linter) relationship() {
	kind := l.t.str(l.t.member(0, "relationship_type"))
	if kind == "" || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		l.must("5.1", "relationship_type", "is not made of a-z, 0-9 and -")
	}
	for _, name := range []string{"source_ref", "target_ref"} {
		switch classOf(l.ref("5.1", name)) {
		case marking, meta, bundle:
			l.must("5.1", name, "points at what has no relationships")
		}
		if to := ID(l.t.str(l.t.member(0, name))).Type(); to == "relationship" || to == "sighting" {
			l.must("5.1", name, "points at a %s", to)
		}
	}
	start, stop := l.t.str(l.t.member(0, "start_time")), l.t.str(l.t.member(0, "stop_time"))
	if isTimestamp(start) && isTimestamp(stop) && canonical(stop) <= canonical(start) {
		l.must("5.1", "stop_time", "is not after start_time")
	}
}

// ref looks at a reference that must be there and returns its type.
func (l *linter) ref(section, name string) string {
	text := l.t.str(l.t.member(0, name))
	if idFault(text) != "" {
		l.must(section, name, "is not an identifier")
		return ""
	}
	return ID(text).Type()
}

func (l *linter) extensionDefinition() {
	for _, name := range []string{"name", "schema", "version", "created_by_ref"} {
		if l.t.str(l.t.member(0, name)) == "" {
			l.must("7.3", name, "is missing")
		}
	}
	types := l.t.member(0, "extension_types")
	if !l.t.is(types, '[') {
		l.must("7.3", "extension_types", "is not a list")
		return
	}
	for e, end := l.t.first(types); e < end; e = l.t.next(e) {
		switch l.t.str(e) {
		case "new-sdo", "new-sco", "new-sro", "property-extension", "toplevel-property-extension":
		default:
			l.must("7.3", "extension_types", "has %s, which is none", excerpt(l.t.str(e)))
		}
	}
}
