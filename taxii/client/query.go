package client

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Query selects objects (TAXII 2.1, section 3.4). Values of one field are
// alternatives; the fields all have to match. The zero Query is everything, as
// the server's defaults have it: last versions of the newest spec version.
type Query struct {
	AddedAfter   string // RFC 3339 in UTC with "Z", any number of digits; "" means from the start
	Limit        int    // objects a page; 0 leaves it to the server
	IDs          []string
	Types        []string
	Versions     []string // "first", "last", "all" (alone), or timestamps
	SpecVersions []string // "2.0", "2.1"

	// Overlap is asked for again when a run resumes by date: servers exist that
	// give one date to several objects, or give dates out of order. The reader
	// must then expect repeats.
	Overlap time.Duration

	// Widest lets Pages drop SpecVersions, and then Versions, when the server
	// answers 400 to them.
	Widest bool
}

// All is the Query of a replica: every version, also of STIX 2.0.
var All = Query{Versions: []string{"all"}, SpecVersions: []string{"2.0", "2.1"}, Widest: true}

// MaxIDs is the most ids that fit one request, so that its URL stays below 8 kB.
const MaxIDs = 50

var timestamp = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z$`)

// Micros writes a timestamp as TAXII wants it, with six digits. More digits
// are cut: the server may then repeat an object, but loses none. ok is false
// if s is not an RFC 3339 timestamp in UTC.
func Micros(s string) (t string, ok bool) {
	m := timestamp.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	if _, err := time.Parse("2006-01-02T15:04:05", m[1]); err != nil {
		return "", false
	}
	return m[1] + "." + (m[2] + "000000")[:6] + "Z", true
}

// check refuses what the standard forbids clients to send.
func (q *Query) check() error {
	if q.Limit < 0 {
		return fmt.Errorf("limit %d: must be positive (TAXII 2.1, section 3.4)", q.Limit)
	}
	if q.AddedAfter != "" {
		if _, ok := Micros(q.AddedAfter); !ok {
			return fmt.Errorf("added_after %q: want a timestamp like 2026-01-31T00:00:00Z", q.AddedAfter)
		}
	}
	if len(q.IDs) > MaxIDs {
		return fmt.Errorf("match[id]: %d ids; a request takes at most %d", len(q.IDs), MaxIDs)
	}
	if len(q.Versions) > 1 && slices.Contains(q.Versions, "all") {
		return fmt.Errorf("match[version]: \"all\" goes alone (TAXII 2.1, section 3.4.1)")
	}
	for _, f := range q.fields() {
		seen := make(map[string]bool)
		for _, v := range f.values {
			if v == "" || strings.ContainsAny(v, ", ") {
				return fmt.Errorf("match[%s]: %q: values have no space or comma and are not empty", f.name, v)
			}
			if seen[v] {
				return fmt.Errorf("match[%s]: %q twice (TAXII 2.1, section 3.4.1)", f.name, v)
			}
			seen[v] = true
		}
	}
	for _, v := range q.Versions {
		if _, ok := Micros(v); !ok && v != "first" && v != "last" && v != "all" {
			return fmt.Errorf("match[version]: %q: want first, last, all or a timestamp", v)
		}
	}
	return nil
}

type field struct {
	name   string
	values []string
}

func (q *Query) fields() []field {
	return []field{{"id", q.IDs}, {"type", q.Types}, {"version", q.Versions}, {"spec_version", q.SpecVersions}}
}

// on adds q and p to u. With a continuation token the request is the same as
// the one that gave it, plus next (TAXII 2.1, section 3.5).
func (q *Query) on(u *url.URL, p Position) (*url.URL, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	var parts []string
	add := func(key, value string) { parts = append(parts, key+"="+value) }
	after := p.AddedAfter
	if p.Next != "" {
		after = p.Since
	}
	if after == "" {
		after = q.AddedAfter
	}
	if after != "" {
		t, ok := Micros(after)
		if !ok {
			return nil, fmt.Errorf("added_after %q of the position is not a timestamp", after)
		}
		if p.Next == "" && p.AddedAfter != "" {
			floor, _ := Micros(q.AddedAfter)
			t = max(earlier(t, q.Overlap), floor)
		}
		add("added_after", url.QueryEscape(t))
	}
	if q.Limit > 0 {
		add("limit", strconv.Itoa(q.Limit))
	}
	for _, f := range q.fields() {
		if len(f.values) == 0 {
			continue
		}
		escaped := make([]string, len(f.values))
		for i, v := range f.values {
			escaped[i] = url.QueryEscape(v)
		}
		add("match%5B"+f.name+"%5D", strings.Join(escaped, ","))
	}
	if p.Next != "" {
		add("next", url.QueryEscape(p.Next))
	}
	out := *u
	out.RawQuery = strings.Join(parts, "&")
	return &out, nil
}

const microsLayout = "2006-01-02T15:04:05.000000Z"

func earlier(t string, d time.Duration) string {
	if d <= 0 {
		return t
	}
	at, err := time.Parse(microsLayout, t)
	if err != nil {
		return t
	}
	return at.Add(-d).Format(microsLayout)
}
