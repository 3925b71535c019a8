package storetest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"entente/stix"
	"entente/store"
	"entente/store/mem"
	"entente/store/storetest"
)

// A mutant is a store that is broken in one way, and the names of Cases each of
// which must notice, every time.
type mutant struct {
	name string
	by   []string
	open func(t testing.TB) *storetest.Fixture
}

// broken is a mutant that wraps store/mem; the hook works as in mem.
func broken(name string, wrap func(store.Store) store.Store, by ...string) mutant {
	return mutant{name, by, func(t testing.TB) *storetest.Fixture {
		f := openMem(t)
		f.Store = wrap(f.Store)
		return f
	}}
}

func TestMutants(t *testing.T) {
	cases := map[string]storetest.Case{}
	for _, c := range storetest.Cases() {
		if _, ok := cases[c.Name]; ok || c.Promise == "" {
			t.Errorf("case %q: name used twice, or no promise", c.Name)
		}
		cases[c.Name] = c
	}
	all := mutants()
	if len(all) < 110 {
		t.Fatalf("%d mutants, want at least 110", len(all))
	}
	for _, m := range all {
		t.Run(m.name, func(t *testing.T) {
			for _, name := range m.by {
				c, ok := cases[name]
				if !ok {
					t.Fatalf("no case %q", name)
				}
				for range 3 {
					f := m.open(t)
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
					err := c.Run(ctx, f)
					cancel()
					f.Store.Close()
					if skip := storetest.Skip(""); err == nil || errors.As(err, &skip) {
						t.Errorf("case %s did not notice: %v", name, err)
					}
				}
			}
		})
	}
}

func mutants() []mutant {
	return slices.Concat(
		queryMutants(), pageMutants(), writeMutants(), documentMutants(),
		labelMutants(), gateMutants(), releaseMutants(), withdrawMutants(), moveMutants(), baseMutants(), wholeMutants(),
	)
}

// A tamper is a store of which single methods are replaced.
type tamper struct {
	store.Store
	read   func(ctx context.Context, log store.LogID, q *store.Query, p *store.Page) error
	commit func(ctx context.Context, b *store.Batch) (store.Receipt, error)
	stat   func(ctx context.Context, log store.LogID) (store.Stat, error)
	has    func(ctx context.Context, log store.LogID, id stix.ID) (bool, error)
	logs   func(ctx context.Context) ([]store.LogID, error)
	delete func(ctx context.Context, log store.LogID, id stix.ID, sel *store.Query) (int, error)
}

func (s *tamper) Read(ctx context.Context, log store.LogID, q *store.Query, p *store.Page) error {
	if s.read != nil {
		return s.read(ctx, log, q, p)
	}
	return s.Store.Read(ctx, log, q, p)
}

func (s *tamper) Commit(ctx context.Context, b *store.Batch) (store.Receipt, error) {
	if s.commit != nil {
		return s.commit(ctx, b)
	}
	return s.Store.Commit(ctx, b)
}

func (s *tamper) Stat(ctx context.Context, log store.LogID) (store.Stat, error) {
	if s.stat != nil {
		return s.stat(ctx, log)
	}
	return s.Store.Stat(ctx, log)
}

func (s *tamper) Has(ctx context.Context, log store.LogID, id stix.ID) (bool, error) {
	if s.has != nil {
		return s.has(ctx, log, id)
	}
	return s.Store.Has(ctx, log, id)
}

func (s *tamper) Logs(ctx context.Context) ([]store.LogID, error) {
	if s.logs != nil {
		return s.logs(ctx)
	}
	return s.Store.Logs(ctx)
}

func (s *tamper) Delete(ctx context.Context, log store.LogID, id stix.ID, sel *store.Query) (int, error) {
	if s.delete != nil {
		return s.delete(ctx, log, id, sel)
	}
	return s.Store.Delete(ctx, log, id, sel)
}

// reading replaces Read.
func reading(read func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error) func(store.Store) store.Store {
	return func(s store.Store) store.Store {
		return &tamper{Store: s, read: func(ctx context.Context, log store.LogID, q *store.Query, p *store.Page) error {
			return read(s, ctx, log, *q, p)
		}}
	}
}

// asking changes the Query before Read sees it.
func asking(change func(q *store.Query)) func(store.Store) store.Store {
	return reading(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
		change(&q)
		return s.Read(ctx, log, &q, p)
	})
}

// answering changes the Page that Read has filled.
func answering(change func(p *store.Page)) func(store.Store) store.Store {
	return reading(func(s store.Store, ctx context.Context, log store.LogID, q store.Query, p *store.Page) error {
		err := s.Read(ctx, log, &q, p)
		change(p)
		return err
	})
}

// committing replaces Commit.
func committing(commit func(s store.Store, ctx context.Context, b store.Batch) (store.Receipt, error)) func(store.Store) store.Store {
	return func(s store.Store) store.Store {
		return &tamper{Store: s, commit: func(ctx context.Context, b *store.Batch) (store.Receipt, error) {
			return commit(s, ctx, *b)
		}}
	}
}

// TestReopenCases runs the Cases about restarts on a store/mem that survives
// them, and on ones that forget.
func TestReopenCases(t *testing.T) {
	keeps := func(s *mem.Store) store.Store { return s }
	forgets := func(*mem.Store) store.Store { return mem.New() }
	forgetsLabels := func(s *mem.Store) store.Store {
		return answering(func(p *store.Page) {
			for i := range p.Rows {
				p.Rows[i].Label = 0
			}
		})(s)
	}
	forgetsWithdrawals := func(s *mem.Store) store.Store {
		logs, _ := s.Logs(context.Background())
		for _, log := range logs {
			for src := range sources(s, context.Background(), log) {
				for _, to := range logs {
					_, _ = s.Commit(context.Background(), &store.Batch{Releases: []store.Release{{Log: to, Of: src.of, Add: []store.Added{src.at}}}})
				}
			}
		}
		return s
	}
	names := []string{"AddedAfterReopen", "BytesAreKeptOnDisk", "QueriesAfterReopen", "DocumentsAfterReopen", "DeletedIsGone", "Stat", "ConflictWritesNothing", "LabelsAfterReopen", "ReleasesAfterReopen", "Withdraw", "DeleteInBase"}
	restarts := map[string][]func(*mem.Store) store.Store{ // beside the first two
		"LabelsAfterReopen":   {forgetsLabels},
		"ReleasesAfterReopen": {forgetsLabels, forgetsWithdrawals},
		"Withdraw":            {forgetsWithdrawals},
		"DeleteInBase":        {forgetsWithdrawals},
	}
	found := 0
	for _, c := range storetest.Cases() {
		for _, name := range names {
			if c.Name != name {
				continue
			}
			found++
			for i, restart := range append([]func(*mem.Store) store.Store{keeps, forgets}, restarts[name]...) {
				s := mem.New()
				f := &storetest.Fixture{Store: s, NoHook: "not needed", Reopen: func() (store.Store, error) { return restart(s), nil }}
				err := c.Run(t.Context(), f)
				if i == 0 && err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if i > 0 && err == nil {
					t.Errorf("%s did not notice that a restart forgets (%d)", name, i)
				}
			}
		}
	}
	if found != len(names) {
		t.Errorf("found %d of the cases, want %d", found, len(names))
	}
}
