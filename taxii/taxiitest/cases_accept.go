package taxiitest

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"entente/taxii"
)

// acceptCase sends Accept lines to every GET endpoint. A MUST row allows only
// what the standard allows.
func acceptCase(id, title string, level Level, codes []int, lines ...string) Case {
	return Case{ID: id, Title: title, Level: level, Section: "3.1", Run: func(ctx context.Context, e *Env) error {
		var f faults
		for _, l := range lines {
			f.add(fmt.Sprintf("Accept %q", l), e.everywhere(ctx, []string{"Accept: " + l}, status(codes...)))
		}
		return f.err()
	}}
}

var (
	ok    = []int{200}
	no    = []int{406}
	okNo  = []int{200, 406}
	badNo = []int{400, 406}
)

var acceptCases = []Case{
	acceptCase("T-ACC-01", "Accept with type and version", MUST, ok, taxii.MediaType),
	{ID: "T-ACC-02", Also: []string{"T-3.1-05", "T-3.1-06", "T-1.6.8-01"}, Title: "Accept without a version is answered in 2.1", Level: MUST, Section: "3.1",
		Run: func(ctx context.Context, e *Env) error {
			return e.everywhere(ctx, []string{"Accept: application/taxii+json"}, func(a *answer) error {
				if ct := a.header.Get("Content-Type"); ct != taxii.MediaType {
					return fmt.Errorf("%s: Content-Type %q", a, ct)
				}
				return a.want(200)
			})
		}},
	acceptCase("T-ACC-03", "Accept with a space before the version", MUST, ok, "application/taxii+json; version=2.1"),
	acceptCase("T-ACC-04", "Accept in any case, value quoted", MUST, ok, `Application/TAXII+JSON; Version="2.1"`),
	acceptCase("T-ACC-05", "Accept with a q value", SHOULD, ok, taxii.MediaType+";q=0.5"),
	acceptCase("T-ACC-06", "Accept with a charset", REC, ok, taxii.MediaType+";charset=utf-8"),
	acceptCase("T-ACC-07", "Accept with TAXII and STIX", MUST, ok, taxii.MediaType+",application/stix+json;version=2.1"),
	acceptCase("T-ACC-08", "Accept with an unknown version first", MUST, ok, "application/taxii+json;version=9.9, application/taxii+json;version=2.1;q=0.1"),
	{ID: "T-ACC-09", Title: "two Accept lines, one good", Level: SHOULD, Section: "RFC 9110, 5.3", Run: func(ctx context.Context, e *Env) error {
		return e.everywhere(ctx, []string{"Accept: text/html", "Accept: " + taxii.MediaType}, status(200))
	}},
	{ID: "T-ACC-10", Also: []string{"A-10"}, Title: "no Accept at all is served", Level: REC, Run: func(ctx context.Context, e *Env) error {
		a, _, err := e.raw(ctx, e.rawGet(e.at("objects/?limit=1")))
		if err != nil {
			return err
		}
		return a.want(200)
	}},
	acceptCase("T-ACC-11", "Accept */*", REC, ok, "*/*"),
	acceptCase("T-ACC-12", "Accept application/*", REC, ok, "application/*"),
	acceptCase("T-ACC-13", "Accept of an old OpenCTI", REC, ok, "application/json, text/plain, */*"),
	acceptCase("T-ACC-14", "Accept application/json alone is 200 or 406", MAY, okNo, "application/json"),
	acceptCase("T-ACC-15", "Accept text/html alone is 406", REC, no, "text/html"),
	acceptCase("T-ACC-16", "Accept of version 2.0 is 406", REC, no, "application/taxii+json;version=2.0"),
	acceptCase("T-ACC-17", "Accept of unknown versions is 406", REC, no, "application/taxii+json;version=9.9", "application/taxii+json;version=abc"),
	acceptCase("T-ACC-18", "Accept of a TAXII 2.0 client is 406", REC, no, "application/vnd.oasis.taxii+json; version=2.0"),
	acceptCase("T-ACC-19", "Accept that rules TAXII out is 406", SHOULD, no, taxii.MediaType+";q=0"),
	acceptCase("T-ACC-20", "the most specific range decides", SHOULD, no, taxii.MediaType+";q=0, */*"),
	acceptCase("T-ACC-21", "broken Accept is 406", REC, badNo, "application/taxii+json;version", ";;;"),
	{ID: "T-3.1-08", Title: "Accept without a TAXII type is 200 or 406, never anything else", Level: MUST, Section: "3.1", Run: func(ctx context.Context, e *Env) error {
		var f faults
		for _, l := range []string{"image/png", "application/json", "application/stix+json", "text/*;q=0.3", "x/y"} {
			f.add(l, e.everywhere(ctx, []string{"Accept: " + l}, status(okNo...)))
		}
		return f.err()
	}},
}

// typeCase posts one object under each Content-Type.
func typeCase(id, title string, level Level, codes []int, types ...string) Case {
	return Case{ID: id, Title: title, Level: level, Section: "3.1", Run: func(ctx context.Context, e *Env) error {
		var f faults
		for _, t := range types {
			a, err := e.do(ctx, request{method: http.MethodPost, path: e.at("objects/"), header: []string{"Content-Type: " + t},
				body: envelope(thing(e.newID("indicator"), "2024-01-01T00:00:00.000Z"))})
			if err == nil {
				err = a.want(codes...)
			}
			f.add(fmt.Sprintf("Content-Type %q", t), err)
		}
		return f.err()
	}}
}

var contentTypeCases = []Case{
	{ID: "T-CTY-01", Also: []string{"T-3.1-07"}, Title: "Content-Type with version, with or without space, in any case", Level: MUST, Section: "3.1",
		Run: typeCase("", "", "", []int{202}, taxii.MediaType, "application/taxii+json; version=2.1", "Application/TAXII+json;Version=2.1", `application/taxii+json;version="2.1"`).Run},
	typeCase("T-CTY-02", "Content-Type without a version", MUST, []int{202}, "application/taxii+json"),
	typeCase("T-CTY-03", "Content-Type with a charset", SHOULD, []int{202}, taxii.MediaType+";charset=utf-8"),
	typeCase("T-CTY-04", "Content-Type of another version is 415", REC, []int{415}, "application/taxii+json;version=2.0", "application/taxii+json;version=9.9"),
	typeCase("T-CTY-05", "no Content-Type is 415", REC, []int{415}, ""),
	{ID: "T-CTY-06", Also: []string{"T-3.1-09"}, Title: "other Content-Types are 415", Level: REC, Section: "3.1",
		Run: typeCase("", "", "", []int{415}, "application/json", "text/plain", "application/x-www-form-urlencoded").Run},
	typeCase("T-CTY-07", "STIX as Content-Type is taken for an envelope, or 415", MAY, []int{202, 415},
		"application/stix+json;version=2.1", "application/vnd.oasis.stix+json; version=2.0"),
	{ID: "T-CTY-08", Title: "POST with an Accept that cannot be met is 406, and stores nothing", Level: REC, Section: "3.1", Run: func(ctx context.Context, e *Env) error {
		id := e.newID("indicator")
		a, err := e.do(ctx, request{method: http.MethodPost, path: e.at("objects/"), header: []string{"Accept: text/html"},
			body: envelope(thing(id, "2024-01-01T00:00:00.000Z"))})
		if err != nil {
			return err
		}
		if err := a.want(406); err != nil {
			return err
		}
		return e.absent(ctx, id)
	}},
}

// absent checks that the collection holds no version of id.
func (e *Env) absent(ctx context.Context, id string) error {
	records, err := e.manifest(ctx, "match[version]=all&match[spec_version]=2.0,2.1&match[id]="+id)
	if err != nil {
		return err
	}
	if len(records) > 0 {
		return fmt.Errorf("%s was stored: %+v", id, records)
	}
	return nil
}

// versions lists what the manifest has of id, as texts.
func (e *Env) versions(ctx context.Context, id, query string) ([]string, error) {
	records, err := e.manifest(ctx, query+"&match[id]="+id)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range records {
		out = append(out, r.Version)
	}
	return out, nil
}

func sameInstants(got, want []string) bool {
	return slices.EqualFunc(got, want, func(a, b string) bool { return instant(a) == instant(b) })
}
