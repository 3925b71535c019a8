// Package stixtest makes STIX objects for tests and benchmarks. Everything in
// it is deterministic: the same arguments give the same bytes.
package stixtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"entente/stix"
)

// TLP markings that objects of this package refer to (STIX 2.1, section 7.2.1.4).
const (
	TLPWhite = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
	TLPGreen = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
	TLPAmber = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
	TLPRed   = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
)

// mix is the types of twenty objects in a row.
var mix = [20]string{
	"identity", "indicator", "malware", "relationship", "ipv4-addr",
	"indicator", "relationship", "report", "indicator", "relationship",
	"marking-definition", "indicator", "attack-pattern", "relationship", "domain-name",
	"indicator", "sighting", "relationship", "indicator", "malware",
}

// Objects returns n objects of mixed types, about 1 kB each on average: most
// with versions, some SCOs without times, some STIX 2.0, some with markings,
// white space, escapes and text beyond ASCII. Ids are distinct, for different
// seeds too; relationships point at objects before them. created grows by a
// minute from object to object, from 2024-01-01 on.
func Objects(seed uint64, n int) []stix.Object {
	m := maker{random: rand.New(rand.NewPCG(seed, 0x5714)), seed: seed}
	objects := make([]stix.Object, n)
	for i := range objects {
		objects[i] = m.object(i)
	}
	return objects
}

// Versions returns n versions of one indicator, the oldest first; modified
// grows by a second from version to version.
func Versions(seed uint64, n int) []stix.Object {
	m := maker{random: rand.New(rand.NewPCG(seed, 0x7e25)), seed: seed}
	id := m.id("indicator", 0)
	versions := make([]stix.Object, n)
	for i := range versions {
		versions[i] = Object(fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":%q,"created":"2024-01-01T00:00:00.000Z",`+
			`"modified":%q,"name":"version %d","pattern":"[ipv4-addr:value = '198.51.100.%d']","pattern_type":"stix",`+
			`"valid_from":"2024-01-01T00:00:00Z"}`, id, stamp(time.Duration(i)*time.Second), i, i%256))
	}
	return versions
}

// Envelope is the text of an envelope that holds the objects.
func Envelope(objects []stix.Object) string {
	var b strings.Builder
	b.WriteString(`{"objects":[`)
	for i, o := range objects {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(o.Raw)
	}
	b.WriteString(`]}`)
	return b.String()
}

// Object parses text, which must be a STIX object; it panics if it is not.
func Object(text string) stix.Object {
	o, err := stix.Parse(text)
	if err != nil {
		panic(fmt.Sprintf("stixtest: %v in %s", err, text))
	}
	return o
}

// stamp is a timestamp with three digits, d after the start of 2024.
func stamp(d time.Duration) string {
	return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(d).Format("2006-01-02T15:04:05.000Z")
}
