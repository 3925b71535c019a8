package client_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/stix"
	"entente/taxii"
	"entente/taxii/client"
)

// objects makes n valid objects.
func objects(t *testing.T, n int) []stix.Object {
	t.Helper()
	objs := make([]stix.Object, n)
	for i := range objs {
		var err error
		if objs[i], err = stix.Parse(text(i)); err != nil {
			t.Fatal(err)
		}
	}
	return objs
}

func text(i int) string {
	return fmt.Sprintf(`{"type":"identity","spec_version":"2.1","id":"identity--00000000-0000-4000-8000-%012x","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"\u00e9 <%d>","x_n":1.10}`, i, i)
}

func envelope(more string, ids ...int) string {
	var s []string
	for _, i := range ids {
		s = append(s, text(i))
	}
	return `{"objects": [` + strings.Join(s, " , ") + `]` + more + `}`
}

func at(i int) string { return fmt.Sprintf("2026-01-01T00:00:00.%06dZ", i) }

// A reply is one scripted answer.
type reply struct {
	status int // 0: 200
	last   string
	body   string
}

// script answers with one reply after the other; the last one repeats.
func script(replies ...reply) http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		p := replies[min(n, len(replies)-1)]
		n++
		if p.last != "" {
			w.Header()["X-TAXII-Date-Added-First"] = []string{p.last}
			w.Header()["x-taxii-date-added-last"] = []string{p.last}
		}
		if p.status == 0 {
			p.status = 200
		}
		answer(w, p.status, p.body)
	}
}

func TestPages(t *testing.T) {
	list := "GET /api1/collections/c1/objects/"
	for _, tc := range []struct {
		name    string // with the row of the client requirements it is about
		q       client.Query
		from    client.Position
		replies []reply
		items   int
		want    []string // requests; queries unescaped
		to      client.Position
		err     error
	}{
		{name: "C-3.5-01 next repeats the query", q: client.Query{Types: []string{"identity", "malware"}, Limit: 2, AddedAfter: "2024-01-01T00:00:00Z"},
			replies: []reply{{last: at(2), body: envelope(`,"more":true,"next":"a b&c"`, 1, 2)}, {last: at(3), body: envelope("", 3)}}, items: 3,
			want: []string{list + "?added_after=2024-01-01T00:00:00.000000Z&limit=2&match[type]=identity,malware",
				list + "?added_after=2024-01-01T00:00:00.000000Z&limit=2&match[type]=identity,malware&next=a b&c"},
			to: client.Position{AddedAfter: at(3)}},
		{name: "C-3.5-02 C-3.4-04 more without next, all digits kept",
			replies: []reply{{last: "2020-05-05T05:05:56.302472Z", body: envelope(`,"more":true`, 1)}, {last: at(3), body: envelope(`,"more":false`, 3)}}, items: 2,
			want: []string{list, list + "?added_after=2020-05-05T05:05:56.302472Z"}, to: client.Position{AddedAfter: at(3)}},
		{name: "C-3.5-03 empty last page", replies: []reply{{last: at(1), body: envelope(`,"more":true,"next":"n"`, 1)}, {body: `{}`}}, items: 1,
			want: []string{list, list + "?next=n"}, to: client.Position{AddedAfter: at(1)}},
		{name: "C-3.7-01 empty list", replies: []reply{{body: `{"objects": [ ],"more":false}`}}, want: []string{list}},
		{name: "C-3.7-01 null", replies: []reply{{body: `{"objects":null}`}}, want: []string{list}},
		{name: "C-3.5-05 next without more is ignored", replies: []reply{{last: at(1), body: envelope(`,"next":"n"`, 1)}}, items: 1,
			want: []string{list}, to: client.Position{AddedAfter: at(1)}},
		{name: "C-3.5-05 next as a number", replies: []reply{{last: at(1), body: envelope(`,"more":true,"next":12345678901234567890`, 1)}, {body: `{}`}}, items: 1,
			want: []string{list, list + "?next=12345678901234567890"}, to: client.Position{AddedAfter: at(1)}},
		{name: "C-3.2-02 undefined header", replies: []reply{{last: "undefined", body: envelope("", 1)}}, items: 1, want: []string{list}},
		{name: "C-3.2-02 RFC 1123 header keeps the old place", from: client.Position{AddedAfter: at(9)},
			replies: []reply{{last: "Fri, 02 Jan 2026 03:04:35 GMT", body: envelope("", 1)}}, items: 1,
			want: []string{list + "?added_after=" + at(9)}, to: client.Position{AddedAfter: at(9)}},
		{name: "more without next and without a date", replies: []reply{{last: "undefined", body: envelope(`,"more":true`, 1)}},
			want: []string{list}, err: client.ErrNoProgress},
		{name: "C-3.5-04 same page and next again", replies: []reply{{last: at(1), body: envelope(`,"more":true,"next":"n"`, 1)}}, items: 1,
			want: []string{list, list + "?next=n"}, err: client.ErrNoProgress, to: client.Position{AddedAfter: at(1), Next: "n"}},
		{name: "C-3.5-04 added_after does not advance", replies: []reply{{last: at(1), body: envelope(`,"more":true`, 1)}, {last: at(1), body: envelope(`,"more":true`, 2)}}, items: 1,
			want: []string{list, list + "?added_after=" + at(1)}, err: client.ErrNoProgress, to: client.Position{AddedAfter: at(1)}},
		{name: "C-3.5-06 old next, resumed by date", from: client.Position{AddedAfter: at(5), Next: "old", Since: at(2)},
			replies: []reply{{status: 400}, {last: at(6), body: envelope("", 6)}}, items: 1,
			want: []string{list + "?added_after=" + at(2) + "&next=old", list + "?added_after=" + at(5)}, to: client.Position{AddedAfter: at(6)}},
		{name: "C-3.5-06 gone next without any date", from: client.Position{Next: "old"}, replies: []reply{{status: 410}, {body: envelope("", 6)}}, items: 1,
			want: []string{list + "?next=old", list}},
		{name: "C-3.5-07 overlap", q: client.Query{Overlap: time.Second}, from: client.Position{AddedAfter: "2026-01-01T00:00:05.000001Z"},
			replies: []reply{{last: "2026-01-01T00:00:05.000001Z", body: envelope("", 6)}}, items: 1,
			want: []string{list + "?added_after=2026-01-01T00:00:04.000001Z"}, to: client.Position{AddedAfter: "2026-01-01T00:00:05.000001Z"}},
		{name: "overlap stays after the query's own date", q: client.Query{Overlap: time.Hour, AddedAfter: at(0)}, from: client.Position{AddedAfter: at(7)},
			replies: []reply{{body: `{}`}}, want: []string{list + "?added_after=" + at(0)}, to: client.Position{AddedAfter: at(7)}},
		{name: "C-5-04 server refuses spec_version, then version", q: client.All,
			replies: []reply{{status: 400}, {status: 400}, {last: at(1), body: envelope("", 1)}}, items: 1,
			want: []string{list + "?match[version]=all&match[spec_version]=2.0,2.1", list + "?match[version]=all", list}, to: client.Position{AddedAfter: at(1)}},
		{name: "the date never goes back", replies: []reply{{last: at(5), body: envelope(`,"more":true,"next":"n"`, 1)}, {last: at(3), body: envelope("", 2)}}, items: 2,
			want: []string{list, list + "?next=n"}, to: client.Position{AddedAfter: at(5)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMock(t, script(tc.replies...))
			items, to, err := 0, tc.from, error(nil)
			for page, e := range m.collection(t).Pages(t.Context(), tc.q, tc.from) {
				if err = e; err == nil {
					items, to = items+len(page.Items), page.To
				}
			}
			if !errors.Is(err, tc.err) || (err == nil) != (tc.err == nil) {
				t.Errorf("error = %v, want %v", err, tc.err)
			}
			var got []string
			for _, r := range m.requests() {
				u, _ := url.QueryUnescape(r)
				got = append(got, u)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("requests\n got %q\nwant %q", got, tc.want)
			}
			if items != tc.items || to != tc.to {
				t.Errorf("%d items, position %+v; want %d, %+v", items, to, tc.items, tc.to)
			}
		})
	}
}

func TestPageKeepsBytes(t *testing.T) {
	bad := `{"type":"x","id":"nonsense", "a":[1, 2]}`
	m := newMock(t, script(reply{body: `{"more":false,"objects":[` + text(1) + "\n,\t" + bad + " , 42," + text(2) + ` ],"x_y":{"objects":[1]}}`}))
	page, err := m.collection(t).Objects(t.Context(), client.Query{}, client.Position{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{text(1), bad, "42", text(2)}
	if len(page.Items) != len(want) {
		t.Fatalf("%d items, want %d", len(page.Items), len(want))
	}
	for i, it := range page.Items {
		if client.Text(it) != want[i] {
			t.Errorf("item %d = %s, want %s", i, client.Text(it), want[i])
		}
		if (it.Err != nil) != (i == 1 || i == 2) {
			t.Errorf("item %d: error %v", i, it.Err)
		}
	}
}

func TestBrokenEnvelopes(t *testing.T) {
	for _, body := range []string{
		"", "null", "[]", `{"objects":{}}`, `{"objects":[}`, `{"objects":[` + text(1), envelope("", 1) + "x",
		`{"objects":[],"objects":[` + text(1) + `]}`, `{"objects":[` + text(1) + `],"more":"yes"}`, "{\"more\":\xff}",
		`{"objects":[` + strings.Repeat(`[`, 10000),
	} {
		m := newMock(t, script(reply{body: body}))
		if _, err := m.collection(t).Objects(t.Context(), client.Query{}, client.Position{}); err == nil {
			t.Errorf("%.60q: no error", body)
		}
	}
}

// C-3.4-01 to C-3.4-03: what the API refuses to send.
func TestQueryRefused(t *testing.T) {
	m := newMock(t, script(reply{body: `{}`}))
	for name, q := range map[string]client.Query{
		"negative limit":     {Limit: -1},
		"version twice":      {Versions: []string{"last", "last"}},
		"all with others":    {Versions: []string{"all", "first"}},
		"unknown version":    {Versions: []string{"newest"}},
		"comma in a value":   {Types: []string{"a,b"}},
		"empty value":        {IDs: []string{""}},
		"no such date":       {AddedAfter: "2026-13-01T00:00:00Z"},
		"date with offset":   {AddedAfter: "2026-01-01T00:00:00+00:00"},
		"too many ids":       {IDs: make([]string, client.MaxIDs+1)},
		"spec version twice": {SpecVersions: []string{"2.1", "2.1"}},
	} {
		if _, err := m.collection(t).Objects(t.Context(), q, client.Position{}); err == nil {
			t.Errorf("%s: sent", name)
		}
	}
	if len(m.seen) != 0 {
		t.Errorf("requests: %v", m.requests())
	}
}

func TestMicros(t *testing.T) {
	for in, want := range map[string]string{
		"2026-01-01T00:00:00Z":             "2026-01-01T00:00:00.000000Z",
		"2026-01-01T00:00:00.1234569999Z":  "2026-01-01T00:00:00.123456Z",
		"2026-01-01T00:00:00.5Z":           "2026-01-01T00:00:00.500000Z",
		"2026-01-01T00:00:00.Z":            "",
		"2026-02-30T00:00:00Z":             "",
		"undefined":                        "",
		"2026-01-01T00:00:00,5Z":           "",
		"Thu Jan 01 2026 00:00:00 GMT+000": "",
	} {
		if got, ok := client.Micros(in); got != want || ok != (want != "") {
			t.Errorf("Micros(%q) = %q, %v; want %q", in, got, ok, want)
		}
	}
}

// C-H-02: what a server can cost.
func TestBounds(t *testing.T) {
	t.Run("body", func(t *testing.T) {
		m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
			for err := error(nil); err == nil; { // until the client hangs up
				_, err = fmt.Fprint(w, strings.Repeat(" ", 2000))
			}
		})
		_, err := m.collection(t, func(c *client.Config) { c.Limits.Body = 1000 }).Objects(t.Context(), client.Query{}, client.Position{})
		if err == nil || !strings.Contains(err.Error(), "more than 1000 bytes") || len(m.seen) != 1 {
			t.Errorf("error = %v after %d requests", err, len(m.seen))
		}
	})
	t.Run("gzip bomb", func(t *testing.T) {
		m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") != "gzip" {
				t.Errorf("Accept-Encoding = %q", r.Header.Get("Accept-Encoding"))
			}
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			z.Write(make([]byte, 8<<20))
			z.Close()
		})
		_, err := m.collection(t, func(c *client.Config) { c.Limits.Body = 1 << 20 }).Objects(t.Context(), client.Query{}, client.Position{})
		if err == nil || !strings.Contains(err.Error(), "after decompression") {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("gzip", func(t *testing.T) {
		m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			fmt.Fprint(z, envelope("", 1, 2))
			z.Close()
		})
		page, err := m.collection(t).Objects(t.Context(), client.Query{}, client.Position{})
		if err != nil || len(page.Items) != 2 {
			t.Errorf("%d items, %v", len(page.Items), err)
		}
	})
	t.Run("objects", func(t *testing.T) {
		m := newMock(t, script(reply{body: envelope("", 1, 2, 3)}))
		_, err := m.collection(t, func(c *client.Config) { c.Limits.Objects = 2 }).Objects(t.Context(), client.Query{}, client.Position{})
		if err == nil || !strings.Contains(err.Error(), "more than 2 objects") {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("time", func(t *testing.T) {
		m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done() // headers, then nothing
		})
		_, err := m.collection(t, func(c *client.Config) { c.Limits.Request, c.Limits.Attempts = 50*time.Millisecond, 2 }).
			Objects(t.Context(), client.Query{}, client.Position{})
		if err == nil || !strings.Contains(err.Error(), "deadline") || len(m.seen) != 2 {
			t.Errorf("error = %v after %d requests", err, len(m.seen))
		}
	})
	t.Run("endless fresh tokens", func(t *testing.T) {
		n := 0
		m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
			n++
			answer(w, 200, envelope(fmt.Sprintf(`,"more":true,"next":"%d"`, n), n))
		})
		var last error
		for _, err := range m.collection(t, func(c *client.Config) { c.Limits.Pages = 20 }).Pages(t.Context(), client.Query{}, client.Position{}) {
			last = err
		}
		if !errors.Is(last, client.ErrNoProgress) || n != 20 {
			t.Errorf("error = %v after %d pages", last, n)
		}
	})
	t.Run("endless empty pages", func(t *testing.T) {
		n := 0
		m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
			n++
			answer(w, 200, fmt.Sprintf(`{"more":true,"next":"%d"}`, n))
		})
		var last error
		for _, err := range m.collection(t).Pages(t.Context(), client.Query{}, client.Position{}) {
			last = err
		}
		if !errors.Is(last, client.ErrNoProgress) || n > 200 {
			t.Errorf("error = %v after %d pages", last, n)
		}
	})
}

// A reader that dies between two pages goes on where it stored its position.
func TestResume(t *testing.T) {
	replies := map[string]string{"": envelope(`,"more":true,"next":"b"`, 1), "b": envelope(`,"more":true,"next":"c"`, 2), "c": envelope("", 3)}
	m := newMock(t, func(w http.ResponseWriter, r *http.Request) { answer(w, 200, replies[r.URL.Query().Get("next")]) })
	var got []string
	var pos client.Position
	for range 3 {
		for page, err := range m.collection(t).Pages(t.Context(), client.Query{}, pos) {
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range page.Items {
				got = append(got, client.Text(it))
			}
			pos = page.To
			break // killed
		}
	}
	if want := []string{text(1), text(2), text(3)}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestManifestAndVersions(t *testing.T) {
	rec := func(i int) string {
		return fmt.Sprintf(`{"id":"identity--%d","date_added":"%s","version":"v","media_type":"m"}`, i, at(i))
	}
	m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		versions := strings.HasSuffix(r.URL.Path, "/versions/")
		switch {
		case versions && q.Get("added_after") == "":
			w.Header().Set("X-Taxii-Date-Added-Last", at(1))
			answer(w, 200, `{"more":true,"versions":["a","b"]}`)
		case versions:
			answer(w, 200, `{"versions":["c"]}`)
		case q.Get("next") == "":
			answer(w, 200, `{"more":true,"next":7,"objects":[`+rec(1)+`]}`)
		case q.Get("next") == "7":
			answer(w, 200, `{"objects":[`+rec(2)+`]}`)
		}
	})
	c := m.collection(t)
	var got []taxii.ManifestRecord
	for r, err := range c.Manifest(t.Context(), client.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if len(got) != 2 || got[1] != (taxii.ManifestRecord{ID: "identity--2", DateAdded: at(2), Version: "v", MediaType: "m"}) {
		t.Errorf("manifest = %+v", got)
	}
	if v, err := c.Versions(t.Context(), "x--1", client.Query{}); err != nil || fmt.Sprint(v) != "[a b c]" {
		t.Errorf("versions = %v, %v", v, err)
	}
	same := newMock(t, script(reply{body: `{"more":true,"next":"n","versions":["a"]}`}))
	if _, err := same.collection(t).Versions(t.Context(), "x--1", client.Query{}); !errors.Is(err, client.ErrNoProgress) {
		t.Errorf("repeated versions page: %v", err)
	}
}

// C-5-07.
func TestGetInChunks(t *testing.T) {
	m := newMock(t, script(reply{body: `{}`}))
	var ids []string
	for i := range 120 {
		ids = append(ids, fmt.Sprintf("identity--00000000-0000-4000-8000-%012x", i))
	}
	if err := m.collection(t).Get(t.Context(), ids, client.Query{}, func(stix.Item) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if len(m.seen) != 3 {
		t.Errorf("%d requests for 120 ids", len(m.seen))
	}
	for _, r := range m.seen {
		if n := len(r.URL.RequestURI()); n > 8000 {
			t.Errorf("URL of %d bytes", n)
		}
	}
}
