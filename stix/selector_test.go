package stix

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseSelector(t *testing.T) {
	for _, good := range []string{"name", "labels.[0]", "external_references.[0].url", "objects.0.hashes.SHA-256", "extensions.extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d", "x_a.b c/é"} {
		if s, err := ParseSelector(good); err != nil || string(s) != good {
			t.Errorf("ParseSelector(%q) = %q, %v", good, s, err)
		}
	}
	for _, bad := range []string{"", ".", "name.", ".name", "a..b"} {
		if s, err := ParseSelector(bad); !errors.Is(err, ErrInvalid) || s != "" {
			t.Errorf("ParseSelector(%q) = %q, %v; want ErrInvalid", bad, s, err)
		}
	}
}

func TestSelectorCovers(t *testing.T) {
	tests := []struct {
		s, other Selector
		want     bool
	}{
		{"name", "name", true},
		{"name", "names", false},
		{"names", "name", false},
		{"labels", "labels.[0]", true},
		{"labels.[0]", "labels", false},
		{"labels.[1]", "labels.[10]", false},
		{"extensions.a", "extensions.a.b.[3].c", true},
		{"extensions.a", "extensions.ab.c", false},
		{"", "name", false},
		{"", "", false},
	}
	for _, tc := range tests {
		if got := tc.s.Covers(tc.other); got != tc.want {
			t.Errorf("%q.Covers(%q) = %v, want %v", tc.s, tc.other, got, tc.want)
		}
	}
}

func TestSelect(t *testing.T) {
	raw := indicatorWith(`,"revoked":false,"confidence":0,"x_empty":"","x_none":null,"names":"n","labels":["a","b","a"],"x_dict":{"[0]":1,"a b":{"c":[[1,2],[3]]},"":5}`)
	tests := []struct{ selector, want string }{
		{"revoked", "false"},
		{"confidence", "0"},
		{"x_empty", `""`},
		{"x_none", "null"},
		{"name", ""},
		{"labels", `["a","b","a"]`},
		{"labels.[2]", `"a"`},
		{"labels.[3]", ""},
		{"labels.[-1]", ""},
		{"labels.[01]", ""},
		{"labels.[99999999999999999999]", ""},
		{"labels.0", ""},
		{"labels.[]", ""},
		{"labels.[0].a", ""},
		{"x_dict.[0]", "1"},
		{"x_dict.a b.c.[0].[1]", "2"},
		{"absent.a.b", ""},
	}
	var in Inspector
	if _, ok := in.Select("type"); ok {
		t.Error("a fresh Inspector has a type")
	}
	if err := in.Inspect(raw, new(Content)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range tests {
		if got, ok := in.Select(Selector(tc.selector)); got != tc.want || ok != (tc.want != "") {
			t.Errorf("Select(%q) = %q, %v; want %q", tc.selector, got, ok, tc.want)
		}
	}
}

// FuzzSelector: a selector that granular markings may use is one that selects
// something, and the other way round; covering is an order.
func FuzzSelector(f *testing.F) {
	object := indicatorWith(`,"revoked":false,"labels":["a","b"],"x_d":{"[0]":1,"a":{"b":[[1],{"c":""}]}}`)
	for _, seed := range [][2]string{{"labels.[0]", "labels"}, {"name", "names"}, {"x_d.a.b.[1].c", "x_d.a"}, {"x_d.[0]", ""}, {"revoked", "."}, {"labels.[00]", "[0]"}} {
		f.Add(seed[0], seed[1])
	}
	var in Inspector
	if err := in.Inspect(object, new(Content)); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		s, err := ParseSelector(a)
		if err != nil {
			if _, ok := in.Select(Selector(a)); ok {
				t.Fatalf("%q is no selector and selects something", a)
			}
			return
		}
		if Selector(granularName).Covers(s) {
			return // the object has none, the one that marks adds to has
		}
		if _, ok := in.Select(s); ok != marks(object, a) {
			t.Fatalf("Select(%q) = %v, and Parse of a marking on it thinks otherwise", a, ok)
		}
		o, err := ParseSelector(b)
		if err != nil {
			return
		}
		if s.Covers(o) && o.Covers(s) != (s == o) {
			t.Fatalf("%q and %q cover each other", a, b)
		}
		if inner := s + "." + o; !s.Covers(inner) || inner.Covers(s) || o.Covers(s) && !o.Covers(inner) {
			t.Fatalf("%q and %q are not in order", s, inner)
		}
	})
}

// marks reports whether Parse accepts the object with a granular marking on the
// selector.
func marks(object, selector string) bool {
	quoted, err := json.Marshal(selector)
	if err != nil || !utf8.ValidString(selector) {
		return false
	}
	_, err = Parse(strings.TrimSuffix(object, "}") + `,"granular_markings":[{"marking_ref":"` + inspectMark + `","selectors":[` + string(quoted) + `]}]}`)
	return err == nil
}
