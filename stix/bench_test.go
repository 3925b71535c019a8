package stix_test

import (
	"encoding/json"
	"testing"
	"time"

	"entente/stix"
	"entente/stix/stixtest"
)

// object and envelope are what encoding/json decodes for comparison.
type object struct {
	Type        string   `json:"type"`
	ID          string   `json:"id"`
	SpecVersion string   `json:"spec_version"`
	Created     string   `json:"created"`
	Modified    string   `json:"modified"`
	CreatedBy   string   `json:"created_by_ref"`
	Revoked     bool     `json:"revoked"`
	Markings    []string `json:"object_marking_refs"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
}

type envelope struct {
	Objects []object `json:"objects"`
}

// rawEnvelope is for the same job as a Scanner's: header and bytes.
type rawEnvelope struct {
	Objects []json.RawMessage `json:"objects"`
}

func decodeRaw(text []byte) ([]object, error) {
	var e rawEnvelope
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, err
	}
	objects := make([]object, len(e.Objects))
	for i, raw := range e.Objects {
		if err := json.Unmarshal(raw, &objects[i]); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

func benchText() string { return stixtest.Envelope(stixtest.Objects(1, 1000)) }

func BenchmarkEnvelope(b *testing.B) {
	text := benchText()
	var s stix.Scanner
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if items, err := s.Envelope(text); err != nil || len(items) != 1000 {
			b.Fatal(len(items), err)
		}
	}
}

func BenchmarkEncodingJSON(b *testing.B) {
	text := []byte(benchText())
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var e envelope
		if err := json.Unmarshal(text, &e); err != nil || len(e.Objects) != 1000 {
			b.Fatal(len(e.Objects), err)
		}
	}
}

func BenchmarkEncodingJSONRaw(b *testing.B) {
	text := []byte(benchText())
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if objects, err := decodeRaw(text); err != nil || len(objects) != 1000 {
			b.Fatal(len(objects), err)
		}
	}
}

// BenchmarkRatio reports how much faster a Scanner is than encoding/json, the
// three measured in turns: x-raw against decoding that keeps the bytes as the
// Scanner does, x-struct against decoding that loses them.
func BenchmarkRatio(b *testing.B) {
	text := benchText()
	bytes := []byte(text)
	var s stix.Scanner
	var ours, structs, raws time.Duration
	for b.Loop() {
		start := time.Now()
		for range 10 {
			if _, err := s.Envelope(text); err != nil {
				b.Fatal(err)
			}
		}
		ours += time.Since(start) / 10
		start = time.Now()
		var e envelope
		if err := json.Unmarshal(bytes, &e); err != nil {
			b.Fatal(err)
		}
		structs += time.Since(start)
		start = time.Now()
		if _, err := decodeRaw(bytes); err != nil {
			b.Fatal(err)
		}
		raws += time.Since(start)
	}
	b.ReportMetric(float64(structs)/float64(ours), "x-struct")
	b.ReportMetric(float64(raws)/float64(ours), "x-raw")
}

func TestNoAllocationPerObject(t *testing.T) {
	text := benchText()
	var s stix.Scanner
	allocs := testing.AllocsPerRun(10, func() {
		if _, err := s.Envelope(text); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 1 {
		t.Errorf("%.0f allocations for 1000 objects, want at most 1", allocs)
	}
}

func BenchmarkInspect(b *testing.B) {
	objects := stixtest.Objects(1, 1000)
	size := 0
	for _, o := range objects {
		size += len(o.Raw)
	}
	var in stix.Inspector
	var c stix.Content
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for i := range objects {
			if err := in.Inspect(objects[i].Raw, &c); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkProject(b *testing.B) {
	objects := stixtest.Objects(1, 1000)
	var raws []string
	var projections []stix.Projection
	size := 0
	for i, o := range objects {
		if o.Type == "indicator" {
			raws = append(raws, o.Raw)
			size += len(o.Raw)
			projections = append(projections, stix.Projection{Strip: []string{"description"}, ID: stix.RedactedID([]byte("x"), o.ID, "s", "p")})
			if _, err := stix.Project(o.Raw, &projections[len(projections)-1]); err != nil {
				b.Fatal(i, err)
			}
		}
	}
	if len(raws) < 100 {
		b.Fatalf("%d indicators, want at least 100", len(raws))
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for i := range raws {
			if _, err := stix.Project(raws[i], &projections[i]); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(raws)), "objects/op")
}
