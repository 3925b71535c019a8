package stix

import "testing"

func TestEnvelopeSplits(t *testing.T) {
	text := `{"type":"bundle","id":"x","objects": [ {"type":"ipv4-addr","id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4","value":"198.51.100.3"} , 42,
	{"type":"ipv4-addr","id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4","value":"198.51.100.3","value":1}], "more":false}`
	var s Scanner
	items, err := s.Envelope(text)
	if err != nil || len(items) != 3 {
		t.Fatalf("Envelope = %d items, %v; want 3", len(items), err)
	}
	if items[0].Err != nil || items[0].Object.SpecVersion != "2.1" || items[0].Object.Raw != text[items[0].Offset:][:len(items[0].Object.Raw)] {
		t.Errorf("item 0 = %+v", items[0])
	}
	if items[1].Err == nil || items[2].Err == nil || items[2].Err.Property != "value" {
		t.Errorf("items 1 and 2: %v, %v", items[1].Err, items[2].Err)
	}
}
