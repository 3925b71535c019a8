package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/stix"
	"entente/stix/stixtest"
	"entente/taxii"
)

// fixtureSite has the fixture in collection A, posted in one request.
func fixtureSite(t testing.TB, change ...func(*Config)) *site {
	t.Helper()
	s := newSite(t, change...)
	var texts []string
	for _, o := range stixtest.Fixture() {
		texts = append(texts, o.Raw)
	}
	if st := s.post(texts...); st.SuccessCount != 10 {
		t.Fatalf("fixture: %+v", st)
	}
	return s
}

type envelope struct {
	More    bool
	Next    string
	Objects []json.RawMessage
}

// names turns an envelope into "d1 d4 …" by comparing bytes with the fixture.
func (e *envelope) names() string {
	fixture := stixtest.Fixture()
	var out []string
	for _, raw := range e.Objects {
		i := slices.IndexFunc(fixture, func(o stix.Object) bool { return o.Raw == string(raw) })
		out = append(out, fmt.Sprint("d", i+1))
	}
	return strings.Join(out, " ")
}

// dates returns date_added of the whole fixture, from the manifest.
func (s *site) dates() []string {
	s.t.Helper()
	var m taxii.Manifest
	s.get("/api1/collections/"+collA+"/manifest/?match[version]=all&match[spec_version]=2.0,2.1").into(s.t, &m)
	var out []string
	for _, rec := range m.Objects {
		out = append(out, rec.DateAdded)
	}
	if len(out) < 10 || !slices.IsSorted(out) {
		s.t.Fatalf("date_added of the fixture: %v", out)
	}
	return out[:10]
}

func TestGetObjects(t *testing.T) {
	s := fixtureSite(t)
	d := s.dates()
	objectA := objectsA + stixtest.FixtureIndicatorA + "/"
	malware := objectsA + stixtest.FixtureMalware + "/"
	const def = "d1 d4 d5 d7 d8 d9 d10"
	for _, tc := range []struct {
		id, path string
		status   int
		want     string
	}{
		{"T-3.4-02", objectsA, 200, def},
		{"T-3.1-01", strings.TrimSuffix(objectsA, "/"), 200, def},
		{"double slash", "//api1//collections/" + collA + "//objects//", 200, def},
		{"T-5.2.1-04", "/api1/collections/indicators/objects/", 200, def},
		{"T-3.4.1-10", objectsA + "?match[version]=all", 200, "d1 d2 d4 d5 d6 d7 d8 d9 d10"},
		{"T-3.4.1-02", objectsA + "?match[version]=all&match[spec_version]=2.0,2.1", 200, "d1 d2 d3 d4 d5 d6 d7 d8 d9 d10"},
		{"T-3.4.1-02", objectsA + "?match[spec_version]=2.0", 200, "d3"},
		{"T-3.4.1-04", objectsA + "?match[spec_version]=9.9", 200, ""},
		{"T-3.4.1-04", objectsA + "?match[spec_version]=abc", 400, ""},
		{"T-3.4-05", objectsA + "?added_after=" + d[6], 200, "d8 d9 d10"},
		{"T-3.4-05", objectsA + "?added_after=" + d[9], 200, ""},
		{"T-3.4-09", objectsA + "?added_after=2999-01-01T00:00:00Z", 200, ""},
		{"T-3.4-12", objectsA + "?limit=3", 200, "d1 d4 d5"},
		{"T-3.4-14", objectsA + "?limit=1000000", 200, def},
		{"T-3.4-17", objectsA + "?match[type]=indicator&match[id]=" + stixtest.FixtureIndicatorA, 200, "d10"},
		{"T-3.4-18", objectsA + "?match[type]=indicator,malware", 200, "d7 d8 d10"},
		{"T-3.4-21", objectsA + "?match%5Btype%5D=indicator%2Cmalware", 200, "d7 d8 d10"},
		{"T-3.4-20", objectsA + "?match[foo]=bar", 200, def},
		{"T-3.4.1-09", objectsA + "?match[version]=first", 200, "d1 d2 d4 d5 d7 d8 d9"},
		{"T-3.4.1-12", objectsA + "?match[version]=2024-02-02T00:00:00.000000000Z", 200, "d7"},
		{"T-3.4.1-13", objectsA + "?match[version]=first,last", 200, "d1 d2 d4 d5 d7 d8 d9 d10"},
		{"T-5.6-01", objectA, 200, "d10"},
		{"T-5.6-02", strings.Replace(objectA, "--", "%2D%2d", 1), 200, "d10"},
		{"T-5.6-06", objectA + "?match[version]=all", 200, "d2 d6 d10"},
		{"T-5.6-07", objectA + "?match[version]=all&limit=2", 200, "d2 d6"},
		{"T-5.6-05", objectA + "?added_after=2999-01-01T00:00:00Z", 200, ""},
		{"T-5.6-04", objectsA + "indicator--00000000-0000-4000-8000-000000000000/", 404, ""},
		{"T-5.7-09", malware + "?match[spec_version]=2.0", 200, "d3"},
		{"T-3.4-11", objectsA + "?limit=0", 400, ""},
		{"T-3.4-03", objectsA + "?match[type]=indicator&match[type]=malware", 400, ""},
		{"T-3.4-01", objectsA + "?limit=%zz", 400, ""},
		{"clients 11", objectsA + "?next=", 200, def},
		{"T-3.5-11", objectsA + "?next=zzz", 400, ""},
	} {
		a := s.get(tc.path)
		if a.StatusCode != tc.status {
			t.Errorf("%s GET %s = %d %s, want %d", tc.id, tc.path, a.StatusCode, a.body, tc.status)
			continue
		}
		checkHeaders(t, tc.path, a)
		if tc.status != 200 {
			continue
		}
		var e envelope
		a.into(t, &e)
		if got := e.names(); got != tc.want {
			t.Errorf("%s GET %s = %s, want %s", tc.id, tc.path, got, tc.want)
		}
		if tc.want == "" && string(a.body) != "{}" {
			t.Errorf("%s GET %s = %s, want {}", tc.id, tc.path, a.body)
		}
	}
}

// checkHeaders checks what every answer must have.
func checkHeaders(t *testing.T, what string, a answer) {
	t.Helper()
	if got := a.Header.Get("Content-Type"); got != taxii.MediaType {
		t.Errorf("%s: Content-Type %q, want %q", what, got, taxii.MediaType)
	}
	if a.Header.Get("Vary") == "" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: Vary %q, Cache-Control %q", what, a.Header.Get("Vary"), a.Header.Get("Cache-Control"))
	}
	if a.StatusCode < 400 {
		return
	}
	var e taxii.ErrorMessage
	a.into(t, &e)
	if e.Title == "" || e.HTTPStatus != fmt.Sprint(a.StatusCode) || len(e.ErrorID) != 16 {
		t.Errorf("%s: error message %+v with status %d", what, e, a.StatusCode)
	}
}

// TestPaging holds T-3.5-01, T-3.5-04 and T-3.5-06: with next, and with
// added_after alone, every page size gives what one page gives.
func TestPaging(t *testing.T) {
	s := fixtureSite(t)
	for _, path := range []string{objectsA, "/api1/collections/" + collA + "/manifest/", objectsA + stixtest.FixtureIndicatorA + "/versions/"} {
		for _, filter := range []string{"", "match[version]=all&", "match[type]=indicator,malware&"} {
			want := s.pageAll(path, filter, 100, "next")
			for limit := 1; limit <= 8; limit++ {
				for _, by := range []string{"next", "next without filters", "added_after"} {
					if by == "added_after" && filter == "" || strings.Contains(path, "versions") && filter != "" {
						continue // the last version among the rest is another one
					}
					if got := s.pageAll(path, filter, limit, by); got != want {
						t.Errorf("%s?%s by %d with %s = %s, want %s", path, filter, limit, by, got, want)
					}
				}
			}
		}
	}
}

// pageAll joins the items of all pages, and checks each page.
func (s *site) pageAll(path, filter string, limit int, by string) string {
	s.t.Helper()
	query, all := filter, []string{}
	for range 30 {
		a := s.get(fmt.Sprintf("%s?%slimit=%d", path, query, limit))
		var page struct {
			More              bool
			Next              string
			Objects, Versions []json.RawMessage
		}
		a.into(s.t, &page)
		items := append(page.Objects, page.Versions...)
		for _, item := range items {
			all = append(all, string(item))
		}
		if a.StatusCode != 200 || len(items) > limit || page.More != (page.Next != "") || page.More && len(items) != limit {
			s.t.Fatalf("%s?%s = %d, %d items, more %v, next %q", path, query, a.StatusCode, len(items), page.More, page.Next)
		}
		if !page.More {
			return strings.Join(all, "\n")
		}
		switch by {
		case "next":
			query = filter + "next=" + page.Next + "&"
		case "next without filters":
			query = "next=" + page.Next + "&"
		default:
			query = filter + "added_after=" + url.QueryEscape(a.Header.Get(taxii.HeaderAddedLast)) + "&"
		}
	}
	s.t.Fatalf("%s?%s does not end", path, filter)
	return ""
}

func TestNextRules(t *testing.T) {
	s := fixtureSite(t)
	var first envelope
	s.get(objectsA+"?match[type]=indicator,malware&limit=1").into(t, &first)
	next := "next=" + first.Next
	for _, tc := range []struct {
		name, user, path string
		status           int
		want             string
	}{
		{"filters repeated, in another order", "rw", objectsA + "?match[type]=malware,indicator&" + next, 200, "d8 d10"},
		{"filters left out", "rw", objectsA + "?" + next, 200, "d8 d10"},
		{"default said", "rw", objectsA + "?match[version]=last&" + next, 200, "d8 d10"},
		{"changed match", "rw", objectsA + "?match[type]=malware&" + next, 400, ""},
		{"added match", "rw", objectsA + "?match[version]=all&" + next, 400, ""},
		{"added_after is ANDed", "rw", objectsA + "?added_after=" + s.dates()[8] + "&" + next, 200, "d10"},
		{"early added_after", "rw", objectsA + "?added_after=2001-01-01T00:00:00Z&" + next, 200, "d8 d10"},
		{"someone else's", "other", objectsA + "?" + next, 400, ""},
		{"without rights", "out", objectsA + "?" + next, 404, ""},
		{"another collection", "rw", "/api1/collections/" + collB + "/objects/?" + next, 200, ""},
		{"another object", "rw", objectsA + stixtest.FixtureIndicatorB + "/?" + next, 400, ""},
		{"manifest", "rw", "/api1/collections/" + collA + "/manifest/?" + next, 200, "-"},
		{"flipped", "rw", objectsA + "?next=" + flip(first.Next), 400, ""},
	} {
		a := s.do(tc.user, "GET", tc.path, "")
		if a.StatusCode != tc.status {
			t.Errorf("%s: %d %s, want %d", tc.name, a.StatusCode, a.body, tc.status)
			continue
		}
		if tc.status == 200 && tc.want != "-" {
			var e envelope
			a.into(t, &e)
			if e.names() != tc.want {
				t.Errorf("%s: %s, want %s", tc.name, e.names(), tc.want)
			}
		}
	}
}

// flip changes one character in the middle of a token.
func flip(token string) string {
	b := []byte(token)
	if i := len(b) / 2; b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

// TestNextOfAnotherCollection: the caller's own token from another collection
// starts at the beginning.
func TestNextOfAnotherCollection(t *testing.T) {
	s := fixtureSite(t)
	s.clock.advance(time.Hour)
	for _, o := range stixtest.Objects(1, 3) {
		s.do("rw", "POST", "/api1/collections/"+collB+"/objects/", `{"objects":[`+o.Raw+`]}`)
	}
	var b, a envelope
	s.get("/api1/collections/"+collB+"/objects/?limit=1").into(t, &b)
	if b.Next == "" {
		t.Fatal("no next in collection B")
	}
	s.get(objectsA+"?limit=2&next="+b.Next).into(t, &a)
	if got := a.names(); got != "d1 d4" || !a.More {
		t.Errorf("collection A with a token of B = %s, more %v, want d1 d4 and more", got, a.More)
	}
}

func TestDateHeaders(t *testing.T) {
	s := fixtureSite(t)
	d := s.dates()
	after := "2999-01-01T00:00:00.5Z"
	for _, tc := range []struct {
		path        string
		first, last string
	}{
		{objectsA, d[0], d[9]},
		{objectsA + "?limit=3", d[0], d[4]},
		{objectsA + stixtest.FixtureIndicatorB + "/", d[6], d[6]},
		{objectsA + stixtest.FixtureIndicatorA + "/versions/", d[1], d[9]},
		{"/api1/collections/" + collA + "/manifest/", d[0], d[9]},
		{objectsA + "?added_after=" + after, "2999-01-01T00:00:00.500000Z", "2999-01-01T00:00:00.500000Z"},
		{objectsA + "?match[type]=tool", "", ""},
		{"/taxii2/", "", ""},
	} {
		h := s.get(tc.path).Header
		if first, last := h.Get(taxii.HeaderAddedFirst), h.Get(taxii.HeaderAddedLast); first != tc.first || last != tc.last {
			t.Errorf("%s: dates %q to %q, want %q to %q", tc.path, first, last, tc.first, tc.last)
		}
	}
}

func TestDelete(t *testing.T) {
	all := "?match[version]=all&match[spec_version]=2.0,2.1"
	objectA, malware := objectsA+stixtest.FixtureIndicatorA+"/", objectsA+stixtest.FixtureMalware+"/"
	for _, tc := range []struct {
		id, user, path string
		status         int
		left           string
	}{
		{"T-5.7-01", "rw", objectsA + stixtest.FixtureIndicatorB + "/", 200, "d1 d2 d3 d4 d5 d6 d8 d9 d10"},
		{"T-5.7-08", "rw", objectA, 200, "d1 d3 d4 d5 d7 d8 d9"},
		{"T-5.7-08 both spec versions", "rw", malware, 200, "d1 d2 d4 d5 d6 d7 d9 d10"},
		{"T-5.7-07", "rw", objectA + "?match[version]=2024-02-01T00:00:00.123456Z", 200, "d1 d2 d3 d4 d5 d7 d8 d9 d10"},
		{"T-5.7-07", "rw", objectA + "?match[version]=first", 200, "d1 d3 d4 d5 d6 d7 d8 d9 d10"},
		{"T-5.7-09", "rw", malware + "?match[spec_version]=2.0", 200, "d1 d2 d4 d5 d6 d7 d8 d9 d10"},
		{"T-5.7-10", "rw", objectA + "?match[version]=2001-01-01T00:00:00Z", 404, ""},
		{"T-5.7-10", "rw", objectA + "?match[version]=nonsense", 400, ""},
		{"T-5.7-02", "nn", objectA, 404, ""},
		{"T-5.7-02", "ro", objectA, 403, ""},
		{"T-5.7-02", "wo", objectA, 403, ""},
		{"T-5.7-02", "out", objectA, 404, ""},
	} {
		s := fixtureSite(t)
		a := s.do(tc.user, "DELETE", tc.path, "")
		if a.StatusCode != tc.status {
			t.Errorf("%s DELETE %s as %s = %d %s, want %d", tc.id, tc.path, tc.user, a.StatusCode, a.body, tc.status)
			continue
		}
		if tc.left == "" {
			tc.left = "d1 d2 d3 d4 d5 d6 d7 d8 d9 d10"
		} else if len(a.body) != 0 || a.ContentLength != 0 || a.Header.Get("Content-Type") != taxii.MediaType {
			t.Errorf("%s: body %q, headers %v", tc.id, a.body, a.Header)
		}
		var e envelope
		s.get(objectsA+all).into(t, &e)
		if got := e.names(); got != tc.left {
			t.Errorf("%s DELETE %s leaves %s, want %s", tc.id, tc.path, got, tc.left)
		}
	}
	s := fixtureSite(t)
	s.do("rw", "DELETE", objectA, "")
	for _, path := range []string{objectA, objectA + "versions/"} { // T-5.7-04
		if a := s.get(path); a.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s after DELETE = %d", path, a.StatusCode)
		}
	}
}
