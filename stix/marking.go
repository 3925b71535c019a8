package stix

// A TLP is a level of the Traffic Light Protocol, in order of strictness. The
// zero TLP is no level.
type TLP uint8

// White of TLP 1 and clear of TLP 2 are one level; the editions' levels of the
// same name are one for comparing, though their ids differ.
const (
	TLPClear TLP = iota + 1
	TLPGreen
	TLPAmber
	TLPAmberStrict
	TLPRed
)

// String is the level's name in TLP 2.0, such as "TLP:AMBER+STRICT"; "" for no
// level.
func (t TLP) String() string {
	switch t {
	case TLPClear:
		return "TLP:CLEAR"
	case TLPGreen:
		return "TLP:GREEN"
	case TLPAmber:
		return "TLP:AMBER"
	case TLPAmberStrict:
		return "TLP:AMBER+STRICT"
	case TLPRed:
		return "TLP:RED"
	}
	return ""
}

// TLPExtension is the extension definition of TLP 2.0.
const TLPExtension ID = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

// A TLPMarking is a marking definition that stands for a TLP level and that
// everybody knows.
type TLPMarking struct {
	ID      ID
	Level   TLP
	Edition int    // of TLP, 1 or 2; 0 for an alias that is no instance of a standard
	Value   string // of definition.tlp (edition 1) or tlp_2_0 (edition 2); "" for an alias
}

// tlp1Created is when all markings of TLP 1 were created.
const tlp1Created Timestamp = "2017-01-20T00:00:00"

// TLPByID returns the marking of TLP with the id: the four of TLP 1 (STIX 2.1,
// section 7.2.1.4), the five of TLP 2.0 (OASIS common objects), and the id by
// which OpenCTI names AMBER+STRICT.
func TLPByID(id ID) (TLPMarking, bool) {
	for _, m := range tlpMarkings {
		if m.ID == id {
			return m, true
		}
	}
	return TLPMarking{}, false
}

// TLPMarkings returns all that TLPByID knows.
func TLPMarkings() []TLPMarking { return append([]TLPMarking(nil), tlpMarkings[:]...) }

var tlpMarkings = [...]TLPMarking{
	{"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", TLPClear, 1, "white"},
	{"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", TLPGreen, 1, "green"},
	{"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", TLPAmber, 1, "amber"},
	{"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", TLPRed, 1, "red"},
	{"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", TLPClear, 2, "clear"},
	{"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", TLPGreen, 2, "green"},
	{"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", TLPAmber, 2, "amber"},
	{"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", TLPAmberStrict, 2, "amber+strict"},
	{"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", TLPRed, 2, "red"},
	{"marking-definition--826578e1-40ad-459f-bc73-ede076f81f37", TLPAmberStrict, 0, ""},
}

// markingDefinition checks a marking-definition; the tape has it (STIX 2.1,
// section 7.2.1).
func (s *scan) markingDefinition(d *draft) {
	t := &s.tape
	for _, ref := range d.Markings {
		if ref == d.ID {
			s.note(d.start, "object_marking_refs", "names the marking itself")
			return
		}
	}
	definition := t.member(0, "definition")
	switch {
	case d.definitionType == "" && definition < 0 && d.extensions:
	case d.definitionType == "":
		s.need(d, "definition_type", "")
	case !t.is(definition, '{'):
		s.note(d.start, "definition", "is missing or not an object")
	case d.definitionType == "statement" && t.str(t.member(definition, "statement")) == "":
		s.note(d.start, "definition", "is not that of a statement")
	}
	s.checkTLP(d, definition)
}

// checkTLP holds the markings of TLP to their known content: nobody may make
// another marking of type tlp, or other content under a known id.
func (s *scan) checkTLP(d *draft, definition int) {
	known, _ := TLPByID(d.ID)
	t := &s.tape
	switch known.Edition {
	case 1:
		exact := d.definitionType == "tlp" && t.str(t.member(definition, "tlp")) == known.Value && t.members(definition) == 1
		if !exact || canonical(d.Created) != tlp1Created {
			s.note(d.start, "definition", "is not that of "+known.Level.String()+" in TLP 1, whose id this is")
		}
	case 2:
		value := t.member(t.member(t.member(0, "extensions"), string(TLPExtension)), "tlp_2_0")
		if value >= 0 && t.str(value) != known.Value || d.definitionType == "tlp" {
			s.note(d.start, "extensions", "are not those of "+known.Level.String()+", whose id this is")
		}
	default:
		if d.definitionType == "tlp" {
			s.note(d.start, "definition_type", "is tlp, and only the four markings of the standard may be that")
		}
	}
}
