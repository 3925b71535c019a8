package release

import "entente/policy"

// settle works out who sees what after the ok or own masks of entries have
// changed, or entries came or went. It returns the entries whose shown mask may
// have changed, in no order; they stay valid until the next settling.
//
// First everything that might gain is raised to the most it can get, then what
// rests on something hidden is dropped until nothing changes. What is raised is
// found from the changed entries along the mentions, and only through entries
// that are allowed and still hidden, so the work is in proportion to what changes.
func (o *outlook) settle(dirty []int32) []int32 {
	o.grow()
	o.now++
	o.touched = o.touched[:0]
	for _, n := range dirty {
		o.touchAll(n)
		o.touchIfUnheld(o.g.entries[n].id)
	}
	o.raise()
	o.drop()
	o.show()
	return o.touched
}

// touchAll touches entry n and the other versions of its object in its log.
func (o *outlook) touchAll(n int32) {
	o.touch(n)
	for _, v := range o.g.versions(n) {
		o.touch(v)
	}
}

func (o *outlook) touch(n int32) {
	if o.stamp[n] != o.now {
		o.stamp[n] = o.now
		o.touched = append(o.touched, n)
	}
}

// touchIfUnheld touches those who mention id, if it is now held and was not, or
// the other way: to some partners an id that nobody holds is as good as visible.
func (o *outlook) touchIfUnheld(id int32) {
	facts := &o.g.ids[id]
	if held := len(facts.entries) > 0; held != facts.held {
		facts.held = held
		if !o.unheld.empty() {
			o.g.users(id, o.touchAll)
		}
	}
}

// newest is the newest version of the object of entry n in its log.
func (o *outlook) newest(n int32) int32 {
	f := &o.g.entries[n]
	return o.g.logs[f.log].newest[f.id]
}

// takesTurns reports whether the newest version of the object of entry n may be
// another for each partner: which of several contents without a version is the newest
// depends on when they came.
func (o *outlook) takesTurns(n int32) bool {
	return len(o.came) > 0 && o.g.entries[n].version == int64(o.g.entries[n].added)
}

// newestFor is newest for a partner. For it a content came when the first copy of it
// came that the partner may have.
func (o *outlook) newestFor(n int32, p int) int32 {
	if !o.takesTurns(n) {
		return o.newest(n)
	}
	newest, last := int32(-1), moment(-1)
	for _, v := range o.g.versions(n) {
		if o.g.entries[v].version != int64(o.g.entries[v].added) {
			return o.newest(n)
		}
		came := cameItself(v)
		if of, ok := o.came[v]; ok {
			came = of[p]
		}
		if came > last || came == last && v > newest {
			newest, last = v, came
		}
	}
	return newest
}

// most sets into to the most that entry n can get, whatever it mentions.
func (o *outlook) most(n int32, into mask) {
	if o.g.entries[n].gone {
		clear(into)
		return
	}
	newest := o.newest(n)
	ok, own, okNewest, ownNewest := o.ok.of(n), o.own.of(n), o.ok.of(newest), o.own.of(newest)
	for w := range into {
		into[w] = ok[w]&(okNewest[w]|ownNewest[w]) | own[w]
	}
	if !o.takesTurns(n) {
		return
	}
	for p := range o.partners {
		into.unset(p)
		if v := o.newestFor(n, p); ok.has(p) && (o.ok.of(v).has(p) || o.own.of(v).has(p)) || own.has(p) {
			into.set(p)
		}
	}
}

// raise gives every touched entry the most it can get, and touches what may gain
// by that. o.touched grows meanwhile.
func (o *outlook) raise() {
	gain := make(mask, o.vis.width)
	for i := 0; i < len(o.touched); i++ {
		n := o.touched[i]
		id := o.g.entries[n].id
		vis, seen := o.vis.of(n), o.idVis.of(id)
		o.most(n, vis)
		for w := range gain {
			gain[w] = vis[w] &^ seen[w]
			seen[w] |= vis[w]
		}
		if !gain.empty() {
			o.g.users(id, func(u int32) { o.touchIfWaiting(u, gain) })
		}
	}
}

// touchIfWaiting touches an entry that is allowed to some of gain who do not see
// it yet.
func (o *outlook) touchIfWaiting(n int32, gain mask) {
	if o.stamp[n] == o.now {
		return
	}
	vis := o.vis.of(n)
	o.most(n, o.scratch)
	for w, word := range o.scratch {
		if word&^vis[w]&gain[w] != 0 {
			o.touchAll(n)
			return
		}
	}
}

// drop takes away what rests on something hidden.
func (o *outlook) drop() {
	work := append([]int32(nil), o.touched...)
	push := func(n int32) { work = append(work, n) }
	for _, n := range o.touched {
		o.lower(n, push) // raising may have taken away, too
	}
	rest := make(mask, o.vis.width)
	for len(work) > 0 {
		n := work[len(work)-1]
		work = work[:len(work)-1]
		if o.g.entries[n].gone || !o.rest(n, rest) {
			continue
		}
		o.touch(n)
		copy(o.vis.of(n), rest)
		if o.newest(n) == n || o.takesTurns(n) {
			for _, v := range o.g.versions(n) {
				if v != n {
					push(v)
				}
			}
		}
		o.lower(n, push)
	}
}

// rest sets into to what entry n keeps, and reports whether that is less than it
// has.
func (o *outlook) rest(n int32, into mask) bool {
	vis, own := o.vis.of(n), o.own.of(n)
	copy(into, vis)
	if o.takesTurns(n) {
		for p := range o.partners {
			if !o.vis.of(o.newestFor(n, p)).has(p) {
				into.unset(p)
			}
		}
	} else if newest := o.newest(n); newest != n {
		for w, word := range o.vis.of(newest) {
			into[w] &= word
		}
	}
	for _, id := range o.g.mentions(n) {
		facts := &o.g.ids[id]
		if facts.known {
			continue
		}
		for w, word := range o.idVis.of(id) {
			if len(facts.entries) == 0 {
				word |= o.unheld[w]
			}
			into[w] &= word
		}
	}
	less := false
	for w := range into {
		into[w] |= own[w] & vis[w]
		less = less || into[w] != vis[w]
	}
	return less
}

// lower works out anew who sees the id of entry n, and pushes those who mention
// it if somebody no longer does.
func (o *outlook) lower(n int32, push func(int32)) {
	id := o.g.entries[n].id
	seen, lost := o.idVis.of(id), o.scratch
	copy(lost, seen)
	clear(seen)
	for _, e := range o.g.ids[id].entries {
		for w, word := range o.vis.of(e) {
			seen[w] |= word
		}
	}
	for w := range lost {
		lost[w] &^= seen[w]
	}
	if lost.empty() {
		return
	}
	o.g.users(id, func(u int32) {
		if o.vis.of(u).meets(lost) {
			push(u)
		}
	})
}

// show sets the shown masks of what was touched, and of the marking definitions
// that it is marked with: these are touched, too.
func (o *outlook) show() {
	recount := map[int32]bool{}
	for i := 0; i < len(o.touched); i++ {
		n := o.touched[i]
		if o.g.entries[n].marking {
			continue
		}
		vis, shown := o.withoutTwins(n, o.vis.of(n)), o.shown.of(n)
		if same(vis, shown) {
			continue
		}
		for _, id := range o.g.mentions(n) {
			if facts := &o.g.ids[id]; facts.marking {
				if o.use(id, vis, shown) {
					recount[id] = true
				}
				for _, e := range facts.entries {
					o.touch(e)
				}
			}
		}
		copy(shown, vis)
	}
	for id := range recount {
		o.count(id)
	}
	for _, n := range o.touched {
		if !o.g.entries[n].marking {
			continue
		}
		vis, own, used, shown := o.withoutTwins(n, o.vis.of(n)), o.own.of(n), o.used.of(o.g.entries[n].id), o.shown.of(n)
		for w := range shown {
			shown[w] = vis[w] & (used[w] | own[w])
		}
	}
}

// withoutTwins is vis without those who see the same as a copy of their own: nobody
// sees one version twice.
func (o *outlook) withoutTwins(n int32, vis mask) mask {
	twins := o.g.twins[n]
	if len(twins) == 0 {
		return vis
	}
	left := append(mask(nil), vis...)
	for _, t := range twins {
		if o.g.entries[t.entry].gone {
			continue
		}
		for _, who := range []policy.OrgID{t.partner, recipient(t.partner, true)} {
			if p, ok := o.number[who]; ok {
				left[p>>6] &^= 1 << (p & 63)
			}
		}
	}
	return left
}

// use notes that an entry which is marked with the marking id is now seen by
// vis, no longer by was. It reports whether somebody has lost it: then the others
// have to be counted.
func (o *outlook) use(id int32, vis, was mask) (lost bool) {
	used := o.used.of(id)
	for w := range used {
		lost = lost || was[w]&^vis[w] != 0
		used[w] |= vis[w]
	}
	return lost
}

// count works out anew who sees something that is marked with id.
func (o *outlook) count(id int32) {
	used := o.used.of(id)
	clear(used)
	o.g.users(id, func(u int32) {
		if !o.g.entries[u].marking {
			for w, word := range o.vis.of(u) {
				used[w] |= word
			}
		}
	})
}

func same(a, b mask) bool {
	for w := range a {
		if a[w] != b[w] {
			return false
		}
	}
	return true
}
