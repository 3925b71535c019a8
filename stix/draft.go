package stix

// A draft is a STIX object while it is being read.
type draft struct {
	Header
	start, end     int // its place in the text
	marks          int // index of its first marking in scan.marks
	definitionType string
	members        int  // members at its top
	paging         int  // of these, more and next of an envelope
	objects        bool // it has objects
	granular       bool // it has granular_markings
	extensions     bool // it has extensions
}

// stixObject reads the STIX object that begins at text[i] into d. What is
// wrong with the object but leaves the text readable is in s.odd.
func (s *scan) stixObject(i int, d *draft) int {
	s.odd, s.grave = fault{}, fault{}
	*d = draft{start: i, marks: len(s.marks)}
	if s.depth--; s.depth < 0 {
		return s.fail(i, tooDeep)
	}
	mark := s.keys.open()
	i = s.space(i + 1)
	if i < len(s.text) && s.text[i] == '}' {
		return s.finish(mark, i, d)
	}
	for {
		var name string
		if name, i = s.key(i, &mark); i < 0 {
			return i
		}
		if s.probe && name == "objects" && s.opensContainer(i, d) {
			s.inside = mark
			return i
		}
		if i = s.member(name, i, d); i < 0 {
			return i
		}
		var last bool
		if i, last = s.after(i, '}'); last {
			if i < 0 {
				return i
			}
			return s.finish(mark, i, d)
		}
	}
}

// opensContainer reports whether the value of objects at i makes the object d
// an envelope or a bundle: a list, and nothing that says it is a STIX object.
// (observed-data of STIX 2.0 has objects too, as a dictionary.)
func (s *scan) opensContainer(i int, d *draft) bool {
	return i < len(s.text) && s.text[i] == '[' &&
		(d.Type == "" || d.Type == "bundle") && (d.ID == "" || d.ID.Type() == "bundle")
}

func (s *scan) finish(mark level, i int, d *draft) int {
	s.close(mark, i)
	d.end = i + 1
	return d.end
}

// member reads the value of a property of the STIX object d.
func (s *scan) member(name string, i int, d *draft) int {
	d.members++
	switch name {
	case "type":
		return s.property(i, name, typeRule, &d.Type)
	case "id":
		return s.property(i, name, idRule, (*string)(&d.ID))
	case "spec_version":
		return s.property(i, name, versionRule, &d.SpecVersion)
	case "created":
		return s.property(i, name, timestampRule, &d.Created)
	case "modified":
		return s.property(i, name, timestampRule, &d.Modified)
	case "created_by_ref":
		return s.property(i, name, idRule, (*string)(&d.CreatedBy))
	case "definition_type":
		return s.property(i, name, anyText, &d.definitionType)
	case "revoked":
		return s.revoked(i, d)
	case "object_marking_refs":
		return s.markingRefs(i)
	case "objects":
		d.objects = true
	case "more", "next":
		d.paging++
	case "granular_markings":
		d.granular = true
	case "extensions":
		d.extensions = true
	}
	return s.value(i)
}

// A rule says what the text of a property must be.
type rule uint8

const (
	anyText rule = iota
	typeRule
	idRule
	timestampRule
	versionRule
	markingRule
)

// property reads a string into to. to stays empty if there is something wrong.
func (s *scan) property(i int, name string, r rule, to *string) int {
	if i >= len(s.text) {
		return s.end()
	}
	if s.text[i] != '"' {
		s.note(i, name, "is not a string")
		return s.value(i)
	}
	end, escaped := s.str(i)
	if end < 0 {
		return end
	}
	text := s.text[i+1 : end-1]
	if escaped {
		text = unescape(text)
	}
	if reason := r.fault(text); reason != "" {
		s.note(i, name, reason+": "+excerpt(text))
		return end
	}
	*to = text
	return end
}

// fault says why text breaks the rule.
func (r rule) fault(text string) string {
	switch r {
	case typeRule:
		return typeFault(text)
	case idRule:
		return idFault(text)
	case markingRule:
		return markingFault(text)
	case timestampRule:
		return timestampFault(text)
	case versionRule:
		if text != "2.0" && text != "2.1" {
			return "is neither \"2.0\" nor \"2.1\""
		}
	}
	return ""
}

func (s *scan) revoked(i int, d *draft) int {
	end := s.value(i)
	if end < 0 {
		return end
	}
	switch s.text[i:end] {
	case "true":
		d.Revoked = true
	case "false":
	default:
		s.note(i, "revoked", "is neither true nor false")
	}
	return end
}

// markingRefs reads object_marking_refs into s.marks.
func (s *scan) markingRefs(i int) int {
	const name = "object_marking_refs"
	if i < len(s.text) && s.text[i] != '[' {
		s.note(i, name, "is not a list")
		return s.value(i)
	}
	if i = s.space(i + 1); i < len(s.text) && s.text[i] == ']' {
		return i + 1
	}
	for {
		var ref string
		if i = s.property(i, name, markingRule, &ref); i < 0 {
			return i
		}
		s.marks = append(s.marks, ID(ref))
		var last bool
		if i, last = s.after(i, ']'); last {
			if i < 0 {
				return i
			}
			return i + 1
		}
	}
}

const markingPrefix = "marking-definition--"

// markingFault says why ref cannot name a marking definition.
func markingFault(ref string) string {
	if len(ref) != len(markingPrefix)+uuidLen || ref[:len(markingPrefix)] != markingPrefix || !isUUID(ref[len(markingPrefix):]) {
		return "has an element that is not the id of a marking-definition"
	}
	return ""
}
