package taxiitest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"entente/taxii"
)

var sortCases = []Case{
	seqCase("T-3.3-01", "objects and manifests ascend by date added", MUST, "3.3", nil, wantSeq{both + "match[version]=all", allOf},
		wantSeq{both + "match[version]=all&limit=3", allOf}, wantSeq{"match[id]={B},{A},{I}", "d1 d7 d10"}),
	{ID: "T-3.3-02", Title: "collections come in the same order each time, by id", Level: MUST, Section: "3.3", Run: func(ctx context.Context, e *Env) error {
		before := ""
		for range 10 {
			list, err := e.collections(ctx, RW)
			if err != nil {
				return err
			}
			var ids []string
			for _, c := range list {
				ids = append(ids, c.ID)
			}
			if now := strings.Join(ids, " "); before != "" && now != before {
				return fmt.Errorf("the order was %s, then %s", before, now)
			} else {
				before = now
			}
		}
		return nil
	}},
	{ID: "T-3.3-03", Title: "versions ascend like the rest", Level: REC, Section: "3.3", Run: func(ctx context.Context, e *Env) error {
		return e.versionList(ctx, "", "d2 d6 d10")
	}},
	{ID: "T-3.3-04", Also: []string{"T-5.5-08", "S-3.6-01"}, Title: "order is by arrival: an old version that comes late is last, and not the newest", Level: REC, Section: "3.3", Run: func(ctx context.Context, e *Env) error {
		id := e.newID("indicator")
		times := []string{"2024-02-01T00:00:00.000Z", "2024-03-01T00:00:00.000Z", "2024-01-15T00:00:00.000Z"}
		for _, t := range times {
			if err := e.store(ctx, thing(id, t)); err != nil {
				return err
			}
		}
		all, err := e.versions(ctx, id, "match[version]=all")
		if err != nil {
			return err
		}
		last, err := e.versions(ctx, id, "match[version]=last")
		if err != nil {
			return err
		}
		if !sameInstants(all, times) || !sameInstants(last, times[1:2]) {
			return fmt.Errorf("all is %v, last is %v; added were %v", all, last, times)
		}
		return nil
	}},
}

// versionList checks the versions endpoint of A; want are labels.
func (e *Env) versionList(ctx context.Context, query, want string) error {
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	p, err := e.page(ctx, "objects/"+f.ids["A"]+"/versions/"+query)
	if err != nil {
		return err
	}
	var versions []string
	labels := strings.Fields(want)
	for _, l := range labels {
		versions = append(versions, f.v[l])
	}
	if !slices.Equal(p.Versions, versions) {
		return fmt.Errorf("versions%s are %v, want %v", query, p.Versions, versions)
	}
	if len(labels) > 0 && (p.first != f.added[labels[0]] || p.last != f.added[labels[len(labels)-1]]) {
		return fmt.Errorf("versions%s: headers %s and %s, want %s and %s", query, p.first, p.last, f.added[labels[0]], f.added[labels[len(labels)-1]])
	}
	return nil
}

var pageCases = []Case{
	{ID: "T-3.5-01", Also: []string{"T-3.5-05", "T-5.3-05"}, Title: "pages of any size add up to the whole, on all four endpoints", Level: MUST, Section: "3.5", Run: anyPageSize},
	{ID: "T-3.5-04", Also: []string{"A-19"}, Title: "next in manifests and versions", Level: REC, Section: "3.5", Run: func(ctx context.Context, e *Env) error {
		f, err := e.fixture(ctx)
		if err != nil {
			return err
		}
		pages, err := e.pages(ctx, "objects/"+f.ids["A"]+"/versions/?limit=1")
		if err != nil {
			return err
		}
		if len(pages) != 3 {
			return fmt.Errorf("%d pages of one version, want 3", len(pages))
		}
		pages, err = e.pages(ctx, "manifest/"+f.scope("limit=2"))
		if err == nil && len(pages) != 4 {
			return fmt.Errorf("%d manifest pages of two, want 4", len(pages))
		}
		return err
	}},
	{ID: "T-3.5-06", Also: []string{"T-2-06", "A-03"}, Title: "paging by added_after alone loses and repeats nothing, also within one POST", Level: REC, Section: "3.5", Run: byDateAlone},
	{ID: "T-3.5-07", Title: "pages stay the same while objects are added", Level: REC, Section: "3.5", Run: insertWhilePaging},
	{ID: "T-3.5-08", Title: "deleting what a next page would hold makes it empty, not an error", Level: REC, Section: "3.5", Run: deleteWhilePaging},
	{ID: "T-3.5-10", Title: "next is of no use to anyone else, or when altered", Level: MUST, Section: "appendix B", Run: foreignNext},
	{ID: "T-3.5-11", Title: "a garbled next is 400, an empty one is none", Level: REC, Section: "3.5", Run: func(ctx context.Context, e *Env) error {
		f, err := e.fixture(ctx)
		if err != nil {
			return err
		}
		var out faults
		for _, next := range []string{"zzz", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "%00", "../../etc/passwd"} {
			_, err := e.want(ctx, 400, "objects/"+f.scope("next="+next))
			out.add("next="+next, err)
		}
		out.add("next=", e.firstPage(ctx, "limit=3&next=", "d1 d4 d5", true))
		return out.err()
	}},
	{ID: "T-3.5-13", Title: "limit may differ from page to page", Level: REC, Section: "3.5", Run: func(ctx context.Context, e *Env) error {
		return e.continued(ctx, "limit=2", "limit=4", "d5 d7 d8 d9")
	}},
	{ID: "T-3.5-14", Title: "with next: filters may be left out, not changed; added_after is ANDed", Level: REC, Section: "3.5", Run: changedQuery},
	{ID: "T-3.5-16", Also: []string{"T-5.3.1-05"}, Title: "the last page's Date-Added-Last is a safe place to resume", Level: REC, Section: "3.5", Run: resumeByHeader},
}

func anyPageSize(ctx context.Context, e *Env) error {
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	var out faults
	for n := 1; n <= 8; n++ {
		limit := fmt.Sprintf("limit=%d", n)
		for _, end := range []string{"objects/" + f.scope(limit), "manifest/" + f.scope(limit), "objects/" + f.ids["A"] + "/?match[version]=all&" + limit} {
			pages, err := e.pages(ctx, end)
			if err != nil {
				out.add(end, err)
				continue
			}
			var got []string
			for i, p := range pages {
				if len(p.Objects) > n || i < len(pages)-1 && len(p.Objects) < n {
					out.addf("%s: page %d has %d objects", shorten(end, 40), i+1, len(p.Objects))
				}
				got = append(got, f.labels(p.Objects))
			}
			want := everything
			if strings.Contains(end, "version]=all") {
				want = "d2 d6 d10"
			}
			if s := strings.Join(got, " "); s != want {
				out.addf("%s with %s adds up to %q, want %q", shorten(end, 20), limit, s, want)
			}
		}
		pages, err := e.pages(ctx, "objects/"+f.ids["A"]+"/versions/?"+limit)
		out.add("versions", err)
		var got []string
		for _, p := range pages {
			got = append(got, p.Versions...)
		}
		if err == nil && !slices.Equal(got, []string{f.v["d2"], f.v["d6"], f.v["d10"]}) {
			out.addf("versions with %s add up to %v", limit, got)
		}
	}
	return out.err()
}

// things stores n objects in one POST and returns their ids, in order.
func (e *Env) things(ctx context.Context, n int) ([]string, error) {
	var ids, texts []string
	for range n {
		id := e.newID("indicator")
		ids = append(ids, id)
		texts = append(texts, thing(id, "2024-01-01T00:00:00.000Z"))
	}
	return ids, e.store(ctx, texts...)
}

// idsOf lists the ids of a page's objects.
func idsOf(p *page) []string {
	var ids []string
	for _, raw := range p.Objects {
		id, _ := idVersion(string(raw))
		ids = append(ids, id)
	}
	return ids
}

func byDateAlone(ctx context.Context, e *Env) error {
	want, err := e.things(ctx, 40)
	if err != nil {
		return err
	}
	records, err := e.manifest(ctx, "match[id]="+strings.Join(want, ","))
	if err != nil {
		return err
	}
	for i, r := range records {
		if i > 0 && r.DateAdded <= records[i-1].DateAdded {
			return fmt.Errorf("objects of one POST share a date_added: %s", r.DateAdded)
		}
	}
	var got []string
	after := ""
	for range 2 * len(want) {
		p, err := e.page(ctx, "objects/?limit=3&match[id]="+strings.Join(want, ",")+after)
		if err != nil {
			return err
		}
		if len(p.Objects) == 0 {
			break
		}
		got = append(got, idsOf(p)...)
		after = "&added_after=" + p.last
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("%d objects by added_after, want %d, each once and in order", len(got), len(want))
	}
	return nil
}

func insertWhilePaging(ctx context.Context, e *Env) error {
	want, err := e.things(ctx, 6)
	if err != nil {
		return err
	}
	late := e.newID("indicator")
	query := "objects/?limit=2&match[id]=" + strings.Join(append(want, late), ",")
	p, err := e.page(ctx, query)
	if err != nil {
		return err
	}
	got := idsOf(p)
	if err := e.store(ctx, thing(late, "2024-01-01T00:00:00.000Z")); err != nil {
		return err
	}
	for p.More && len(got) < 20 {
		if p.Next == nil {
			return errors.New("more without next")
		}
		if p, err = e.page(ctx, query+"&next="+*p.Next); err != nil {
			return err
		}
		got = append(got, idsOf(p)...)
	}
	if !slices.Equal(got, append(want, late)) {
		return fmt.Errorf("an insert between the pages made them %v", got)
	}
	return nil
}

func deleteWhilePaging(ctx context.Context, e *Env) error {
	ids, err := e.things(ctx, 4)
	if err != nil {
		return err
	}
	query := "objects/?limit=2&match[id]=" + strings.Join(ids, ",")
	p, err := e.page(ctx, query)
	if err != nil {
		return err
	}
	if p.Next == nil {
		return errors.New("no next")
	}
	for _, id := range ids[1:] {
		a, err := e.do(ctx, request{method: "DELETE", path: e.at("objects/" + id + "/?match[version]=all")})
		if err != nil {
			return err
		}
		if a.status == 403 || a.status == 405 {
			return skip("role rw may not delete")
		}
		if err := a.want(200); err != nil {
			return err
		}
	}
	p, err = e.page(ctx, query+"&next="+*p.Next)
	if err != nil {
		return err
	}
	if p.More || len(p.Objects) != 0 {
		return fmt.Errorf("the next page has %d objects, more is %v", len(p.Objects), p.More)
	}
	return nil
}

// next is the token of a first page of the fixture.
func (e *Env) next(ctx context.Context, query string) (string, error) {
	f, err := e.fixture(ctx)
	if err != nil {
		return "", err
	}
	p, err := e.page(ctx, "objects/"+f.scope(query))
	if err != nil {
		return "", err
	}
	if p.Next == nil || !p.More {
		return "", errors.New("a page with limit has no next")
	}
	return *p.Next, nil
}

func foreignNext(ctx context.Context, e *Env) error {
	next, err := e.next(ctx, "limit=2")
	if err != nil {
		return err
	}
	var out faults
	for i := 0; i < len(next); i += max(1, len(next)/24) {
		flipped := "A"
		if next[i] == 'A' {
			flipped = "B"
		}
		_, err := e.want(ctx, 400, "objects/?next="+next[:i]+flipped+next[i+1:])
		out.add(fmt.Sprintf("octet %d changed", i), err)
	}
	for _, role := range []Role{RO, WO, NN, Out} {
		a, err := e.do(ctx, request{path: e.at("objects/?next=" + next), as: role})
		if errors.As(err, &skipped{}) {
			continue
		}
		if err == nil {
			err = a.want(400, 403, 404)
		}
		out.add("as "+string(role), err)
	}
	return out.err()
}

// continued asks for a second page with other parameters.
func (e *Env) continued(ctx context.Context, first, second, want string) error {
	next, err := e.next(ctx, first)
	if err != nil {
		return err
	}
	f, _ := e.fixture(ctx)
	p, err := e.page(ctx, "objects/"+f.scope(f.fill(second)+"&next="+next))
	if err != nil {
		return err
	}
	if got := f.labels(p.Objects); got != want {
		return fmt.Errorf("%s after %s gives %q, want %q", second, first, got, want)
	}
	return nil
}

func changedQuery(ctx context.Context, e *Env) error {
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	var out faults
	next, err := e.next(ctx, "limit=2&match[version]=first")
	if err != nil {
		return err
	}
	p, err := e.page(ctx, "objects/?limit=3&next="+next)
	out.add("filters left out", err)
	if err == nil && f.labels(p.Objects) != "d4 d5 d7" {
		out.addf("filters left out: %q, want the filters of the first page: d4 d5 d7", f.labels(p.Objects))
	}
	_, err = e.want(ctx, 400, "objects/"+f.scope("match[version]=last&next="+next))
	out.add("match[version] changed", err)
	_, err = e.want(ctx, 400, "objects/?match[version]=first&match[id]="+f.ids["A"]+"&next="+next)
	out.add("match[id] changed", err)
	out.add("added_after changed", e.continued(ctx, "limit=2", "limit=9&added_after=<d7>", "d8 d9 d10"))
	return out.err()
}

// resumeByHeader reads with nothing but the header while POSTs go on.
func resumeByHeader(ctx context.Context, e *Env) error {
	const rounds, each = 6, 5
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	made := map[string]int{}
	done := make(chan error, 1)
	ids := make([][]string, rounds)
	texts := make([][]string, rounds)
	for i := range ids {
		for range each {
			id := e.newID("indicator")
			made[id] = 0
			ids[i] = append(ids[i], id)
			texts[i] = append(texts[i], thing(id, "2024-01-01T00:00:00.000Z"))
		}
	}
	w := &Env{c: e.c, server: e.server, root: e.root, coll: e.coll, id: e.id, http: e.http, made: map[string]bool{}}
	w.audit.init()
	go func() {
		var err error
		for i := 0; i < rounds && err == nil; i++ {
			err = w.store(ctx, texts[i]...)
		}
		done <- err
	}()
	after, finished := f.added["d10"], false
	for !finished {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
			finished = true // one more pass from where we are
		default:
		}
		for {
			p, err := e.page(ctx, "objects/?limit=7&added_after="+after)
			if err != nil {
				if !finished {
					<-done
				}
				return err
			}
			for _, id := range idsOf(p) {
				if _, ours := made[id]; ours {
					made[id]++
				}
			}
			if !p.More && p.last == "" {
				break
			}
			if p.last <= after && len(p.Objects) > 0 {
				return fmt.Errorf("%s is %q on a page of what was added after %s", taxii.HeaderAddedLast, p.last, after)
			}
			if after = max(after, p.last); !p.More {
				break
			}
		}
	}
	for id, n := range made {
		if n != 1 {
			return fmt.Errorf("a reader that resumes by %s saw %s %d times", taxii.HeaderAddedLast, id, n)
		}
	}
	return nil
}
