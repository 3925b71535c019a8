package stix

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const (
	toolID     = "tool--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1"
	statement  = "marking-definition--d4f0f6d5-6c9f-4b9b-8f55-2f0c3f0c8d04"
	tlp1White  = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
	times      = `"created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z"`
	scoText    = `"type":"ipv4-addr","id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"`
	toolText   = `"type":"tool","id":"` + toolID + `",` + times
	tlpText    = `"type":"marking-definition","id":"` + tlp1White + `","created":"2017-01-20T00:00:00.000Z"`
	markText   = `"type":"marking-definition","id":"` + statement + `","created":"2024-01-01T00:00:00.000Z"`
	customText = `"type":"x-new","id":"x-new--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1"`
)

func granular(selectors string) string {
	return toolText + `,"labels":["a","b"],"hashes":{"SHA-256":"x"},"external_references":[{"source_name":"y"}],"granular_markings":[{"marking_ref":"` +
		statement + `","selectors":[` + selectors + `]}]`
}

func extension(kind string) string {
	return `"extensions":{"extension-definition--d4f0f6d5-6c9f-4b9b-8f55-2f0c3f0c8d04":{"extension_type":"` + kind + `"}}`
}

// TestObject has what is taken and what is refused, without the braces. reason
// is a part of the error; "" means that the object is taken.
func TestObject(t *testing.T) {
	cases := []struct{ name, object, reason string }{
		{"SCO", scoText, ""},
		{"SDO of 2.0", toolText, ""},
		{"no type", `"id":"` + toolID + `",` + times, "type is missing"},
		{"no id", `"type":"tool",` + times, "id is missing"},
		{"type is a number", `"type":5`, "type is not a string"},
		{"S-2.9-01 id without --", `"type":"indicator","id":"indicator-123",` + times, "id is not a type name"},
		{"S-2.9-01 id without a UUID", `"type":"indicator","id":"indicator--123",` + times, "id is not a type name"},
		{"S-2.9-01 id of another type", strings.Replace(toolText, `"tool"`, `"indicator"`, 1), "id is that of another type"},
		{"S-2.9-01 UUID with other characters", strings.Replace(toolText, "b2f51c2a", "g2f51c2a", 1), "id is not"},
		{"S-2.9-01 UUID with a control character", strings.Replace(toolText, "b2f51c2a", `\u0010\u00112f51c2`, 1), "id is not"},
		{"S-2.9-01 UUID with a misplaced hyphen", strings.Replace(toolText, "b2f51c2a-5c0e", "b2f51c2-a5c0e", 1), "id is not"},
		{"S-2.9-02 UUID in upper case", strings.Replace(toolText, "b2f51c2a", "B2F51C2A", 1), ""},
		{"S-2.9-08 SCO with any UUID", strings.Replace(scoText, "28bb3599-77cd-5a82", "28bb3599-77cd-4a82", 1), ""},
		{"S-3.1-01 type in upper case", `"type":"Tool"`, "type has a type name"},
		{"S-3.1-01 type with --", `"type":"x--y"`, "type has a type name with --"},
		{"S-3.1-01 type of two characters", `"type":"xy"`, "3 to 250 characters"},
		{"S-3.1-01 type with _", `"type":"x_y"`, "other characters"},
		{"S-3.1-01 type that begins with a digit", `"type":"1xy"`, "begin with a letter"},
		{"S-8-01 a bundle", `"type":"bundle","id":"bundle--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1"`, "no STIX object"},
		{"no created", `"type":"tool","id":"` + toolID + `"`, "created is missing"},
		{"no modified", `"type":"tool","id":"` + toolID + `","created":"2024-01-01T00:00:00.000Z"`, "modified is missing"},
		{"created is null", `"type":"tool","created":null`, "created is not a string"},
		{"created is a number", `"created":1`, "created is not a string"},
		{"S-2.16-01 created with an offset", `"created":"2024-01-01T00:00:00+00:00"`, "created is not a timestamp"},
		{"S-2.16-01 created with 65 digits", `"created":"2024-01-01T00:00:00.` + strings.Repeat("1", 65) + `Z"`, "created is longer than a timestamp with 64 fraction digits"},
		{"S-3.6-02 modified before created", strings.Replace(toolText, `"modified":"2024`, `"modified":"2023`, 1), "modified is before created"},
		{"S-3.6-02 modified before created by less than a millisecond", strings.NewReplacer(`"created":"2024-01-01T00:00:00.000Z"`, `"created":"2024-01-01T00:00:00.0001Z"`).Replace(toolText), "modified is before created"},
		{"S-3.6-02 other spelling of one instant", strings.Replace(toolText, `"created":"2024-01-01T00:00:00.000Z"`, `"created":"2024-01-01T00:00:00.000000Z"`, 1), ""},
		{"S-3.2-01 times without fraction", strings.ReplaceAll(toolText, ".000Z", "Z"), ""},
		{"created_by_ref is null", toolText + `,"created_by_ref":null`, "created_by_ref is not a string"},
		{"created_by_ref is no id", toolText + `,"created_by_ref":"me"`, "created_by_ref is not"},
		{"revoked is a string", toolText + `,"revoked":"false"`, "revoked is neither"},
		{"S-SV-02 spec_version", toolText + `,"spec_version":"indicator"`, "spec_version is neither"},
		{"S-SV-01 language-content without spec_version", `"type":"language-content","id":"language-content--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1",` + times, "spec_version is missing"},
		{"S-SV-01 extension-definition without spec_version", `"type":"extension-definition","id":"extension-definition--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1",` + times, "spec_version is missing"},
		{"S-SV-03 observed-data with objects", strings.ReplaceAll(toolText, "tool", "observed-data") + `,"objects":{"0":{"type":"file"}}`, ""},
		{"S-7.3-08 unknown type without times", customText, ""},
		{"S-7.3-08 unknown type with created only", customText + `,"created":"2024-01-01T00:00:00.000Z"`, "modified is missing"},
		{"S-7.3-08 new-sco", customText + "," + extension("new-sco") + `,"created":"2024-01-01T00:00:00.000Z"`, ""},
		{"S-7.3-08 new-sdo", customText + "," + extension("new-sdo"), "created is missing"},
		{"S-7.3-08 new-sro", customText + "," + extension("new-sro"), "created is missing"},
		{"S-7.3-08 property-extension", customText + "," + extension("property-extension"), ""},
		{"S-7.3-07 unknown extension", toolText + "," + extension("property-extension"), ""},
		{"S-11-01 custom property", toolText + `,"x_mitre_version":"1.0"`, ""},
		{"S-2.10-01 integer beyond 2^53", toolText + `,"n":9007199254740993`, ""},
		{"NUL", toolText + `,"n":"\u0000"`, ""},
		{"name twice", toolText + `,"n":1,"n":1`, "n is there twice"},
		{"name twice, once with an escape", toolText + `,"\u0074ype":"tool"`, "type is there twice"},
		{"name twice, inside", toolText + `,"n":[{"m":{"o":1,"o":2}}]`, "o is there twice"},
		{"name twice, among many", toolText + manyNames(100) + `,"x50":1`, "x50 is there twice"},
		{"many names", toolText + manyNames(100), ""},
		{"half a surrogate pair", toolText + `,"n":"\ud800"`, "half a surrogate pair"},
		{"half a surrogate pair before another character", toolText + `,"n":"\ud800\u0041"`, "half a surrogate pair"},
		{"half a surrogate pair in a name", toolText + `,"\udc00":1`, "half a surrogate pair"},
		{"a surrogate pair", toolText + `,"n":"\ud83d\ude00"`, ""},

		{"S-7.2.2-01 markings", toolText + `,"object_marking_refs":["` + statement + `"]`, ""},
		{"S-7.2.2-01 no list", toolText + `,"object_marking_refs":"` + statement + `"`, "object_marking_refs is not a list"},
		{"S-7.2.2-01 id of another type", toolText + `,"object_marking_refs":["` + toolID + `"]`, "object_marking_refs has an element"},
		{"S-7.2.2-01 number", toolText + `,"object_marking_refs":[1]`, "object_marking_refs is not a string"},
		{"S-3.2-04 marks itself", markText + `,"definition_type":"statement","definition":{"statement":"x"},"object_marking_refs":["` + statement + `"]`, "names the marking itself"},
		{"S-3.2-04 marks itself in part", markText + `,"definition_type":"statement","definition":{"statement":"x"},"granular_markings":[{"marking_ref":"` + statement + `","selectors":["created"]}]`, "names the marking itself"},
		{"S-7.2.3-01 marking_ref and lang", toolText + `,"granular_markings":[{"marking_ref":"` + statement + `","lang":"de","selectors":["id"]}]`, "exactly one of"},
		{"S-7.2.3-01 neither", toolText + `,"granular_markings":[{"selectors":["id"]}]`, "exactly one of"},
		{"S-7.2.3-01 lang", toolText + `,"granular_markings":[{"lang":"de","selectors":["id"]}]`, ""},
		{"S-7.2.3-01 no selectors", toolText + `,"granular_markings":[{"lang":"de"}]`, "selectors are not a list"},
		{"S-7.2.3-01 empty selectors", granular(``), "selectors are not a list"},
		{"S-7.2.3-01 selector is a number", granular(`1`), "has a selector that is not a string"},
		{"S-7.2.3-01 marking_ref is no marking", toolText + `,"granular_markings":[{"marking_ref":"` + toolID + `","selectors":["id"]}]`, "has a marking_ref"},
		{"granular_markings is an object", toolText + `,"granular_markings":{}`, "granular_markings is not a list"},
		{"granular_markings has a string", toolText + `,"granular_markings":["x"]`, "has an element that is not an object"},
		{"S-7.2.3-02 all forms", granular(`"created","labels","labels.[0]","labels.[1]","external_references.[0].source_name","hashes.SHA-256"`), ""},
		{"S-7.2.3-03 a property that is not there", granular(`"created","pattern"`), `"pattern", which points at nothing`},
		{"S-7.2.3-03 an index beyond the list", granular(`"external_references.[3]"`), "points at nothing"},
		{"S-7.2.3-03 an index into a string", granular(`"created.[0]"`), "points at nothing"},
		{"S-7.2.3-03 a name in a list", granular(`"labels.name"`), "points at nothing"},
		{"S-7.2.3-03 a leading zero", granular(`"labels.[01]"`), "points at nothing"},
		{"S-7.2.3-03 an inner name at the top", granular(`"SHA-256"`), "points at nothing"},

		{"S-7.2.1-01 statement", markText + `,"definition_type":"statement","definition":{"statement":"x"}`, ""},
		{"S-7.2.1-01 no definition", markText + `,"definition_type":"statement"`, "definition is missing"},
		{"S-7.2.1-01 no definition_type", markText + `,"definition":{"statement":"x"}`, "definition_type is missing"},
		{"S-7.2.1-01 neither", markText, "definition_type is missing"},
		{"S-7.2.1-01 extensions", markText + "," + extension("property-extension"), ""},
		{"S-7.2.1-02 statement without text", markText + `,"definition_type":"statement","definition":{"text":"x"}`, "definition is not that of a statement"},
		{"no created", strings.Replace(markText, `"created"`, `"x_created"`, 1) + `,"definition_type":"statement","definition":{"statement":"x"}`, "created is missing"},
		{"S-7.2.1-03 TLP:WHITE", tlpText + `,"definition_type":"tlp","definition":{"tlp":"white"}`, ""},
		{"S-7.2.1-03 TLP:WHITE, named", tlpText + `,"spec_version":"2.1","name":"TLP:WHITE","definition_type":"tlp","definition":{"tlp":"white"}`, ""},
		{"S-7.2.1-03 other level", tlpText + `,"definition_type":"tlp","definition":{"tlp":"red"}`, "whose id this is"},
		{"S-7.2.1-03 one more member", tlpText + `,"definition_type":"tlp","definition":{"tlp":"white","x":1}`, "whose id this is"},
		{"S-7.2.1-03 other created", strings.Replace(tlpText, "2017-01-20", "2018-01-20", 1) + `,"definition_type":"tlp","definition":{"tlp":"white"}`, "whose id this is"},
		{"S-7.2.1-03 statement under its id", tlpText + `,"definition_type":"statement","definition":{"statement":"x"}`, "whose id this is"},
		{"S-7.2.1-03 own tlp marking", markText + `,"definition_type":"tlp","definition":{"tlp":"red"}`, "only the four markings"},
		{"S-7.2.1-03 own tlp marking, escaped", markText + `,"definition_type":"\u0074lp","definition":{"tlp":"red"}`, "only the four markings"},
		{"TLP:RED of TLP 2", tlp2("e828b379-4e03-4974-9ac4-e53a884c97c1", "red"), ""},
		{"TLP:RED of TLP 2 as clear", tlp2("e828b379-4e03-4974-9ac4-e53a884c97c1", "clear"), "whose id this is"},
		{"TLP:AMBER+STRICT of OpenCTI", tlp2("826578e1-40ad-459f-bc73-ede076f81f37", "amber+strict"), ""},
	}
	for _, tc := range cases {
		text := "{" + tc.object + "}"
		o, err := Parse(" \r\n\t" + text + " ")
		var refused *ObjectError
		switch {
		case tc.reason == "" && (err != nil || o.Raw != text):
			t.Errorf("%s: %v, want the object; %s", tc.name, err, text)
		case tc.reason != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), tc.reason)):
			t.Errorf("%s: %v, want it refused: %s; %s", tc.name, err, tc.reason, text)
		}
	}
}

func tlp2(uuid, value string) string {
	return `"type":"marking-definition","spec_version":"2.1","id":"marking-definition--` + uuid + `","created":"2022-10-01T00:00:00.000Z","extensions":{"` +
		string(TLPExtension) + `":{"extension_type":"property-extension","tlp_2_0":"` + value + `"}}`
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"x` + string(rune('0'+i/10)) + string(rune('0'+i%10)) + `":1`)
	}
	return b.String()
}

func TestHeader(t *testing.T) {
	o, err := Parse(`{"granular_markings":[{"selectors":["id"],"marking_ref":"` + tlp1White + `"},{"lang":"de","selectors":["id"]}],` +
		`"object_marking_refs":["` + statement + `","` + tlp1White + `"],"t\u0079pe":"t\u006fol","revoked":true,"spec_version":"2.1","id":"` + toolID + `",` +
		`"created":"2024-01-01T00:00:00.000Z","modified":"2024-01-02T00:00:00.10Z","created_by_ref":"identity--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1"}`)
	if err != nil {
		t.Fatal(err)
	}
	if o.Type != "tool" || o.ID != toolID || o.SpecVersion != "2.1" || !o.Revoked || o.CreatedBy.Type() != "identity" ||
		o.VersionText() != "2024-01-02T00:00:00.10Z" || o.Version() != "2024-01-02T00:00:00.1" {
		t.Errorf("header %+v", o.Header)
	}
	if want := []ID{tlp1White, statement, tlp1White}; !slices.Equal(o.Markings, want) {
		t.Errorf("markings %v, want %v, in order of appearance", o.Markings, want)
	}
}

func TestSpecVersion(t *testing.T) {
	cases := []struct{ name, object, want string }{
		{"S-SV-01 SCO", scoText, "2.1"},
		{"S-SV-01 SDO", toolText, "2.0"},
		{"S-SV-01 SDO that says so", toolText + `,"spec_version":"2.1"`, "2.1"},
		{"S-SV-01 SDO that says 2.0", toolText + `,"spec_version":"2.0"`, "2.0"},
		{"S-SV-01 marking-definition", markText + `,"definition_type":"statement","definition":{"statement":"x"}`, "2.0"},
		{"S-SV-01 custom type", customText, "2.0"},
		{"S-7.3-08 new-sco", customText + "," + extension("new-sco"), "2.1"},
	}
	for _, tc := range cases {
		if o, err := Parse("{" + tc.object + "}"); err != nil || o.SpecVersion != tc.want {
			t.Errorf("%s: %q, %v; want %q", tc.name, o.SpecVersion, err, tc.want)
		}
	}
}

func TestTLP(t *testing.T) {
	order := []TLP{0, TLPClear, TLPGreen, TLPAmber, TLPAmberStrict, TLPRed}
	if !slices.IsSorted(order) || TLPAmberStrict.String() != "TLP:AMBER+STRICT" || TLP(0).String() != "" {
		t.Error("levels are out of order or have wrong names")
	}
	if len(TLPMarkings()) != 10 {
		t.Errorf("%d markings, want 4 of TLP 1, 5 of TLP 2 and 1 alias", len(TLPMarkings()))
	}
	for _, m := range TLPMarkings() {
		if got, ok := TLPByID(m.ID); !ok || got != m || m.ID.Type() != "marking-definition" || m.Level.String() == "" {
			t.Errorf("TLPByID(%s) = %+v, %v", m.ID, got, ok)
		}
	}
	if _, ok := TLPByID(statement); ok {
		t.Error("a statement has a TLP level")
	}
}

func TestTimestamps(t *testing.T) {
	good := []string{"2016-05-12T08:17:27Z", "2016-05-12T08:17:27.1Z", "2016-05-12T08:17:27.123456789012Z", "2016-12-31T23:59:60.000Z", "2016-02-29T00:00:00Z", "2000-02-29T00:00:00Z"}
	bad := []string{"", "Z", "2016-05-12T08:17:27", "2016-05-12T08:17:27+00:00", "2016-05-12T08:17:27.Z", "2016-05-12T08:17:27,5Z", "2016-05-12T8:17:27Z", "2016-05-12t08:17:27Z",
		"2016-05-12T08:17:27z", "2016-13-01T00:00:00Z", "2016-00-01T00:00:00Z", "2016-01-00T00:00:00Z", "2016-11-31T08:17:27Z", "2017-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
		"2016-05-12T24:00:00Z", "2016-05-12T08:60:27Z", "2016-05-12T08:17:61Z", "2016-05-12T08:17:60Z", "2016-05-12 08:17:27Z", "2016-05-12T08:17:27.12a4Z", "٢016-05-12T08:17:27Z"}
	second := "2016-05-12T08:17:27."
	good = append(good, second+strings.Repeat("1", MaxFraction)+"Z")
	bad = append(bad, second+strings.Repeat("1", MaxFraction+1)+"Z", second+strings.Repeat("0", 1<<20)+"Z")
	for _, text := range good {
		if _, err := ParseTimestamp(text); err != nil {
			t.Errorf("S-2.16-01 %v", err)
		}
	}
	for _, text := range bad {
		if got, err := ParseTimestamp(text); !errors.Is(err, ErrInvalid) {
			t.Errorf("S-2.16-01 ParseTimestamp(%q) = %q, %v; want ErrInvalid", text, got, err)
		}
	}
	order := []string{"2016-12-31T23:59:59Z", "2016-12-31T23:59:59.0000000001Z", "2016-12-31T23:59:59.1Z", "2016-12-31T23:59:59.999999999999Z", "2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"}
	for i := 1; i < len(order); i++ {
		a, _ := ParseTimestamp(order[i-1])
		b, _ := ParseTimestamp(order[i])
		if a >= b {
			t.Errorf("S-2.16-02 %s is not before %s", order[i-1], order[i])
		}
	}
	micros := []struct {
		text  string
		want  string
		exact bool
	}{
		{"2016-05-12T08:17:27Z", "2016-05-12T08:17:27.000000Z", true},
		{"2016-05-12T08:17:27.123456000Z", "2016-05-12T08:17:27.123456Z", true},
		{"2016-05-12T08:17:27.1234567Z", "2016-05-12T08:17:27.123456Z", false},
		{"1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z", true},
		{"2016-12-31T23:59:60.5Z", "2016-12-31T23:59:59.999999Z", false},
	}
	for _, tc := range micros {
		ts, err := ParseTimestamp(tc.text)
		if us, exact := ts.Micros(); err != nil || FormatMicros(us) != tc.want || exact != tc.exact {
			t.Errorf("Micros of %s = %s, %v; want %s, %v", tc.text, FormatMicros(us), exact, tc.want, tc.exact)
		}
	}
	if _, err := ParseTimestamp(bad[len(bad)-1]); !strings.Contains(fmt.Sprint(err), "64 fraction digits") || len(err.Error()) > 200 {
		t.Errorf("a MiB of digits: %v", err)
	}
	if us, exact := Timestamp("x").Micros(); us != 0 || exact {
		t.Errorf("Micros of nonsense = %d, %v", us, exact)
	}
}

func TestID(t *testing.T) {
	id, err := ParseID(toolID)
	if err != nil || id.Type() != "tool" || id.UUID() != "b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1" {
		t.Errorf("ParseID = %q, %v", id, err)
	}
	for _, text := range []string{"", "--", "tool", "b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1", "--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1", "tool-b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1",
		"tool--{2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1", "Tool--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1", "tool--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1 ", "x---b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1",
		"tool--b2f51c2a05c0e-4a44-9a4b-0b5d6a2ad6a1", strings.Repeat("x", 251) + "--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1", "tool--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6ag"} {
		if _, err := ParseID(text); !errors.Is(err, ErrInvalid) {
			t.Errorf("ParseID(%q) = %v, want ErrInvalid", text, err)
		}
	}
	for c := range 256 {
		text := []byte(toolID)
		text[len("tool--")+3] = byte(c)
		if _, err := ParseID(string(text)); (err == nil) != hexDigit[byte(c)] {
			t.Errorf("ParseID with character %q: %v", string(rune(c)), err)
		}
	}
	if ID("x").Type() != "" || ID("x").UUID() != "" {
		t.Error("parts of what is no id")
	}
}
