package stixtest

import "entente/stix"

// Ids of the objects in Fixture.
const (
	FixtureIdentity     = "identity--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1"
	FixtureIndicatorA   = "indicator--a7e1d5c0-61f0-4c83-8e0f-7d1f1f3c1a01"
	FixtureIndicatorB   = "indicator--b95a4f3e-8d4b-4d58-9f43-2b1f0a6f2b02"
	FixtureMalware      = "malware--c3d24cb5-0bb3-44a2-a6fb-9a5f74dcf503"
	FixtureAddress      = "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"
	FixtureMarking      = "marking-definition--d4f0f6d5-6c9f-4b9b-8f55-2f0c3f0c8d04"
	FixtureRelationship = "relationship--e5a1b7c6-7d0a-4cac-9a66-3a1d4a1d9e05"
)

// Fixture returns the ten objects that the conformance cases speak of, d1 to
// d10, in the order in which they are added: three versions of indicator A, a
// STIX 2.0 and a 2.1 version of the malware, an SCO and a marking definition
// among them.
func Fixture() []stix.Object {
	texts := []string{
		`{"type":"identity","spec_version":"2.1","id":"` + FixtureIdentity + `","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"Liaison office","identity_class":"organization"}`,
		indicator(FixtureIndicatorA, "2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z", "A, first"),
		`{"type":"malware","id":"` + FixtureMalware + `","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"ZeroAccess","labels":["rootkit"]}`,
		`{"type":"ipv4-addr","spec_version":"2.1","id":"` + FixtureAddress + `","value":"198.51.100.3"}`,
		`{"type":"marking-definition","spec_version":"2.1","id":"` + FixtureMarking + `","created":"2024-01-02T00:00:00.000Z","definition_type":"statement","definition":{"statement":"Shared under the memorandum."}}`,
		indicator(FixtureIndicatorA, "2024-01-01T00:00:00.000Z", "2024-02-01T00:00:00.123456Z", "A, second"),
		indicator(FixtureIndicatorB, "2024-02-02T00:00:00.000Z", "2024-02-02T00:00:00.000Z", "B"),
		`{"type":"malware","spec_version":"2.1","id":"` + FixtureMalware + `","created":"2024-01-01T00:00:00.000Z","modified":"2024-03-01T00:00:00.000Z","name":"ZeroAccess","is_family":true,"malware_types":["rootkit"]}`,
		`{"type":"relationship","spec_version":"2.1","id":"` + FixtureRelationship + `","created":"2024-03-01T00:00:00.000Z","modified":"2024-03-01T00:00:00.000Z","relationship_type":"indicates","source_ref":"` + FixtureIndicatorA + `","target_ref":"` + FixtureMalware + `"}`,
		indicator(FixtureIndicatorA, "2024-01-01T00:00:00.000Z", "2024-03-02T00:00:00.000Z", "A, third"),
	}
	objects := make([]stix.Object, len(texts))
	for i, text := range texts {
		objects[i] = Object(text)
	}
	return objects
}

func indicator(id, created, modified, name string) string {
	return `{"type":"indicator","spec_version":"2.1","id":"` + id + `","created":"` + created + `","modified":"` + modified +
		`","name":"` + name + `","pattern":"[ipv4-addr:value = '198.51.100.3']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"}`
}
