package stix

import (
	"fmt"
	"strings"
	"testing"
)

func TestLint(t *testing.T) {
	relation := func(from, to string) string {
		return strings.ReplaceAll(toolText, "tool", "relationship") + `,"relationship_type":"uses","source_ref":"` + from + `","target_ref":"` + to + `"`
	}
	definition := `"type":"extension-definition","spec_version":"2.1","id":"extension-definition--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1",` + times +
		`,"name":"x","schema":"x","version":"1","created_by_ref":"identity--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1"`
	cases := []struct{ name, object, finding string }{
		{"nothing", toolText, ""},
		{"S-3.2-01 created without fraction", strings.ReplaceAll(toolText, ".000Z", "Z"), "created has fewer than three digits"},
		{"S-3.2-01 two digits", strings.ReplaceAll(toolText, ".000Z", ".00Z"), "modified has fewer than three digits"},
		{"S-2.12-01 empty labels", toolText + `,"labels":[]`, "has an empty list"},
		{"S-2.12-01 empty list inside", toolText + `,"abc":[{"d":[ ]}]`, "has an empty list"},
		{"labels of numbers", toolText + `,"labels":[1]`, "labels has an element that is not a string"},
		{"S-2.3-01 empty dictionary", toolText + `,"abc":{}`, "has an empty dictionary"},
		{"S-2.10-01 2^53-1", toolText + `,"abc":[9007199254740991,-9007199254740991,1e300]`, ""},
		{"S-2.10-01 2^53", toolText + `,"abc":9007199254740992`, "has the integer"},
		{"S-2.10-01 -2^53", toolText + `,"abc":-9007199254740992`, "has the integer"},
		{"S-2.10-01 many digits", toolText + `,"abc":10000000000000000000`, "has the integer"},
		{"S-3.2-02 confidence 100", toolText + `,"confidence":100`, ""},
		{"S-3.2-02 confidence 101", toolText + `,"confidence":101`, "confidence is not"},
		{"S-3.2-02 confidence 1.5", toolText + `,"confidence":1.5`, "confidence is not"},
		{"S-3.2-02 confidence in quotes", toolText + `,"confidence":"50"`, "confidence is not"},
		{"S-3.2-02 confidence -1", toolText + `,"confidence":-1`, "confidence is not"},
		{"S-3.2-03 lang", toolText + `,"lang":"de-CH-1996"`, ""},
		{"S-3.2-03 lang xx_", toolText + `,"lang":"xx_"`, "lang is not"},
		{"S-3.1-01 property in upper case", toolText + `,"Name":1`, "is not a property name"},
		{"S-3.1-01 property of two characters", toolText + `,"ab":1`, "is not a property name"},
		{"S-3.8-01 reserved name", toolText + `,"severity":1`, "severity is a reserved name"},
		{"S-2.5-01 reference without source", toolText + `,"external_references":[{"url":"x"}]`, "without source_name"},
		{"S-2.5-01 reference to nothing", toolText + `,"external_references":[{"source_name":"x"}]`, "without any of"},
		{"S-5.1-01 relationship", relation(toolID, "ipv4-addr--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1"), ""},
		{"S-5.1-01 no target", strings.ReplaceAll(toolText, "tool", "relationship") + `,"relationship_type":"uses","source_ref":"` + toolID + `"`, "target_ref is not an identifier"},
		{"S-5.1-01 to a relationship", relation(toolID, "relationship--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1"), "target_ref points at a relationship"},
		{"S-5.1-01 from a marking", relation(statement, toolID), "source_ref points at what has no"},
		{"S-5.1-01 type of relationship", strings.Replace(relation(toolID, toolID), "uses", "Uses", 1), "relationship_type is not"},
		{"S-5.1-01 stops before it starts", relation(toolID, toolID) + `,"start_time":"2024-01-02T00:00:00Z","stop_time":"2024-01-01T00:00:00Z"`, "stop_time is not after"},
		{"sighting of nothing", strings.ReplaceAll(toolText, "tool", "sighting"), "sighting_of_ref is not"},
		{"S-7.3-01 extension definition", definition + `,"extension_types":["new-sdo"]`, ""},
		{"S-7.3-01 no schema", strings.Replace(definition, `"schema":"x"`, `"x_schema":"x"`, 1) + `,"extension_types":["new-sdo"]`, "schema is missing"},
		{"S-7.3-01 no types", definition, "extension_types is not a list"},
		{"S-7.3-02 other type", definition + `,"extension_types":["new"]`, "extension_types has"},
		{"S-7.3-01 lang", definition + `,"extension_types":["new-sdo"],"lang":"en"`, "lang is not allowed"},
		{"3.2 SCO with labels", scoText + `,"labels":["x"]`, "labels is not allowed"},
		{"3.2 SDO defanged", toolText + `,"defanged":true`, "defanged is not allowed"},
		{"S-7.2.1-V marking with modified", markText + `,"modified":"2024-01-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":"x"}`, "modified is not allowed"},
		{"S-INT-01 two levels of TLP 1", toolText + `,"object_marking_refs":["` + tlp1White + `","marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"]`, "has 2 levels of TLP"},
		{"refused anyway", `"type":"tool"`, "id is missing"},
	}
	for _, tc := range cases {
		text := "{" + tc.object + "}"
		found := Lint(text)
		if got := fmt.Sprint(found); tc.finding == "" && len(found) > 0 || !strings.Contains(got, tc.finding) {
			t.Errorf("%s: %s, want %q", tc.name, got, tc.finding)
		}
		must := false
		for _, f := range found {
			must = must || f.Must
		}
		strict := Scanner{Strict: true}
		if o, err := strict.Object(text); (err == nil) == must || err != nil && o.Raw != "" {
			t.Errorf("%s: strict: %v, want an error: %v", tc.name, err, must)
		}
	}
	if n := len(Lint("{" + toolText + `,"abc":[` + strings.Repeat("[],", 1000) + "1]}")); n != maxFindings {
		t.Errorf("%d findings, want %d at most", n, maxFindings)
	}
}
