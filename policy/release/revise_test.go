package release

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"entente/policy"
	"entente/stix"
	"entente/store"
)

// revise puts agreements in force. Before, it asks for a plan, which must change
// nothing, and afterwards compares what it said with what has changed.
func (w *world) revise(list ...*policy.Agreement) *Plan {
	w.t.Helper()
	set := setOf(w.t, list...)
	if err := w.r.Current(w.t.Context(), w.now); err != nil {
		w.t.Fatal(err)
	}
	before, stored, graph := w.released(), w.stored(), dump(w.r.g)
	plan := w.plan(set, 1<<20)
	some := w.plan(set, 1)
	if !slices.Equal(some.Totals, plan.Totals) || len(some.Changes) != min(1, len(plan.Changes)) || some.More+len(some.Changes) != len(plan.Changes) {
		w.t.Errorf("of %d changes a plan lists %d and has %d more; its totals are %v, want %v", len(plan.Changes), len(some.Changes), some.More, some.Totals, plan.Totals)
	}
	if got := w.stored(); got != stored {
		w.t.Errorf("after a plan the store has\n%s\nbefore it had\n%s", got, stored)
	}
	if got := dump(w.r.g); got != graph {
		w.t.Errorf("after a plan the graph is\n%s\nbefore it was\n%s", got, graph)
	}
	if err := w.r.Activate(w.t.Context(), set, nil); err != nil {
		w.t.Fatal(err)
	}
	if err := w.r.Current(w.t.Context(), w.now); err != nil { // what has to go at once goes
		w.t.Fatal(err)
	}
	changes, totals := difference(before, w.released())
	if got := changesOf(plan); !slices.Equal(got, changes) {
		w.t.Errorf("the plan says\n%s\nand what changes is\n%s", strings.Join(got, "\n"), strings.Join(changes, "\n"))
	}
	if !slices.Equal(plan.Totals, totals) {
		w.t.Errorf("the plan counts\n%v\nwant\n%v", plan.Totals, totals)
	}
	return plan
}

func (w *world) plan(set *policy.Set, limit int) *Plan {
	w.t.Helper()
	plan, err := w.r.Plan(w.t.Context(), set, limit)
	if err != nil {
		w.t.Fatal(err)
	}
	return plan
}

// read returns everything that a log has.
func (w *world) read(log store.LogID) *store.Page {
	w.t.Helper()
	var page store.Page
	q := store.Query{Versions: store.Versions{All: true}, SpecVersions: bothSpecs, Limit: 1 << 20, Want: store.WantObjects | store.WantRows | store.WantSource}
	if err := w.st.Read(w.t.Context(), log, &q, &page); err != nil {
		w.t.Fatal(err)
	}
	return &page
}

// released is what the release logs have of those who have an agreement: for each
// how often an object in a version; nobody else sees anything.
func (w *world) released() map[policy.OrgID]map[string]int {
	w.t.Helper()
	all := map[policy.OrgID]map[string]int{}
	for _, who := range w.r.o.partners {
		page := w.read(Of(who, intel))
		all[who] = map[string]int{}
		for i := range page.Rows {
			o, err := stix.Parse(string(page.Object(i)))
			if err != nil {
				w.t.Fatal(err)
			}
			all[who][string(o.ID)+" "+o.VersionText()]++
		}
	}
	return all
}

// difference is what is new and what is gone, as changesOf and Plan.Totals say it.
func difference(before, after map[policy.OrgID]map[string]int) (changes []string, totals []Total) {
	everybody := map[policy.OrgID]bool{}
	for who := range before {
		everybody[who] = true
	}
	for who := range after {
		everybody[who] = true
	}
	for _, who := range slices.Sorted(maps.Keys(everybody)) {
		t := Total{Partner: who, Collection: intel}
		for what, n := range after[who] {
			t.Stays += min(n, before[who][what])
			for range n - before[who][what] {
				t.Released++
				changes = append(changes, fmt.Sprintf("%s release %s", who, what))
			}
		}
		for what, n := range before[who] {
			for range n - after[who][what] {
				t.Withdrawn++
				changes = append(changes, fmt.Sprintf("%s withdraw %s", who, what))
			}
		}
		if t.Released+t.Withdrawn > 0 {
			totals = append(totals, t)
		}
	}
	slices.Sort(changes)
	return changes, totals
}

// changesOf are the changes of a plan, sorted; of what has no version of its own
// without one.
func changesOf(p *Plan) []string {
	var all []string
	for _, c := range p.Changes {
		if c.Object.Type() == "file" {
			c.Version = ""
		}
		all = append(all, fmt.Sprintf("%s %s %s %s", c.Partner, map[bool]string{true: "release", false: "withdraw"}[c.Release], c.Object, c.Version))
	}
	slices.Sort(all)
	return all
}

// stored is everything that the store has.
func (w *world) stored() string {
	w.t.Helper()
	var b strings.Builder
	logs, err := w.st.Logs(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, log := range logs {
		page := w.read(log)
		fmt.Fprintf(&b, "%s: %+v\n%s\n", log, page.Rows, page.Objects)
	}
	for _, kind := range []string{kindLabel, kindPosition, kindFlow, kindConsent, kindCopy, "secret", "agreement"} {
		docs, err := w.st.Documents(w.t.Context(), kind)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, d := range docs {
			fmt.Fprintf(&b, "%s %s, revision %d: %q\n", d.Kind, d.ID, d.Rev, d.Body)
		}
	}
	return b.String()
}

// dump is everything that is in a graph.
func dump(g *graph) string {
	var b strings.Builder
	for _, l := range g.logs {
		fmt.Fprintf(&b, "%+v\n", *l)
	}
	fmt.Fprintf(&b, "%v\n%+v\n%v\n%+v\n%v\n%v\n%v\n%v\n%v\n%v\n%v\n", g.byLog, g.entries, g.refs, g.ids, len(g.byID), g.edges, g.fine, g.later, g.twins, g.copies, g.sources)
	for _, k := range slices.SortedFunc(maps.Keys(g.byID), func(a, b idKey) int { return cmp.Compare(g.byID[a], g.byID[b]) }) {
		fmt.Fprintf(&b, "%v: %d\n", k, g.byID[k])
	}
	return b.String()
}
