package release

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/policy"
	"entente/stix"
	"entente/store"
	"entente/store/fault"
)

func TestRelease(t *testing.T) {
	w := newWorld(t, agreement(partner, "GREEN", nil), agreement(other, "AMBER", nil))
	w.write(object(idOf("indicator", 1), 0, green1), object(idOf("indicator", 2), 0, amber1), object(idOf("indicator", 3), 0, red1),
		object(idOf("malware", 4), 0, clear1, `"name":"x","is_family":false`))
	w.want(partner, "indicator-1@00", "malware-4@00")
	w.want(other, "indicator-1@00", "indicator-2@00", "malware-4@00")
	if a := w.r.Access("identity--dddddddd-0000-4000-8000-000000000004", false, intel, w.now); a.Listed || a.Read || a.Write {
		t.Errorf("an organisation without an agreement has access %+v", a)
	}
}

func TestReferences(t *testing.T) {
	w := newWorld(t, agreement(partner, "GREEN", nil))
	ref := func(n int) string { return `"object_refs":["` + idOf("indicator", n) + `"]` }
	w.write(object(idOf("note", 1), 0, clear1, `"content":"x"`, ref(2)))
	w.want(partner)
	w.write(object(idOf("indicator", 2), 0, amber1))
	w.want(partner)
	// A newer version, that is less strict: it becomes visible, and so does what mentions it.
	w.write(object(idOf("indicator", 2), 1, green1))
	w.want(partner, "indicator-2@01", "note-1@00")
	w.write(object(idOf("indicator", 2), 2, red1))
	w.want(partner)
	w.write(object(idOf("indicator", 2), 3, green1))
	w.want(partner, "indicator-2@03", "note-1@00", "indicator-2@01")
	// What was not written for anybody who waits comes in the order of its age.
	w.write(object(idOf("indicator", 2), 4, red1))
	if err := w.bring(object(idOf("indicator", 2), 5, green1)); err != nil {
		t.Fatal(err)
	}
	w.want(partner, "note-1@00", "indicator-2@01", "indicator-2@03", "indicator-2@05")
}

func TestTime(t *testing.T) {
	w := newWorld(t, agreement(partner, "GREEN", func(a *policy.Agreement) {
		a.Flows[0].Embargo = policy.EmbargoTerms{OnLabels: map[string]string{"operation": "2026-01-01T13:00:00Z"}}
	}))
	w.write(object(idOf("indicator", 1), 0, green1), object(idOf("indicator", 2), 0, green1, `"labels":["operation"]`))
	w.want(partner, "indicator-1@00")
	w.now = w.now.Add(time.Hour - time.Microsecond)
	w.want(partner, "indicator-1@00")
	w.now = w.now.Add(time.Microsecond)
	w.want(partner, "indicator-1@00", "indicator-2@00")
	w.now = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	if a := w.r.Access(partner, false, intel, w.now); a.Read {
		t.Error("F1: the agreement has ended, and the partner still reads")
	}
}

func TestRestart(t *testing.T) {
	a := agreement(partner, "GREEN", nil)
	w := newWorld(t, a)
	w.write(object(idOf("indicator", 1), 0, green1), object(idOf("indicator", 2), 0, amber1))
	w.restart(a)
	w.want(partner, "indicator-1@00")
	// What came while no releaser was there, without a label.
	o := object(idOf("indicator", 3), 0, green1)
	if _, err := w.st.Commit(t.Context(), &store.Batch{Log: intel, Objects: []stix.Object{o}, At: w.now}); err != nil {
		t.Fatal(err)
	}
	w.restart(a)
	w.want(partner, "indicator-1@00", "indicator-3@00")
	w.restart(agreement(partner, "AMBER", nil))
	w.want(partner, "indicator-1@00", "indicator-3@00", "indicator-2@00")
	w.restart(agreement(partner, "CLEAR", nil))
	w.want(partner)
}

func TestActivate(t *testing.T) {
	w := newWorld(t, agreement(partner, "AMBER", nil))
	w.write(object(idOf("indicator", 1), 0, green1), object(idOf("indicator", 2), 0, amber1))
	tighter := setOf(t, agreement(partner, "GREEN", nil), agreement(other, "CLEAR", nil))
	plan, err := w.r.Plan(t.Context(), tighter, 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Totals) != 1 || plan.Totals[0].Withdrawn != 1 || plan.Totals[0].Stays != 1 || len(plan.Changes) != 1 || plan.Changes[0].Release {
		t.Errorf("plan %+v", plan)
	}
	w.want(partner, "indicator-1@00", "indicator-2@00")
	if plan, err = w.r.Plan(t.Context(), setOf(t, agreement(other, "CLEAR", nil)), 0); err != nil || len(plan.Totals) != 1 || plan.Totals[0].Withdrawn != 2 {
		t.Errorf("plan without the agreement: %+v, %v", plan, err)
	}
	doc := store.Document{Kind: "agreement", ID: "x", Body: []byte("text")}
	if err := w.r.Activate(t.Context(), tighter, []store.Document{doc}); err != nil {
		t.Fatal(err)
	}
	w.want(partner, "indicator-1@00")
	if _, err := w.st.Document(t.Context(), "agreement", "x"); err != nil {
		t.Errorf("the document of the revision: %v", err)
	}
	// A document that somebody else was faster with: nothing comes into force.
	if err := w.r.Activate(t.Context(), setOf(t, agreement(partner, "AMBER", nil)), []store.Document{doc}); err == nil {
		t.Error("activated although the document is not the one that was read")
	}
	w.want(partner, "indicator-1@00")
}

func TestOwnHolding(t *testing.T) {
	w := newWorld(t, agreement(partner, "GREEN", func(a *policy.Agreement) { a.Flows[1].TLP.Max = "AMBER" }))
	w.write(object(idOf("indicator", 1), 0, amber1), object(idOf("indicator", 2), 0, amber1))
	// I5, I6: the same and other bytes under an id that is hidden from the sender.
	same, differs := object(idOf("indicator", 1), 0, amber1), object(idOf("indicator", 2), 0, amber1, `"name":"mine"`)
	fresh := object(idOf("indicator", 3), 0, amber1)
	for i, v := range w.send(partner, same, differs, fresh) {
		if v.Refused != "" || v.Outcome != store.Stored {
			t.Errorf("object %d: %+v, want it stored like new", i, v)
		}
	}
	w.want(partner, "indicator-1@00", "indicator-2@00", "indicator-3@00")
	// Now these are its own, and are known to it.
	for i, want := range []store.Outcome{store.Duplicate, store.Duplicate, store.Differs} {
		o := []stix.Object{same, differs, object(idOf("indicator", 3), 0, amber1, `"name":"other"`)}[i]
		if v := w.send(partner, o); v[0].Outcome != want {
			t.Errorf("object %d again: %+v, want outcome %d", i, v[0], want)
		}
	}
}

func TestConsent(t *testing.T) {
	a := agreement(partner, "AMBER", nil)
	from := agreement(other, "AMBER", func(a *policy.Agreement) { a.Flows[1].Onward = policy.OnwardTerms{Mode: "consent"} })
	w := newWorld(t, a, from)
	w.send(other, object(idOf("indicator", 1), 0, amber1, `"created_by_ref":"`+string(other)+`"`), object(idOf("indicator", 2), 0, amber1, `"created_by_ref":"`+string(other)+`"`))
	w.write(object(string(other), 0, clear1, `"name":"other","identity_class":"organization"`))
	w.want(partner, "identity-3@00")
	c := &policy.Consent{ID: "consent--00000000-0000-4000-8000-000000000001", By: other, Holder: us, Recipient: partner, Purpose: "defence",
		Objects: []stix.ID{stix.ID(idOf("indicator", 1))}, From: policy.Instant(w.now.UnixMicro()), Until: policy.Instant(w.now.Add(2 * time.Hour).UnixMicro())}
	if err := w.r.Consent(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	w.want(partner, "identity-3@00", "indicator-1@00")
	if err := w.r.Consent(t.Context(), c); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the same consent again: %v, want ErrConflict", err)
	}
	if w.r.broken != nil {
		t.Error("a consent that is refused makes everything be loaded again")
	}
	w.restart(a, from)
	w.want(partner, "identity-3@00", "indicator-1@00")
	w.now = w.now.Add(2 * time.Hour)
	w.want(partner, "identity-3@00")
	w.now = w.now.Add(-time.Hour)
	w.restart(a, from)
	w.want(partner, "identity-3@00", "indicator-1@00")
	if err := w.r.Revoke(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	w.want(partner, "identity-3@00")
}

func TestRedaction(t *testing.T) {
	w := newWorld(t, agreement(partner, "GREEN", func(a *policy.Agreement) { a.Flows[0].Redaction.Allow = true }), agreement(other, "GREEN", nil))
	secret := func(version int, text, name string) stix.Object {
		return object(idOf("malware", 1), version, green1, `"is_family":false,"name":"`+name+`","description":"`+text+`"`,
			`"granular_markings":[{"marking_ref":"`+red1+`","selectors":["description"]}]`)
	}
	w.write(secret(0, "secret", "a"))
	w.want(other)
	first := w.copies(partner)
	if len(first) != 1 || strings.Contains(first[0].Raw, "secret") || !strings.Contains(first[0].Raw, `"name":"a"`) || first[0].ID == stix.ID(idOf("malware", 1)) {
		t.Fatalf("partner sees %v", first)
	}
	found, err := w.r.Explain(t.Context(), partner, stix.ID(idOf("malware", 1)))
	if err != nil || len(found) != 1 || !found[0].Visible || found[0].Copy != first[0].ID || found[0].Released == 0 {
		t.Errorf("Explain = %+v, %v", found, err)
	}
	// D21: only what it does not show has changed.
	w.write(secret(1, "another", "a"))
	if again := w.copies(partner); len(again) != 1 || again[0].Raw != first[0].Raw {
		t.Errorf("partner sees %v, want the copy as it was", again)
	}
	// D22: a visible change is a new version of the same copy.
	w.write(secret(2, "another", "b"))
	if again := w.copies(partner); len(again) != 2 || again[1].ID != first[0].ID || again[1].Modified != "2026-01-01T00:00:02.000Z" {
		t.Errorf("partner sees %v, want a new version of the copy", again)
	}
	// What mentions the object rests on something that is hidden.
	w.write(object(idOf("note", 1), 0, green1, `"content":"x"`, `"object_refs":["`+idOf("malware", 1)+`"]`))
	if again := w.copies(partner); len(again) != 2 {
		t.Errorf("partner sees %v", again)
	}
	w.restart(agreement(partner, "GREEN", func(a *policy.Agreement) { a.Flows[0].Redaction.Allow = true }))
	if again := w.copies(partner); len(again) != 2 {
		t.Errorf("after a restart the partner sees %v", again)
	}
	w.write(object(idOf("malware", 1), 3, red1, `"is_family":false,"name":"b"`))
	if again := w.copies(partner); len(again) != 0 {
		t.Errorf("the newest version is RED, and the partner sees %v", again)
	}
}

// When the flow under which a copy was made ends, another may ask for another copy,
// or for one that cannot stand beside the first: in no case the first stays.
func TestCopyOfEndedFlow(t *testing.T) {
	for _, tc := range []struct {
		name, flow string
		copies     int
	}{
		{"another copy", "second", 1},
		{"no copy", "out", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			first := agreement(partner, "GREEN", func(a *policy.Agreement) { scoped(a); a.Valid.Until = "2026-01-01T13:00:00Z" })
			then := agreement(partner, "GREEN", func(a *policy.Agreement) {
				scoped(a)
				a.ID, a.Flows[0].Name = "mou--ffffffff-0000-4000-8000-00000000000f", tc.flow
				a.Flows[0].Fields.LabelsAllow = &[]string{}
			})
			w := newWorld(t, first, then)
			w.write(object(idOf("malware", 1), 0, green1, `"is_family":false,"labels":["for the first"],"description":"secret"`,
				`"granular_markings":[{"marking_ref":"`+red1+`","selectors":["description"]}]`))
			was := w.copies(partner)
			if len(was) != 1 || !strings.Contains(was[0].Raw, "for the first") || strings.Contains(was[0].Raw, "secret") {
				t.Fatalf("partner sees %v", was)
			}
			w.now = w.now.Add(2 * time.Hour)
			now := w.copies(partner)
			if len(now) != tc.copies || len(now) > 0 && strings.Contains(now[0].Raw, "for the first") {
				t.Errorf("partner sees %v, want %d, and not %v", now, tc.copies, was)
			}
		})
	}
}

func TestRetroactive(t *testing.T) {
	w := newWorld(t, agreement(partner, "GREEN", nil))
	w.write(object(idOf("indicator", 1), 0, green1))
	w.now = w.now.Add(time.Hour)
	newer := agreement(other, "GREEN", func(a *policy.Agreement) {
		a.Valid.From, a.Flows[0].Changes.Retroactive = "2026-01-01T12:30:00Z", "none"
	})
	w.revise(agreement(partner, "GREEN", nil), newer)
	w.write(object(idOf("indicator", 2), 0, green1))
	w.want(partner, "indicator-1@00", "indicator-2@00")
	w.want(other, "indicator-2@00")
}

// B15 to B17: what others relay of an object never stands beside what the one
// whose it is has sent.
func TestOriginatorWins(t *testing.T) {
	w := newWorld(t, agreement(partner, "GREEN", nil), agreement(other, "AMBER", nil), agreement(third, "GREEN", nil))
	by := `"created_by_ref":"` + string(other) + `"`
	w.write(object(string(other), 0, clear1, `"name":"other","identity_class":"organization"`))
	relayed := object(idOf("indicator", 1), 0, clear1, by, `"name":"changed on the way"`)
	w.send(partner, relayed)
	w.want(partner, "identity-3@00", "indicator-1@00")
	w.send(other, object(idOf("indicator", 1), 0, amber1, by))
	w.want(other, "identity-3@00", "indicator-1@00")
	w.want(third, "identity-3@00")
	if got := w.copies(partner); len(got) != 2 || got[1].Raw != relayed.Raw {
		t.Errorf("partner sees %v, want what it sent itself", got)
	}
	// And it does not become newer by relaying another version, or a revocation.
	w.send(partner, object(idOf("indicator", 1), 5, clear1, by, `"revoked":true`))
	w.want(third, "identity-3@00")
	w.restart(agreement(partner, "GREEN", nil), agreement(other, "AMBER", nil), agreement(third, "GREEN", nil))
	w.want(third, "identity-3@00")
	w.want(partner, "identity-3@00", "indicator-1@00", "indicator-1@05")
}

// B4 to B6: an object waits for the definition of its marking, from where it came
// itself or from us.
func TestDefinitions(t *testing.T) {
	far := func(a *policy.Agreement) { hops := 2; a.Flows[1].Onward.MaxHops = &hops }
	w := newWorld(t, agreement(partner, "GREEN", nil), agreement(other, "GREEN", far))
	mark := idOf("marking-definition", 9)
	definition := func(statement string) stix.Object {
		o, err := stix.Parse(`{"type":"marking-definition","spec_version":"2.1","id":"` + mark + `","created":"2026-01-01T00:00:00.000Z",` +
			`"definition_type":"statement","definition":{"statement":"` + statement + `"}}`)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	both := `"object_marking_refs":["` + clear1 + `","` + mark + `"]`
	w.send(other, object(idOf("indicator", 1), 0, "", both, `"created_by_ref":"`+string(other)+`"`))
	w.write(object(string(other), 0, clear1, `"name":"other","identity_class":"organization"`))
	w.want(partner, "identity-3@00")
	w.send(partner, definition("of somebody else"))
	w.want(partner, "identity-3@00", "marking-definition-9@00")
	w.send(other, definition("of whom the object is"))
	w.want(partner, "identity-3@00", "marking-definition-9@00", "indicator-1@00")
	w.restart(agreement(partner, "GREEN", nil), agreement(other, "GREEN", far))
	w.want(partner, "identity-3@00", "marking-definition-9@00", "indicator-1@00")
}

// F14: what came under an agreement goes when its retention is over.
func TestRetention(t *testing.T) {
	short := func(a *policy.Agreement) { a.Flows[1].Retention.Max = "PT1H" }
	list := []*policy.Agreement{agreement(partner, "GREEN", short), agreement(other, "GREEN", nil)}
	w := newWorld(t, list...)
	both, one := object(idOf("indicator", 1), 0, clear1), object(idOf("indicator", 2), 0, clear1)
	w.send(partner, both, one)
	w.write(object(idOf("note", 3), 0, clear1, `"content":"x"`, `"object_refs":["`+idOf("indicator", 2)+`"]`))
	w.send(other, both)
	w.want(other, "indicator-1@00")
	w.want(partner, "indicator-1@00", "indicator-2@00", "note-3@00")
	w.now = w.now.Add(time.Hour + time.Second)
	w.want(partner)
	w.want(other, "indicator-1@00")
	if has, err := w.st.Has(t.Context(), intel, stix.ID(idOf("indicator", 2))); has || err != nil {
		t.Errorf("the purged object is still held: %v, %v", has, err)
	}
	w.restart(list...)
	w.want(partner)
	w.want(other, "indicator-1@00")
}

// A4: RED goes to named persons, not to the organisation.
func TestPersons(t *testing.T) {
	w := newWorld(t, agreement(partner, "RED", func(a *policy.Agreement) { a.Flows[0].TLP.Red = "named" }))
	w.write(object(idOf("indicator", 1), 0, red1), object(idOf("indicator", 2), 0, amber1))
	w.want(partner, "indicator-2@00")
	a := w.r.Access(partner, true, intel, w.now)
	var page store.Page
	if err := w.st.Read(t.Context(), a.Log, &store.Query{Limit: 10, Gate: a.Gate}, &page); err != nil || page.N != 2 {
		t.Errorf("a named person reads %d objects, %v; want both", page.N, err)
	}
}

// E21, E22: a revocation goes to those who have the object, and to nobody else.
func TestRevocation(t *testing.T) {
	a := agreement(partner, "GREEN", nil)
	w := newWorld(t, a)
	w.write(object(idOf("indicator", 1), 0, green1), object(idOf("indicator", 2), 0, amber1))
	w.write(object(idOf("indicator", 1), 1, green1, `"revoked":true`), object(idOf("indicator", 2), 1, green1, `"revoked":true`), object(idOf("indicator", 3), 1, green1, `"revoked":true`))
	w.want(partner, "indicator-1@00", "indicator-1@01")
	w.restart(a)
	w.want(partner, "indicator-1@00", "indicator-1@01")
}

// A copy that is kept apart, because the agreement was suspended when it came, does
// not stand beside the same one of the collection when that is shared.
func TestNothingTwice(t *testing.T) {
	suspended := agreement(partner, "GREEN", func(a *policy.Agreement) { a.Status, a.Suspension.Effect = policy.Suspended, "stop-new" })
	w := newWorld(t, suspended)
	plain, err := stix.Parse(`{"type":"domain-name","spec_version":"2.1","id":"` + idOf("domain-name", 1) + `","object_marking_refs":["` + green1 + `"],"value":"example.com"}`)
	if err != nil {
		t.Fatal(err)
	}
	versioned := object(idOf("indicator", 2), 0, green1)
	w.write(plain, versioned)
	w.now = w.now.Add(time.Minute)
	w.send(partner, plain, versioned)
	w.revise(agreement(partner, "GREEN", nil))
	if got := w.copies(partner); len(got) != 2 {
		t.Errorf("partner sees %d objects, want each of 2 once: %v", len(got), got)
	}
	w.restart(agreement(partner, "GREEN", nil))
	if got := w.copies(partner); len(got) != 2 {
		t.Errorf("after a restart partner sees %d objects, want 2", len(got))
	}
}

// What came in bulk before there was a releaser is labelled at its first start, in
// more commits than one, and in a time that grows with it.
func TestLateLabels(t *testing.T) {
	const many = 25_000
	w := newWorld(t)
	for first := 0; first < many; first += 1000 {
		var objects []stix.Object
		for i := range 1000 {
			objects = append(objects, object(idOf("indicator", first+i), 0, green1))
		}
		if _, err := w.st.Commit(t.Context(), &store.Batch{Log: intel, Objects: objects, At: w.now}); err != nil {
			t.Fatal(err)
		}
	}
	w.restart(agreement(partner, "GREEN", nil))
	q := store.Query{Versions: store.Versions{All: true}, SpecVersions: bothSpecs, Limit: many, MaxBytes: 1 << 30, Want: store.WantRows | store.WantSource}
	var page store.Page
	if err := w.st.Read(t.Context(), intel, &q, &page); err != nil {
		t.Fatal(err)
	}
	if len(page.Rows) != many || slices.ContainsFunc(page.Rows, func(r store.Row) bool { return r.Label == 0 }) {
		t.Errorf("of %d rows some have no label", len(page.Rows))
	}
	if err := w.st.Read(t.Context(), w.r.Access(partner, false, intel, w.now).Log, &q, &page); err != nil || page.N != many {
		t.Errorf("partner sees %d of %d objects: %v", page.N, many, err)
	}
}

// A suspension that stops only what is new leaves to the partner what it has.
func TestStopNew(t *testing.T) {
	w := newWorld(t, agreement(partner, "GREEN", nil))
	w.write(object(idOf("indicator", 1), 0, green1))
	suspended := func(effect string) *policy.Agreement {
		return agreement(partner, "GREEN", func(a *policy.Agreement) { a.Status, a.Suspension.Effect = policy.Suspended, effect })
	}
	w.revise(suspended("stop-new"))
	w.write(object(idOf("indicator", 2), 0, green1))
	w.want(partner, "indicator-1@00")
	w.restart(suspended("stop-new"))
	w.want(partner, "indicator-1@00")
	w.revise(suspended("stop-new+hide-old"))
	w.want(partner)
}

// Whoever hangs up in the middle of a delivery leaves nothing half done.
func TestHangUp(t *testing.T) {
	w := newWorld(t, agreement(partner, "GREEN", nil))
	hangUp := func() {}
	w.st = fault.New(w.st, func(op fault.Op, _ int) (bool, error) {
		if op == fault.Commit {
			hangUp()
		}
		return false, nil
	})
	w.restart(agreement(partner, "GREEN", nil))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hangUp = cancel
	d := Delivery{Partner: partner, Log: intel, Objects: []stix.Object{object(idOf("indicator", 1), 0, green1)}, At: w.now,
		Then: func([]Verdict) ([]store.Document, error) { return nil, nil }}
	if err := w.r.Receive(ctx, &d); err != nil || ctx.Err() == nil || w.r.broken != nil {
		t.Errorf("received: %v; hung up: %v; to be loaded again: %v", err, ctx.Err(), w.r.broken)
	}
	w.want(partner, "indicator-1@00")
}
