// Package wire builds a running server from a configuration.
package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"entente/cmd/internal/config"
	"entente/policy/release"
	"entente/store/bolt"
	"entente/taxii/server"
)

// Outside is what an App takes from the world around it. Every field is
// required.
type Outside struct {
	Now  func() time.Time
	Rand io.Reader // cryptographically secure
	Log  *slog.Logger
}

// tidyEvery is how often expired documents are removed, watchEvery how often
// the accounts file is looked at.
const (
	tidyEvery  = time.Minute
	watchEvery = 2 * time.Second
)

// An App is a server with everything around it: store, listeners, reloading.
type App struct {
	c      *config.Config
	out    Outside
	store  *bolt.Store
	server *server.Server

	releaser *release.Releaser // nil: no agreements

	public   net.Listener
	operator net.Listener // nil: none
	admin    *admin
	cert     atomic.Pointer[tls.Certificate] // nil: no TLS

	reloading sync.Mutex // one Reload at a time
	seen      fileState  // of the accounts file, as last read; guarded by reloading
	agreed    string     // the state of the agreements' folder, as last read; guarded by reloading
	closed    sync.Once
	closeErr  error
}

// New opens the store, loads the seeds and listens; requests are answered once
// Run is called. The caller closes the App.
func New(ctx context.Context, c *config.Config, out Outside) (*App, error) {
	a := &App{c: c, out: out}
	if err := a.build(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) build(ctx context.Context) error {
	var err error
	if a.store, err = OpenStore(a.c.Path(a.c.Store.Path), a.out.Log); err != nil {
		return err
	}
	if a.releaser, err = OpenReleaser(ctx, a.c, a.store, a.out); err != nil {
		return err
	}
	if err := a.reloadAgreements(ctx); err != nil {
		return err
	}
	if err := a.seed(ctx); err != nil {
		return err
	}
	if err := a.loadCertificate(); err != nil {
		return err
	}
	if err := a.listen(); err != nil {
		return err
	}
	registry, err := newRegistry(a.c, a.store)
	if err != nil {
		return err
	}
	conf := serverConfig(a.c, a.URL())
	conf.Store, conf.Releaser, conf.Metrics = a.store, a.releaser, registry
	conf.Now, conf.Rand, conf.Log = a.out.Now, a.out.Rand, a.out.Log
	// They may have changed since the configuration was read: seeds take a while.
	if conf.Accounts, _, err = a.readAccounts(); err != nil {
		return err
	}
	if a.server, err = server.New(ctx, conf); err != nil {
		return err
	}
	if a.operator != nil {
		a.admin, err = newAdmin(a, registry)
	}
	return err
}

// listen opens both listeners.
func (a *App) listen() error {
	l, err := net.Listen("tcp", a.c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	l = newLimitListener(l, a.c.Limits.Connections)
	if a.c.TLS != nil {
		conf := server.TLSConfig()
		conf.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return a.cert.Load(), nil }
		a.public = tls.NewListener(l, conf)
	} else {
		a.public = server.Listen(l)
	}
	if a.c.Operator == "" {
		return nil
	}
	if a.operator, err = net.Listen("tcp", a.c.Operator); err != nil {
		return fmt.Errorf("operator: %w", err)
	}
	return nil
}

func (a *App) loadCertificate() error {
	if a.c.TLS == nil {
		return nil
	}
	cert, err := tls.LoadX509KeyPair(a.c.Path(a.c.TLS.Certificate), a.c.Path(a.c.TLS.Key))
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	a.cert.Store(&cert)
	return nil
}

// Addr is where TAXII clients connect to.
func (a *App) Addr() net.Addr { return a.public.Addr() }

// OperatorAddr is the address of the operator's listener; nil if there is none.
func (a *App) OperatorAddr() net.Addr {
	if a.operator == nil {
		return nil
	}
	return a.operator.Addr()
}

// URL is where clients reach the server, without a path: public_url, or made
// from the address that is listened on.
func (a *App) URL() string {
	if a.c.PublicURL != "" {
		return a.c.PublicURL
	}
	scheme := "http"
	if a.c.TLS != nil {
		scheme = "https"
	}
	host, _, _ := net.SplitHostPort(a.c.Listen) // was checked with the configuration
	_, port, _ := net.SplitHostPort(a.public.Addr().String())
	return scheme + "://" + net.JoinHostPort(host, port)
}

// Run answers requests until ctx ends or a listener fails. Then it takes no new
// requests, gives running ones shutdown_time to finish, and returns.
func (a *App) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	a.serve(ctx, g, a.server.HTTPServer(), a.public)
	if a.operator != nil {
		a.serve(ctx, g, a.admin.httpServer(), a.operator)
	}
	g.Go(func() error { return a.server.Tidy(ctx, tidyEvery) })
	g.Go(func() error { return a.watch(ctx) })
	if a.releaser != nil {
		g.Go(func() error { return a.releaser.Run(ctx, time.After) })
	}
	return g.Wait()
}

// serve runs h on l until ctx ends, and one more goroutine that ends it.
func (a *App) serve(ctx context.Context, g *errgroup.Group, h *http.Server, l net.Listener) {
	g.Go(func() error {
		if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.c.Limits.ShutdownTime)
		defer cancel()
		if err := h.Shutdown(limit); err != nil {
			a.out.Log.Warn("some requests did not end in time and were cut off", slog.String("addr", l.Addr().String()))
			return h.Close()
		}
		return nil
	})
}

// Close ends everything that New began. Run must have returned.
func (a *App) Close() error {
	a.closed.Do(func() {
		var errs []error
		for _, l := range []net.Listener{a.public, a.operator} {
			if l == nil {
				continue
			}
			if err := l.Close(); !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
		if a.admin != nil {
			errs = append(errs, a.admin.close())
		}
		if a.store != nil {
			errs = append(errs, a.store.Close())
		}
		a.closeErr = errors.Join(errs...)
	})
	return a.closeErr
}

// A fileState tells whether a file was changed.
type fileState struct {
	size    int64
	changed time.Time
}

func stateOf(file string) fileState {
	info, err := os.Stat(file)
	if err != nil {
		return fileState{}
	}
	return fileState{info.Size(), info.ModTime()}
}

// Reload reads the accounts, the agreements and the certificate again. What is wrong leaves the
// old in force, and is returned.
func (a *App) Reload(ctx context.Context) error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	return errors.Join(a.reloadAccounts(), a.reloadAgreements(ctx), a.loadCertificate())
}

// reloadAgreements reads the folder of agreements, having noted its state.
func (a *App) reloadAgreements(ctx context.Context) error {
	if a.releaser == nil {
		return nil
	}
	state, err := a.agreementsState()
	if err != nil {
		return err
	}
	if err := a.readAgreements(ctx); err != nil {
		return err // and a.agreed stays, so that watch tries again
	}
	a.agreed = state
	return nil
}

// agreementsState tells whether a file of the folder was changed.
func (a *App) agreementsState() (string, error) {
	files, err := agreementFiles(a.c)
	state := ""
	for _, file := range files {
		state += fmt.Sprint(file, stateOf(file), "\n")
	}
	return state, err
}

func (a *App) reloadAccounts() error {
	found, n, err := a.readAccounts()
	if err != nil {
		return err
	}
	a.server.SetAccounts(found)
	a.out.Log.Info("accounts read", slog.Int("accounts", n))
	return nil
}

// readAccounts reads the n accounts of the file, having noted its state: a
// change from then on is seen by watch.
func (a *App) readAccounts() (found server.Accounts, n int, err error) {
	a.seen = stateOf(a.c.Path(a.c.Accounts))
	known, err := a.c.LoadAccounts()
	if err != nil {
		return nil, 0, err
	}
	found, err = accounts(a.c, known)
	return found, len(known.Accounts), err
}

// watch reads the accounts and the agreements again when their files change.
func (a *App) watch(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	told := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		a.reloading.Lock()
		if stateOf(a.c.Path(a.c.Accounts)) != a.seen {
			if err := a.reloadAccounts(); err != nil {
				a.out.Log.Error("the accounts file has mistakes; the old accounts stay in force", slog.String("err", err.Error()))
			}
		}
		if state, err := a.agreementsState(); a.releaser != nil && (err != nil || state != a.agreed) {
			failed := ""
			if err := a.reloadAgreements(ctx); err != nil {
				failed = err.Error()
			}
			if failed != "" && failed != told {
				a.out.Log.Error("the agreements cannot be put in force, trying again; what was in force stays", slog.String("err", failed))
			}
			told = failed
		}
		a.reloading.Unlock()
	}
}
