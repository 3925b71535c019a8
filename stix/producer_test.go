package stix_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/TcM1911/stix2"

	"entente/stix"
)

// amber is TLP:AMBER of TLP 1.
const amber = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"

// produced are objects of each class, written by an implementation of the
// standard that is not ours.
func produced(t *testing.T) []stix2.STIXObject {
	t.Helper()
	must := func(o stix2.STIXObject, err error) stix2.STIXObject {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	org := must(stix2.NewIdentity("A bank, «à côté»", stix2.OptionClass("organization")))
	published := stix2.Timestamp{Time: time.Date(2013, 12, 5, 17, 0, 0, 0, time.UTC)}
	by := stix2.OptionCreatedBy(org.GetID())
	marked := stix2.OptionObjectMarking([]stix2.Identifier{amber})
	malware := must(stix2.NewMalware(true, by, marked, stix2.OptionName("ZeroAccess <rootkit>")))
	address := must(stix2.NewIPv4Address("198.51.100.3"))
	indicator := must(stix2.NewIndicator("[ipv4-addr:value = '198.51.100.3']", stix2.PatternTypeSTIX, &published, by))
	return []stix2.STIXObject{
		org, malware, address, indicator,
		must(stix2.NewRelationship(stix2.RelationshipTypeIndicates, indicator.GetID(), malware.GetID(), by)),
		must(stix2.NewSighting(indicator.GetID(), by)),
		must(stix2.NewDomainName("example.com")),
		must(stix2.NewReport("Takedown", &published, []stix2.Identifier{malware.GetID(), indicator.GetID()}, by)),
		must(stix2.NewMarkingDefinition("statement", stix2.StatementMarking{Statement: "Example"})),
	}
}

// TestOtherProducer: a bundle of another implementation is taken object by
// object, with the header that the other side meant.
func TestOtherProducer(t *testing.T) {
	objs := produced(t)
	bundle, err := stix2.NewBundle(objs...)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(bundle)
	if err != nil {
		t.Fatal(err)
	}
	var s stix.Scanner
	items, err := s.Envelope(string(text))
	if err != nil || len(items) != len(objs) {
		t.Fatalf("%d items, want %d: %v", len(items), len(objs), err)
	}
	for i, o := range objs {
		if items[i].Err != nil {
			t.Errorf("object %d: %v", i, items[i].Err)
			continue
		}
		h := items[i].Object.Header
		if h.ID != stix.ID(o.GetID()) || h.Type != string(o.GetType()) || h.SpecVersion != "2.1" {
			t.Errorf("object %d is %s of type %s and version %s, want %s", i, h.ID, h.Type, h.SpecVersion, o.GetID())
		}
	}
	if h := items[1].Object.Header; h.CreatedBy != stix.ID(objs[0].GetID()) || len(h.Markings) != 1 || h.Markings[0] != amber {
		t.Errorf("malware created by %s with markings %v", h.CreatedBy, h.Markings)
	}
}
