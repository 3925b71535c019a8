package release

import (
	"fmt"
	"testing"

	"entente/policy"
	"entente/stix"
	"entente/store"
	"entente/store/mem"
)

// partners are n agreements with ceilings in turn.
func partners(n int) []*policy.Agreement {
	var list []*policy.Agreement
	for i := range n {
		p := policy.OrgID(fmt.Sprintf("identity--%08d-0000-4000-8000-000000000009", i))
		list = append(list, agreement(p, []string{"GREEN", "AMBER", "AMBER+STRICT"}[i%3], nil))
	}
	return list
}

// feed are n objects, with references and markings as feeds have them.
func feed(from, n int) []stix.Object {
	marks := []string{clear1, green1, amber1, red1}
	var list []stix.Object
	for i := from; i < from+n; i++ {
		list = append(list, object(idOf("indicator", i), 0, marks[i%4], `"pattern":"[domain-name:value = 'a.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"`,
			fmt.Sprintf(`"description":"%0700d"`, i), `"x_ref":"`+idOf("indicator", max(i-1, 0))+`"`))
	}
	return list
}

// BenchmarkRelease is what releasing 1,000 new objects costs, without writing.
func BenchmarkRelease(b *testing.B) {
	for _, n := range []int{1, 20, 200} {
		b.Run(fmt.Sprintf("flows=%d", n), func(b *testing.B) {
			w := &world{t: b, st: mem.New()}
			w.restart(partners(n)...)
			objects := feed(0, 1000)
			if _, err := w.r.Write(b.Context(), &store.Batch{Log: intel, Objects: objects}); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				w.r.g = newGraph(0)
				w.r.g.log(intel, intel, "")
				w.r.copies = newCopies(storing{w.r})
				w.r.o = newOutlook(w.r.g, w.r.b.set.Partners())
				w.r.rel = masks{width: w.r.rel.width}
				clear(w.r.pending)
				b.StartTimer()
				dirty, _, err := w.r.follow(b.Context(), intel, w.r.now())
				if err != nil {
					b.Fatal(err)
				}
				w.r.note(w.r.o.settle(dirty))
				if _, err := w.r.releases(b.Context(), nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/object")
		})
	}
}

// BenchmarkProspect is what a total evaluation of 100,000 objects costs, as for
// a plan or an activation.
func BenchmarkProspect(b *testing.B) {
	w := &world{t: b, st: mem.New()}
	w.restart(partners(20)...)
	for i := 0; i < 100; i++ {
		if err := w.put(feed(1000*i, 1000)...); err != nil {
			b.Fatal(err)
		}
	}
	set := setOf(b, partners(20)...)
	for b.Loop() {
		if _, err := w.r.prospect(b.Context(), set, w.r.now(), storing{w.r}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/object")
}

// BenchmarkRules is what deciding 5,000 labels for 200 flows costs: all of it, when
// agreements change.
func BenchmarkRules(b *testing.B) {
	w := &world{t: b, st: mem.New()}
	w.restart(partners(200)...)
	sets := make([][]policy.Label, 5000)
	for i := range sets {
		sets[i] = []policy.Label{{Type: "indicator", Originator: true, Creator: policy.OrgID(fmt.Sprintf("identity--%08d-0000-4000-8000-00000000000a", i)),
			Level: policy.LevelClear + policy.Level(i%4), Editions: policy.TLP1, Lacks: policy.PartLabels | policy.PartHosts | policy.PartExtensions | policy.PartSighters}}
	}
	labels, err := w.r.labels.intern(b.Context(), sets)
	if err != nil {
		b.Fatal(err)
	}
	set := setOf(b, partners(200)...)
	for b.Loop() {
		book := w.r.newBook(set)
		o := newOutlook(w.r.g, recipients(set))
		for _, l := range labels {
			w.r.rule(book, o, ruleKey{log: 0, label: l}, w.r.now())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Seconds())/float64(b.N), "s")
}
