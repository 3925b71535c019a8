package release

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"entente/stix"
	"entente/store"
)

// plain works out who sees what in the obvious way: everything gets the most it
// can, and rounds over all entries take away until a round changes nothing.
func plain(o *outlook) []mask {
	g := o.g
	vis := make([]mask, len(g.entries))
	for n := range vis {
		vis[n] = make(mask, o.vis.width)
		if !g.entries[n].gone {
			o.most(int32(n), vis[n])
		}
	}
	sees := func(id int32, p int) bool {
		for _, e := range g.ids[id].entries {
			if vis[e].has(p) {
				return true
			}
		}
		return g.ids[id].known || len(g.ids[id].entries) == 0 && o.unheld.has(p)
	}
	for changed := true; changed; {
		changed = false
		for n := range vis {
			if g.entries[n].gone {
				continue
			}
			for p := range o.partners {
				if !vis[n].has(p) || o.own.of(int32(n)).has(p) {
					continue
				}
				keep := vis[o.newest(int32(n))].has(p)
				for _, id := range g.mentions(int32(n)) {
					keep = keep && sees(id, p)
				}
				if !keep {
					vis[n][p>>6] &^= 1 << (p & 63)
					changed = true
				}
			}
		}
	}
	for n := range vis {
		if !g.entries[n].marking || g.entries[n].gone {
			continue
		}
		for p := range o.partners {
			used := o.own.of(int32(n)).has(p)
			g.users(g.entries[n].id, func(u int32) { used = used || !g.entries[u].marking && vis[u].has(p) })
			if !used {
				vis[n][p>>6] &^= 1 << (p & 63)
			}
		}
	}
	return vis
}

// TestSettle changes random graphs step by step and compares what settle finds
// with the obvious way.
func TestSettle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := newGraph(0)
		partners := make([]stix.ID, rapid.SampledFrom([]int{1, 2, 3, 65}).Draw(t, "partners"))
		for i := range partners {
			partners[i] = stix.ID(fmt.Sprintf("identity--%036d", i))
		}
		o := newOutlook(g, partners)
		o.unheld.set(0)
		logs := []int32{g.log("x", "x", ""), g.log("y", "y", "")}
		ids := []stix.ID{
			"indicator--00000000-0000-4000-8000-000000000001", "malware--00000000-0000-4000-8000-000000000002",
			"relationship--00000000-0000-4000-8000-000000000003", "report--00000000-0000-4000-8000-000000000004", "odd",
			"marking-definition--00000000-0000-4000-8000-000000000005", "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
		}
		added := store.Added(0)
		flip := func(m mask) {
			for range rapid.IntRange(0, 4).Draw(t, "bits") {
				p := rapid.IntRange(0, len(partners)-1).Draw(t, "partner")
				m[p>>6] ^= 1 << (p & 63)
			}
		}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			var dirty []int32
			for range rapid.IntRange(1, 4).Draw(t, "changes") {
				switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
				case what < 5 || len(g.entries) == 0:
					added++
					a := arrival{added: added, id: rapid.SampledFrom(ids).Draw(t, "id"), refs: rapid.SliceOfN(rapid.SampledFrom(ids), 0, 2).Draw(t, "refs"),
						version: stix.Timestamp(fmt.Sprintf("2026-01-01T00:00:0%d", rapid.IntRange(0, 3).Draw(t, "version")))}
					n := g.add(rapid.SampledFrom(logs).Draw(t, "log"), &a)
					o.grow()
					for p := range partners {
						if rapid.IntRange(0, 3).Draw(t, "ok") > 0 {
							o.ok.of(n).set(p)
						}
					}
					dirty = append(dirty, n)
				case what < 7:
					n := int32(rapid.IntRange(0, len(g.entries)-1).Draw(t, "entry"))
					flip(o.ok.of(n))
					dirty = append(dirty, n)
				case what < 8:
					n := int32(rapid.IntRange(0, len(g.entries)-1).Draw(t, "entry"))
					flip(o.own.of(n))
					dirty = append(dirty, n)
				default:
					n := int32(rapid.IntRange(0, len(g.entries)-1).Draw(t, "entry"))
					others := append([]int32(nil), g.versions(n)...)
					g.remove(n)
					dirty = append(append(dirty, n), others...)
				}
			}
			was := make([]mask, len(g.entries))
			for n := range was {
				was[n] = append(mask(nil), o.shown.of(int32(n))...)
			}
			touched := map[int32]bool{}
			for _, n := range o.settle(dirty) {
				touched[n] = true
			}
			for n, want := range plain(o) {
				if got := o.shown.of(int32(n)); !same(got, want) {
					t.Fatalf("entry %d (id %d, mentions %v): seen by %b, want %b", n, g.entries[n].id, g.mentions(int32(n)), got, want)
				}
				if !same(was[n], o.shown.of(int32(n))) && !touched[int32(n)] {
					t.Fatalf("entry %d has changed and is not among those that settle returns", n)
				}
			}
		}
	})
}
