package storetest_test

import (
	"context"
	"slices"

	"entente/store"
)

func moveMutants() []mutant {
	return []mutant{
		broken("nothing moves", releasing(func(_ store.Store, _ context.Context, b *store.Batch) {
			for i := range b.Releases {
				b.Releases[i].Move = nil
			}
		}), "Move", "MovePassesOver", "MovesFollowOnEachOther", "RandomOperations"),
		broken("what moves is released again", releasing(func(_ store.Store, _ context.Context, b *store.Batch) {
			var all []store.Release
			for _, r := range b.Releases {
				moves := r.Move
				r.Move = nil
				for _, m := range moves {
					all = append(all, store.Release{Log: r.Log, Of: m.From, Drop: []store.Added{m.Was}})
					r.Add = append(slices.Clone(r.Add), m.Now)
				}
				all = append(all, r)
			}
			b.Releases = all
		}), "Move", "MovePassesOver", "RandomOperations"),
		broken("moves come last", releasing(func(_ store.Store, _ context.Context, b *store.Batch) {
			for i, r := range b.Releases {
				b.Releases[i].Move = nil
				b.Releases = append(b.Releases, store.Release{Log: r.Log, Of: r.Of, Move: r.Move})
			}
		}), "MovesFollowOnEachOther"),
		broken("moves come first", releasing(func(_ store.Store, _ context.Context, b *store.Batch) {
			var first []store.Release
			for i, r := range b.Releases {
				b.Releases[i].Move = nil
				first = append(first, store.Release{Log: r.Log, Of: r.Of, Move: r.Move})
			}
			b.Releases = append(first, b.Releases...)
		}), "MovesFollowOnEachOther"),
		broken("moves in all release logs", releasing(func(s store.Store, ctx context.Context, b *store.Batch) {
			logs, _ := s.Logs(ctx)
			for _, r := range b.Releases {
				for _, log := range logs {
					if log != r.Log && isReleaseLog(s, ctx, log) {
						b.Releases = append(b.Releases, store.Release{Log: log, Of: r.Of, Move: r.Move})
					}
				}
			}
		}), "Move"),
	}
}
