package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"entente/stix/growthtest"
)

// oddDocuments are documents at the edge of what is allowed.
var oddDocuments = []string{
	"", "---\n", "a: 1", "a: \"x\" # c\nb:\n  - 'it''s'\n  - - 1\n    - 2.5\n  -\n    c: true\n", "a:\n- 1\n- {b: [1, {c: false}], \"d\":-1}\n", "{\"a\":{\"b\":[]}}",
	"a: \"\\u00e9\\\\\\/\"\r\nb: [\r\n  1,\r\n ]\r\n", "a: &x 1", "a: *x", "<<: {a: 1}", "a: !!str 1", "? a\n: b", "a: |\n  x", "a: 1\n---\nb: 2", "%YAML 1.2\n---\na: 1",
	"a: [1, 2", "a: {b: 1", "a: \"x", "\ta: 1", "a: 1\na: 2", "a: NO", "a: ~", "a:", "- ", "a: 0x1", "a: 1_0", "a: 1e3", "a: .5", "a: -0", "a: 01", "yes: 1", "a: \"\\x41\"", "a: \"\\ud800\"",
	"a: b: 1", "a : 1", "\"a\" : 1", "'a': 1", "a: {b: 1,}", "a: [,]", "a: [1 2]", "a: {b:1}", "a: 1 #", "a: 1#", "a: \"x\"#", "a:\n b: 1\n  c: 2", "a:\n  b: 1\n c: 2", "\ufeffa: 1", "a: \"\u202e\"", "...",
}

// FuzzDocument: what is read as a document, another reader of YAML reads alike.
func FuzzDocument(f *testing.F) {
	for _, text := range agreementTexts(f) {
		f.Add(text)
	}
	for _, text := range append(oddDocuments, plainText) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		root, mistakes := readDocument("f", []byte(text))
		for _, m := range mistakes {
			if m.Line < 1 || m.Column < 1 || m.Line > 1+strings.Count(text, "\n") || m.What == "" {
				t.Errorf("%+v is no place in %q", m, text)
			}
		}
		if root == nil && len(mistakes) == 0 {
			t.Fatalf("nothing is read, and nothing is wrong: %q", text)
		}
		if len(mistakes) > 0 || root.empty() {
			return
		}
		var ours, theirs any
		if err := json.Unmarshal(root.json(nil, ""), &ours); err != nil {
			t.Fatalf("%q is read as %s: %v", text, root.json(nil, ""), err)
		}
		if err := yaml.Unmarshal([]byte(text), &theirs); err != nil {
			t.Fatalf("%q is read as %s, and others say %v", text, root.json(nil, ""), err)
		}
		if theirs = plainTree(theirs); !reflect.DeepEqual(ours, theirs) {
			t.Errorf("%q is read as %#v, and by others as %#v", text, ours, theirs)
		}
	})
}

// empty reports whether a value is missing in n or in what it holds.
func (n *node) empty() bool {
	if n.kind == missing {
		return true
	}
	for _, item := range n.items {
		if item.empty() {
			return true
		}
	}
	return false
}

// plainTree has the types of JSON for what a reader of YAML returns.
func plainTree(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = plainTree(e)
		}
	case []any:
		for i, e := range v {
			v[i] = plainTree(e)
		}
	case uint64:
		return float64(v)
	case int64:
		return float64(v)
	case int:
		return float64(v)
	}
	return v
}

// FuzzParse: no document makes Parse panic; every mistake has a place; what is
// accepted has one canonical form, which is an agreement itself and says the same.
func FuzzParse(f *testing.F) {
	seeds := append(append([]string{}, oddDocuments...), plainText, changed(f, "", "onward: {mode: \"tlp\", max_hops: 3}"))
	for _, text := range agreementTexts(f) {
		seeds = append(seeds, text, signedBy(f, text, keyA, keyB))
	}
	if len(seeds) < 59 {
		f.Fatalf("%d seeds", len(seeds))
	}
	for _, text := range seeds {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := Parse("f", text)
		if err != nil {
			var m Mistakes
			if !errors.As(err, &m) || len(m) == 0 || !errors.Is(err, ErrInvalid) {
				t.Fatalf("not mistakes: %v", err)
			}
			for _, one := range m {
				if one.File != "f" || one.Line < 1 || one.Column < 1 || one.Line > 1+bytes.Count(text, []byte("\n")) {
					t.Errorf("no place: %v", one)
				}
			}
			return
		}
		canonical := a.Canonical()
		again, err := Parse("canonical", canonical)
		if err != nil {
			t.Fatalf("the canonical form %s: %v", canonical, err)
		}
		if !bytes.Equal(again.Canonical(), canonical) || again.Digest() != a.Digest() {
			t.Errorf("canonical %s, and again %s", canonical, again.Canonical())
		}
		a.source, again.source, a.Signatures = nil, nil, nil
		if !reflect.DeepEqual(a, again) {
			t.Errorf("the canonical form says something else: %+v, %+v", a, again)
		}
	})
}

// TestParseCost: whatever is in a document, eight times as much of it costs about eight
// times as much, up to the greatest size.
func TestParseCost(t *testing.T) {
	short, long := costly(maxDocument/8), costly(maxDocument)
	for name := range long {
		parse := func(text string) {
			if _, err := Parse("f", []byte(text)); err == nil {
				t.Errorf("%s is accepted", name)
			}
		}
		if ratio := growthtest.Growth(time.Now, func() { parse(short[name]) }, func() { parse(long[name]) }); ratio > growthtest.Linear {
			t.Errorf("%s: eight times the text costs %.0f times as much", name, ratio)
		}
	}
	if _, err := Parse("f", []byte(strings.Repeat("#", maxDocument+1))); err == nil {
		t.Error("a document that is too large is accepted")
	}
}

// costly are documents of about size bytes that are made to cost much.
func costly(size int) map[string]string {
	var keys strings.Builder
	keys.WriteString("a:\n")
	for i := range size / 20 {
		keys.WriteString("  k" + strconv.Itoa(i) + ": 1\n")
	}
	return map[string]string{
		"open lists": strings.Repeat("[", size), "open maps": strings.Repeat("{a: ", size/4), "items": strings.Repeat("- ", size/2), "keys": keys.String(),
		"keys on a line": strings.Repeat("a: ", size/3), "quotes": strings.Repeat("'", size), "commas": "[" + strings.Repeat(",", size-1),
		"comments": strings.Repeat("#\n", size/2), "empty lines": strings.Repeat("\n", size), "items on a line": "a: [" + strings.Repeat("1,", size/2-4) + "]",
		"unquoted": strings.Repeat("- a\n", size/4), "a long text": "a: \"" + strings.Repeat("x", size-5) + "\"", "questions": strings.Repeat("? ", size/2),
		"a map on a line": "{" + strings.Repeat("a: b, ", size/6-1) + "}", "flows": "flows:\n" + strings.Repeat("- {}\n", size/5-2), "spaces": strings.Repeat(" ", size),
		"aliases": "a: &a [1]\n" + strings.Repeat("b: *a\n", size/6-2),
	}
}
