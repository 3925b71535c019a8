package stix

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"entente/stix/growthtest"
)

const (
	projectUUID  = "0ffeb2a1-5d9b-4a7a-9f1e-1d2c3b4a5968"
	projectCopy  = "5e3c8a10-77f4-4b0e-9d51-c0ffee000001"
	projectTimes = `"created":"2024-03-01T10:20:30.400Z","modified":"2024-03-02T10:20:30.400Z"`
	red          = `"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"`
	green        = `"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"`
)

// thing is an object of a type, of STIX 2.1, with members such as `"name":"a"`.
// Observables have no times.
func thing(kind, members string) string { return thingOf(kind, projectUUID, members) }

func thingOf(kind, uuid, members string) string {
	times := "," + projectTimes
	if classOf(kind) == observable {
		times = ""
	}
	if members != "" {
		members = "," + members
	}
	return `{"type":"` + kind + `","spec_version":"2.1","id":"` + kind + `--` + uuid + `"` + times + members + `}`
}

// marked is a granular_markings member of entries, each `marking selector…`.
func marked(entries ...string) string {
	var list []string
	for _, entry := range entries {
		fields := strings.Fields(entry)
		list = append(list, `{"marking_ref":`+fields[0]+`,"selectors":["`+strings.Join(fields[1:], `","`)+`"]}`)
	}
	return `"granular_markings":[` + strings.Join(list, ",") + `]`
}

// projected is Project of raw, with the id of the copy.
func projected(raw string, p Projection) (string, error) {
	source, err := Parse(raw)
	if err != nil {
		return "", err
	}
	if p.ID == "" {
		p.ID = ID(source.Type + "--" + projectCopy)
	}
	return Project(raw, &p)
}

const gothamTail = `"pattern":"[file:size = 42]","pattern_type":"stix","valid_from":"2024-03-01T00:00:00Z"`

var projectTests = []struct {
	name  string
	kind  string
	have  string // members of the source
	strip string // selectors, separated by spaces
	want  string // members of the copy; "" if it must fail
	rule  string // in the error
}{
	{"D2: description and an element, selectors follow", "indicator",
		`"description":"of a bank","indicator_types":["malicious-activity","attribution"],` + gothamTail + `,"labels":["a"],` + marked(red+" description", green+" indicator_types.[1] indicator_types.[0]", green+" labels"), "description indicator_types.[1]",
		`"indicator_types":["malicious-activity"],` + gothamTail + `,"labels":["a"],` + marked(green+" indicator_types.[0]", green+" labels"), ""},
	{"D4: a required name without placeholder", "campaign", `"name":"a"`, "name", "", "name: campaign must have it"},
	{"D5: the first of two references", "tool",
		`"name":"a","external_references":[{"source_name":"x","external_id":"1"},{"source_name":"y","url":"https://y.example"}],` + marked(red+" external_references.[0]", green+" external_references.[1].url external_references"), "external_references.[0]",
		`"name":"a","external_references":[{"source_name":"y","url":"https://y.example"}],` + marked(green+" external_references.[0].url external_references"), ""},
	{"D9: name is not names", "tool", `"name":"a","x_names":"b"`, "x_name", "", "x_name\": the selector selects nothing"},
	{"D10: an absent property", "tool", `"name":"a"`, "description", "", "selects nothing"},
	{"D10: an absent element", "tool", `"name":"a","labels":["a"]`, "labels.[1]", "", "selects nothing"},
	{"D11: a falsy value is there", "tool", `"name":"a","confidence":0,"description":""`, "confidence description", `"name":"a"`, ""},
	{"D12: id", "tool", `"name":"a"`, "id", "", "id can only be withheld"},
	{"D12: type", "tool", `"name":"a"`, "type", "", "type can only be withheld"},
	{"D12: created", "tool", `"name":"a"`, "created", "", "created can only"},
	{"D12: an object marking", "tool", `"name":"a","object_marking_refs":[` + red + `]`, "object_marking_refs.[0]", "", "object_marking_refs can only"},
	{"D12: a granular marking", "tool", `"name":"a",` + marked(red+" name"), "granular_markings.[0]", "", "granular_markings can only"},
	{"D14: languages stay on what stays", "tool",
		`"name":"a","description":"b","granular_markings":[{"lang":"de","selectors":["name"]},{"lang":"fr","selectors":["description"]}]`, "description",
		`"name":"a","granular_markings":[{"lang":"de","selectors":["name"]}]`, ""},
	{"D15: hashes of a nameless file", "file", `"hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e"},"size":0`, "hashes.MD5", "", "hashes can only"},
	{"D15: the name of a file without hashes", "file", `"name":"a","size":0`, "name", "", "all of hashes, name"},
	{"D15: the name of a file with hashes", "file", `"name":"a","hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e"}`, "name", `"hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e"}`, ""},
	{"D16: a value in an embedded object takes the object", "observed-data",
		`"first_observed":"2024-03-01T00:00:00Z","last_observed":"2024-03-01T00:00:00Z","number_observed":1,"objects":{"0":{"type":"ipv4-addr","value":"192.0.2.1"},"1":{"type":"url","value":"http://x.example"}}`, "objects.0.value",
		`"first_observed":"2024-03-01T00:00:00Z","last_observed":"2024-03-01T00:00:00Z","number_observed":1,"objects":{"1":{"type":"url","value":"http://x.example"}}`, ""},
	{"D16: a required property of an embedded object takes the object", "observed-data",
		`"number_observed":1,"objects":{"0":{"type":"mutex","name":"m"},"1":{"type":"url","value":"http://x.example"}}`, "objects.0.name",
		`"number_observed":1,"objects":{"1":{"type":"url","value":"http://x.example"}}`, ""},
	{"D16: others refer to it", "observed-data",
		`"number_observed":1,"objects":{"0":{"type":"ipv4-addr","value":"192.0.2.1"},"1":{"type":"domain-name","value":"x.example","resolves_to_refs":["0"]}}`, "objects.0.value", "", "refers to one that goes"},
	{"D16: it is the only one", "observed-data", `"number_observed":1,"objects":{"0":{"type":"ipv4-addr","value":"192.0.2.1"}}`, "objects.0.value", "", "all of objects, object_refs"},
	{"D17: part of an extension takes the extension", "tool",
		`"name":"a","extensions":{"extension-definition--` + projectUUID + `":{"extension_type":"property-extension","secret":1,"open":2},"x-other":{"a":1}}`, "extensions.extension-definition--" + projectUUID + ".secret",
		`"name":"a","extensions":{"x-other":{"a":1}}`, ""},
	{"D17: the only extension", "tool", `"name":"a","extensions":{"x":{"a":1}},"labels":["b"]`, "extensions.x.a", `"name":"a","labels":["b"]`, ""},
	{"an extension that defines the type", "x-new", `"name":"a","extensions":{"extension-definition--` + projectUUID + `":{"extension_type":"new-sdo"}}`, "extensions", "", "defines the type"},
	{"an extension that defines a property", "tool", `"name":"a","rank":1,"extensions":{"extension-definition--` + projectUUID + `":{"extension_type":"toplevel-property-extension"}}`, "extensions", "", "rank\" stays"},
	{"it and the property", "tool", `"name":"a","rank":1,"extensions":{"extension-definition--` + projectUUID + `":{"extension_type":"toplevel-property-extension"}}`, "extensions rank", `"name":"a"`, ""},
	{"D19: a list in all languages alike", "language-content",
		`"object_ref":"campaign--` + projectUUID + `","contents":{"de":{"goals":["a","b"]},"fr":{"goals":["c","d"]}}`, "contents.de.goals.[0] contents.fr.goals.[0]",
		`"object_ref":"campaign--` + projectUUID + `","contents":{"de":{"goals":["b"]},"fr":{"goals":["d"]}}`, ""},
	{"D19: a list in one language", "language-content", `"object_ref":"campaign--` + projectUUID + `","contents":{"de":{"goals":["a","b"]},"fr":{"goals":["c","d"]}}`, "contents.de.goals.[0]", "", "in all languages"},
	{"D19: the whole list of one language", "language-content",
		`"object_ref":"campaign--` + projectUUID + `","contents":{"de":{"goals":["a","b"],"name":"n"},"fr":{"goals":["c"]}}`, "contents.de.goals",
		`"object_ref":"campaign--` + projectUUID + `","contents":{"de":{"name":"n"},"fr":{"goals":["c"]}}`, ""},
	{"D19: all contents", "language-content", `"object_ref":"campaign--` + projectUUID + `","contents":{"de":{"name":"n"}}`, "contents.de.name", "", "contents: language-content must have it"},
	{"E4: an optional list of references", "sighting", `"sighting_of_ref":"tool--` + projectUUID + `","where_sighted_refs":["identity--` + projectUUID + `"]`, "where_sighted_refs.[0]", `"sighting_of_ref":"tool--` + projectUUID + `"`, ""},
	{"E6: the only reference of a report", "report", `"name":"a","published":"2024-03-01T00:00:00Z","object_refs":["tool--` + projectUUID + `"]`, "object_refs.[0]", "", "object_refs: report"},
	{"a required reference", "sighting", `"sighting_of_ref":"tool--` + projectUUID + `"`, "sighting_of_ref", "", "sighting_of_ref: sighting"},
	{"a time", "malware", `"is_family":false,"first_seen":"2024-03-01T00:00:00Z"`, "first_seen", "", "first_seen can only"},
	{"the name of a malware family", "malware", `"is_family":true,"name":"a"`, "name", "", "name: malware"},
	{"the name of a malware instance", "malware", `"is_family":false,"name":"a"`, "name", `"is_family":false`, ""},
	{"half a place", "location", `"country":"be","latitude":1,"longitude":2`, "latitude", "", "latitude: location"},
	{"a place without its country", "location", `"country":"be","latitude":1,"longitude":2`, "latitude longitude", `"country":"be"`, ""},
	{"all places", "location", `"country":"be","latitude":1,"longitude":2`, "latitude longitude country", "", "all of region"},
	{"all that a process has", "process", `"pid":1`, "pid", "", "all of its own properties"},
	{"both ends of traffic", "network-traffic", `"protocols":["tcp"],"src_ref":"ipv4-addr--` + projectUUID + `"`, "src_ref", "", "all of src_ref"},
	{"a property of a type nobody knows", "x-new", `"name":"a","title":"b"`, "title", "", "is not known"},
	{"a common property of a type nobody knows", "x-new", `"title":"b","labels":["c"],"x_a":1`, "labels x_a", `"title":"b"`, ""},
	{"part of a kill chain phase takes the phase", "tool", `"name":"a","kill_chain_phases":[{"kill_chain_name":"k","phase_name":"p"},{"kill_chain_name":"k","phase_name":"q"}],` + marked(green+" kill_chain_phases.[1].phase_name"), "kill_chain_phases.[0].phase_name", `"name":"a","kill_chain_phases":[{"kill_chain_name":"k","phase_name":"q"}],` + marked(green+" kill_chain_phases.[0].phase_name"), ""},
	{"a reference without its source takes the reference", "tool", `"name":"a","external_references":[{"source_name":"x","external_id":"1"}]`, "external_references.[0].source_name", `"name":"a"`, ""},
	{"a reference without content goes", "tool", `"name":"a","external_references":[{"source_name":"x","external_id":"1"},{"source_name":"y","external_id":"2","description":"d"}]`, "external_references.[0].external_id external_references.[1].external_id", `"name":"a","external_references":[{"source_name":"y","description":"d"}]`, ""},
	{"what was empty stays", "tool", `"name":"a","aliases":[],"labels":["b"]`, "labels", `"name":"a","aliases":[]`, ""},
	{"selectors that overlap", "tool", `"name":"a","x_d":{"a":{"b":1,"c":2}},"labels":["x","y","z"]`, "x_d.a x_d.a.b labels.[0] labels.[2]", `"name":"a","labels":["y"]`, ""},
	{"a selector with nothing in it", "tool", `"name":"a"`, "name..a", "", "empty component"},
	{"a selector of granular markings", "tool", `"name":"a","description":"d",` + marked(red+" granular_markings.[0]"), "description", "", "selects granular markings"},
	{"part of a registry value takes the value", "windows-registry-key", `"key":"k","values":[{"name":"a","data":"b"},{"name":"c"}]`, "values.[0].data", `"key":"k","values":[{"name":"c"}]`, ""},
	{"part of a MIME part takes the part", "email-message", `"is_multipart":true,"body_multipart":[{"content_type":"text/plain","body":"b"},{"body":"c"}]`, "body_multipart.[0].body", `"is_multipart":true,"body_multipart":[{"body":"c"}]`, ""},
	{"one of the hashes of an embedded file takes the file", "observed-data",
		`"number_observed":1,"objects":{"0":{"type":"file","hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e","x":"y"}},"1":{"type":"url","value":"http://x.example"}}`, "objects.0.hashes.x",
		`"number_observed":1,"objects":{"1":{"type":"url","value":"http://x.example"}}`, ""},
	{"part of an extension of an embedded file takes the extension", "observed-data",
		`"number_observed":1,"objects":{"0":{"type":"file","name":"f","extensions":{"pdf-ext":{"version":"1.7","pdfid0":"z"}}}}`, "objects.0.extensions.pdf-ext.pdfid0",
		`"number_observed":1,"objects":{"0":{"type":"file","name":"f"}}`, ""},
	{"the name of the only embedded object", "observed-data", `"number_observed":1,"objects":{"0":{"type":"mutex","name":"m"}},"object_refs":["mutex--` + projectUUID + `"]`, "objects.0.name", `"number_observed":1,"object_refs":["mutex--` + projectUUID + `"]`, ""},
	{"translations whose lists differ already", "language-content",
		`"object_ref":"campaign--` + projectUUID + `","contents":{"de":{"goals":["a","b"],"name":"n"},"fr":{"goals":["c"]}}`, "contents.de.name",
		`"object_ref":"campaign--` + projectUUID + `","contents":{"de":{"goals":["a","b"]},"fr":{"goals":["c"]}}`, ""},
	{"an extension is enough for a process", "process", `"pid":1,"extensions":{"windows-process-ext":{"priority":"n"}}`, "pid", `"extensions":{"windows-process-ext":{"priority":"n"}}`, ""},
	{"one of two extensions that define properties", "tool",
		`"name":"a","rank":1,"extensions":{"extension-definition--` + projectUUID + `":{"extension_type":"toplevel-property-extension"},"extension-definition--` + projectCopy + `":{"extension_type":"toplevel-property-extension"}}`, "extensions.extension-definition--" + projectUUID,
		`"name":"a","rank":1,"extensions":{"extension-definition--` + projectCopy + `":{"extension_type":"toplevel-property-extension"}}`, ""},
	{"a property with x_ needs no extension", "tool", `"name":"a","x_rank":1,"extensions":{"extension-definition--` + projectUUID + `":{"extension_type":"toplevel-property-extension"}}`, "extensions", `"name":"a","x_rank":1`, ""},
	{"numbers and escapes stay as written", "tool", `"na\u006de":"caf\u00e9","x_n":1.50e+3,"description":"d"`, "description", `"na\u006de":"caf\u00e9","x_n":1.50e+3`, ""},
}

func TestProject(t *testing.T) {
	for _, tc := range projectTests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := projected(thing(tc.kind, tc.have), Projection{Strip: strings.Fields(tc.strip)})
			if tc.want == "" {
				if !errors.Is(err, ErrUnredactable) || !strings.Contains(err.Error(), tc.rule) || got != "" {
					t.Errorf("Project = %s, %v; want ErrUnredactable with %q", got, err, tc.rule)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := thingOf(tc.kind, projectCopy, tc.want); got != want {
				t.Errorf("Project = %s\nwant      %s", got, want)
			}
		})
	}
}

// TestProjectLarge: time grows with the size of the object and of the
// selectors, not with their product.
func TestProjectLarge(t *testing.T) {
	half := func(n int) string {
		raw, strip := longThing(n)
		got, err := projected(raw, Projection{Strip: strip})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := half(60_000); !strings.Contains(got, `["l1","l3",`) || !strings.Contains(got, `"labels.[29999]"]`) || strings.Contains(got, "labels.[30000]") {
		t.Errorf("half of the labels: %.300s", got)
	}
	if ratio := growthtest.Growth(time.Now, func() { half(7_500) }, func() { half(60_000) }); ratio > growthtest.Linear {
		t.Errorf("eight times the labels cost %.0f times as much", ratio)
	}
}

// longThing is an object with n labels, each marked, and the selectors of every other.
func longThing(n int) (raw string, strip []string) {
	var labels, selectors []string
	for i := range n {
		labels = append(labels, `"l`+strconv.Itoa(i)+`"`)
		selectors = append(selectors, "labels.["+strconv.Itoa(i)+"]")
	}
	for i := 0; i < n; i += 2 {
		strip = append(strip, selectors[i])
	}
	return thing("tool", `"name":"a","labels":[`+strings.Join(labels, ",")+`],`+marked(red+" "+strings.Join(selectors, " "))), strip
}
