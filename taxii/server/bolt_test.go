package server

import (
	"bytes"
	"compress/gzip"
	"io"
	"path/filepath"
	"testing"

	"entente/stix/stixtest"
	"entente/store"
	"entente/store/bolt"
)

// TestOnBolt: on the embedded store, a page, its compressed form, a token and a
// status outlive the process that made them.
func TestOnBolt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	open := func() *bolt.Store {
		st, err := bolt.Open(path, bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		return st
	}
	st := open()
	s := newSite(t, func(c *Config) { c.Store = st })
	objects := stixtest.Objects(1, 700)
	a := s.do("rw", "POST", objectsA, stixtest.Envelope(objects))
	if a.StatusCode != 202 {
		t.Fatalf("POST = %d %s", a.StatusCode, a.body)
	}
	posted := s.post(objects[0].Raw)
	const all = "?match[version]=all&match[spec_version]=2.0,2.1"
	var page envelope
	s.get(objectsA+all+"&limit=300").into(t, &page)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}

	var reopened store.Store = open()
	s = newSite(t, func(c *Config) { c.Store = reopened })
	var rest envelope
	s.get(objectsA+"?limit=1000&next="+page.Next).into(t, &rest)
	got := append(page.Objects, rest.Objects...)
	if len(got) != len(objects) {
		t.Fatalf("%d objects, want %d", len(got), len(objects))
	}
	for i := range got {
		if string(got[i]) != objects[i].Raw {
			t.Fatalf("object %d: %s, want %s", i, got[i], objects[i].Raw)
		}
	}
	if a := s.get("/api1/status/" + posted.ID + "/"); a.StatusCode != 200 {
		t.Errorf("status after a restart: %d", a.StatusCode)
	}
	for _, query := range []string{all, "?match[type]=indicator", "?limit=3"} {
		plain, zipped := s.get(objectsA+query), s.get(objectsA+query, "Accept-Encoding: gzip")
		r, err := gzip.NewReader(bytes.NewReader(zipped.body))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(text, plain.body) {
			t.Errorf("%s: %d bytes unpacked, %d plain, %v", query, len(text), len(plain.body), err)
		}
	}
}
