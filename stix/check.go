package stix

// check looks at d as a whole, after it was read, and fills in what it leaves
// out.
func (s *scan) check(d *draft) {
	if s.grave.reason != "" {
		s.odd = s.grave
	}
	if s.odd.reason != "" {
		return
	}
	d.Markings = s.marks[d.marks:len(s.marks):len(s.marks)]
	at := d.start
	switch {
	case d.end-d.start > MaxObjectSize:
		s.note(at, "", "is larger than 8 MiB")
	case d.Type == "":
		s.note(at, "type", "is missing")
	case d.Type == "bundle":
		s.note(at, "type", "is bundle, and a bundle is no STIX object")
	case d.ID == "":
		s.note(at, "id", "is missing")
	case d.ID.Type() != d.Type:
		s.note(at, "id", "is that of another type than "+d.Type)
	case earlier(d.Modified, d.Created):
		s.note(at, "modified", "is before created")
	default:
		s.checkClass(d)
	}
}

// earlier reports whether the timestamp a is before b; false if one is missing.
func earlier(a, b string) bool {
	if len(a) == len(b) { // digit by digit, then
		return a < b
	}
	return a != "" && b != "" && canonical(a) < canonical(b)
}

// checkClass checks what each class of object must have and detects the
// version of the standard it follows (STIX 2.1, section 3.2).
func (s *scan) checkClass(d *draft) {
	kind := classOf(d.Type)
	if d.granular || kind == marking || kind == unknown && d.extensions {
		s.tape.build(s.text[d.start:d.end])
	}
	if kind == unknown {
		kind = s.unknownClass(d)
	}
	switch kind {
	case domain, meta:
		s.need(d, "created", d.Created)
		s.need(d, "modified", d.Modified)
	case marking:
		s.need(d, "created", d.Created)
		s.markingDefinition(d)
	}
	if d.granular {
		s.granular(d)
	}
	if d.SpecVersion == "" {
		d.SpecVersion = s.specVersion(d, kind)
	}
}

// specVersion is the version of an object that does not say it: SCOs are new
// in 2.1 as objects of their own; others that are new must say it.
func (s *scan) specVersion(d *draft, kind class) string {
	switch kind {
	case observable:
		return "2.1"
	case meta:
		s.need(d, "spec_version", "")
	}
	return "2.0"
}

func (s *scan) need(d *draft, property, value string) {
	if value == "" {
		s.note(d.start, property, "is missing")
	}
}

// unknownClass is the class of an object whose type is not in the standard:
// what its extensions say; else one with created has versions, one without has
// none.
func (s *scan) unknownClass(d *draft) class {
	if d.extensions {
		t := &s.tape
		if all := t.member(0, "extensions"); t.is(all, '{') {
			for k, end := t.first(all); k < end; {
				value := t.next(k)
				switch t.str(t.member(value, "extension_type")) {
				case "new-sco":
					return observable
				case "new-sdo", "new-sro":
					return domain
				}
				k = t.next(value)
			}
		}
	}
	if d.Created != "" || d.Modified != "" {
		return domain
	}
	return unknown
}
