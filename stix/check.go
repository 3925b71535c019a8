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
	case d.Created != "" && d.Modified != "" && canonical(d.Modified) < canonical(d.Created):
		s.note(at, "modified", "is before created")
	default:
		s.checkClass(d)
	}
}

// checkClass checks what each class of object must have and detects the
// version of the standard it follows (STIX 2.1, section 3.2).
func (s *scan) checkClass(d *draft) {
	kind := classOf(d.Type)
	if kind == unknown {
		kind = s.extensionClass(d)
	}
	if kind == domain || kind == meta {
		s.need(d, "modified", d.Modified)
	}
	if kind == domain || kind == meta || kind == marking {
		s.need(d, "created", d.Created)
	}
	if d.SpecVersion == "" {
		switch kind {
		case observable:
			d.SpecVersion = "2.1"
		case meta:
			s.need(d, "spec_version", "")
		default:
			d.SpecVersion = "2.0"
		}
	}
}

func (s *scan) need(d *draft, property, value string) {
	if value == "" {
		s.note(d.start, property, "is missing")
	}
}

// extensionClass is the class of an object whose type is not in the standard.
func (s *scan) extensionClass(d *draft) class {
	if d.Created != "" || d.Modified != "" {
		return domain
	}
	return unknown
}
