package server

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"entente/policy"
	"entente/stix"
)

const ourselves policy.OrgID = "identity--aaaaaaaa-0000-4000-8000-00000000000a"

func orgOf(partner int) policy.OrgID {
	return policy.OrgID(fmt.Sprintf("identity--bbbbbbbb-0000-4000-8000-00000000000%d", partner))
}

func poolID(kind string) string { return kind + "--00000000-0000-4000-8000-000000000001" }

// pool has the few ids of all objects of all stories, so that they meet.
var pool = []string{
	poolID("indicator"), "indicator--00000000-0000-4000-8000-000000000002", poolID("malware"), poolID("relationship"), poolID("note"), poolID("report"),
	poolID("sighting"), poolID("marking-definition"), poolID("ipv4-addr"), poolID("domain-name"), string(orgOf(1)), string(ourselves),
}

// versions are those of the objects that have any.
var versions = []string{"2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01.000Z", "2026-01-01T00:00:02.000Z"}

const red = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"

var markings = []string{
	"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", // CLEAR, TLP 1
	"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", // GREEN
	"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
	"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", // GREEN, TLP 2
	"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", // CLEAR
	"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", // AMBER
	"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", // AMBER+STRICT
	red, red,
}

// drawObjects makes new objects, and takes some that were written before.
func (s *story) drawObjects(t *rapid.T) []string {
	var all []string
	for range rapid.IntRange(1, 3).Draw(t, "objects") {
		if len(s.written) > 0 && rapid.IntRange(0, 2).Draw(t, "again") == 0 {
			all = append(all, rapid.SampledFrom(s.written).Draw(t, "known"))
			continue
		}
		o := drawObject(t, s.partners)
		all, s.written = append(all, o), append(s.written, o)
	}
	return all
}

func drawObject(t *rapid.T, partners int) string {
	id := rapid.SampledFrom(pool).Draw(t, "id")
	kind := stix.ID(id).Type()
	members := []string{fmt.Sprintf(`"type":%q,"spec_version":"2.1","id":%q`, kind, id)}
	add := func(format string, args ...any) { members = append(members, fmt.Sprintf(format, args...)) }
	switch kind {
	case "ipv4-addr", "domain-name":
	case "marking-definition":
		add(`"created":"2026-01-01T00:00:00.000Z"`)
	default:
		add(`"created":%q`, rapid.SampledFrom([]string{versions[0], versions[0], versions[0], "2025-12-31T00:00:00.000Z"}).Draw(t, "created"))
		add(`"modified":%q`, rapid.SampledFrom(versions).Draw(t, "modified"))
		if rapid.IntRange(0, 9).Draw(t, "revoked") == 0 {
			add(`"revoked":true`)
		}
	}
	if creator := rapid.IntRange(-8, partners).Draw(t, "creator"); creator == partners {
		add(`"created_by_ref":%q`, ourselves)
	} else if creator >= 0 {
		add(`"created_by_ref":%q`, orgOf(creator))
	}
	drawMarkings(t, id, add)
	if rapid.IntRange(0, 3).Draw(t, "labelled") == 0 {
		add(`"labels":[%q]`, rapid.SampledFrom([]string{"operation", "shared", "other"}).Draw(t, "label"))
	}
	drawContent(t, kind, add)
	return "{" + strings.Join(members, ",") + "}"
}

// drawMarkings marks the object: mostly with one level, now and then with the
// statement of the pool, now and then in a part only.
func drawMarkings(t *rapid.T, id string, add func(string, ...any)) {
	statement := poolID("marking-definition")
	level := rapid.SampledFrom(markings).Draw(t, "marking")
	switch n := rapid.IntRange(0, 14).Draw(t, "marked"); {
	case n == 0:
	case n == 1 && id != statement:
		add(`"object_marking_refs":[%q]`, statement)
	case n <= 3 && id != statement:
		add(`"object_marking_refs":[%q,%q]`, level, statement)
	default:
		add(`"object_marking_refs":[%q]`, level)
	}
	if rapid.IntRange(0, 19).Draw(t, "part") == 0 {
		add(`"granular_markings":[{"marking_ref":%q,"selectors":["id"]}]`, rapid.SampledFrom(append(markings, statement)).Draw(t, "granular"))
	}
}

func drawContent(t *rapid.T, kind string, add func(string, ...any)) {
	refs := func() string {
		n := rapid.SampledFrom([]int{1, 1, 2}).Draw(t, "refs")
		return `"` + strings.Join(rapid.SliceOfN(rapid.SampledFrom(pool), n, n).Draw(t, "ref"), `","`) + `"`
	}
	ref := func() string { return rapid.SampledFrom(pool).Draw(t, "ref") }
	tag := rapid.SampledFrom([]string{"one", "two"}).Draw(t, "content")
	switch kind {
	case "relationship":
		add(`"relationship_type":"indicates","source_ref":%q,"target_ref":%q`, ref(), ref())
	case "note", "report":
		add(`"object_refs":[%s],"name":%q,"content":"x","published":"2026-01-01T00:00:00Z"`, refs(), tag)
	case "sighting":
		add(`"sighting_of_ref":%q,"where_sighted_refs":[%s]`, ref(), refs())
	case "marking-definition":
		add(`"definition_type":"statement","definition":{"statement":%q}`, tag)
	case "ipv4-addr":
		add(`"value":"198.51.100.1","defanged":%t`, tag == "one")
	case "domain-name":
		add(`"value":"example.com","resolves_to_refs":[%s]`, refs())
	default:
		add(`"name":%q`, tag)
	}
}
