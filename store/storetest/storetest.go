// Package storetest holds what every [store.Store] must do, as data: a slice of
// Cases, each one promise of the contract. Cases return errors, so that they
// can be tried on stores that are broken on purpose; the package's own tests do
// that. [Model] compares random operations with store/mem.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entente/store"
)

// A Fixture is one empty store and what a Case may do with it beyond the
// contract.
type Fixture struct {
	Store store.Store

	// Reopen closes the store and opens the same data again. It is nil only for
	// a backend that keeps nothing, and NoReopen says why then.
	Reopen   func() (store.Store, error)
	NoReopen string

	// Hook.Call is called by the backend inside every commit, when all is decided
	// and nothing is visible yet. A nil Hook needs NoHook, the reason.
	Hook   *Hook
	NoHook string
}

// A Hook is what a Case has called inside commits. The zero Hook does nothing.
type Hook struct{ fn atomic.Pointer[func()] }

// Call is for the backend.
func (h *Hook) Call() {
	if fn := h.fn.Load(); fn != nil {
		(*fn)()
	}
}

// set makes the hook call fn from now on; nil for nothing.
func (h *Hook) set(fn func()) {
	if fn == nil {
		h.fn.Store(nil)
		return
	}
	h.fn.Store(&fn)
}

// A Case tests one promise on a store of its own.
type Case struct {
	Name    string
	Promise string // the sentence of the contract that it tests

	// Run returns nil if the promise was kept, a Skip if the Fixture declares
	// that it cannot be tried. It leaves the store open unless it tests Close.
	Run func(context.Context, *Fixture) error
}

// A Skip is the reason why a Case cannot be tried.
type Skip string

func (s Skip) Error() string { return "cannot be tried: " + string(s) }

// Cases returns all Cases.
func Cases() []Case {
	return slices.Concat(
		addedCases, followCases, bytesCases, outcomeCases, queryCases, pageCases,
		deleteCases, statCases, documentCases, batchCases, lifeCases, randomCases,
		labelCases, gateCases, releaseCases, withdrawCases, moveCases, baseCases, wholeCases,
	)
}

// Run tries every Case, each on a store that open returns; Run closes it.
func Run(t *testing.T, open func(t testing.TB) *Fixture) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			f := open(t)
			err := try(t.Context(), c, f)
			if cerr := f.Store.Close(); cerr != nil && err == nil {
				err = fmt.Errorf("close: %w", cerr)
			}
			var skip Skip
			if errors.As(err, &skip) {
				t.Skip(skip)
			}
			if err != nil {
				t.Errorf("%v\npromise: %s", err, c.Promise)
			}
		})
	}
}

// patience is how long one Case may take: far more than any needs, so that a
// store that never answers fails instead of hanging.
const patience = 60 * time.Second

func try(ctx context.Context, c Case, f *Fixture) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return c.Run(ctx, f)
}

// A probe is a Case at work. Its methods end the Case, by a panic that scenario
// turns into the Case's error, as soon as something is not as it must be.
type probe struct {
	ctx context.Context
	f   *Fixture
	s   store.Store // f.Store
	rnd *rand.Rand  // the same numbers in every run
}

type failure struct{ err error }

// scenario makes fn the Run of a Case.
func scenario(fn func(p *probe)) func(context.Context, *Fixture) error {
	return func(ctx context.Context, f *Fixture) error {
		p := &probe{ctx: ctx, f: f, s: f.Store, rnd: rand.New(rand.NewPCG(1, 2))}
		return p.catch(func() { fn(p) })
	}
}

// catch calls fn and returns what it failed with.
func (p *probe) catch(fn func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(failure)
			if !ok {
				panic(r)
			}
			err = f.err
		}
	}()
	fn()
	return nil
}

func (p *probe) failf(format string, args ...any) {
	panic(failure{fmt.Errorf(format, args...)})
}

// ok fails unless err is nil.
func (p *probe) ok(err error, what string) {
	if err != nil {
		p.failf("%s: %w", what, err)
	}
}

// is fails unless err is want.
func (p *probe) is(err, want error, what string) {
	if !errors.Is(err, want) {
		p.failf("%s: error %v, want %v", what, err, want)
	}
}

// equal fails unless got and want are the same.
func equal[T comparable](p *probe, got, want T, what string) {
	if got != want {
		p.failf("%s: %v, want %v", what, got, want)
	}
}

// parallel runs the functions at the same time and waits; it fails with the
// first failure.
func (p *probe) parallel(fns ...func()) {
	errs := make([]error, len(fns))
	var wg sync.WaitGroup
	for i, fn := range fns {
		wg.Go(func() { errs[i] = p.catch(fn) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			panic(failure{err})
		}
	}
}

// reopen closes the store and opens it again, or skips the Case.
func (p *probe) reopen() {
	if p.f.Reopen == nil {
		if p.f.NoReopen == "" {
			p.failf("Fixture without Reopen and without NoReopen")
		}
		panic(failure{Skip(p.f.NoReopen)})
	}
	s, err := p.f.Reopen()
	p.ok(err, "reopen")
	p.s, p.f.Store = s, s
}

// hold has the next commit stop before it becomes visible, or skips the Case.
// held is closed when a commit has come there; release lets it go on.
func (p *probe) hold() (held <-chan struct{}, release func()) {
	if p.f.Hook == nil {
		if p.f.NoHook == "" {
			p.failf("Fixture without Hook and without NoHook")
		}
		panic(failure{Skip(p.f.NoHook)})
	}
	entered, goOn := make(chan struct{}), make(chan struct{})
	var enter, leave sync.Once
	p.f.Hook.set(func() {
		enter.Do(func() { close(entered) })
		<-goOn
	})
	return entered, func() {
		p.f.Hook.set(nil)
		leave.Do(func() { close(goOn) })
	}
}

// wait fails if c is not closed in time.
func (p *probe) wait(c <-chan struct{}, what string) {
	select {
	case <-c:
	case <-p.ctx.Done():
		p.failf("%s: %w", what, p.ctx.Err())
	}
}
