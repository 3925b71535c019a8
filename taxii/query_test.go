package taxii

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"entente/stix"
)

func TestParseQuery(t *testing.T) {
	var long string // of distinct ids, in order
	for i := range 300 {
		long += fmt.Sprintf("indicator--a7e1d5c0-61f0-4c83-8e0f-%012d,", i)
	}
	for _, tc := range []struct {
		id, raw string
		want    string // text, as below
	}{
		{"T-3.4-02", "", "{}"},
		{"T-3.4-03", "match[type]=indicator&match[type]=malware", "400 match[type]"},
		{"T-3.4-04", "added_after=2024-01-01T00:00:00Z&added_after=2024-01-01T00:00:00Z", "400 added_after"},
		{"T-3.4-04", "limit=1&limit=2", "400 limit"},
		{"T-3.4-04", "next=a&next=a", "400 next"},
		{"T-3.4-07", "added_after=2016-11-03T12:30:59Z", "{after=1478176259000000}"},
		{"T-3.4-07", "added_after=2016-11-03T12:30:59.000Z", "{after=1478176259000000}"},
		{"T-3.4-07", "added_after=2016-11-03T12:30:59.0000019Z", "{after=1478176259000001}"},
		{"T-3.4-08", "added_after=abc", "400 added_after"},
		{"T-3.4-08", "added_after=2024-13-01T00:00:00Z", "400 added_after"},
		{"T-3.4-08", "added_after=2024-01-01", "400 added_after"},
		{"T-3.4-08", "added_after=2024-01-01T00:00:00", "400 added_after"},
		{"T-3.4-08", "added_after=2024-01-01T00:00:00+00:00", "400 added_after"},
		{"T-3.4-08", "added_after=2024-01-01T1:00:00Z", "400 added_after"},
		{"T-3.4-08", "added_after=2024-01-01T00:00:00,5Z", "400 added_after"},
		{"T-3.4-08", "added_after=", "400 added_after"},
		{"T-3.4-08", "added_after=2024-01-01T00:00:00Z,2024-01-01T00:00:00Z", "400 added_after"},
		{"T-3.4-11", "limit=0", "400 limit"},
		{"T-3.4-11", "limit=-1", "400 limit"},
		{"T-3.4-11", "limit=abc", "400 limit"},
		{"T-3.4-11", "limit=1.5", "400 limit"},
		{"T-3.4-11", "limit=+5", "400 limit"},
		{"T-3.4-11", "limit=", "400 limit"},
		{"T-3.4-14", "limit=9007199254740991", "{limit=9007199254740991}"},
		{"T-3.4-14", "limit=9007199254740992", "400 limit"},
		{"T-3.4-14", "limit=99999999999999999999999999", "400 limit"},
		{"T-3.4-18", "match[type]=indicator,malware", "{types=indicator,malware}"},
		{"T-3.4-18", "match[type]=malware,indicator,malware,indicator", "{types=indicator,malware}"},
		{"T-3.4-18", "match[id]=b,a,b", "{ids=a,b}"},
		{"T-3.4-18", "match[spec_version]=2.1,2.0,2.1", "{spec=2.0,2.1}"},
		{"T-3.4-18", "match[type]=" + strings.Repeat("a,", 999) + "a", "{types=a}"},
		{"T-3.4-18", "match[type]=" + strings.Repeat("a,", 1000) + "a", "400 match[type]"},
		{"T-3.4-18", "match[id]=" + strings.Repeat("a,", 1000) + "a", "400 match[id]"},
		{"T-3.4-18", "match[version]=" + strings.Repeat("2024-01-01T00:00:00Z,", 1000) + "last", "400 match[version]"},
		{"T-3.4-19", "match[type]=", "400 match[type]"},
		{"T-3.4-19", "match[type]=a,,b", "400 match[type]"},
		{"T-3.4-19", "match[type]=a,%20b", "400 match[type]"},
		{"T-3.4-19", "match[type]=a,+b", "400 match[type]"},
		{"T-3.4-20", "match[foo]=bar&match[foo]=bar&foo=%20", "{}"},
		{"T-3.4-01", "limit=%zz", "400 limit"},
		{"T-3.4-01", "%zz=1", "400 query"},
		{"T-3.4-01", "match[type", "400 match[type"},
		{"T-3.4-01", "limit=1;x=2", "400 query"},
		{"T-3.4-21", "match%5Btype%5D=indicator%2Cmalware", "{types=indicator,malware}"},
		{"T-3.4-21", "added_after=2024-01-01T00%3A00%3A00.000000Z", "{after=1704067200000000}"},
		{"T-3.4.1-02", "match[spec_version]=2.0,2.1", "{spec=2.0,2.1}"},
		{"T-3.4.1-04", "match[spec_version]=abc", "400 match[spec_version]"},
		{"T-3.4.1-13", "match[version]=first,2024-02-01T00:00:00Z,last", "{first last exact=2024-02-01T00:00:00}"},
		{"T-3.4.1-14", "match[version]=last,last", "400 match[version]"},
		{"T-3.4.1-14", "match[version]=all,last", "400 match[version]"},
		{"T-3.4.1-14", "match[version]=2024-02-01T00:00:00Z,2024-02-01T00:00:00.0Z", "400 match[version]"},
		{"T-3.4.1-15", "match[version]=yesterday", "400 match[version]"},
		{"T-3.4.1-15", "match[version]=LAST", "400 match[version]"},
		{"T-3.4.1-15", "match[version]=2024-02-30T00:00:00Z", "400 match[version]"},
		{"T-3.4.1-15", "match[version]=", "400 match[version]"},
		{"clients 11", "next=&limit=2", "{limit=2}"},
		{"clients 11", "/?&&limit=2", "{limit=2}"},
		{"clients 11", "match[id]=" + long + "x--y", "{ids=" + long + "x--y}"},
	} {
		if got := text(tc.raw, ParamsObjects); got != tc.want {
			t.Errorf("%s %.200s = %.200s, want %.200s", tc.id, tc.raw, got, tc.want)
		}
	}
	for _, tc := range []struct {
		params Param
		raw    string
	}{
		{ParamsObject, "match[type]=,&match[id]=a,"},
		{ParamsVersions, "match[version]=nonsense"},
		{ParamsDelete, "limit=0&added_after=x&next=a&next=b"},
	} {
		if got := text(tc.raw, tc.params); got != "{}" {
			t.Errorf("%s, which the endpoint does not take, = %s", tc.raw, got)
		}
	}
}

// text is what a query says, or "400" and the parameter that is wrong.
func text(raw string, allowed Param) string {
	var q Query
	if e := q.Parse(raw, allowed); e != nil {
		name, _, _ := strings.Cut(strings.TrimPrefix(e.Description, "parameter "), ":")
		return fmt.Sprint(e.Status, " ", name)
	}
	var out []string
	add := func(name, value string) {
		if value != "" && value != "0" {
			out = append(out, name+"="+value)
		}
	}
	add("after", fmt.Sprint(q.AddedAfter))
	add("limit", fmt.Sprint(q.Limit))
	add("next", q.Next)
	add("types", strings.Join(q.Types, ","))
	var ids, exact []string
	for _, id := range q.IDs {
		ids = append(ids, string(id))
	}
	for _, v := range q.Exact {
		exact = append(exact, string(v))
	}
	add("ids", strings.Join(ids, ","))
	add("spec", strings.Join(q.SpecVersions, ","))
	for name, set := range map[string]bool{"all": q.All, "first": q.First, "last": q.Last} {
		if set {
			out = append(out, name)
		}
	}
	if q.First && q.Last {
		slices.Sort(out)
	}
	add("exact", strings.Join(exact, ","))
	return "{" + strings.Join(out, " ") + "}"
}

func TestQueryIsReused(t *testing.T) {
	var q Query
	if e := q.Parse("match[type]=a&match[version]=all&limit=3&added_after=2024-01-01T00:00:00Z&next=x&match[x]=y", ParamsObjects); e != nil {
		t.Fatal(e)
	}
	if !q.UnknownMatch() {
		t.Error("match[x] is not noticed")
	}
	if e := q.Parse("", ParamsObjects); e != nil {
		t.Fatal(e)
	}
	if q.Given != 0 || q.Limit != 0 || q.Next != "" || q.All || len(q.Types) != 0 || q.AddedAfter != 0 || q.UnknownMatch() {
		t.Errorf("something is left of the query before: %+v", q)
	}
	allocs := testing.AllocsPerRun(100, func() {
		if q.Parse("added_after=2024-01-01T00:00:00.000000Z&limit=1000&match[type]=indicator", ParamsObjects) != nil {
			t.Error("refused")
		}
	})
	if allocs > 0 {
		t.Errorf("%v allocations for a common query, want 0", allocs)
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "limit=1", "added_after=2024-01-01T00:00:00.5Z&next=abc", "match%5Btype%5D=a%2Cb&match[id]=x--y",
		"match[version]=first,last,2024-01-01T00:00:00Z&match[spec_version]=2.0", "limit=%zz", "a;b", "match[", "&&=&",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var q Query
		bad := q.Parse(raw, ParamsObjects)
		_, err := url.ParseQuery(raw)
		if bad == nil && err != nil {
			t.Errorf("%q is taken, though %v", raw, err)
		}
		if bad != nil {
			if bad.Status != 400 || bad.Description == "" {
				t.Errorf("%q: %v", raw, bad)
			}
			return
		}
		// What was understood means the same when it is written out again.
		var again Query
		if e := again.Parse(write(&q), ParamsObjects); e != nil {
			t.Fatalf("%q was understood as %q, which is refused: %v", raw, write(&q), e)
		}
		if write(&again) != write(&q) {
			t.Errorf("%q was understood as %q, and that as %q", raw, write(&q), write(&again))
		}
	})
}

// write is a query string that means q.
func write(q *Query) string {
	v := url.Values{}
	if q.Given&ParamAddedAfter != 0 {
		v.Set("added_after", stix.FormatMicros(q.AddedAfter))
	}
	if q.Limit != 0 {
		v.Set("limit", fmt.Sprint(q.Limit))
	}
	v.Set("next", q.Next)
	if len(q.Types) > 0 {
		v.Set("match[type]", strings.Join(q.Types, ","))
	}
	if len(q.SpecVersions) > 0 {
		v.Set("match[spec_version]", strings.Join(q.SpecVersions, ","))
	}
	var ids, versions []string
	for _, id := range q.IDs {
		ids = append(ids, string(id))
	}
	for name, set := range map[string]bool{"all": q.All, "first": q.First, "last": q.Last} {
		if set {
			versions = append(versions, name)
		}
	}
	slices.Sort(versions)
	for _, e := range q.Exact {
		versions = append(versions, string(e)+"Z")
	}
	if len(ids) > 0 {
		v.Set("match[id]", strings.Join(ids, ","))
	}
	if len(versions) > 0 {
		v.Set("match[version]", strings.Join(versions, ","))
	}
	return v.Encode()
}
