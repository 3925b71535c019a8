package taxii

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"entente/stix"
)

func testSealer(t testing.TB, secret byte, version byte) *Sealer {
	t.Helper()
	s, err := NewSealer(bytes.Repeat([]byte{secret}, 32), version)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testCursor() *Cursor {
	return &Cursor{Log: "4b5a1f7e-2a3b-4c5d-8e9f-0a1b2c3d4e5f", From: 1767323045000001, Filter: Filter{
		AddedAfter: -5, Types: []string{"indicator", "malware"},
		IDs:          []stix.ID{"indicator--a7e1d5c0-61f0-4c83-8e0f-7d1f1f3c1a01"},
		SpecVersions: []string{"2.0", "2.1"}, First: true, Last: true, Exact: []stix.Timestamp{"2024-01-01T00:00:00"},
	}}
}

func TestSealer(t *testing.T) {
	s := testSealer(t, 1, 1)
	c := testCursor()
	token := string(s.Append(nil, "analyst", c))
	if again := string(testSealer(t, 1, 1).Append([]byte("x"), "analyst", c)); again != "x"+token {
		t.Errorf("the same cursor gives %q after a restart, %q before", again, token)
	}
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{30,511}$`).MatchString(token) {
		t.Errorf("T-3.5-15: token %q", token)
	}
	if strings.Contains(token, "indicator") {
		t.Error("the token can be read")
	}
	var got Cursor
	if err := s.Open(token, "analyst", &got); err != nil {
		t.Fatal(err)
	}
	if got.Log != LogKey(c.Log) || got.From != c.From || got.AddedAfter != c.AddedAfter || !got.sameVersions(&c.Filter) ||
		!sameSet(got.Types, c.Types) || !sameSet(got.IDs, c.IDs) || !sameSet(got.SpecVersions, c.SpecVersions) || got.All {
		t.Errorf("opened %+v, want %+v", got, c)
	}
	for name, try := range map[string]func() error{
		"someone else's":  func() error { return s.Open(token, "partner", &got) },
		"nobody's":        func() error { return s.Open(token, "", &got) },
		"another secret":  func() error { return testSealer(t, 2, 1).Open(token, "analyst", &got) },
		"another version": func() error { return testSealer(t, 1, 2).Open(token, "analyst", &got) },
		"empty":           func() error { return s.Open("", "analyst", &got) },
		"cut":             func() error { return s.Open(token[:len(token)-1], "analyst", &got) },
		"longer":          func() error { return s.Open(token+"A", "analyst", &got) },
		"no base64":       func() error { return s.Open(token+"=", "analyst", &got) },
		"a line break":    func() error { return s.Open(token[:40]+"\n"+token[40:], "analyst", &got) },
	} {
		if err := try(); !errors.Is(err, ErrNext) {
			t.Errorf("%s: %v, want ErrNext", name, err)
		}
	}
	if _, err := NewSealer(make([]byte, 31), 1); err == nil {
		t.Error("a secret of 31 bytes is taken")
	}
}

// TestEveryBitCounts flips each bit of a token.
func TestEveryBitCounts(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	s := testSealer(t, 1, 1)
	token := s.Append(nil, "analyst", testCursor())
	var got Cursor
	for i := range token {
		for bit := range 6 {
			changed := bytes.Clone(token)
			changed[i] = alphabet[strings.IndexByte(alphabet, token[i])^1<<bit]
			if s.Open(string(changed), "analyst", &got) == nil {
				t.Errorf("character %d may be %c in place of %c", i, changed[i], token[i])
			}
		}
	}
}

func TestTokensDiffer(t *testing.T) {
	s := testSealer(t, 1, 1)
	seen := map[string]string{}
	for name, change := range map[string]func(*Cursor){
		"same": func(*Cursor) {}, "log": func(c *Cursor) { c.Log = "x" }, "from": func(c *Cursor) { c.From++ },
		"after": func(c *Cursor) { c.AddedAfter++ }, "types": func(c *Cursor) { c.Types = nil }, "first": func(c *Cursor) { c.First = false },
	} {
		c := testCursor()
		change(c)
		token := s.Append(nil, "a", c)
		nonce := string(token[:17]) // version and nonce
		if other, ok := seen[nonce]; ok {
			t.Errorf("%s has the nonce of %s", name, other)
		}
		seen[nonce] = name
	}
}

func FuzzNext(f *testing.F) {
	s := testSealer(f, 1, 1)
	f.Add("analyst", string(s.Append(nil, "analyst", testCursor())))
	f.Add("analyst", string(s.Append(nil, "analyst", &Cursor{})))
	f.Add("", "AQ")
	plain := appendCursor(nil, testCursor())
	f.Add("plain", string(plain))
	f.Fuzz(func(t *testing.T, caller, token string) {
		var c Cursor
		if s.Open(token, caller, &c) == nil && string(s.Append(nil, caller, testCursor())) != token && string(s.Append(nil, caller, &Cursor{})) != token {
			t.Errorf("a token that nobody made is good: %q", token)
		}
		// The inner format, which only we can write, must not panic either.
		if readCursor([]byte(token), &c) {
			if plain := appendCursor(nil, &c); len(plain) == 0 {
				t.Error("nothing written")
			}
		}
	})
}

func BenchmarkSealer(b *testing.B) {
	s := testSealer(b, 1, 1)
	c := &Cursor{Log: "4b5a1f7e-2a3b-4c5d-8e9f-0a1b2c3d4e5f", From: 1767323045000001}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = s.Append(dst[:0], "analyst", c)
		var got Cursor
		if s.Open(string(dst), "analyst", &got) != nil {
			b.Fatal("refused")
		}
	}
}
