package stix

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestProjectOptions holds what a projection does beside leaving out paths.
func TestProjectOptions(t *testing.T) {
	const (
		us    = "identity--4d1c6a2f-54d0-4a6c-8c07-3d6f3f4b8a11"
		them  = "identity--9b1f0f3e-2f7c-4b58-8a43-0a1b2c3d4e5f"
		other = "tool--9b1f0f3e-2f7c-4b58-8a43-0a1b2c3d4e5f"
	)
	copyOf := func(kind, members string) string { return thingOf(kind, projectCopy, members) }
	tests := []struct {
		name string
		raw  string
		p    Projection
		want string // "" if it must fail
	}{
		{"D4: placeholder", thing("campaign", `"name":"a","objective":"b",`+marked(red+" name objective")), Projection{Strip: []string{"name"}, Placeholder: true},
			copyOf("campaign", `"name":"[withheld]","objective":"b",`+marked(red+" objective"))},
		{"no placeholder for what may go", thing("tool", `"name":"a","description":"b"`), Projection{Strip: []string{"description"}, Placeholder: true}, copyOf("tool", `"name":"a"`)},
		{"no placeholder for a name that is a value", thing("mutex", `"name":"a"`), Projection{Strip: []string{"name"}, Placeholder: true}, ""},
		{"no placeholder for other required text", thing("note", `"content":"a","object_refs":["`+other+`"]`), Projection{Strip: []string{"content"}, Placeholder: true}, ""},
		{"placeholder for the name, another rule broken", thing("report", `"name":"a","published":"2024-03-01T00:00:00Z","object_refs":["`+other+`"]`), Projection{Strip: []string{"name", "object_refs"}, Placeholder: true}, ""},
		{"another creator", thing("tool", `"name":"a","created_by_ref":"`+them+`"`), Projection{CreatedBy: us}, copyOf("tool", `"name":"a","created_by_ref":"`+us+`"`)},
		{"no creator", thing("tool", `"created_by_ref":"`+them+`","name":"a",`+marked(red+" created_by_ref", green+" name")), Projection{}, copyOf("tool", `"name":"a",`+marked(green+" name"))},
		{"another creator in the place of one that must go", thing("tool", `"name":"a","created_by_ref":"`+them+`",`+marked(red+" created_by_ref")), Projection{Strip: []string{"created_by_ref"}, CreatedBy: us}, copyOf("tool", `"name":"a","created_by_ref":"`+us+`"`)},
		{"a creator where there was none", `{"type":"mutex","id":"mutex--` + projectUUID + `","name":"a"}`, Projection{CreatedBy: us}, `{"type":"mutex","id":"mutex--` + projectCopy + `","created_by_ref":"` + us + `","name":"a"}`},
		{"D22: modified and created as given", thing("tool", `"name":"a"`), Projection{Created: "2024-02-01T00:00:00.000Z", Modified: "2024-04-01T00:00:00.123456Z"},
			strings.NewReplacer("2024-03-01T10:20:30.400Z", "2024-02-01T00:00:00.000Z", "2024-03-02T10:20:30.400Z", "2024-04-01T00:00:00.123456Z").Replace(copyOf("tool", `"name":"a"`))},
		{"modified before created", thing("tool", `"name":"a"`), Projection{Modified: "2024-02-01T00:00:00.000Z"}, ""},
		{"no times where there were none", thing("mutex", `"name":"a"`), Projection{Created: "2024-02-01T00:00:00.000Z", Modified: "2024-04-01T00:00:00.000Z"}, copyOf("mutex", `"name":"a"`)},
		{"hours", thing("indicator", `"pattern":"p","pattern_type":"stix","valid_from":"2024-03-01T10:10:00Z","valid_until":"2024-03-01T10:50:00.5Z"`), Projection{TruncateTimes: "hour"},
			strings.Replace(copyOf("indicator", `"pattern":"p","pattern_type":"stix","valid_from":"2024-03-01T10:00:00.000Z","valid_until":"2024-03-01T11:00:00.000Z"`), "10:20:30.400Z", "10:00:00.000Z", 1)},
		{"days, over the end of a month; an exact end stays", thing("relationship", `"relationship_type":"uses","source_ref":"`+other+`","target_ref":"`+other+`","start_time":"2024-02-28T00:00:00Z","stop_time":"2024-02-29T00:00:00.000Z"`), Projection{TruncateTimes: "day", Created: "2024-02-29T23:59:60Z"},
			strings.Replace(copyOf("relationship", `"relationship_type":"uses","source_ref":"`+other+`","target_ref":"`+other+`","start_time":"2024-02-28T00:00:00.000Z","stop_time":"2024-02-29T00:00:00.000Z"`), "2024-03-01T10:20:30.400Z", "2024-02-29T00:00:00.000Z", 1)},
		{"a leap second at the end of a year", thing("relationship", `"relationship_type":"uses","source_ref":"`+other+`","target_ref":"`+other+`","stop_time":"2016-12-31T23:59:60Z"`), Projection{TruncateTimes: "day"},
			strings.Replace(copyOf("relationship", `"relationship_type":"uses","source_ref":"`+other+`","target_ref":"`+other+`","stop_time":"2017-01-01T00:00:00.000Z"`), "10:20:30.400Z", "00:00:00.000Z", 1)},
		{"what is no label goes if labels are looked at", thing("tool", `"name":"a","labels":[1,"b"]`), Projection{DropLabels: func(string) bool { return false }}, copyOf("tool", `"name":"a","labels":["b"]`)},
		{"times in embedded objects", thing("observed-data", `"number_observed":1,"objects":{"0":{"type":"network-traffic","protocols":["tcp"],"src_ref":"1","start":"2024-03-01T10:10:00Z"},"1":{"type":"ipv4-addr","value":"192.0.2.1"}}`), Projection{TruncateTimes: "day"},
			strings.Replace(copyOf("observed-data", `"number_observed":1,"objects":{"0":{"type":"network-traffic","protocols":["tcp"],"src_ref":"1","start":"2024-03-01T00:00:00.000Z"},"1":{"type":"ipv4-addr","value":"192.0.2.1"}}`), "10:20:30.400Z", "00:00:00.000Z", 1)},
		{"a time that is none", thing("campaign", `"name":"a","first_seen":"long ago"`), Projection{TruncateTimes: "day"}, ""},
		{"E14: labels", thing("tool", `"name":"a","labels":["victim:acme","b","victim:c"],`+marked(green+" labels.[1]", red+" labels.[0]")), Projection{DropLabels: func(l string) bool { return strings.HasPrefix(l, "victim:") }},
			copyOf("tool", `"name":"a","labels":["b"],`+marked(green+" labels.[0]"))},
		{"all labels of an object of STIX 2.0 that needs one", `{"type":"tool","id":"tool--` + projectUUID + `",` + projectTimes + `,"name":"a","labels":["b"]}`, Projection{DropLabels: func(string) bool { return true }}, ""},
		{"all labels", thing("tool", `"name":"a","labels":["b"]`), Projection{DropLabels: func(string) bool { return true }}, copyOf("tool", `"name":"a"`)},
		{"E15: hosts", thing("tool", `"name":"a","external_references":[{"source_name":"x","url":"https://Jira.Internal/1"},{"source_name":"y","url":"urn:z"},{"source_name":"z","external_id":"1"}]`), Projection{DropHost: func(h string) bool { return h != "y.example" }},
			copyOf("tool", `"name":"a","external_references":[{"source_name":"z","external_id":"1"}]`)},
		{"references between copies", thing("report", `"name":"`+other+`","published":"2024-03-01T00:00:00Z","object_refs":["`+other+`","`+us+`"],"x_see":{"a_ref":"`+other+`"},"created_by_ref":"`+them+`"`),
			Projection{CreatedBy: them, Refs: map[ID]ID{other: "tool--" + projectCopy, them: us}},
			copyOf("report", `"name":"`+other+`","published":"2024-03-01T00:00:00Z","object_refs":["tool--`+projectCopy+`","`+us+`"],"x_see":{"a_ref":"tool--`+projectCopy+`"},"created_by_ref":"`+them+`"`)},
		{"a translation follows its object, whose versions are others", thing("language-content", `"object_ref":"`+other+`","object_modified":"2024-03-01T00:00:00Z","contents":{"de":{"name":"a"}}`), Projection{Refs: map[ID]ID{other: "tool--" + projectCopy}},
			copyOf("language-content", `"object_ref":"tool--`+projectCopy+`","contents":{"de":{"name":"a"}}`)},
		{"D25: object markings stay", thing("tool", `"name":"a","description":"b","object_marking_refs":[`+red+`,`+green+`],`+marked(red+" description")), Projection{Strip: []string{"description"}, Refs: map[ID]ID{"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"}},
			copyOf("tool", `"name":"a","object_marking_refs":[`+red+`,`+green+`]`)},
		{"a marking definition", `{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--` + projectUUID + `","created":"2024-03-01T10:20:30.400Z","name":"a","definition_type":"statement","definition":{"statement":"x"}}`, Projection{Strip: []string{"name"}}, ""},
		{"white space goes", "{ \"type\" : \"mutex\",\n\"id\":\"mutex--" + projectUUID + "\" , \"x_l\": [ 1 , { \"a\" : [ ] } ],\"name\":\"a b\" }", Projection{}, `{"type":"mutex","id":"mutex--` + projectCopy + `","x_l":[1,{"a":[]}],"name":"a b"}`},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := projected(tc.raw, tc.p)
			if tc.want == "" {
				if !errors.Is(err, ErrUnredactable) {
					t.Errorf("Project = %s, %v; want ErrUnredactable", got, err)
				}
			} else if err != nil || got != tc.want {
				t.Errorf("Project = %s, %v\nwant      %s", got, err, tc.want)
			}
		})
	}
}

func TestProjectMistakes(t *testing.T) {
	good := thing("tool", `"name":"a"`)
	tests := []struct {
		name string
		raw  string
		p    Projection
	}{
		{"no object", `{}`, Projection{ID: "tool--" + projectCopy}},
		{"the same id", good, Projection{ID: "tool--" + projectUUID}},
		{"an id of another type", good, Projection{ID: "mutex--" + projectCopy}},
		{"an id that is none", good, Projection{ID: `tool--"`}},
		{"a creator that is none", good, Projection{CreatedBy: `x","y":"`}},
		{"a reference that is none", good, Projection{Refs: map[ID]ID{"a": ""}}},
		{"a time that is none", good, Projection{Created: "yesterday"}},
		{"times truncated to weeks", good, Projection{TruncateTimes: "week"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if tc.p.ID == "" {
				tc.p.ID = "tool--" + projectCopy
			}
			if got, err := Project(tc.raw, &tc.p); !errors.Is(err, ErrInvalid) || errors.Is(err, ErrUnredactable) || got != "" {
				t.Errorf("Project = %s, %v; want ErrInvalid alone", got, err)
			}
		})
	}
}

// TestRedactedID: D20 and D22. The id depends on all arguments and on nothing
// else.
func TestRedactedID(t *testing.T) {
	const source = "tool--0ffeb2a1-5d9b-4a7a-9f1e-1d2c3b4a5968"
	id := RedactedID([]byte("secret"), source, "scope", "profile")
	// Computed by other software, from HMAC-SHA256 over the parts, each after its length in 8 bytes.
	if id != "tool--91cc361e-a6bf-44cd-957b-f379882d9cc5" {
		t.Errorf("RedactedID = %s", id)
	}
	if _, err := ParseID(string(id)); err != nil || id.UUID()[14] != '4' || !strings.ContainsRune("89ab", rune(id.UUID()[19])) {
		t.Errorf("RedactedID = %s, which is no version 4: %v", id, err)
	}
	all := []ID{
		id,
		RedactedID([]byte("other"), source, "scope", "profile"),
		RedactedID([]byte("secret"), "tool--0ffeb2a1-5d9b-4a7a-9f1e-1d2c3b4a5969", "scope", "profile"),
		RedactedID([]byte("secret"), source, "scope2", "profile"),
		RedactedID([]byte("secret"), source, "scope", "profile2"),
		RedactedID([]byte("secret"), source, "escope", "profil"),
		RedactedID([]byte("secret"), source, "profile", "scope"),
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(all)))); n != len(all) {
		t.Errorf("%d ids of %d are distinct: %v", n, len(all), all)
	}
	if got := RedactedID(nil, source, "s", "p"); got != "" {
		t.Errorf("RedactedID without a secret = %s", got)
	}
	if got := RedactedID([]byte("secret"), "tool", "s", "p"); got != "" {
		t.Errorf("RedactedID of no identifier = %s", got)
	}
}
