package server

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/stix/stixtest"
	"entente/store/mem"
	"entente/taxii"
)

func TestPost(t *testing.T) {
	s := fixtureSite(t)
	before := s.dates()
	f := stixtest.Fixture()
	b := f[6].Raw
	other := strings.Replace(b, `"name":"B"`, `"name":"C"`, 1)
	reordered := strings.Replace(b, `{"type":"indicator",`, `{"revoked":false,"type":"indicator",`, 1)
	fresh := stixtest.Objects(7, 3)
	for _, tc := range []struct {
		id, body       string
		status         int
		success, fails int
		says           string
	}{
		{"T-5.5-05", envelopeOf(b), 202, 1, 0, "already present"},
		{"T-5.5-06", envelopeOf(reordered), 202, 1, 0, "already present"},
		{"T-5.5-07", envelopeOf(other), 202, 0, 1, "version conflict"},
		{"T-5.5-09", envelopeOf(fresh[0].Raw, `{"type":"indicator"}`), 202, 1, 1, "invalid--1"},
		{"T-5.5-12", envelopeOf(`42`, b), 202, 1, 1, "invalid--0"},
		{"T-5.5-13", `{"type":"bundle","id":"bundle--4b5a1f7e-2a3b-4c5d-8e9f-0a1b2c3d4e5f","objects":[` + fresh[1].Raw + `]}`, 202, 1, 0, ""},
		{"T-5.5-15", `{"more":true,"next":"x","x_foo":1,"objects":[` + fresh[2].Raw + `]}`, 202, 1, 0, ""},
		{"T-5.5-10", `nonsense`, 422, 0, 0, ""},
		{"T-5.5-10", ``, 422, 0, 0, ""},
		{"T-5.5-10", `[]`, 422, 0, 0, ""},
		{"T-5.5-10", `{}`, 422, 0, 0, ""},
		{"T-5.5-10", `{"objects":[]}`, 422, 0, 0, ""},
		{"T-5.5-10", `{"objects":{}}`, 422, 0, 0, ""},
		{"T-5.5-10", b, 422, 0, 0, ""},
		{"T-3.8-02", `{"Objects":[` + b + `]}`, 422, 0, 0, ""},
		{"T-1.6.7-02", `{"objects":[` + b + `],"objects":[]}`, 422, 0, 0, ""},
		{"T-1.6.7-02", "{\"objects\":[\"\xff\"]}", 422, 0, 0, ""},
	} {
		a := s.do("rw", "POST", objectsA, tc.body)
		if a.StatusCode != tc.status {
			t.Errorf("%s = %d %s, want %d", tc.id, a.StatusCode, a.body, tc.status)
			continue
		}
		checkHeaders(t, tc.id, a)
		if tc.status != 202 {
			continue
		}
		var st taxii.Status
		a.into(t, &st)
		if st.Status != "complete" || st.SuccessCount != tc.success || st.FailureCount != tc.fails || st.TotalCount != tc.success+tc.fails ||
			len(st.Successes) != tc.success || len(st.Failures) != tc.fails || !strings.Contains(string(a.body), tc.says) {
			t.Errorf("%s = %s, want %d successes, %d failures, %q", tc.id, a.body, tc.success, tc.fails, tc.says)
		}
		for _, d := range append(st.Successes, st.Failures...) {
			if d.ID == "" || d.Version == "" {
				t.Errorf("%s: detail without id or version: %+v", tc.id, d)
			}
		}
		for _, d := range st.Failures { // T-4.3.1-08
			if d.Message == "" {
				t.Errorf("%s: failure without message: %+v", tc.id, d)
			}
		}
		if again := s.get("/api1/status/" + st.ID + "/"); again.StatusCode != 200 || !bytes.Equal(again.body, a.body) { // T-5.5-04
			t.Errorf("%s: status = %d %s, the POST said %s", tc.id, again.StatusCode, again.body, a.body)
		}
	}
	if after := s.dates(); !slices.Equal(after, before) { // T-5.3.1-05
		t.Errorf("date_added was %v, is %v", before, after)
	}
}

func envelopeOf(objects ...string) string { return `{"objects":[` + strings.Join(objects, ",") + `]}` }

// TestSCOVersion holds T-3.4.1-17: the version that the server chooses is the
// same in status, manifest and versions, and selects the object.
func TestSCOVersion(t *testing.T) {
	s := newSite(t)
	st := s.post(stixtest.Fixture()[3].Raw)
	version := st.Successes[0].Version
	var m taxii.Manifest
	s.get("/api1/collections/"+collA+"/manifest/").into(t, &m)
	var v taxii.Versions
	s.get(objectsA+stixtest.FixtureAddress+"/versions/").into(t, &v)
	if m.Objects[0].Version != version || v.Versions[0] != version || m.Objects[0].MediaType != MediaTypeSTIX21 {
		t.Errorf("status %s, manifest %+v, versions %v", version, m.Objects[0], v.Versions)
	}
	var e envelope
	if s.get(objectsA+"?match[version]="+version).into(t, &e); len(e.Objects) != 1 {
		t.Errorf("match[version]=%s finds %d objects", version, len(e.Objects))
	}
}

func TestPostMany(t *testing.T) {
	s := newSite(t)
	objects := stixtest.Objects(1, 150)
	body := strings.TrimSuffix(stixtest.Envelope(objects), "]}") + `,7]}`
	var st taxii.Status
	s.do("rw", "POST", objectsA, body).into(t, &st)
	if st.SuccessCount != 150 || len(st.Successes) != 0 || len(st.Failures) != 1 || st.TotalCount != 151 {
		t.Errorf("status of 151 objects: %d successes, %d listed, %d failures listed", st.SuccessCount, len(st.Successes), len(st.Failures))
	}
	var m taxii.Manifest
	s.get("/api1/collections/"+collA+"/manifest/?match[version]=all&match[spec_version]=2.0,2.1").into(t, &m)
	for i := 1; i < len(m.Objects); i++ { // T-2-06
		if m.Objects[i].DateAdded <= m.Objects[i-1].DateAdded {
			t.Errorf("date_added %s follows %s", m.Objects[i].DateAdded, m.Objects[i-1].DateAdded)
		}
	}
	if len(m.Objects) != 150 {
		t.Errorf("manifest has %d records", len(m.Objects))
	}
	var e envelope // promise 1: bytes are kept
	s.get(objectsA+"?match[version]=all&match[spec_version]=2.0,2.1").into(t, &e)
	for i, o := range objects {
		if string(e.Objects[i]) != o.Raw {
			t.Fatalf("object %d: got %s, want %s", i, e.Objects[i], o.Raw)
		}
	}
}

func TestPostHeaders(t *testing.T) {
	s := newSite(t)
	o := stixtest.Fixture()[0].Raw
	big := func(n int) string { // an envelope of n bytes
		body := strings.Replace(envelopeOf(o), `{"objects"`, `{"x":"","objects"`, 1)
		return strings.Replace(body, `"x":""`, `"x":"`+strings.Repeat("a", n-len(body))+`"`, 1)
	}
	zip := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(text))
		_ = w.Close()
		return b.String()
	}
	for _, tc := range []struct {
		id, user, body string
		header         string
		status         int
	}{
		{"T-CTY-05", "rw", envelopeOf(o), "Content-Type: ", 415},
		{"T-CTY-06", "rw", envelopeOf(o), "Content-Type: application/json", 415},
		{"clients 4", "rw", envelopeOf(o), "Content-Type: application/stix+json; version=2.1", 202},
		{"T-CTY-07", "rw", envelopeOf(o), "Content-Type: application/vnd.oasis.stix+json; version=2.0", 415},
		{"T-CTY-08", "rw", envelopeOf(o), "Accept: text/html", 406},
		{"T-H-07", "rw", envelopeOf(o), "Content-Encoding: br", 415},
		{"gzip", "rw", zip(envelopeOf(o)), "Content-Encoding: gzip", 202},
		{"broken gzip", "rw", zip(envelopeOf(o))[:40], "Content-Encoding: gzip", 400},
		{"no gzip", "rw", envelopeOf(o), "Content-Encoding: gzip", 400},
		{"T-4.2.1-04", "rw", big(1<<20 - 1), "X: y", 202},
		{"T-4.2.1-04", "rw", big(1 << 20), "X: y", 202},
		{"T-4.2.1-05", "rw", big(1<<20 + 1), "X: y", 413},
		{"T-4.2.1-05 bomb", "rw", zip(big(64 << 20)), "Content-Encoding: gzip", 413},
		{"empty members", "rw", strings.Repeat(zip(""), 60_000), "Content-Encoding: gzip", 413},
		{"T-4.2.1-04 gzip", "rw", zip(big(1 << 20)), "Content-Encoding: gzip", 202},
		{"T-5.5-03", "ro", envelopeOf(o), "X: y", 403},
		{"T-5.5-03", "nn", envelopeOf(o), "X: y", 403},
		{"1.15", "out", envelopeOf(o), "X: y", 404},
		{"T-5.5-02", "", envelopeOf(o), "X: y", 401},
		{"1.15", "wo", envelopeOf(o), "X: y", 202},
		{"T-H-10", "", envelopeOf(o), "Accept: text/html", 401},
	} {
		a := s.do(tc.user, "POST", objectsA, tc.body, tc.header)
		if a.StatusCode != tc.status {
			t.Errorf("%s POST of %d bytes, %s = %d %.200s, want %d", tc.id, len(tc.body), tc.header, a.StatusCode, a.body, tc.status)
		}
		checkHeaders(t, tc.id, a)
	}
}

// TestChunkedMembers: what unpacks to nothing is counted as it comes.
func TestChunkedMembers(t *testing.T) {
	s := newSite(t)
	var member bytes.Buffer
	if err := gzip.NewWriter(&member).Close(); err != nil {
		t.Fatal(err)
	}
	body := io.MultiReader(strings.NewReader(strings.Repeat(member.String(), 60_000)))
	req, err := http.NewRequest("POST", s.url+objectsA, body)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("rw", "rw")
	req.Header.Set("Content-Type", taxii.MediaType)
	req.Header.Set("Content-Encoding", "gzip")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("%d, want 413", res.StatusCode)
	}
}

func TestStatusIsForItsSubmitter(t *testing.T) {
	s := newSite(t)
	st := s.post(stixtest.Fixture()[0].Raw)
	path := "/api1/status/" + st.ID + "/"
	for _, tc := range []struct {
		id, user, path string
		status         int
	}{
		{"T-4.3-01", "rw", path, 200},
		{"T-4.3-04", "other", path, 404},
		{"T-4.3-04", "rw", strings.Replace(path, "api1", "api2", 1), 404},
		{"T-4.3-03", "rw", "/api1/status/xyz/", 404},
		{"T-4.3-03", "rw", "/api1/status/4b5a1f7e-2a3b-4c5d-8e9f-0a1b2c3d4e5f/", 404},
	} {
		if a := s.do(tc.user, "GET", tc.path, ""); a.StatusCode != tc.status {
			t.Errorf("%s GET %s as %s = %d, want %d", tc.id, tc.path, tc.user, a.StatusCode, tc.status)
		}
	}
	s.clock.advance(23*time.Hour + 59*time.Minute)
	if a := s.get(path); a.StatusCode != 200 {
		t.Errorf("T-4.3-02: after 23:59 = %d", a.StatusCode)
	}
	s.clock.advance(time.Hour)
	if a := s.get(path); a.StatusCode != 404 {
		t.Errorf("T-4.3-03: after 24:59 = %d", a.StatusCode)
	}
	if err := s.srv.tidyOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	docs, err := s.srv.c.Store.Documents(t.Context(), statusKind)
	if err != nil || len(docs) != 0 {
		t.Errorf("%d statuses are left, %v", len(docs), err)
	}
}

// TestRestart: tokens, statuses and what was posted survive, on a second
// server over the same store (T-3.5-12).
func TestRestart(t *testing.T) {
	st := mem.New()
	first := fixtureSite(t, func(c *Config) { c.Store = st })
	second := newSite(t, func(c *Config) { c.Store = st })
	var page, rest envelope
	first.get(objectsA+"?limit=3").into(t, &page)
	second.get(objectsA+"?next="+page.Next).into(t, &rest)
	if got := page.names() + " | " + rest.names(); got != "d1 d4 d5 | d7 d8 d9 d10" {
		t.Errorf("pages from two servers: %s", got)
	}
}

func TestMediaTypesOfACollection(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.Roots[0].Collections[0].MediaTypes = []string{MediaTypeSTIX21}
		c.Roots[0].Collections[0].RefuseSTIXContentType = true
	})
	f := stixtest.Fixture()
	st := s.post(f[2].Raw, f[7].Raw)
	if st.SuccessCount != 1 || st.FailureCount != 1 || st.Failures[0].Version != "2024-01-01T00:00:00.000Z" {
		t.Errorf("T-5.5-14: %+v", st)
	}
	var coll taxii.Collection
	s.get("/api1/collections/"+collA+"/").into(t, &coll)
	if fmt.Sprint(coll.MediaTypes) != "["+MediaTypeSTIX21+"]" {
		t.Errorf("media_types %v", coll.MediaTypes)
	}
	a := s.do("rw", "POST", objectsA, envelopeOf(f[7].Raw), "Content-Type: application/stix+json;version=2.1")
	if a.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("T-CTY-07 with the option = %d", a.StatusCode)
	}
}

func TestAccountOptions(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.Accounts = testAccounts(t, func(m map[string]*Account) {
			m["other"].EscapeNonASCII, m["other"].EmptyObjectsList, m["other"].NoDatesOnEmpty = true, true, true
		})
	})
	o := strings.Replace(stixtest.Fixture()[0].Raw, "Liaison", "Verbindungsbüro 😀", 1)
	s.post(o)
	a := s.do("other", "GET", objectsA, "")
	if want := envelopeOf(strings.Replace(strings.Replace(o, "ü", `\u00fc`, 1), "😀", `\ud83d\ude00`, 1)); string(a.body) != want {
		t.Errorf("escaped: %s, want %s", a.body, want)
	}
	if a := s.get(objectsA); string(a.body) != envelopeOf(o) {
		t.Errorf("plain: %s", a.body)
	}
	a = s.do("other", "GET", objectsA+"?added_after=2999-01-01T00:00:00Z", "")
	if string(a.body) != `{"objects":[]}` || a.Header.Get(taxii.HeaderAddedLast) != "" {
		t.Errorf("empty: %s, %v", a.body, a.Header)
	}
}

func TestGzip(t *testing.T) {
	s := newSite(t)
	objects := stixtest.Objects(3, 50)
	s.do("rw", "POST", objectsA, stixtest.Envelope(objects))
	for _, path := range []string{objectsA + "?match[version]=all", "/api1/collections/" + collA + "/manifest/?limit=40", "/taxii2/"} {
		plain, zipped := s.get(path), s.get(path, "Accept-Encoding: gzip")
		if path == "/taxii2/" {
			if zipped.Header.Get("Content-Encoding") != "" {
				t.Error("a short answer is compressed")
			}
			continue
		}
		r, err := gzip.NewReader(bytes.NewReader(zipped.body))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		var got bytes.Buffer
		if _, err := got.ReadFrom(r); err != nil || got.String() != string(plain.body) {
			t.Errorf("%s: %d bytes unpacked, %d plain, %v", path, got.Len(), len(plain.body), err)
		}
		if !json.Valid(plain.body) || len(zipped.body)*2 > len(plain.body) {
			t.Errorf("%s: %d bytes, zipped %d", path, len(plain.body), len(zipped.body))
		}
	}
}

// TestWriteOnlyIsToldNothing: an account that may not read does not learn what a
// collection has.
func TestWriteOnlyIsToldNothing(t *testing.T) {
	s := newSite(t)
	object := func(created, modified, name string) string {
		return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000001","created":"%sT00:00:00Z","modified":"%sT00:00:00Z","name":"%s"}`, created, modified, name)
	}
	address := stixtest.Fixture()[3].Raw
	s.post(object("2020-01-01", "2020-01-01", "secret"), address)
	post := func(body string) (st taxii.Status) {
		s.do("wo", "POST", objectsA, envelopeOf(body)).into(t, &st)
		return st
	}
	for _, body := range []string{object("2020-01-01", "2020-01-01", "secret"), address} {
		if st := post(body); st.SuccessCount != 1 || st.Successes[0].Message != "" {
			t.Errorf("what is there: %+v", st)
		}
	}
	if st := post(address); st.Successes[0].Version != st.RequestTimestamp {
		t.Errorf("version %s of an address, want that of the request, %s", st.Successes[0].Version, st.RequestTimestamp)
	}
	other, foreign := post(object("2020-01-01", "2020-01-01", "guess")), post(object("2021-01-01", "2022-01-01", ""))
	if other.FailureCount != 1 || foreign.FailureCount != 1 || other.Failures[0].Message != foreign.Failures[0].Message {
		t.Errorf("other content: %+v; other creator: %+v; want the same message", other, foreign)
	}
}

// TestLongVersion: what a client sends does not make its status long.
func TestLongVersion(t *testing.T) {
	s := newSite(t)
	body := `{"type":"x-a","id":"x-a--00000000-0000-4000-8000-000000000001","created":"2020-01-01T00:00:00Z","modified":"2020-01-01T00:00:00.` + strings.Repeat("1", 100_000) + `Z"}`
	a := s.do("rw", "POST", objectsA, envelopeOf(body))
	if a.StatusCode != 202 || len(a.body) > 2000 {
		t.Errorf("%d, %d bytes", a.StatusCode, len(a.body))
	}
}
