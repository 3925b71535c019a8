package server

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// TestNonInterference: what a partner is answered, byte for byte, is what a
// server would answer that never held what is withheld from the partner.
//
// Each story is told on two servers: as it is, and without the writes that are
// withheld from the observed partner all the time (stages 0 to 10 of the
// decision, the newest version of an object governing the others), without
// markings that are then unused, and without collections that no agreement ever
// shows to it. What the partner itself sends is never left out.
//
// Declared exceptions:
//
//   - NI-1: what somebody else writes contradicts, on only one of the two servers,
//     what is there under the same id: one of the two is kept out of the collection,
//     or each counts as the join of both. The comparison ends there.
//   - NI-2: a version that is withheld hides older versions that were shown
//     before, or, from the same source, makes newer ones count as strict as itself:
//     it stays part of the story.
//   - NI-3, consents, and NI-4, alerts to operators, do not come up.
func TestNonInterference(t *testing.T) {
	var told tally
	for seed := range 150 {
		s := stories.Example(seed)
		if err := interferes(s, &mutant{}, &told); err != nil {
			s, err = shorten(s)
			t.Fatalf("story %d, in short: %v\n%s", seed, err, s)
		}
	}
	t.Logf("%+v", told)
	if told.Full < 100 || told.Kept < 100 || told.Left < 1000 || told.Contradictions > told.Stories/20 {
		t.Errorf("the stories have too little in them: %+v", told)
	}
}

// TestNonInterferenceLong is the same with other stories in every run, as many as
// -rapid.checks says.
func TestNonInterferenceLong(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		t.Skip("takes minutes: run it with -rapid.checks=1000, or as make noninterference")
	}
	var told tally
	var failed *story
	defer func() {
		if failed != nil {
			s, err := shorten(failed)
			t.Logf("in short: %v\n%s", err, s)
		}
	}()
	rapid.Check(t, func(t *rapid.T) {
		s := stories.Draw(t, "story")
		if err := interferes(s, &mutant{}, &told); err != nil {
			failed = s
			t.Fatal(err)
		}
	})
	t.Logf("%+v", told)
}

// shorten leaves out of a story what its failure does not need.
func shorten(s *story) (*story, error) {
	fails := func(s *story) error { return interferes(s, &mutant{}, new(tally)) }
	err := fails(s)
	for again := true; again; {
		again = false
		try := func(shorter *story) {
			if e := fails(shorter); e != nil {
				s, err, again = shorter, e, true
			}
		}
		for i := len(s.acts) - 1; i >= 0; i-- {
			try(&story{partners: s.partners, mous: s.mous, acts: slices.Delete(slices.Clone(s.acts), i, i+1)})
		}
		for i := len(s.acts) - 1; i >= 0; i-- {
			for j := len(s.acts[i].objects) - 1; j >= 0; j-- {
				acts := slices.Clone(s.acts)
				acts[i].objects = slices.Delete(slices.Clone(acts[i].objects), j, j+1)
				try(&story{partners: s.partners, mous: s.mous, acts: acts})
			}
		}
	}
	return s, err
}

// differ shows where two answers begin to differ.
func differ(got, want string) string {
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	around := func(s string) string { return s[max(0, at-300):min(len(s), at+500)] }
	return fmt.Sprintf("the answer has\n%s\nwithout what is withheld it would have\n%s", around(got), around(want))
}

// A tally counts what stories had in them.
type tally struct {
	Stories, Answers, Full, Kept, Left, Contradictions int
}

// A leak is a difference that the observed partner can see, or would.
type leak struct{ text string }

func (l *leak) Error() string { return l.text }

// interferes tells the story on both servers and returns the first difference.
func interferes(s *story, m *mutant, told *tally) error {
	tr, err := follow(s)
	if err != nil {
		return err
	}
	if tr.lost != "" {
		return &leak{fmt.Sprintf("our own people wrote %s, and it does not count as theirs", tr.lost)}
	}
	known := tr.known()
	whole, less := newPlayer(s, []bool{true, true, true}, m), newPlayer(s, known, m)
	told.Stories++
	for i := range s.acts {
		a := &s.acts[i]
		got, err := whole.act(i, func(int) bool { return true })
		if err != nil {
			return err
		}
		want, err := less.act(i, func(j int) bool { return tr.keep(i, j) })
		if err != nil {
			return err
		}
		if got != nil {
			told.Answers++
			if g, w := text(got), text(want); g != w {
				return &leak{fmt.Sprintf("act %d, %s: %s", i, a, differ(g, w))}
			}
			if err := tr.served(i, got.Body.Bytes()); err != nil {
				return err
			}
			told.Full += min(1, len(objectsOf(got.Body.Bytes())))
		}
		for j := range a.objects {
			if a.what == "post" || !known[a.coll] {
				continue
			}
			if tr.keep(i, j) {
				told.Kept++
			} else {
				told.Left++
			}
		}
		if contradicts(tr, i, whole, less) {
			told.Contradictions++
			return nil
		}
	}
	return nil
}

// contradicts reports whether what was withheld contradicts what both servers were
// given: NI-1. Either it has kept that out of the collection, or it counts as bound
// as that: of copies of one version that differ, none from the originator, each
// counts as the join of all (policy.md 2.4).
func contradicts(tr *trace, last int, whole, less *player) bool {
	for i := range last + 1 {
		a := &tr.s.acts[i]
		for j, raw := range a.objects {
			if !less.known[a.coll] || a.what == "post" || !tr.keep(i, j) {
				continue
			}
			if whole.has(a.coll, raw) != less.has(a.coll, raw) {
				return true
			}
			if a.what == "partner" && tr.contested(i, j, last) && whole.counts(a.coll, raw, orgOf(a.who)) != less.counts(a.coll, raw, orgOf(a.who)) {
				return true
			}
		}
	}
	return false
}

// contested reports whether another partner has sent the same version as an object
// of an act with other content, which is withheld.
func (tr *trace) contested(act, object, last int) bool {
	a := &tr.s.acts[act]
	o, err := stix.Parse(a.objects[object])
	if err != nil || o.Version() == "" {
		return false
	}
	for i := range last + 1 {
		b := &tr.s.acts[i]
		if b.what != "partner" || b.who == a.who || b.coll != a.coll {
			continue
		}
		for j, raw := range b.objects {
			other, err := stix.Parse(raw)
			if err == nil && other.ID == o.ID && other.Version() == o.Version() && !stix.Equal(o.Raw, raw) && !tr.keep(i, j) {
				return true
			}
		}
	}
	return false
}

// has reports whether a collection's log has an object, byte for byte.
func (p *player) has(coll int, raw string) bool {
	_, ok := p.row(coll, raw)
	return ok
}

// counts is what a holder's copy of an object in a collection counts as.
func (p *player) counts(coll int, raw string, holder policy.OrgID) string {
	row, ok := p.row(coll, raw)
	if !ok {
		return "" // it is nobody's but its sender's
	}
	doc, err := p.st.Document(context.Background(), "label", strconv.Itoa(int(row.Label)))
	if err != nil {
		panic(err)
	}
	var all []json.RawMessage
	if err := json.Unmarshal(doc.Body, &all); err != nil {
		panic(err)
	}
	var text strings.Builder
	for _, one := range all {
		var l policy.Label
		if err := json.Unmarshal(one, &l); err != nil {
			panic(err)
		}
		if l.From == holder {
			text.Write(one)
		}
	}
	return text.String()
}

// row is the entry of a collection's log that has an object, byte for byte.
func (p *player) row(coll int, raw string) (store.Row, bool) {
	var page store.Page
	q := store.Query{Versions: store.Versions{All: true}, SpecVersions: []string{"2.0", "2.1"}, Limit: 10_000, Want: store.WantObjects | store.WantRows | store.WantSource}
	if err := p.st.Read(context.Background(), store.LogID(collections[coll].id), &q, &page); err != nil {
		panic(err)
	}
	for i := range page.Rows {
		if string(page.Object(i)) == raw {
			return page.Rows[i], true
		}
	}
	return store.Row{}, false
}

// objectsOf returns the objects of an answer; none if it is no envelope.
func objectsOf(body []byte) []json.RawMessage {
	var e struct {
		Objects []json.RawMessage `json:"objects"`
	}
	if json.Unmarshal(body, &e) != nil {
		return nil
	}
	return e.Objects
}

// served holds an answer to act i to what the decisions of that instant allow:
// the observed partner gets that, and what it sent itself.
func (tr *trace) served(i int, body []byte) error {
	for _, raw := range objectsOf(body) {
		var o struct {
			Type *string `json:"type"` // absent in a manifest
		}
		if json.Unmarshal(raw, &o) != nil || o.Type == nil {
			continue
		}
		ok := false
		for c := range collections {
			at := located{c, string(raw)}
			ok = ok || tr.allowed[i][at]
			for _, w := range tr.writes[at] {
				ok = ok || w.sender == orgOf(0) && w.act < i
			}
		}
		if !ok {
			return &leak{fmt.Sprintf("act %d, %s: the answer has %s, which is withheld", i, &tr.s.acts[i], raw)}
		}
	}
	return nil
}
