package bench

import (
	"encoding/json"
	"testing"
)

func TestObjects(t *testing.T) {
	const n = 5000
	ids := map[string]bool{}
	rare, size := 0, 0
	for i := range uint64(n) {
		raw := appendObject(nil, i)
		var o struct{ ID, Type, Created, Modified, Description string }
		if err := json.Unmarshal(raw, &o); err != nil {
			t.Fatalf("object %d: %v in %s", i, err, raw)
		}
		if len(o.ID) != len(o.Type)+2+36 || ids[o.ID] {
			t.Fatalf("object %d: id %q is malformed or there already", i, o.ID)
		}
		ids[o.ID] = true
		size += len(raw)
		if o.Type == "tool" {
			rare++
		}
	}
	if rare != n/rareEvery {
		t.Errorf("%d of %d objects are tools, want %d", rare, n, n/rareEvery)
	}
	if mean := size / n; mean < 990 || mean > 1025 {
		t.Errorf("mean size %d bytes, want about 1,007", mean)
	}
}

func TestFreshEnvelopes(t *testing.T) {
	f := newFresh("/hub/collections/x/objects/", "", 600)
	seen := map[string]bool{}
	for range 2 {
		_, body, _ := cutHead(f.next(nil))
		var e struct{ Objects []struct{ ID string } }
		if err := json.Unmarshal(body, &e); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		if len(e.Objects) != 600 {
			t.Fatalf("%d objects, want 600", len(e.Objects))
		}
		for _, o := range e.Objects {
			if seen[o.ID] {
				t.Errorf("%s comes twice", o.ID)
			}
			seen[o.ID] = true
		}
	}
}
