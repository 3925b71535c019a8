package storetest

import (
	"fmt"
	"strings"

	"entente/stix"
	"entente/store"
)

var outcomeCases = []Case{
	{
		"Duplicate", "The log has this version with equal content: nothing is written, its Added stays; the instant counts, not its digits, and content as stix.Equal sees it.",
		scenario(func(p *probe) {
			o := indicator{n: 1}.make(p)
			added := p.commit(o)
			was := p.stat(testLog)
			respaced := parse(p, strings.Replace(o.Raw, `,"labels":`, ` , "labels" : `, 1))
			r := p.outcomes([]stix.Object{o, respaced}, store.Duplicate, store.Duplicate)
			equal(p, r.Added[0], added[0], "Added of the duplicate")
			equal(p, r.Added[1], added[0], "Added of the duplicate with other white space")
			equal(p, p.stat(testLog), was, "Stat after duplicates")
			p.holds("after duplicates", o)
			later := p.commit(indicator{n: 2}.make(p))
			r = p.outcomes([]stix.Object{o}, store.Duplicate)
			equal(p, r.Added[0], added[0], "Added of the duplicate after other entries")
			if later[0] <= added[0] {
				p.failf("Added %d after %d", later[0], added[0])
			}
		}),
	},
	{
		"Differs", "The log has this version with other content: that one stays, its Added is in the Receipt.",
		scenario(func(p *probe) {
			o := indicator{n: 1, modified: "2023-02-02T00:00:00.5Z", name: "a"}.make(p)
			other := indicator{n: 1, modified: "2023-02-02T00:00:00.500000Z", name: "b"}.make(p)
			m, m2 := marking(p, 1, day(1, 1), "a"), marking(p, 1, day(1, 1), "b")
			added := p.commit(o, m)
			r := p.outcomes([]stix.Object{other, m2, m}, store.Differs, store.Differs, store.Duplicate)
			equal(p, r.Added[0], added[0], "Added for Differs")
			equal(p, r.Added[1], added[1], "Added for Differs, object without modified")
			p.holds("after Differs", o, m)
			p.outcomes([]stix.Object{o, other}, store.Duplicate, store.Differs)
		}),
	},
	{
		"ObjectsWithoutVersion", "Each distinct content of an object without modified and created is a version of its own, named by its Added; equal content is a Duplicate of whichever entry has it.",
		scenario(func(p *probe) {
			a, b, c := address(p, 1, "198.51.100.1"), address(p, 1, "198.51.100.2"), address(p, 1, "198.51.100.3")
			added := p.commit(a, b)
			r := p.outcomes([]stix.Object{a, b, c, c}, store.Duplicate, store.Duplicate, store.Stored, store.Duplicate)
			equal(p, r.Added[0], added[0], "Added of the first content")
			equal(p, r.Added[1], added[1], "Added of the second content")
			equal(p, r.Added[3], r.Added[2], "Added of the content repeated in the batch")
			for i, it := range p.holds("after commit", a, b, c) {
				equal(p, it.Version, it.Added.String(), fmt.Sprintf("Row.Version of entry %d", i))
			}
		}),
	},
	{
		"Foreign", "created or created_by_ref is not that of the newest version: refused; timestamps compare as instants; absent equals absent only.",
		scenario(func(p *probe) {
			v1 := indicator{n: 1, by: 1, modified: day(2, 1)}
			p.commit(v1.make(p))
			v2 := v1
			v2.modified = day(3, 1)
			otherBy, noBy, otherCreated, sameInstant := v2, v2, v2, v2
			otherBy.by, noBy.by, otherCreated.created = 2, 0, "2023-01-01T00:00:00.001Z"
			sameInstant.created = "2023-01-01T00:00:00Z"
			r := p.outcomes([]stix.Object{otherBy.make(p), noBy.make(p), otherCreated.make(p), sameInstant.make(p)},
				store.Foreign, store.Foreign, store.Foreign, store.Stored)
			equal(p, r.Added[0], 0, "Added of a Foreign object")
			older := otherBy
			older.modified = day(1, 15)
			p.outcomes([]stix.Object{older.make(p)}, store.Foreign)
			// The version is known: that is tried first.
			sameVersion := otherBy
			sameVersion.modified = day(2, 1)
			p.outcomes([]stix.Object{sameVersion.make(p)}, store.Differs)
			// Without created_by_ref first, then with.
			p.commit(indicator{n: 2}.make(p))
			p.outcomes([]stix.Object{indicator{n: 2, by: 1, modified: day(2, 1)}.make(p)}, store.Foreign)
			// Other spec version, other log: Foreign there, Stored here.
			p.outcomes([]stix.Object{indicator{n: 2, by: 1, v20: true, modified: day(2, 1)}.make(p)}, store.Foreign)
			p.commitTo("other", otherBy.make(p))
		}),
	},
	{
		"ForeignNotForObjectsWithoutModified", "Foreign is not tried for objects without modified.",
		scenario(func(p *probe) {
			p.commit(marking(p, 1, day(1, 1), "a"), marking(p, 1, day(2, 1), "b"), marking(p, 1, day(1, 15), "c"))
		}),
	},
	{
		"AfterRevoked", "A version after a revoked one is refused unless revoked too; versions before it are not.",
		scenario(func(p *probe) {
			at := func(d int, revoked bool) stix.Object {
				return indicator{n: 1, modified: day(2, d), revoked: revoked}.make(p)
			}
			p.commit(at(1, false), at(10, true))
			r := p.outcomes([]stix.Object{at(11, false), at(5, false), at(12, true), at(13, false), at(11, true), at(10, true)},
				store.AfterRevoked, store.Stored, store.Stored, store.AfterRevoked, store.Stored, store.Duplicate)
			equal(p, r.Added[0], 0, "Added of an object AfterRevoked")
			p.commit(indicator{n: 2, by: 1, modified: day(1, 2), revoked: true}.make(p))
			p.outcomes([]stix.Object{indicator{n: 2, by: 2, modified: day(1, 3)}.make(p)}, store.Foreign)
			p.ok2(p.s.Delete(p.ctx, testLog, indicator{n: 2}.id(), ptr(all())))
			p.outcomes([]stix.Object{indicator{n: 2, by: 2, modified: day(1, 3)}.make(p)}, store.Stored)
		}),
	},
	{
		"TooMany", "A log keeps MaxVersions versions of one object; a Delete makes room.",
		scenario(func(p *probe) {
			version := func(i int) stix.Object {
				return indicator{n: 1, modified: fmt.Sprintf("2023-02-02T00:00:00.%06dZ", i)}.make(p)
			}
			var objs []stix.Object
			for i := range store.MaxVersions {
				objs = append(objs, version(i))
			}
			p.commit(objs[:9000]...)
			p.commit(objs[9000:]...)
			r := p.outcomes([]stix.Object{version(20_000), version(5), indicator{n: 2}.make(p)}, store.TooMany, store.Duplicate, store.Stored)
			equal(p, r.Added[0], 0, "Added of TooMany")
			n := p.ok2(p.s.Delete(p.ctx, testLog, indicator{n: 1}.id(), &store.Query{}))
			equal(p, n, 1, "deleted")
			p.outcomes([]stix.Object{version(20_000), version(20_001)}, store.Stored, store.TooMany)
		}),
	},
	{
		"BatchOrder", "Within a batch an object sees the ones before it as stored.",
		scenario(func(p *probe) {
			a := indicator{n: 1, by: 1, modified: day(2, 1), name: "a"}
			b, foreign, revoked, after := a, a, a, a
			b.name = "b"
			foreign.by, foreign.modified = 2, day(2, 2)
			revoked.revoked, revoked.modified = true, day(2, 3)
			after.modified = day(2, 4)
			r := p.outcomes([]stix.Object{a.make(p), a.make(p), b.make(p), foreign.make(p), after.make(p), revoked.make(p), after.make(p), b.make(p)},
				store.Stored, store.Duplicate, store.Differs, store.Foreign, store.Stored, store.Stored, store.Duplicate, store.Differs)
			equal(p, r.Added[1], r.Added[0], "Added of the duplicate")
			equal(p, r.Added[2], r.Added[0], "Added for Differs")
			equal(p, r.Added[6], r.Added[4], "Added of the second duplicate")
			p.dense([]store.Added{r.Added[0], r.Added[4], r.Added[5]})
			p.holds("after commit", a.make(p), after.make(p), revoked.make(p))
		}),
	},
}
