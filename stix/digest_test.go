package stix

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
)

func FuzzDigest(f *testing.F) {
	texts := append(objectSeeds(), jsonSeeds()...)
	texts = append(texts, `{"a":[1,2]}`, `{"a":[2,1]}`, `{"a":1.0}`, `{"a":10e-1}`, `{"a":-0}`, `{"a":1e99999999999999999999999}`, `{"a":"b","c":"d"}`, `{"a":"b\"c","d":""}`,
		`{"type":"url","revoked":false,"spec_version":"2.1"}`, `{"type":"url"}`, `{"a":[[],[]]}`, `{"a":[[[]]]}`, `{"a":{"b":1},"c":2}`, `{"a":{"b":1,"c":2}}`)
	for i := range texts {
		for _, j := range []int{i, (i + 1) % len(texts), (i + 7) % len(texts)} {
			f.Add(texts[i], texts[j])
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if Equal(a, b) != (Digest(a) == Digest(b)) {
			t.Fatalf("Equal(%q, %q) = %v, but the digests disagree", a, b, Equal(a, b))
		}
		var v any
		d := json.NewDecoder(strings.NewReader(a))
		d.UseNumber()
		if len(a) == 0 || d.Decode(&v) != nil {
			return
		}
		again, err := json.Marshal(v) // members sorted, other escapes
		if err == nil && Equal(a, string(again)) != (Digest(a) == Digest(string(again))) {
			t.Fatalf("%q and %q: the digests do not say what Equal says", a, again)
		}
	})
}

// TestDigestFormat holds digests that are in files.
func TestDigestFormat(t *testing.T) {
	for raw, want := range map[string]string{
		`{"type":"url","id":"url--1","value":"x","n":[1,-2.50e3,true,null,{}],"revoked":false}`: "d645f3ecc3ac917c59776a58b02cfcb716883054c4cda4ca98b1f2fd8606a056",
		`not JSON`: "fdbd57fa6f4a6e6a2ea2e077dd7407fb88c2ef810478493d02dcc5806295e404",
	} {
		sum := Digest(raw)
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("Digest(%s) = %s, want %s", raw, got, want)
		}
	}
}

// TestDigestLong has texts that do not fit the buffer.
func TestDigestLong(t *testing.T) {
	list := strings.Repeat(`{"b":[1,2],"a":"x"},`, 5000)
	other := strings.Repeat(`{"a":"\u0078","b":[1.0,2]},`, 5000)
	if Digest(`{"l":[`+list+`1]}`) != Digest(`{"l":[`+other+`1]}`) {
		t.Error("long equal objects have different digests")
	}
	if Digest(`{"l":[`+list+`1]}`) == Digest(`{"l":[`+list+`2]}`) {
		t.Error("long different objects have the same digest")
	}
}

func BenchmarkDigest(b *testing.B) {
	raw := objectSeeds()[0]
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		Digest(raw)
	}
}
