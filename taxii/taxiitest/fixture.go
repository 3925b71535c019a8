package taxiitest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"entente/taxii"
)

// A fixture is ten object versions that one run has put into the collection,
// d1 to d10, in this order. Cases name them by their labels.
type fixture struct {
	ids   map[string]string // I A M S Q B R, to ids
	added map[string]string // label to date_added
	label map[string]string // id and version to label
	texts map[string]string
	v     map[string]string // label to version, as the manifest has it
	after string            // 1 µs before d1
	no20  bool              // the server refused d3, which is STIX 2.0
}

// newID is a fresh id.
func (e *Env) newID(kind string) string {
	var b [16]byte
	if _, err := io.ReadFull(e.c.Rand, b[:]); err != nil {
		panic(err)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	id := fmt.Sprintf("%s--%x-%x-%x-%x-%x", kind, b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	e.made[id] = true
	return id
}

func indicator(id, created, modified, name string) string {
	return `{"type":"indicator","spec_version":"2.1","id":"` + id + `","created":"` + created + `","modified":"` + modified +
		`","name":"` + name + `","indicator_types":["x-new"],"pattern":"[ipv4-addr:value = '198.51.100.3']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"}`
}

// thing is an indicator with this version, created at the start of 2024.
func thing(id, modified string) string {
	return indicator(id, "2024-01-01T00:00:00.000Z", modified, "thing")
}

// envelope wraps object texts.
func envelope(texts ...string) string { return `{"objects":[` + strings.Join(texts, ",") + `]}` }

// post sends an envelope as RW and waits for the status to be complete.
func (e *Env) post(ctx context.Context, texts ...string) (*taxii.Status, error) {
	return e.postBody(ctx, envelope(texts...))
}

func (e *Env) postBody(ctx context.Context, body string, header ...string) (*taxii.Status, error) {
	a, err := e.do(ctx, request{method: http.MethodPost, path: e.at("objects/"), body: body, header: header})
	if err != nil {
		return nil, err
	}
	if err := a.want(http.StatusAccepted); err != nil {
		return nil, fmt.Errorf("%w: %.200s", err, a.body)
	}
	var s taxii.Status
	if err := a.decode(&s); err != nil {
		return nil, err
	}
	for wait := 20 * time.Millisecond; s.Status == taxii.StatusPending; wait = min(2*wait, 2*time.Second) {
		if err := e.c.Sleep(ctx, wait); err != nil {
			return nil, fmt.Errorf("status %s is still pending: %w", s.ID, err)
		}
		a, err := e.do(ctx, request{path: e.root + "status/" + s.ID + "/"})
		if err != nil {
			return nil, err
		}
		if err := a.want(http.StatusOK); err != nil {
			return nil, err
		}
		if err := a.decode(&s); err != nil {
			return nil, err
		}
	}
	return &s, nil
}

// store posts texts, which must all be taken.
func (e *Env) store(ctx context.Context, texts ...string) error {
	s, err := e.post(ctx, texts...)
	if err != nil {
		return err
	}
	if s.SuccessCount != len(texts) || s.FailureCount != 0 {
		return fmt.Errorf("POST of %d good objects: %d successes, %d failures %+v", len(texts), s.SuccessCount, s.FailureCount, s.Failures)
	}
	return nil
}

// fixture returns F, which the first call makes.
func (e *Env) fixture(ctx context.Context) (*fixture, error) {
	if e.fix == nil && e.fixErr == nil {
		e.fix, e.fixErr = e.makeFixture(ctx)
	}
	if e.fixErr != nil {
		return nil, fmt.Errorf("the objects that this case needs could not be stored: %w", e.fixErr)
	}
	return e.fix, nil
}

func (e *Env) makeFixture(ctx context.Context) (*fixture, error) {
	f := &fixture{ids: map[string]string{}, added: map[string]string{}, label: map[string]string{}, texts: map[string]string{}, v: map[string]string{}}
	for name, kind := range map[string]string{"I": "identity", "A": "indicator", "M": "malware", "S": "ipv4-addr", "Q": "marking-definition", "B": "indicator", "R": "relationship"} {
		f.ids[name] = e.newID(kind)
	}
	id := f.ids
	texts := []string{
		`{"type":"identity","spec_version":"2.1","id":"` + id["I"] + `","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"I"}`,
		indicator(id["A"], "2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z", "A1"),
		`{"type":"malware","id":"` + id["M"] + `","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"M","labels":["rootkit"]}`,
		`{"type":"ipv4-addr","spec_version":"2.1","id":"` + id["S"] + `","value":"198.51.100.3"}`,
		`{"type":"marking-definition","spec_version":"2.1","id":"` + id["Q"] + `","created":"2024-01-02T00:00:00.000Z","definition_type":"statement","definition":{"statement":"test"}}`,
		indicator(id["A"], "2024-01-01T00:00:00.000Z", "2024-02-01T00:00:00.123456Z", "A2"),
		indicator(id["B"], "2024-02-02T00:00:00.000Z", "2024-02-02T00:00:00.000Z", "B"),
		`{"type":"malware","spec_version":"2.1","id":"` + id["M"] + `","created":"2024-01-01T00:00:00.000Z","modified":"2024-03-01T00:00:00.000Z","name":"M","is_family":false}`,
		`{"type":"relationship","spec_version":"2.1","id":"` + id["R"] + `","created":"2024-03-01T00:00:00.000Z","modified":"2024-03-01T00:00:00.000Z","relationship_type":"indicates","source_ref":"` + id["A"] + `","target_ref":"` + id["M"] + `"}`,
		indicator(id["A"], "2024-01-01T00:00:00.000Z", "2024-03-02T00:00:00.000Z", "A3"),
	}
	for i, text := range texts {
		label := fmt.Sprintf("d%d", i+1)
		s, err := e.post(ctx, text)
		switch {
		case i == 2 && (err != nil || s.FailureCount > 0):
			f.no20 = true // allowed by section 5.5
			continue
		case err != nil:
			return nil, err
		case s.SuccessCount != 1:
			return nil, fmt.Errorf("%s refused: %+v", label, s.Failures)
		}
		f.texts[label] = text
	}
	return f, e.dateFixture(ctx, f)
}

// dateFixture learns when the server added the versions, and what it calls them.
func (e *Env) dateFixture(ctx context.Context, f *fixture) error {
	records, err := e.manifest(ctx, "match[version]=all&match[spec_version]=2.0,2.1&match[id]="+f.all())
	if err != nil {
		return err
	}
	for label, text := range f.texts {
		id, version := idVersion(text)
		for _, r := range records {
			if r.ID == id && (version == "" || instant(r.Version) == instant(version)) {
				f.added[label], f.v[label] = r.DateAdded, r.Version
				f.label[id+" "+instant(r.Version)] = label
			}
		}
		if f.added[label] == "" {
			return fmt.Errorf("the manifest does not list %s (%s, version %q)", label, id, version)
		}
	}
	t, err := time.Parse(time.RFC3339Nano, f.added["d1"])
	if err != nil {
		return fmt.Errorf("date_added: %w", err)
	}
	f.after = micros(t.Add(-time.Microsecond))
	return nil
}

func micros(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// all is the ids of the fixture for match[id].
func (f *fixture) all() string {
	var ids []string
	for _, id := range f.ids {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return strings.Join(ids, ",")
}

// scope limits a query to the fixture; extra comes before it.
func (f *fixture) scope(extra string) string {
	if strings.Contains(extra, "match[id]") || strings.Contains(extra, "match%5Bid%5D") {
		return "?" + extra
	}
	if extra != "" {
		extra += "&"
	}
	return "?" + extra + "match[id]=" + f.all()
}

// seq drops d3 from a wanted sequence if the server does not have it.
func (f *fixture) seq(want string) string {
	if f.no20 {
		want = strings.Join(strings.Fields(strings.ReplaceAll(want+" ", "d3 ", "")), " ")
	}
	return want
}

// labels names objects, or manifest records, by fixture label; objects that
// are not of the fixture are "?".
func (f *fixture) labels(items []json.RawMessage) string {
	var out []string
	for _, raw := range items {
		id, version := idVersion(string(raw))
		if version == "" {
			version = f.v["d4"]
		}
		label := f.label[id+" "+instant(version)]
		if label == "" {
			label = "?"
		}
		out = append(out, label)
	}
	return strings.Join(out, " ")
}

func idVersion(text string) (id, version string) {
	var o struct{ ID, Version, Created, Modified string }
	if json.Unmarshal([]byte(text), &o) != nil {
		return "", ""
	}
	for _, v := range []string{o.Version, o.Modified, o.Created} {
		if v != "" {
			return o.ID, v
		}
	}
	return o.ID, ""
}

// instant makes timestamps of one instant equal texts.
func instant(t string) string {
	t = strings.TrimSuffix(t, "Z")
	if strings.Contains(t, ".") {
		t = strings.TrimRight(strings.TrimRight(t, "0"), ".")
	}
	return t
}

// A page is the body of any answer that has pages.
type page struct {
	More     bool              `json:"more"`
	Next     *string           `json:"next"`
	Objects  []json.RawMessage `json:"objects"`
	Versions []string          `json:"versions"`
	first    string
	last     string
}

// page gets one page of a path below the collection.
func (e *Env) page(ctx context.Context, rest string) (*page, error) {
	a, err := e.want(ctx, http.StatusOK, rest)
	if err != nil {
		return nil, err
	}
	p := &page{}
	if err := a.decode(p); err != nil {
		return nil, err
	}
	p.first, p.last = a.header.Get(taxii.HeaderAddedFirst), a.header.Get(taxii.HeaderAddedLast)
	return p, nil
}

// pages follows next to the end; rest has a query.
func (e *Env) pages(ctx context.Context, rest string) ([]*page, error) {
	var all []*page
	for next := ""; ; {
		p, err := e.page(ctx, rest+next)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
		if !p.More {
			return all, nil
		}
		if p.Next == nil || *p.Next == "" {
			return nil, fmt.Errorf("GET %s: more without next", shorten(rest+next, 160))
		}
		before := next
		if next = "&next=" + *p.Next; next == before || len(all) > 10_000 {
			return nil, fmt.Errorf("GET %s: page %d leads nowhere", shorten(rest, 160), len(all))
		}
	}
}

// manifest reads the records of a query, over all pages.
func (e *Env) manifest(ctx context.Context, query string) ([]taxii.ManifestRecord, error) {
	pages, err := e.pages(ctx, "manifest/?"+query)
	if err != nil {
		return nil, err
	}
	var all []taxii.ManifestRecord
	for _, p := range pages {
		for _, raw := range p.Objects {
			var r taxii.ManifestRecord
			if err := json.Unmarshal(raw, &r); err != nil {
				return nil, fmt.Errorf("manifest record: %w", err)
			}
			all = append(all, r)
		}
	}
	return all, nil
}
