package taxiitest

import (
	"context"
	"fmt"
	"strings"
)

// A query and the labels it must give; "" means an empty answer. {X} stands for
// the id of fixture object X, <dN> for the date_added of dN, and <dN-> for 1 µs
// before it.
type wantSeq struct{ query, want string }

// fill puts the fixture's values into a query.
func (f *fixture) fill(q string) string {
	for name, id := range f.ids {
		q = strings.ReplaceAll(q, "{"+name+"}", id)
	}
	for label, date := range f.added {
		q = strings.ReplaceAll(q, "<"+label+">", date)
	}
	q = strings.ReplaceAll(q, "<d1->", f.after)
	return strings.ReplaceAll(q, "<S>", f.v["d4"])
}

// sequences checks queries on both endpoints that take all filters. The whole
// answer is read, over all pages.
func (e *Env) sequences(ctx context.Context, list ...wantSeq) error {
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	var out faults
	for _, end := range []string{"objects/", "manifest/"} {
		for _, w := range list {
			pages, err := e.pages(ctx, end+f.scope(f.fill(w.query)))
			if err != nil {
				out.add(w.query, err)
				continue
			}
			var got []string
			for _, p := range pages {
				if s := f.labels(p.Objects); s != "" {
					got = append(got, s)
				}
			}
			if s := strings.Join(got, " "); s != f.seq(w.want) {
				out.addf("%s?%s gives %q, want %q", end, w.query, s, f.seq(w.want))
			}
		}
	}
	return out.err()
}

func seqCase(id, title string, level Level, section string, also []string, list ...wantSeq) Case {
	return Case{ID: id, Also: also, Title: title, Level: level, Section: section,
		Run: func(ctx context.Context, e *Env) error { return e.sequences(ctx, list...) }}
}

// refused checks that queries are a 400 on the endpoints given; "" is all four
// GET endpoints.
func refusedCase(id, title string, level Level, section string, ends string, queries ...string) Case {
	return Case{ID: id, Title: title, Level: level, Section: section, Run: func(ctx context.Context, e *Env) error {
		f, err := e.fixture(ctx)
		if err != nil {
			return err
		}
		if ends == "" {
			ends = "objects/ manifest/ objects/{A}/ objects/{A}/versions/"
		}
		var out faults
		for end := range strings.FieldsSeq(f.fill(ends)) {
			for _, q := range queries {
				_, err := e.want(ctx, 400, end+"?"+f.fill(q))
				out.add(q, err)
			}
		}
		return out.err()
	}}
}

const (
	everything = "d1 d4 d5 d7 d8 d9 d10"          // last versions, latest spec version
	allOf21    = "d1 d2 d4 d5 d6 d7 d8 d9 d10"    // match[version]=all
	allOf      = "d1 d2 d3 d4 d5 d6 d7 d8 d9 d10" // of both spec versions
	both       = "match[spec_version]=2.0,2.1&"
)

var filterCases = []Case{
	refusedCase("T-3.4-01", "malformed parameters are 400", MUST, "3.4", "", "limit=%zz", "limit=x", "added_after=x", "match[version]=x&limit=-"),
	{ID: "T-3.4-02", Title: "no filter is everything, by the defaults", Level: MUST, Section: "3.4", Run: noFilter},
	refusedCase("T-3.4-03", "a match field twice is 400", MUST, "3.4", "objects/ manifest/", "match[type]=indicator&match[type]=malware", "match[id]={A}&match[id]={B}",
		"match[version]=first&match[version]=last", "match[spec_version]=2.0&match%5Bspec_version%5D=2.1"),
	refusedCase("T-3.4-04", "added_after or limit twice is 400", MUST, "3.4", "", "added_after=<d1>&added_after=<d1>", "limit=1&limit=2"),
	seqCase("T-3.4-05", "added_after is exclusive", MUST, "3.4", []string{"T-2-07"}, wantSeq{"added_after=<d7>", "d8 d9 d10"}, wantSeq{"added_after=<d10>", ""}),
	seqCase("T-3.4-06", "added_after is about date added, not STIX times", MUST, "3.4", nil,
		wantSeq{"added_after=<d1->", everything}, wantSeq{both + "match[version]=all&added_after=<d4>", "d5 d6 d7 d8 d9 d10"}, wantSeq{"added_after=<d1->&match[type]=marking-definition", "d5"}),
	{ID: "T-3.4-07", Also: []string{"A-21"}, Title: "added_after at full precision, with any number of digits", Level: REC, Section: "3.4", Run: digits},
	refusedCase("T-3.4-08", "malformed added_after is 400", MUST, "3.4", "", "added_after=abc", "added_after=2024-13-01T00:00:00Z", "added_after=2024-01-01",
		"added_after=2024-01-01T00:00:00", "added_after=2024-01-01T00:00:00+00:00", "added_after=2024-01-01T00:00:00%2B00:00", "added_after=2024-01-01T1:00:00Z",
		"added_after=2024-01-01T00:00:00,5Z", "added_after=", "added_after=2024-01-01T00:00:00Z,2024-01-02T00:00:00Z"),
	seqCase("T-3.4-09", "added_after in the future is no error", REC, "3.4", nil, wantSeq{"added_after=2999-01-01T00:00:00Z", ""}),
	{ID: "T-3.4-10", Title: "without added_after the oldest come first", Level: MUST, Section: "3.4", Run: func(ctx context.Context, e *Env) error {
		return e.firstPage(ctx, "limit=1", "d1", true)
	}},
	refusedCase("T-3.4-11", "limit is a positive integer", MUST, "3.4", "", "limit=0", "limit=-1", "limit=abc", "limit=1.5", "limit=+5", "limit=%2B5", "limit="),
	{ID: "T-3.4-12", Also: []string{"T-3.4-15"}, Title: "never more than limit, and more says that there is more", Level: MUST, Section: "3.4", Run: func(ctx context.Context, e *Env) error {
		return e.firstPage(ctx, "limit=3", "d1 d4 d5", true)
	}},
	{ID: "T-3.4-13", Title: "all matches at once if limit allows, and no more", Level: MUST, Section: "3.4", Run: func(ctx context.Context, e *Env) error {
		var f faults
		f.add("exact", e.firstPage(ctx, "limit=7", everything, false))
		f.add("larger", e.firstPage(ctx, "limit=8", everything, false))
		return f.err()
	}},
	{ID: "T-3.4-14", Title: "a limit above the server's is no error; one that is no integer is", Level: REC, Section: "3.4", Run: func(ctx context.Context, e *Env) error {
		var f faults
		f.add("a million", e.firstPage(ctx, "limit=1000000", everything, false))
		_, err := e.want(ctx, 400, "objects/?limit=99999999999999999999")
		f.add("beyond 2^53", err)
		return f.err()
	}},
	seqCase("T-3.4-16", "id, type, version and spec_version are supported", MUST, "3.4", []string{"T-3.4.1-02"},
		wantSeq{"match[id]={A}", "d10"}, wantSeq{"match[type]=malware", "d8"}, wantSeq{"match[version]=first&match[type]=indicator", "d2 d7"},
		wantSeq{"match[spec_version]=2.0", "d3"}, wantSeq{"match[spec_version]=2.1&match[version]=all", allOf21}, wantSeq{both + "match[version]=all", allOf}),
	seqCase("T-3.4-17", "different fields are ANDed", MUST, "3.4", nil, wantSeq{"match[type]=indicator&match[id]={A}", "d10"}, wantSeq{"match[type]=malware&match[id]={A}", ""}),
	seqCase("T-3.4-18", "values of one field are ORed", MUST, "3.4", nil, wantSeq{"match[type]=indicator,malware", "d7 d8 d10"}, wantSeq{"match[id]={A},{S}", "d4 d10"},
		wantSeq{"match[type]=indicator,malware&match[id]={A},{S}", "d10"}),
	refusedCase("T-3.4-19", "empty values and spaces are malformed", REC, "3.4", "objects/ manifest/", "match[type]=", "match[type]=a,,b", "match[type]=a,%20b", "match[id]=", "match[version]=", "match[spec_version]=,2.1"),
	seqCase("T-3.4-20", "unknown fields and parameters are ignored", REC, "3.4", []string{"A-14"}, wantSeq{"match[foo]=bar", everything}, wantSeq{"x_trace=1", everything}),
	seqCase("T-3.4-21", "brackets, colons and commas may be escaped", SHOULD, "RFC 3986", nil, wantSeq{"match%5Btype%5D=indicator%2Cmalware", "d7 d8 d10"},
		wantSeq{"match%5btype%5d=identity", "d1"}, wantSeq{"added_after=2024-01-01T00%3A00%3A00.000000Z", everything}),
	{ID: "T-3.4-22", Title: "filters come before paging", Level: REC, Section: "3.4", Run: func(ctx context.Context, e *Env) error {
		f, err := e.fixture(ctx)
		if err != nil {
			return err
		}
		pages, err := e.pages(ctx, "objects/"+f.scope("match[type]=indicator&limit=1"))
		if err != nil {
			return err
		}
		if len(pages) != 2 || f.labels(pages[0].Objects) != "d7" || f.labels(pages[1].Objects) != "d10" {
			return fmt.Errorf("%d pages of one indicator, want d7 and d10", len(pages))
		}
		return nil
	}},
}

// firstPage checks one page of objects and of the manifest.
func (e *Env) firstPage(ctx context.Context, query, want string, more bool) error {
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	var out faults
	for _, end := range []string{"objects/", "manifest/"} {
		p, err := e.page(ctx, end+f.scope(query))
		if err != nil {
			return err
		}
		if got := f.labels(p.Objects); got != f.seq(want) || p.More != more {
			out.addf("%s?%s gives %q, more %v; want %q, %v", end, query, got, p.More, f.seq(want), more)
		}
		labels := strings.Fields(f.seq(want))
		first, last := f.added[labels[0]], f.added[labels[len(labels)-1]]
		if p.first != first || p.last != last {
			out.addf("%s?%s: X-TAXII-Date-Added-First and -Last are %s and %s, the manifest has %s and %s", end, query, p.first, p.last, first, last)
		}
	}
	return out.err()
}

func noFilter(ctx context.Context, e *Env) error {
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	pages, err := e.pages(ctx, "objects/?added_after="+f.after)
	if err != nil {
		return err
	}
	var got []string
	for _, p := range pages {
		for l := range strings.FieldsSeq(f.labels(p.Objects)) {
			if l != "?" {
				got = append(got, l)
			}
		}
	}
	if s := strings.Join(got, " "); s != everything {
		return fmt.Errorf("objects since the fixture are %q, want %q", s, everything)
	}
	return nil
}

func digits(ctx context.Context, e *Env) error {
	var list []wantSeq
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	for _, t := range []string{"2016-11-03T12:30:59Z", "2016-11-03T12:30:59.0Z", "2016-11-03T12:30:59.000Z", "2016-11-03T12:30:59.000000Z", "2016-11-03T12:30:59.000000000Z"} {
		list = append(list, wantSeq{"added_after=" + t, everything})
	}
	d7 := strings.TrimSuffix(f.added["d7"], "Z")
	list = append(list, wantSeq{"added_after=" + d7 + "000Z", "d8 d9 d10"}, wantSeq{"added_after=" + d7 + "999Z", "d8 d9 d10"})
	return e.sequences(ctx, list...)
}

// stixTypes are all types of STIX 2.1.
const stixTypes = `attack-pattern campaign course-of-action grouping identity incident indicator infrastructure intrusion-set location malware
	malware-analysis note observed-data opinion report threat-actor tool vulnerability relationship sighting
	artifact autonomous-system directory domain-name email-addr email-message file ipv4-addr ipv6-addr mac-addr mutex network-traffic process
	software url user-account windows-registry-key x509-certificate marking-definition language-content extension-definition`

var versionCases = []Case{
	seqCase("T-3.4.1-01", "an unknown id matches nothing", MUST, "3.4.1", nil, wantSeq{"match[id]=indicator--00000000-0000-4000-8000-000000000000", ""}),
	seqCase("T-3.4.1-03", "without spec_version only the latest of each object", MUST, "3.4.1", []string{"S-SV-01"}, wantSeq{"match[version]=all", allOf21}, wantSeq{"match[version]=all&match[id]={M}", "d8"}),
	{ID: "T-3.4.1-04", Title: "unknown spec versions match nothing, malformed ones are 400", Level: REC, Section: "3.4.1", Run: func(ctx context.Context, e *Env) error {
		var f faults
		f.add("9.9", e.sequences(ctx, wantSeq{"match[spec_version]=9.9", ""}))
		_, err := e.want(ctx, 400, "objects/?match[spec_version]=abc")
		f.add("abc", err)
		return f.err()
	}},
	seqCase("T-3.4.1-05", "match[type] selects types", MUST, "3.4.1", []string{"T-5.3-04"}, wantSeq{"match[type]=indicator", "d7 d10"}, wantSeq{"match[type]=relationship,ipv4-addr", "d4 d9"}),
	{ID: "T-3.4.1-06", Title: "every STIX 2.1 type is a valid value", Level: MUST, Section: "3.4.1", Run: func(ctx context.Context, e *Env) error {
		var f faults
		for t := range strings.FieldsSeq(stixTypes) {
			_, err := e.want(ctx, 200, "manifest/?limit=1&match[type]="+t)
			f.add(t, err)
		}
		return f.err()
	}},
	seqCase("T-3.4.1-07", "types outside STIX are no error", MAY, "3.4.1", nil, wantSeq{"match[type]=x-foo", ""}),
	seqCase("T-3.4.1-08", "the default is the last version", MUST, "3.4.1", nil, wantSeq{"", everything}, wantSeq{"match[version]=last", everything}),
	seqCase("T-3.4.1-09", "first", MUST, "3.4.1", []string{"A-16"}, wantSeq{"match[version]=first", "d1 d2 d4 d5 d7 d8 d9"}),
	seqCase("T-3.4.1-10", "all", MUST, "3.4.1", nil, wantSeq{"match[version]=all", allOf21}),
	seqCase("T-3.4.1-11", "an exact version", MUST, "3.4.1", nil, wantSeq{"match[version]=2024-02-01T00:00:00.123456Z", "d6"}),
	seqCase("T-3.4.1-12", "exact means the same instant", REC, "3.4.1", nil, wantSeq{"match[version]=2024-02-02T00:00:00Z", "d7"},
		wantSeq{"match[version]=2024-02-02T00:00:00.000Z", "d7"}, wantSeq{"match[version]=2024-02-02T00:00:00.000000000Z", "d7"}, wantSeq{"match[version]=2024-02-01T00:00:00.123456000Z", "d6"}),
	seqCase("T-3.4.1-13", "several values are a union", MUST, "3.4.1", nil, wantSeq{"match[version]=first,last", "d1 d2 d4 d5 d7 d8 d9 d10"},
		wantSeq{"match[version]=first,2024-02-01T00:00:00.123456Z,last", allOf21}, wantSeq{"match[version]=2024-02-01T00:00:00.123456Z,2024-02-02T00:00:00.000Z", "d6 d7"}),
	refusedCase("T-3.4.1-14", "a value twice, or all with others, is malformed", SHOULD, "3.4.1", "objects/ manifest/ objects/{A}/", "match[version]=last,last", "match[version]=all,last",
		"match[version]=2024-02-02T00:00:00.000Z,2024-02-02T00:00:00.000Z"),
	refusedCase("T-3.4.1-15", "a malformed version is 400", MUST, "3.4.1", "objects/ manifest/ objects/{A}/", "match[version]=yesterday", "match[version]=LAST", "match[version]=2024-02-30T00:00:00Z"),
	seqCase("T-3.4.1-16", "an object without modified goes by created", MUST, "3.4.1", nil, wantSeq{"match[version]=2024-01-02T00:00:00.000Z", "d5"}),
	{ID: "T-3.4.1-17", Also: []string{"T-5.8-03"}, Title: "an object without either has a version of the server's own, the same everywhere", Level: MUST, Section: "3.4.1", Run: ownVersion},
	{ID: "T-3.4.1-18", Also: []string{"A-17"}, Title: "last is the newest of what the rest of the query selects", Level: MUST, Section: "3.4.1", Run: lastOfRest},
	{ID: "T-3.4.1-19", Title: "versions ignores match[version]", Level: REC, Section: "3.4.1", Run: func(ctx context.Context, e *Env) error {
		f, err := e.fixture(ctx)
		if err != nil {
			return err
		}
		p, err := e.page(ctx, "objects/"+f.ids["A"]+"/versions/?match[version]=first")
		if err != nil {
			return err
		}
		if len(p.Versions) != 3 {
			return fmt.Errorf("versions are %v, want three", p.Versions)
		}
		return nil
	}},
}

func ownVersion(ctx context.Context, e *Env) error {
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	if err := e.sequences(ctx, wantSeq{"match[version]=<S>&match[id]={S}", "d4"}); err != nil {
		return err
	}
	p, err := e.page(ctx, "objects/"+f.ids["S"]+"/versions/")
	if err != nil {
		return err
	}
	if len(p.Versions) != 1 || instant(p.Versions[0]) != instant(f.v["d4"]) {
		return fmt.Errorf("versions are %v, the manifest has %s", p.Versions, f.v["d4"])
	}
	q, err := e.page(ctx, "objects/"+f.ids["Q"]+"/versions/")
	if err != nil {
		return err
	}
	if !sameInstants(q.Versions, []string{"2024-01-02T00:00:00.000Z"}) {
		return fmt.Errorf("versions of a marking definition are %v, want its created", q.Versions)
	}
	return nil
}

// lastOfRest adds an old version late.
func lastOfRest(ctx context.Context, e *Env) error {
	id := e.newID("indicator")
	if err := e.store(ctx, thing(id, "2024-03-01T00:00:00.000Z")); err != nil {
		return err
	}
	p, err := e.page(ctx, "objects/"+id+"/")
	if err != nil {
		return err
	}
	if err := e.store(ctx, thing(id, "2024-02-01T00:00:00.000Z")); err != nil {
		return err
	}
	var f faults
	for query, want := range map[string]string{"": "2024-03-01T00:00:00.000Z", "&added_after=" + p.last: "2024-02-01T00:00:00.000Z"} {
		got, err := e.versions(ctx, id, "match[version]=last"+query)
		f.add("manifest", err)
		if err == nil && !sameInstants(got, []string{want}) {
			f.addf("last%s is %v, want %s", query, got, want)
		}
	}
	return f.err()
}
