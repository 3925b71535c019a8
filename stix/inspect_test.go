package stix

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const (
	inspectIndicator = "indicator--0ffeb2a1-5d9b-4a7a-9f1e-1d2c3b4a5968"
	inspectIdentity  = "identity--4d1c6a2f-54d0-4a6c-8c07-3d6f3f4b8a11"
	inspectMalware   = "malware--7b1de5f0-9a3c-4a32-8a55-6c1a2b3c4d5e"
	inspectTool      = "tool--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1"
	inspectMark      = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
	inspectMark2     = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
)

// indicatorWith is an indicator with more members, such as `,"lang":"en"`.
func indicatorWith(more string) string {
	return `{"type":"indicator","spec_version":"2.1","id":"` + inspectIndicator + `","created":"2024-03-01T10:20:30.400Z",` +
		`"modified":"2024-03-02T10:20:30.400Z","pattern":"[url:value='http://x.example/']","pattern_type":"stix","valid_from":"2024-03-01T00:00:00Z"` + more + `}`
}

// content is Inspect on an object that Parse accepts, with fresh memory.
func content(t *testing.T, raw string) *Content {
	t.Helper()
	if _, err := Parse(raw); err != nil {
		t.Fatalf("the object of the test: %v", err)
	}
	var in Inspector
	c := new(Content)
	if err := in.Inspect(raw, c); err != nil {
		t.Fatalf("Inspect: %v", err)
	}
	return c
}

func TestInspectProperties(t *testing.T) {
	observed := func(objects string) string {
		return `{"type":"observed-data","id":"observed-data--0ffeb2a1-5d9b-4a7a-9f1e-1d2c3b4a5968","created":"2024-03-01T10:20:30.400Z",` +
			`"modified":"2024-03-02T10:20:30.400Z","first_observed":"2024-03-01T00:00:00Z","last_observed":"2024-03-01T00:00:00Z",` +
			`"number_observed":1,"objects":` + objects + `}`
	}
	tests := []struct {
		name  string
		raw   string
		field string
		want  any
	}{
		{"object markings once each", indicatorWith(`,"object_marking_refs":["` + inspectMark + `","` + inspectMark2 + `","` + inspectMark + `"]`), "ObjectMarkings", []ID{inspectMark, inspectMark2}},
		{"granular markings without languages", indicatorWith(`,"name":"a","granular_markings":[{"lang":"de","selectors":["name"]},{"marking_ref":"` + inspectMark + `","selectors":["name","pattern"]}]`), "Granular", []Granular{{inspectMark, []string{"name", "pattern"}}}},
		{"marking refs are no refs", indicatorWith(`,"name":"a","object_marking_refs":["` + inspectMark + `"],"granular_markings":[{"marking_ref":"` + inspectMark2 + `","selectors":["name"]}]`), "Refs", []ID(nil)},
		{"refs of the creator, in lists, dictionaries and extensions, once each", indicatorWith(`,"created_by_ref":"` + inspectIdentity + `","x_refs":["` + inspectMalware + `"],"extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":{"a":[{"b_ref":"` + inspectIndicator + `"}],"owner_refs":{"k":["` + inspectTool + `"]}}}`), "Refs", []ID{inspectIdentity, inspectMalware, inspectIndicator, inspectTool}},
		{"an id in another property is no ref", indicatorWith(`,"description":"` + inspectMalware + `","preference":"` + inspectMalware + `"`), "Refs", []ID(nil)},
		{"a name with escapes is a name", indicatorWith(`,"x_\u006fwner_\u0072ef":"` + inspectMalware + `"`), "Refs", []ID{inspectMalware}},
		{"refs between embedded objects are no ids", observed(`{"0":{"type":"domain-name","value":"a.example","resolves_to_refs":["1"]},"1":{"type":"ipv4-addr","value":"192.0.2.1"}}`), "Refs", []ID(nil)},
		{"labels", indicatorWith(`,"labels":["a","b","a"]`), "Labels", []string{"a", "b", "a"}},
		{"confidence 0 is there", indicatorWith(`,"confidence":0`), "Confidence", 0},
		{"no confidence", indicatorWith(``), "Confidence", -1},
		{"language", indicatorWith(`,"lang":"fr"`), "Lang", "fr"},
		{"pattern type", indicatorWith(``), "PatternType", "stix"},
		{"kill chain phases", indicatorWith(`,"kill_chain_phases":[{"kill_chain_name":"lm","phase_name":"c2"},{"kill_chain_name":"mitre","phase_name":"impact"}]`), "KillChainPhases", []string{"lm/c2", "mitre/impact"}},
		{"extensions and names beyond the standard", indicatorWith(`,"x_case":1,"rank":2,"sectors":[],"extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":{"x_inner":1}}`), "Extensions", []string{"x_case", "rank", "sectors", "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"}},
		{"common properties are standard", indicatorWith(`,"lang":"en","revoked":false,"labels":["a"],"external_references":[{"source_name":"s","external_id":"1"}]`), "Extensions", []string(nil)},
		{"of an unknown type only x_ names", `{"type":"x-case","spec_version":"2.1","id":"x-case--0ffeb2a1-5d9b-4a7a-9f1e-1d2c3b4a5968","created":"2024-03-01T10:20:30.400Z","modified":"2024-03-01T10:20:30.400Z","rank":1,"x_secret":2}`, "Extensions", []string{"x_secret"}},
		{"extensions and x_ names of embedded objects", observed(`{"0":{"type":"file","name":"a","x_path":"b","extensions":{"pdf-ext":{"version":"1.7"}}}}`), "Extensions", []string{"x_path", "pdf-ext"}},
		{"hosts once each", indicatorWith(`,"external_references":[{"source_name":"a","url":"https://A.example/1"},{"source_name":"b","url":"http://a.example:8080"},{"source_name":"c","url":"mailto:x@y.example"},{"source_name":"d","external_id":"1"}]`), "Hosts", []string{"a.example", ""}},
		{"names", indicatorWith(`,"lang":"fr"`), "Names", []string{"type", "spec_version", "id", "created", "modified", "pattern", "pattern_type", "valid_from", "lang"}},
		{"kind of relationship", `{"type":"relationship","spec_version":"2.1","id":"relationship--0ffeb2a1-5d9b-4a7a-9f1e-1d2c3b4a5968","created":"2024-03-01T10:20:30.400Z","modified":"2024-03-01T10:20:30.400Z","relationship_type":"indicates","source_ref":"` + inspectIndicator + `","target_ref":"` + inspectMalware + `"}`, "Relationship", "indicates"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got := reflect.ValueOf(content(t, tc.raw)).Elem().FieldByName(tc.field)
			if got.Kind() == reflect.Slice && got.Len() == 0 && reflect.ValueOf(tc.want).Len() == 0 {
				return
			}
			if !reflect.DeepEqual(got.Interface(), tc.want) {
				t.Errorf("%s = %v, want %v", tc.field, got.Interface(), tc.want)
			}
		})
	}
}

func TestInspectRefuses(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"no JSON", `{"type":`, "not one JSON object"},
		{"a list", `[]`, "not one JSON object"},
		{"labels that are no list", indicatorWith(`,"labels":"a"`), "labels is not a list"},
		{"a label that is no string", indicatorWith(`,"labels":["a",1]`), "labels has an element that is not a string"},
		{"confidence of 101", indicatorWith(`,"confidence":101`), "confidence is not"},
		{"confidence as text", indicatorWith(`,"confidence":"50"`), "confidence is not"},
		{"confidence null", indicatorWith(`,"confidence":null`), "confidence is not"},
		{"a language that is no string", indicatorWith(`,"lang":["en"]`), "lang is not a string"},
		{"a url that is no string", indicatorWith(`,"external_references":[{"source_name":"a","url":1}]`), "has a url"},
		{"references that are no list", indicatorWith(`,"external_references":{"url":"https://a.example"}`), "external_references is not a list"},
		{"a reference that is no object", indicatorWith(`,"external_references":["https://a.example"]`), "has an element"},
		{"phases without a name", indicatorWith(`,"kill_chain_phases":[{"phase_name":"c2"}]`), "kill_chain_phases has"},
		{"extensions that are a list", indicatorWith(`,"extensions":["x"]`), "extensions is not a dictionary"},
	}
	var in Inspector
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			err := in.Inspect(tc.raw, new(Content))
			if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Inspect(%s) = %v, want ErrInvalid with %q", tc.raw, err, tc.want)
			}
		})
	}
}

// TestInspectAgain inspects a full object and then an empty one: nothing of the
// first may be left.
func TestInspectAgain(t *testing.T) {
	var in Inspector
	var c Content
	full := indicatorWith(`,"x_a":1,"labels":["a"],"confidence":3,"lang":"en","created_by_ref":"` + inspectIdentity + `","granular_markings":[{"marking_ref":"` + inspectMark + `","selectors":["labels","lang"]}]`)
	if err := in.Inspect(full, &c); err != nil {
		t.Fatal(err)
	}
	first := fmt.Sprint(c)
	if err := in.Inspect(indicatorWith(``), &c); err != nil {
		t.Fatal(err)
	}
	if fresh := fmt.Sprint(*content(t, indicatorWith(``))); fmt.Sprint(c) != fresh {
		t.Errorf("after another object: %v, want %v", c, fresh)
	}
	if err := in.Inspect(full, &c); err != nil || fmt.Sprint(c) != first {
		t.Errorf("the first object again: %v (%v), want %v", c, err, first)
	}
}

func TestInspectMember(t *testing.T) {
	var in Inspector
	if got, ok := in.Member("type"); ok || in.String("type") != "" {
		t.Errorf("Member of a fresh Inspector = %q, %v", got, ok)
	}
	if err := in.Inspect(indicatorWith(`,"x_a" : [1, 2] ,"name":"caf\u00e9"`), new(Content)); err != nil {
		t.Fatal(err)
	}
	if got, ok := in.Member("x_a"); !ok || got != `[1, 2]` {
		t.Errorf("Member(x_a) = %q, %v", got, ok)
	}
	if got, ok := in.Member("x_b"); ok {
		t.Errorf("Member(x_b) = %q, want none", got)
	}
	if got := in.String("name"); got != "café" {
		t.Errorf("String(name) = %q", got)
	}
	if got := in.String("x_a"); got != "" {
		t.Errorf("String(x_a) = %q, want nothing for a list", got)
	}
	if err := in.Inspect(`{"name":"b"`, new(Content)); err == nil {
		t.Fatal("no error for half an object")
	}
	if got, ok := in.Member("name"); ok {
		t.Errorf("Member(name) = %q after an error, want none", got)
	}
}

// TestInspectLongList holds a list of many references, half of them repeats.
func TestInspectLongList(t *testing.T) {
	var refs []string
	for i := range 10_000 {
		refs = append(refs, fmt.Sprintf("indicator--0ffeb2a1-5d9b-4a7a-9f1e-%012x", i/2))
	}
	list, err := json.Marshal(refs)
	if err != nil {
		t.Fatal(err)
	}
	c := content(t, indicatorWith(`,"x_refs":`+string(list)))
	if len(c.Refs) != 5000 || c.Refs[4999] != ID(refs[9999]) {
		t.Errorf("%d references, want 5000 in order", len(c.Refs))
	}
}

func TestHostOf(t *testing.T) {
	tests := []struct{ url, want string }{
		{"https://Jira.Internal/browse/1", "jira.internal"},
		{"https://jira.internal.:8443?x", "jira.internal"},
		{"http://user:secret@a.example#b", "a.example"},
		{"https://[2001:DB8::1]:443/", "[2001:db8::1]"},
		{"https://a.example", "a.example"},
		{"https://good.example\\@evil.example/", ""},
		{"https://a@b@c.example/", ""},
		{"https://a.example:80a/", ""},
		{"https://a%2eexample/", ""},
		{"https://a example/", ""},
		{"https://[2001:db8::1/", ""},
		{"https:///path", ""},
		{"mailto:a@b.example", ""},
		{"//a.example/", ""},
		{"1http://a.example/", ""},
		{"a.example/b", ""},
		{"", ""},
	}
	for _, tc := range tests {
		if got := hostOf(tc.url); got != tc.want {
			t.Errorf("hostOf(%q) = %q, want %q", tc.url, got, tc.want)
		}
	}
}

func TestStandardExtension(t *testing.T) {
	tests := []struct {
		kind, name string
		want       bool
	}{
		{"file", "pdf-ext", true},
		{"observed-data", "pdf-ext", true},
		{"process", "pdf-ext", false},
		{"file", "ext", false},
		{"", "ext", false},
		{"", "", false},
	}
	for _, tc := range tests {
		if got := StandardExtension(tc.kind, tc.name); got != tc.want {
			t.Errorf("StandardExtension(%q, %q) = %v", tc.kind, tc.name, got)
		}
	}
}

// TestTypeProperties: the table has each type of the standard.
func TestTypeProperties(t *testing.T) {
	if len(typeProperties) != 42 {
		t.Errorf("%d types, want 42", len(typeProperties))
	}
	for kind := range typeProperties {
		if c := classOf(kind); c == unknown || c == bundle {
			t.Errorf("%s is no type of objects", kind)
		}
	}
}
