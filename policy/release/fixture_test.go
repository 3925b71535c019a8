package release

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/policy"
	"entente/stix"
	"entente/store"
	"entente/store/mem"
)

const (
	us      policy.OrgID = "identity--aaaaaaaa-0000-4000-8000-000000000001"
	partner policy.OrgID = "identity--bbbbbbbb-0000-4000-8000-000000000002"
	other   policy.OrgID = "identity--cccccccc-0000-4000-8000-000000000003"

	intel store.LogID = "7c4d1c2e-3f5a-4b8e-9a61-0e5d2f7b9c10"

	clear1 = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
	green1 = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
	amber1 = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
	red1   = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
)

// agreement is one between us and p, in force, that shares intel up to a ceiling
// both ways.
func agreement(p policy.OrgID, ceiling string, change func(a *policy.Agreement)) *policy.Agreement {
	terms := func(name, direction string) policy.FlowTerms {
		return policy.FlowTerms{
			Name: name, Direction: direction, Collections: []string{"intel"}, Channels: []string{"push", "poll"},
			Select: policy.Select{Types: []string{"*"}}, Purposes: []string{"defence"},
			TLP:        policy.TLPTerms{Max: ceiling, Default: "AMBER+STRICT", Floor: "CLEAR", Red: "never"},
			Statements: policy.StatementTerms{Unknown: "carry"}, Granular: policy.GranularTerms{Mode: "join", Above: "redact"},
			Attribution: policy.AttributionTerms{Source: "disclose", Victims: "disclose", Sightings: "disclose"},
			Onward:      policy.OnwardTerms{Mode: "tlp"}, Extensions: policy.ExtensionTerms{Unknown: "withhold"},
			Changes: policy.ChangeTerms{Retroactive: "all"},
		}
	}
	a := &policy.Agreement{
		ID: policy.AgreementID("mou--" + strings.TrimPrefix(string(p), "identity--")), Revision: 1, Status: policy.Active,
		Valid:    policy.Validity{From: "2025-01-01T00:00:00Z", Until: "2027-01-01T00:00:00Z"},
		Purposes: policy.Purposes{Allow: []string{"defence"}},
		Parties: policy.Parties{
			A: policy.Party{Org: us, Originates: []policy.OrgID{us}, Enforces: "sidecar", Understands: []string{"tlp1", "tlp2"}},
			B: policy.Party{Org: p, Originates: []policy.OrgID{p}, Enforces: "sidecar", Understands: []string{"tlp1", "tlp2"}},
		},
		Flows:      []policy.FlowTerms{terms("out", "a->b"), terms("in", "b->a")},
		Suspension: policy.Suspension{Effect: "stop-new+hide-old"},
	}
	if change != nil {
		change(a)
	}
	return a
}

func setOf(t testing.TB, list ...*policy.Agreement) *policy.Set {
	t.Helper()
	s, err := policy.Compile(us, list)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A world is a store with a releaser and a clock.
type world struct {
	t   testing.TB
	st  store.Store
	r   *Releaser
	now time.Time
}

func newWorld(t testing.TB, list ...*policy.Agreement) *world {
	w := &world{t: t, st: mem.New(), now: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	w.restart(list...)
	return w
}

// restart makes another releaser on the store.
func (w *world) restart(list ...*policy.Agreement) {
	w.t.Helper()
	if err := w.start(list); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) start(list []*policy.Agreement) error {
	r, err := New(w.t.Context(), Config{
		Store: w.st, Collections: []Collection{{Log: intel, Names: []string{string(intel), "intel"}}},
		Now: func() time.Time { return w.now }, Rand: rand.NewChaCha8([32]byte{}), Log: slog.New(slog.DiscardHandler),
	}, setOf(w.t, list...))
	if err == nil {
		w.r = r
	}
	return err
}

// object is an indicator, or of the type of id, with a marking, a version and
// references.
func object(id string, version int, marking string, more ...string) stix.Object {
	kind, _, _ := strings.Cut(id, "--")
	members := []string{
		fmt.Sprintf(`"type":%q,"spec_version":"2.1","id":%q`, kind, id),
		`"created":"2026-01-01T00:00:00.000Z"`,
		fmt.Sprintf(`"modified":"2026-01-01T00:00:%02d.000Z"`, version),
	}
	if marking != "" {
		members = append(members, fmt.Sprintf(`"object_marking_refs":[%q]`, marking))
	}
	o, err := stix.Parse("{" + strings.Join(append(members, more...), ",") + "}")
	if err != nil {
		panic(err)
	}
	return o
}

func idOf(kind string, n int) string {
	return fmt.Sprintf("%s--00000000-0000-4000-8000-%012d", kind, n)
}

// write is what our own people put into intel.
func (w *world) write(objects ...stix.Object) {
	w.t.Helper()
	if err := w.put(objects...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) put(objects ...stix.Object) error {
	_, err := w.r.Write(w.t.Context(), &store.Batch{Log: intel, Objects: objects, At: w.now})
	return err
}

// bring is what comes into intel past the releaser, as from an import.
func (w *world) bring(objects ...stix.Object) error {
	receipt, err := w.st.Commit(w.t.Context(), &store.Batch{Log: intel, Objects: objects, At: w.now})
	if err != nil {
		return err
	}
	return w.r.Release(w.t.Context(), intel, slices.Max(receipt.Added))
}

// send is what a partner puts into intel.
func (w *world) send(p policy.OrgID, objects ...stix.Object) []Verdict {
	w.t.Helper()
	var got []Verdict
	d := Delivery{Partner: p, Log: intel, Objects: objects, At: w.now, Then: func(v []Verdict) ([]store.Document, error) { got = v; return nil, nil }}
	if err := w.r.Receive(w.t.Context(), &d); err != nil {
		w.t.Fatal(err)
	}
	return got
}

// sees returns the ids with versions that p polls, in order.
func (w *world) sees(p policy.OrgID) []string {
	w.t.Helper()
	if err := w.r.Current(w.t.Context(), w.now); err != nil {
		w.t.Fatal(err)
	}
	a := w.r.Access(p, false, intel, w.now)
	if !a.Read {
		return nil
	}
	var page store.Page
	q := store.Query{Versions: store.Versions{All: true}, Limit: 1000, Want: store.WantRows, Gate: a.Gate}
	if err := w.st.Read(w.t.Context(), a.Log, &q, &page); err != nil {
		w.t.Fatal(err)
	}
	ids := []string{}
	for _, row := range page.Rows {
		ids = append(ids, short(string(row.ID))+"@"+row.Version[17:19])
	}
	return ids
}

// short is the type and the last digits of an id: "malware-3".
func short(id string) string {
	kind, uuid, _ := strings.Cut(id, "--")
	return kind + "-" + strings.TrimLeft(uuid[24:], "0")
}

func (w *world) want(p policy.OrgID, ids ...string) {
	w.t.Helper()
	if got := w.sees(p); !slices.Equal(got, ids) {
		w.t.Errorf("%s sees %v, want %v", p, got, ids)
	}
}

// copies returns the objects that p polls, in order.
func (w *world) copies(p policy.OrgID) []stix.Object {
	w.t.Helper()
	w.sees(p)
	a := w.r.Access(p, false, intel, w.now)
	var page store.Page
	q := store.Query{Versions: store.Versions{All: true}, Limit: 1000, Want: store.WantRows | store.WantObjects, Gate: a.Gate}
	if err := w.st.Read(w.t.Context(), a.Log, &q, &page); err != nil {
		w.t.Fatal(err)
	}
	var list []stix.Object
	for i := range page.Rows {
		o, err := stix.Parse(string(page.Object(i)))
		if err != nil {
			w.t.Fatal(err)
		}
		list = append(list, o)
	}
	return list
}
