package server

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// A story is what happens on one server: what our own people, the partners and
// the clock do, and between that what the observed partner, number 0, asks.
type story struct {
	partners int
	mous     []mou // in force at first
	acts     []act
	written  []string // by acts, while the story is made
}

// An act is one event of a story.
type act struct {
	what    string // "own", "partner", "delete", "clock", "revise", "post" (by the observed partner) or "ask" (by it)
	who     int    // partner
	coll    int
	objects []string // that are written
	path    string   // of "ask", with {next}, {after} and {status} for what earlier answers told; of "delete": the object's id and the query
	header  string   // of "ask": a value of Accept-Encoding
	method  string   // of "ask"
	hours   int      // of "clock": on to the hour, as often
	wait    time.Duration
	mous    []mou // of "revise"
}

func (s *story) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d partners, the observed one is 0\n", s.partners)
	for _, m := range s.mous {
		fmt.Fprintf(&b, "  %+v\n", m)
	}
	for i := range s.acts {
		fmt.Fprintf(&b, "%2d %s\n", i, s.acts[i].String())
	}
	return b.String()
}

func (a *act) String() string {
	switch a.what {
	case "own", "post":
		return fmt.Sprintf("%s to %d:\n     %s", a.what, a.coll, strings.Join(a.objects, "\n     "))
	case "partner":
		return fmt.Sprintf("partner %d to %d:\n     %s", a.who, a.coll, strings.Join(a.objects, "\n     "))
	case "delete":
		return fmt.Sprintf("delete in %d: %s", a.coll, a.path)
	case "clock":
		return fmt.Sprintf("clock: %d hours and %s", a.hours, a.wait)
	case "revise":
		return fmt.Sprintf("revise: %+v", a.mous)
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", a.method, a.path, a.header))
}

// stories generates stories.
var stories = rapid.Custom(func(t *rapid.T) *story {
	s := &story{partners: rapid.IntRange(2, 4).Draw(t, "partners")}
	for p := range s.partners {
		s.mous = append(s.mous, drawMOU(t, p, s.partners))
	}
	for range rapid.IntRange(8, 24).Draw(t, "acts") {
		s.acts = append(s.acts, s.draw(t))
	}
	// Whatever has happened shows at last.
	for c := range collections {
		s.acts = append(s.acts,
			act{what: "ask", method: "GET", path: pathTo(c) + "objects/?match[version]=all"},
			act{what: "ask", method: "GET", path: pathTo(c) + "manifest/"})
	}
	return s
})

func (s *story) draw(t *rapid.T) act {
	coll := rapid.SampledFrom([]int{0, 0, 0, 0, 1, 2}).Draw(t, "collection")
	switch n := rapid.IntRange(0, 20).Draw(t, "act"); {
	case n < 5:
		return act{what: "own", coll: coll, objects: s.drawObjects(t)}
	case n < 8:
		return act{what: "partner", who: rapid.IntRange(1, s.partners-1).Draw(t, "sender"), coll: coll, objects: s.drawObjects(t)}
	case n < 9:
		path := rapid.SampledFrom(pool).Draw(t, "id") + "/"
		if rapid.Bool().Draw(t, "one version") {
			path += "?match[version]=" + rapid.SampledFrom(versions).Draw(t, "version")
		}
		return act{what: "delete", coll: coll, path: path}
	case n < 10:
		return act{what: "clock", hours: rapid.IntRange(0, 2).Draw(t, "hours"),
			wait: rapid.SampledFrom([]time.Duration{0, time.Microsecond, -time.Microsecond, time.Millisecond, 1500 * time.Microsecond}).Draw(t, "wait")}
	case n < 11:
		var revised []mou
		for p := range s.partners {
			if rapid.IntRange(0, 9).Draw(t, "party") > 0 {
				revised = append(revised, drawMOU(t, p, s.partners))
			}
		}
		return act{what: "revise", mous: revised}
	case n < 14:
		return act{what: "post", coll: coll, objects: s.drawObjects(t)}
	}
	return act{what: "ask", path: drawPath(t, coll), method: rapid.SampledFrom([]string{"GET", "GET", "GET", "HEAD"}).Draw(t, "method"),
		header: rapid.SampledFrom([]string{"", "", "gzip"}).Draw(t, "encoding")}
}

// drawPath is what the observed partner asks for.
func drawPath(t *rapid.T, coll int) string {
	c := pathTo(coll)
	id := rapid.SampledFrom(append([]string{"indicator--99999999-9999-4999-8999-999999999999", "nonsense"}, pool...)).Draw(t, "id")
	base := rapid.SampledFrom([]string{
		"/taxii2/", "/hub/", "/deep/", "/hub/collections/", "/deep/collections/", c,
		"/hub/status/{status}/", "/hub/status/12345678-1234-4234-8234-123456789012/",
		c + "objects/", c + "objects/", c + "objects/", c + "manifest/", c + "manifest/",
		c + "objects/" + id + "/", c + "objects/" + id + "/", c + "objects/" + id + "/versions/",
	}).Draw(t, "path")
	if !strings.HasPrefix(base, c) || base == c {
		return base
	}
	var query []string
	maybe := func(one int, name string, values ...string) {
		if rapid.IntRange(1, one).Draw(t, name+"?") == 1 {
			query = append(query, name+"="+rapid.SampledFrom(values).Draw(t, name))
		}
	}
	maybe(2, "limit", "1", "2", "3", "1000")
	maybe(3, "next", "{next}", "{next}", "{next}", "garbage")
	maybe(4, "added_after", "{after}", "{after}", "2026-01-01T12:00:00Z", "2026-01-01T12:00:00.001Z", "2026-01-01T13:00:00Z")
	if strings.HasSuffix(base, "/versions/") {
		return base + "?" + strings.Join(query, "&")
	}
	maybe(3, "match[version]", append([]string{"all", "all", "first", "last", "first,last"}, versions...)...)
	if !strings.Contains(base, "--") {
		maybe(5, "match[id]", id, id+","+pool[0])
		maybe(5, "match[type]", "indicator", "note", "marking-definition", "ipv4-addr,malware", "relationship")
	}
	maybe(8, "match[spec_version]", "2.1", "2.0", "2.0,2.1")
	return base + "?" + strings.Join(query, "&")
}
