package taxiitest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// wantLabels checks one page of a path below the collection.
func (e *Env) wantLabels(ctx context.Context, rest, want string, more bool) error {
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	p, err := e.page(ctx, f.fill(rest))
	if err != nil {
		return err
	}
	if got := f.labels(p.Objects); got != f.seq(want) || p.More != more {
		return fmt.Errorf("%s gives %q, more %v; want %q, %v", rest, got, p.More, f.seq(want), more)
	}
	return nil
}

// emptyAnswer checks that a query is answered with a resource without a list.
func (e *Env) emptyAnswer(ctx context.Context, rest string) error {
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	a, err := e.want(ctx, 200, f.fill(rest))
	if err != nil {
		return err
	}
	var obj map[string]json.RawMessage
	if err := a.decode(&obj); err != nil {
		return err
	}
	for name, v := range obj {
		if name != "more" || string(v) != "false" {
			return fmt.Errorf("%s: the empty answer is %.80s", rest, a.body)
		}
	}
	return nil
}

const never = "added_after=2999-01-01T00:00:00.000000Z"

var objectCases = []Case{
	{ID: "T-5.3-01", Also: []string{"T-5.3.1-02"}, Title: "the manifest lists each version", Level: MUST, Section: "5.3", Run: func(ctx context.Context, e *Env) error {
		return e.wantLabels(ctx, "manifest/?match[version]=all&match[id]={A}", "d2 d6 d10", false)
	}},
	{ID: "T-5.3.1-01", Title: "an empty manifest has no list", Level: MUST, Section: "5.3.1", Run: func(ctx context.Context, e *Env) error {
		return e.emptyAnswer(ctx, "manifest/?"+never)
	}},
	{ID: "T-5.3.1-03", Also: []string{"T-4.3.1-06"}, Title: "version is modified, else created, as the object has it; statuses agree", Level: MUST, Section: "5.3.1", Run: versionTexts},
	{ID: "T-3.7-01", Also: []string{"S-8-02"}, Title: "one object comes in an envelope too", Level: MUST, Section: "3.7", Run: func(ctx context.Context, e *Env) error {
		f, err := e.fixture(ctx)
		if err != nil {
			return err
		}
		a, err := e.want(ctx, 200, "objects/"+f.ids["B"]+"/")
		if err != nil {
			return err
		}
		var obj map[string]json.RawMessage
		if err := a.decode(&obj); err != nil {
			return err
		}
		if obj["objects"] == nil || obj["type"] != nil || obj["id"] != nil {
			return fmt.Errorf("no envelope: %.80s", a.body)
		}
		return nil
	}},
	{ID: "T-3.7-02", Also: []string{"T-3.7-03", "T-5.4-03"}, Title: "nothing to return is an envelope without objects", Level: MUST, Section: "3.7", Run: func(ctx context.Context, e *Env) error {
		var f faults
		f.add("date", e.emptyAnswer(ctx, "objects/?"+never))
		f.add("id", e.emptyAnswer(ctx, "objects/?match[id]="+e.newID("indicator")))
		return f.err()
	}},
	{ID: "A-04", Title: "an empty answer to added_after has that time in both headers, any other neither", Level: REC, Section: "3.2", Run: emptyHeaders},
	{ID: "T-5.4-01", Title: "objects are there", Level: MUST, Section: "5.4", Run: func(ctx context.Context, e *Env) error {
		return e.wantLabels(ctx, "objects/?match[id]={A},{I}", "d1 d10", false)
	}},
	{ID: "T-5.6-01", Also: []string{"T-5.6-06"}, Title: "an object by id, and its versions", Level: MUST, Section: "5.6", Run: func(ctx context.Context, e *Env) error {
		var f faults
		f.add("", e.wantLabels(ctx, "objects/{A}/", "d10", false))
		f.add("all", e.wantLabels(ctx, "objects/{A}/?match[version]=all", "d2 d6 d10", false))
		f.add("first", e.wantLabels(ctx, "objects/{A}/?match[version]=first", "d2", false))
		f.add("exact", e.wantLabels(ctx, "objects/{A}/?match[version]=2024-02-01T00:00:00.123456Z", "d6", false))
		return f.err()
	}},
	{ID: "T-5.6-02", Title: "the id may be escaped", Level: MUST, Section: "5.6", Run: func(ctx context.Context, e *Env) error {
		f, err := e.fixture(ctx)
		if err != nil {
			return err
		}
		return e.wantLabels(ctx, "objects/"+strings.Replace(f.ids["A"], "-", "%2D", 2)+"/", "d10", false)
	}},
	{ID: "T-5.6-04", Also: []string{"A-07"}, Title: "an unknown object is 404", Level: REC, Section: "5.6", Run: func(ctx context.Context, e *Env) error {
		_, err := e.want(ctx, 404, "objects/"+e.newID("indicator")+"/")
		return err
	}},
	{ID: "T-5.6-05", Title: "a known object that filters exclude is an empty envelope", Level: MUST, Section: "5.6", Run: func(ctx context.Context, e *Env) error {
		return e.emptyAnswer(ctx, "objects/{A}/?"+never)
	}},
	{ID: "T-5.6-07", Also: []string{"A-15"}, Title: "added_after, limit, next and spec_version work on one object", Level: MUST, Section: "5.6", Run: func(ctx context.Context, e *Env) error {
		f, err := e.fixture(ctx)
		if err != nil {
			return err
		}
		var out faults
		out.add("limit", e.wantLabels(ctx, "objects/{A}/?match[version]=all&limit=2", "d2 d6", true))
		out.add("added_after", e.wantLabels(ctx, "objects/{A}/?match[version]=all&added_after=<d2>", "d6 d10", false))
		if !f.no20 {
			out.add("spec_version", e.wantLabels(ctx, "objects/{M}/?match[version]=all&match[spec_version]=2.0,2.1", "d3 d8", false))
			out.add("spec_version", e.wantLabels(ctx, "objects/{M}/?match[spec_version]=2.0", "d3", false))
		}
		return out.err()
	}},
	{ID: "T-5.8-01", Title: "versions, with the dates of the first and last", Level: MUST, Section: "5.8", Run: func(ctx context.Context, e *Env) error {
		return e.versionList(ctx, "", "d2 d6 d10")
	}},
	{ID: "T-5.8-04", Title: "versions of an unknown object are 404", Level: MUST, Section: "5.8", Run: func(ctx context.Context, e *Env) error {
		_, err := e.want(ctx, 404, "objects/"+e.newID("indicator")+"/versions/")
		return err
	}},
	{ID: "T-5.8-05", Title: "no versions left is an answer without a list", Level: MUST, Section: "5.8", Run: func(ctx context.Context, e *Env) error {
		return e.emptyAnswer(ctx, "objects/{A}/versions/?"+never)
	}},
	{ID: "T-5.8-06", Title: "versions take added_after, limit, next and spec_version", Level: MUST, Section: "5.8", Run: func(ctx context.Context, e *Env) error {
		f, err := e.fixture(ctx)
		if err != nil {
			return err
		}
		var out faults
		out.add("added_after", e.versionList(ctx, "?added_after="+f.added["d2"], "d6 d10"))
		out.add("limit", e.versionList(ctx, "?limit=2", "d2 d6"))
		if !f.no20 {
			for query, want := range map[string][]string{"": {f.v["d8"]}, "?match[spec_version]=2.0,2.1": {f.v["d3"], f.v["d8"]}} {
				p, err := e.page(ctx, "objects/"+f.ids["M"]+"/versions/"+query)
				out.add("malware", err)
				if err == nil && !sameInstants(p.Versions, want) {
					out.addf("versions%s of an object in two spec versions are %v, want %v", query, p.Versions, want)
				}
			}
		}
		return out.err()
	}},
}

func versionTexts(ctx context.Context, e *Env) error {
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	var out faults
	for label, text := range f.texts {
		if _, v := idVersion(text); v != "" && f.v[label] != v {
			out.addf("%s has version %s in the manifest, %s in the object", label, f.v[label], v)
		}
	}
	s, err := e.post(ctx, f.texts["d4"], f.texts["d5"], f.texts["d6"])
	if err != nil {
		return err
	}
	for i, d := range s.Successes {
		if want := f.v[[]string{"d4", "d5", "d6"}[i]]; instant(d.Version) != instant(want) {
			out.addf("the status of %s says version %s, the manifest %s", d.ID, d.Version, want)
		}
	}
	return out.err()
}

func emptyHeaders(ctx context.Context, e *Env) error {
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	var out faults
	for _, end := range []string{"objects/?", "manifest/?", "objects/" + f.ids["A"] + "/?", "objects/" + f.ids["A"] + "/versions/?"} {
		p, err := e.page(ctx, end+never)
		out.add(end, err)
		if want := "2999-01-01T00:00:00.000000Z"; err == nil && (p.first != want || p.last != want) {
			out.addf("%s with added_after: headers %q and %q, want that time", shorten(end, 20), p.first, p.last)
		}
	}
	p, err := e.page(ctx, "objects/?match[id]="+e.newID("indicator"))
	if err != nil {
		return err
	}
	if p.first != "" || p.last != "" {
		out.addf("without added_after: headers %q and %q, want none", p.first, p.last)
	}
	return out.err()
}

var deleteCases = []Case{
	{ID: "T-5.7-01", Also: []string{"T-5.7-04", "T-5.7-05"}, Title: "DELETE is 200 without a body; then the object is gone everywhere", Level: MUST, Section: "5.7", Run: deleteWhole},
	{ID: "T-5.7-07", Title: "DELETE of single versions", Level: MUST, Section: "5.7", Run: func(ctx context.Context, e *Env) error {
		times := []string{"2024-01-01T00:00:00.000Z", "2024-02-01T00:00:00.123456Z", "2024-03-02T00:00:00.000Z"}
		var f faults
		for query, left := range map[string][]string{
			"match[version]=" + times[1]: {times[0], times[2]}, "match[version]=first": times[1:], "match[version]=last": times[:2], "match[version]=all": nil, "match[version]=first,last": times[1:2],
		} {
			id, err := e.threeVersions(ctx, times)
			if err != nil {
				return err
			}
			if err := e.remove(ctx, id, query, 200); err != nil {
				return err
			}
			got, err := e.versions(ctx, id, "match[version]=all")
			f.add(query, err)
			if !sameInstants(got, left) {
				f.addf("DELETE %s leaves %v, want %v", query, got, left)
			}
		}
		return f.err()
	}},
	{ID: "T-5.7-08", Also: []string{"A-08"}, Title: "DELETE without match[version] removes all versions", Level: REC, Section: "5.7", Run: func(ctx context.Context, e *Env) error {
		id, err := e.threeVersions(ctx, []string{"2024-01-01T00:00:00.000Z", "2024-02-01T00:00:00.000Z"})
		if err != nil {
			return err
		}
		if err := e.remove(ctx, id, "", 200); err != nil {
			return err
		}
		_, err = e.want(ctx, 404, "objects/"+id+"/?match[version]=all")
		return err
	}},
	{ID: "T-5.7-09", Title: "DELETE of one spec version", Level: MUST, Section: "5.7", Run: func(ctx context.Context, e *Env) error {
		f, err := e.fixture(ctx)
		if err != nil {
			return err
		}
		if f.no20 {
			return skip("the server does not store STIX 2.0")
		}
		id := e.newID("malware")
		if err := e.store(ctx, strings.ReplaceAll(f.texts["d3"], f.ids["M"], id), strings.ReplaceAll(f.texts["d8"], f.ids["M"], id)); err != nil {
			return err
		}
		if err := e.remove(ctx, id, "match[spec_version]=2.0", 200); err != nil {
			return err
		}
		got, err := e.versions(ctx, id, both+"match[version]=all")
		if err == nil && !sameInstants(got, []string{f.v["d8"]}) {
			return fmt.Errorf("left are %v, want the 2.1 version", got)
		}
		return err
	}},
	{ID: "T-5.7-10", Title: "DELETE of nothing is 404; of a malformed filter 400, and nothing is deleted", Level: REC, Section: "5.7", Run: func(ctx context.Context, e *Env) error {
		id, err := e.threeVersions(ctx, []string{"2024-01-01T00:00:00.000Z"})
		if err != nil {
			return err
		}
		var f faults
		f.add("unknown", e.remove(ctx, e.newID("indicator"), "", 404))
		f.add("no such version", e.remove(ctx, id, "match[version]=2001-01-01T00:00:00.000Z", 404))
		for _, q := range []string{"match[version]=yesterday", "match[version]=all,last", "match[version]=first&match[version]=last", "match[spec_version]=abc"} {
			f.add(q, e.remove(ctx, id, q, 400))
		}
		got, err := e.versions(ctx, id, "match[version]=all")
		if err != nil || len(got) != 1 {
			f.addf("left are %v (%v)", got, err)
		}
		return f.err()
	}},
}

// remove sends a DELETE as RW; where that is forbidden the case is skipped.
func (e *Env) remove(ctx context.Context, id, query string, want int) error {
	a, err := e.do(ctx, request{method: http.MethodDelete, path: e.at("objects/" + url.PathEscape(id) + "/?" + query)})
	if err != nil {
		return err
	}
	if a.status == 405 || a.status == 501 {
		return skip("the server does not delete: %d", a.status)
	}
	if want == 200 && a.body != "" {
		return fmt.Errorf("%s has a body of %d octets", a, len(a.body))
	}
	return a.want(want)
}

func (e *Env) threeVersions(ctx context.Context, times []string) (string, error) {
	id := e.newID("indicator")
	var texts []string
	for _, t := range times {
		texts = append(texts, thing(id, t))
	}
	return id, e.store(ctx, texts...)
}

func deleteWhole(ctx context.Context, e *Env) error {
	id, err := e.threeVersions(ctx, []string{"2024-01-01T00:00:00.000Z"})
	if err != nil {
		return err
	}
	if err := e.remove(ctx, id, "", 200); err != nil {
		return err
	}
	var f faults
	for _, rest := range []string{"objects/" + id + "/", "objects/" + id + "/versions/", "objects/" + id + "/?match[version]=all"} {
		_, err := e.want(ctx, 404, rest)
		f.add("after DELETE", err)
	}
	f.add("second DELETE", e.remove(ctx, id, "", 404))
	f.add("manifest", e.absent(ctx, id))
	p, err := e.page(ctx, "objects/?match[version]=all&match[id]="+id)
	f.add("objects", err)
	if err == nil && len(p.Objects) > 0 {
		f.addf("objects still has it")
	}
	return f.err()
}
