package taxiitest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"entente/taxii"
)

const newYear = "2024-01-01T00:00:00.000Z"

// refusedBody posts a body that must be refused as a whole; nothing of it may
// be stored under id.
func (e *Env) refusedBody(ctx context.Context, id, body string) error {
	a, err := e.do(ctx, request{method: http.MethodPost, path: e.at("objects/"), body: body})
	if err != nil {
		return err
	}
	if err := a.want(400, 422); err != nil {
		return fmt.Errorf("%.60q: %w", body, err)
	}
	return e.absent(ctx, id)
}

// outcome posts texts and compares the counts of the status.
func (e *Env) outcome(ctx context.Context, success, failure int, texts ...string) (*taxii.Status, error) {
	s, err := e.post(ctx, texts...)
	if err != nil {
		return nil, err
	}
	if s.SuccessCount != success || s.FailureCount != failure || s.TotalCount != success+failure {
		return s, fmt.Errorf("total %d, success %d, failure %d; want %d, %d, %d: %+v", s.TotalCount, s.SuccessCount, s.FailureCount, success+failure, success, failure, s.Failures)
	}
	return s, nil
}

var postCases = []Case{
	{ID: "T-5.5-01", Title: "POST is 202 with a status", Level: MUST, Section: "5.5", Run: func(ctx context.Context, e *Env) error {
		_, err := e.outcome(ctx, 1, 0, thing(e.newID("indicator"), newYear))
		return err
	}},
	{ID: "T-5.5-04", Also: []string{"T-4.3-01", "T-4.3.1-07"}, Title: "the status of a POST is there at once, and the same", Level: MUST, Section: "5.5", Run: func(ctx context.Context, e *Env) error {
		s, err := e.post(ctx, thing(e.newID("indicator"), newYear))
		if err != nil {
			return err
		}
		for range 2 { // once complete, it never changes
			a, err := e.do(ctx, request{path: e.root + "status/" + s.ID + "/"})
			if err != nil {
				return err
			}
			if err := a.want(200); err != nil {
				return err
			}
			var again taxii.Status
			if err := a.decode(&again); err != nil {
				return err
			}
			if again.ID != s.ID || again.Status != taxii.StatusComplete || again.SuccessCount != s.SuccessCount || again.TotalCount != s.TotalCount {
				return fmt.Errorf("the POST said %+v, the status endpoint %+v", s, again)
			}
		}
		return nil
	}},
	{ID: "T-5.5-05", Also: []string{"A-05", "A-23"}, Title: "a duplicate is a success that changes nothing", Level: MUST, Section: "5.5", Run: duplicate},
	{ID: "T-5.5-06", Title: "a duplicate may differ in key order and spelled-out defaults", Level: REC, Section: "5.5", Run: func(ctx context.Context, e *Env) error {
		id := e.newID("identity")
		a := `{"type":"identity","spec_version":"2.1","id":"` + id + `","created":"` + newYear + `","modified":"` + newYear + `","name":"x"}`
		b := `{ "name":"x","revoked":false, "modified":"` + newYear + `","created":"` + newYear + `","id":"` + id + `","spec_version":"2.1","type":"identity"}`
		if err := e.store(ctx, a); err != nil {
			return err
		}
		if _, err := e.outcome(ctx, 1, 0, b); err != nil {
			return err
		}
		got, err := e.versions(ctx, id, "match[version]=all")
		if err == nil && len(got) != 1 {
			return fmt.Errorf("versions are %v, want one", got)
		}
		return err
	}},
	{ID: "T-5.5-07", Also: []string{"A-06", "S-3.6-05"}, Title: "the same version with other content fails, and the first stays", Level: REC, Section: "5.5", Run: func(ctx context.Context, e *Env) error {
		id := e.newID("indicator")
		text := indicator(id, newYear, newYear, "first")
		if err := e.store(ctx, text); err != nil {
			return err
		}
		if _, err := e.outcome(ctx, 0, 1, indicator(id, newYear, newYear, "second")); err != nil {
			return err
		}
		return e.holds(ctx, id, text)
	}},
	{ID: "T-5.5-09", Also: []string{"T-3.7-04", "T-5.5-12", "T-4.3.1-05"}, Title: "bad objects fail one by one, and good ones beside them are stored", Level: REC, Section: "5.5", Run: badBesideGood},
	{ID: "T-5.5-10", Also: []string{"A-28"}, Title: "what is no envelope is refused, and nothing is stored", Level: MUST, Section: "5.5", Run: func(ctx context.Context, e *Env) error {
		id := e.newID("indicator")
		good := thing(id, newYear)
		var f faults
		for _, body := range []string{"x", "{", `[` + good + `]`, `{}`, `{"objects":[]}`, `{"objects":{}}`, `{"objects":` + good + `}`, good, `{"objects":[` + good + `]`, `{"objects":[` + good + `,]}`, `"objects"`, `null`} {
			f.add("", e.refusedBody(ctx, id, body))
		}
		return f.err()
	}},
	{ID: "T-1.6.7-02", Title: "doubled names and invalid UTF-8 are refused, not repaired", Level: REC, Section: "1.6.7", Run: func(ctx context.Context, e *Env) error {
		id := e.newID("indicator")
		good := thing(id, newYear)
		var f faults
		f.add("objects twice", e.refusedBody(ctx, id, `{"objects":[`+good+`],"objects":[`+good+`]}`))
		s, err := e.do(ctx, request{method: "POST", path: e.at("objects/"), body: envelope(strings.Replace(good, "thing", "th\xffng", 1))})
		if err != nil {
			return err
		}
		f.add("invalid UTF-8", s.want(202, 400, 422)) // 202: refused object by object
		f.add("invalid UTF-8", e.absent(ctx, id))
		return f.err()
	}},
	{ID: "T-3.8-02", Title: "names in another case are other names", Level: MUST, Section: "3.8", Run: func(ctx context.Context, e *Env) error {
		id := e.newID("indicator")
		return e.refusedBody(ctx, id, `{"Objects":[`+thing(id, newYear)+`]}`)
	}},
	{ID: "T-5.5-11", Title: "an envelope of bad objects only is 202 with failures", Level: REC, Section: "5.5", Run: func(ctx context.Context, e *Env) error {
		_, err := e.outcome(ctx, 0, 1, `{"type":"indicator","id":"indicator--123"}`)
		return err
	}},
	{ID: "T-5.5-13", Also: []string{"A-24", "S-8-01"}, Title: "a bundle is taken for an envelope, and not stored", Level: REC, Section: "5.5", Run: func(ctx context.Context, e *Env) error {
		id, bundle := e.newID("indicator"), e.newID("bundle")
		s, err := e.postBody(ctx, `{"type":"bundle","id":"`+bundle+`","spec_version":"2.1","objects":[`+thing(id, newYear)+`]}`)
		if err != nil {
			return err
		}
		if s.SuccessCount != 1 || s.TotalCount != 1 {
			return fmt.Errorf("success %d of %d", s.SuccessCount, s.TotalCount)
		}
		return e.absent(ctx, bundle)
	}},
	{ID: "T-5.5-15", Also: []string{"T-7.1-05"}, Title: "more, next and unknown properties of a posted envelope are ignored", Level: REC, Section: "3.7", Run: func(ctx context.Context, e *Env) error {
		_, err := e.postBody(ctx, `{"more":true,"next":"abc","x_foo":{"objects":[1]},"objects":[`+thing(e.newID("indicator"), newYear)+`]}`)
		return err
	}},
	{ID: "T-5.5-18", Title: "Expect: 100-continue is honoured", Level: REC, Run: func(ctx context.Context, e *Env) error {
		body := envelope(thing(e.newID("indicator"), newYear))
		head := strings.Replace(e.rawGet(e.at("objects/"), "Accept: "+taxii.MediaType, "Content-Type: "+taxii.MediaType, fmt.Sprintf("Content-Length: %d", len(body)), "Expect: 100-continue"), "GET", "POST", 1)
		a, _, err := e.raw(ctx, head+body)
		if err != nil {
			return err
		}
		return a.want(202)
	}},
	{ID: "T-3.7-05", Also: []string{"S-3.6-04", "S-2.16-03", "S-7.3-07", "S-11-01", "S-2.10-01"}, Title: "an object comes back with the same properties, values, numbers and timestamps", Level: MUST, Section: "STIX 2.1, 3.6", Run: func(ctx context.Context, e *Env) error {
		id := e.newID("indicator")
		text := `{ "type":"indicator" ,"spec_version":"2.1","id":"` + id + `","created":"2024-01-01T00:00:00.123456789Z","modified":"2024-01-01T00:00:00.123456789Z",` +
			`"name":"\u00e9 é <&> \ud83d\ude00 \/ tab\t","pattern":"[a:b = 1]","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z","x_int":9007199254740991,"x_num":1.10,"x_exp":1E+2,` +
			`"x_list":[ [ ], { } , null ],"extensions":{"extension-definition--d83fce45-ef58-4c6c-a3f4-1fbc32e98c6e":{"extension_type":"property-extension","rank":5}},"x_Zz":{"b":1,"a":2}}`
		if err := e.store(ctx, text); err != nil {
			return err
		}
		return e.holds(ctx, id, text)
	}},
	{ID: "T-B-02", Title: "nesting and ids are bounded", Level: SHOULD, Section: "appendix B", Run: func(ctx context.Context, e *Env) error {
		id := e.newID("indicator")
		deep := strings.Replace(thing(id, newYear), `"name"`, `"x_deep":`+strings.Repeat("[", 50_000)+strings.Repeat("]", 50_000)+`,"name"`, 1)
		a, err := e.do(ctx, request{method: "POST", path: e.at("objects/"), body: envelope(deep)})
		if err != nil {
			return err
		}
		var f faults
		f.add("nesting", a.want(202, 400, 413, 422))
		f.add("nesting", e.absent(ctx, id))
		_, err = e.outcome(ctx, 0, 1, `{"type":"indicator","spec_version":"2.1","id":"indicator--`+strings.Repeat("a", 5000)+`","created":"`+newYear+`","modified":"`+newYear+`"}`)
		f.add("long id", err)
		return f.err()
	}},
}

// holds checks that the last version of id is text, up to white space between
// tokens: numbers, strings and the order of names must be the same.
func (e *Env) holds(ctx context.Context, id, text string) error {
	p, err := e.page(ctx, "objects/"+id+"/")
	if err != nil {
		return err
	}
	if len(p.Objects) != 1 {
		return fmt.Errorf("%d objects of id %s", len(p.Objects), id)
	}
	if got := string(p.Objects[0]); compact(unescape(got)) != compact(unescape(text)) {
		return fmt.Errorf("stored %s, served %s", text, got)
	}
	return nil
}

func compact(text string) string {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		return text
	}
	return b.String()
}

// unescape makes the spellings of a character equal: a server may escape what
// is beyond ASCII for clients that need it.
func unescape(text string) string {
	return strings.NewReplacer(`\u00e9`, "é", `\u00E9`, "é", `\ud83d\ude00`, "\U0001F600", `\uD83D\uDE00`, "\U0001F600", `\/`, "/", `\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(text)
}

func duplicate(ctx context.Context, e *Env) error {
	f, err := e.fixture(ctx)
	if err != nil {
		return err
	}
	for label, text := range f.texts {
		if _, err := e.outcome(ctx, 1, 0, text); err != nil {
			return fmt.Errorf("%s again: %w", label, err)
		}
	}
	records, err := e.manifest(ctx, both+"match[version]=all&match[id]="+f.all())
	if err != nil {
		return err
	}
	if len(records) != len(f.texts) {
		return fmt.Errorf("the manifest has %d records after posting %d objects twice", len(records), len(f.texts))
	}
	for _, r := range records {
		if label := f.label[r.ID+" "+instant(r.Version)]; f.added[label] != r.DateAdded {
			return fmt.Errorf("date_added of %s was %s and is %s", label, f.added[label], r.DateAdded)
		}
	}
	return nil
}

func badBesideGood(ctx context.Context, e *Env) error {
	good, other := e.newID("indicator"), e.newID("indicator")
	badID := e.newID("malware")
	var f faults
	s, err := e.outcome(ctx, 2, 4, thing(good, newYear), `42`, `{"type":"bundle","id":"`+e.newID("bundle")+`","objects":[]}`,
		`{"type":"indicator","spec_version":"2.1","id":"`+badID+`","created":"`+newYear+`","modified":"`+newYear+`"}`, `"text"`, thing(other, newYear))
	if err != nil {
		return err
	}
	named := false
	for _, d := range s.Failures {
		named = named || d.ID == badID
	}
	if len(s.Failures) > 0 && !named {
		f.addf("failures do not name %s: %+v", badID, s.Failures)
	}
	for _, id := range []string{good, other} {
		got, err := e.versions(ctx, id, "")
		if err != nil || len(got) != 1 {
			f.addf("%s: versions %v (%v)", id, got, err)
		}
	}
	return f.err()
}

// postSized posts an envelope of max_content_length plus extra octets.
func (e *Env) postSized(ctx context.Context, extra int64, want int, header ...string) error {
	r, err := e.apiRoot(ctx)
	if err != nil {
		return err
	}
	if r.MaxContentLength > 64<<20 {
		return skip("max_content_length is %d, too much to send", r.MaxContentLength)
	}
	a, err := e.do(ctx, request{method: "POST", path: e.at("objects/"), header: header, body: e.sized(r.MaxContentLength + extra)})
	if err != nil {
		return err
	}
	return a.want(want)
}

// sized is an envelope of n octets, padded between its tokens.
func (e *Env) sized(n int64) string {
	text := envelope(thing(e.newID("indicator"), newYear))
	pad := n - int64(len(text))
	return strings.Replace(text, "[", "["+strings.Repeat(" ", int(max(pad, 0))), 1)
}

func tooLarge(ctx context.Context, e *Env) error {
	r, err := e.apiRoot(ctx)
	if err != nil {
		return err
	}
	if r.MaxContentLength > 64<<20 {
		return skip("max_content_length is %d, too much to send", r.MaxContentLength)
	}
	var f faults
	f.add("one octet more", e.postSized(ctx, 1, 413))
	body := e.sized(r.MaxContentLength + 1)
	lines := []string{"Accept: " + taxii.MediaType, "Content-Type: " + taxii.MediaType}
	chunked := strings.Replace(e.rawGet(e.at("objects/"), append(lines, "Transfer-Encoding: chunked")...), "GET", "POST", 1)
	if a, _, err := e.raw(ctx, chunked+fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)); err == nil {
		f.add("chunked", a.want(413))
	} // else the server hung up before we had written it all, which bounds it too
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write([]byte(body))
	_ = z.Close()
	a, err := e.do(ctx, request{method: "POST", path: e.at("objects/"), header: []string{"Content-Encoding: gzip"}, body: bomb.String()})
	if err != nil {
		return err
	}
	f.add("gzip", a.want(413, 415))
	return f.err()
}

var statusCases = []Case{
	{ID: "T-4.3-03", Title: "an unknown status is 404", Level: MUST, Section: "4.3", Run: func(ctx context.Context, e *Env) error {
		var f faults
		for _, id := range []string{strings.TrimPrefix(e.newID("x"), "x--"), "xyz"} {
			a, err := e.do(ctx, request{path: e.root + "status/" + id + "/"})
			if err == nil {
				err = a.want(404)
			}
			f.add(id, err)
		}
		return f.err()
	}},
	{ID: "T-4.3-04", Title: "a status is its submitter's alone", Level: REC, Section: "4.3", Run: func(ctx context.Context, e *Env) error {
		s, err := e.post(ctx, thing(e.newID("indicator"), newYear))
		if err != nil {
			return err
		}
		return e.eachRole(ctx, []Role{RO, WO, NN, Out}, func(as Role) error {
			a, err := e.do(ctx, request{path: e.root + "status/" + s.ID + "/", as: as})
			if err != nil {
				return err
			}
			return a.want(404)
		})
	}},
}
