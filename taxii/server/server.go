package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/semaphore"

	"entente/stix"
	"entente/store"
	"entente/taxii"
)

// A Server answers TAXII 2.1 requests.
type Server struct {
	c       Config
	auth    *authenticator
	sealer  *taxii.Sealer
	roots   map[string]*root
	allow   map[string][]string // Allow header by route
	metrics *metrics
	echo    *echo.Echo

	requests  sync.Pool // of *request
	scanners  sync.Pool // of *stix.Scanner
	deflators sync.Pool // of *deflator
	chunks    sync.Pool // of *[chunkLen]byte
	vary      []string  // Vary header
	bodies    *semaphore.Weighted
	shares    sync.Map // of *share, by account name
	running   atomic.Int64
	answers   atomic.Int64 // bytes: see hold

	randMu sync.Mutex // guards c.Rand
}

// A root is an API root that is being served.
type root struct {
	*Root
	byName map[string]*collection // by ID and by alias
	sorted []*collection          // by ID
}

type collection struct {
	*Collection
	log    store.LogID
	stix20 bool
	stix21 bool
}

// New returns a Server. It checks c whole and reports every mistake at once,
// and creates the secret of continuation tokens if the store has none.
func New(ctx context.Context, c Config) (*Server, error) {
	c.Roots = slices.Clone(c.Roots)
	for i := range c.Roots {
		def(&c.Roots[i].MaxContentLength, 16<<20)
	}
	def(&c.Title, "TAXII server")
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	c.Limits.setDefaults(c.Roots)
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	s := &Server{c: c, roots: map[string]*root{}, bodies: semaphore.NewWeighted(c.Limits.Bodies)}
	for i := range c.Roots {
		s.roots[c.Roots[i].Path] = newRoot(&c.Roots[i])
	}
	secret, err := loadSecret(ctx, c.Store, c.Rand)
	if err != nil {
		return nil, fmt.Errorf("server: secret of continuation tokens: %w", err)
	}
	if s.sealer, err = taxii.NewSealer(secret, 1); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if s.auth, err = newAuthenticator(&s.c); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if s.metrics, err = newMetrics(c.Metrics); err != nil {
		return nil, fmt.Errorf("server: metrics: %w", err)
	}
	s.requests.New = func() any { return new(request) }
	s.scanners.New = func() any {
		return &stix.Scanner{MaxObjects: s.c.Limits.Objects, MaxDepth: s.c.Limits.Depth, MaxErrors: maxFailures}
	}
	s.deflators.New = func() any { return newDeflator() }
	s.chunks.New = func() any { return new([chunkLen]byte) }
	s.vary = []string{"Accept, Accept-Encoding, Authorization"}
	if c.APIKeyHeader != "" {
		s.vary[0] += ", " + c.APIKeyHeader
	}
	if len(c.Origins) > 0 {
		s.vary[0] += ", Origin"
	}
	s.route()
	return s, nil
}

func newRoot(r *Root) *root {
	out := &root{Root: r, byName: map[string]*collection{}}
	for i := range r.Collections {
		c := &r.Collections[i]
		coll := &collection{Collection: c, log: c.Log}
		def(&coll.log, store.LogID(c.ID))
		coll.stix21 = c.MediaTypes == nil || slices.Contains(c.MediaTypes, MediaTypeSTIX21)
		coll.stix20 = c.MediaTypes == nil || slices.Contains(c.MediaTypes, MediaTypeSTIX20)
		out.byName[c.ID] = coll
		if c.Alias != "" {
			out.byName[c.Alias] = coll
		}
		out.sorted = append(out.sorted, coll)
	}
	slices.SortFunc(out.sorted, func(a, b *collection) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// loadSecret returns the secret that all servers on one store share; the first
// of them makes it.
func loadSecret(ctx context.Context, st store.Store, random io.Reader) ([]byte, error) {
	const kind, id = "secret", "next"
	for {
		doc, err := st.Document(ctx, kind, id)
		if err == nil {
			return doc.Body, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		secret := make([]byte, 32)
		if _, err := io.ReadFull(random, secret); err != nil {
			return nil, err
		}
		_, err = st.Put(ctx, store.Document{Kind: kind, ID: id, Body: secret})
		if err == nil {
			return secret, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return nil, err
		}
	}
}

// SetAccounts puts other accounts in force: from the next request on, the old
// ones' credentials count for nothing.
func (s *Server) SetAccounts(a Accounts) { s.auth.setAccounts(a) }

// Routes, as they appear in the log and the metrics.
const (
	pathDiscovery   = "/taxii2"
	pathRoot        = "/:root"
	pathStatus      = "/:root/status/:status"
	pathCollections = "/:root/collections"
	pathCollection  = "/:root/collections/:collection"
	pathManifest    = "/:root/collections/:collection/manifest"
	pathObjects     = "/:root/collections/:collection/objects"
	pathObject      = "/:root/collections/:collection/objects/:object"
	pathVersions    = "/:root/collections/:collection/objects/:object/versions"
)

// route tells echo about the endpoints of TAXII 2.1, sections 4 and 5. Paths
// have no final slash here: Handler takes it off.
func (s *Server) route() {
	s.echo = echo.New()
	s.echo.HTTPErrorHandler = s.routeError
	s.allow = map[string][]string{}
	type handlers map[string]handler
	for _, r := range []struct {
		path    string
		methods handlers
	}{
		{pathDiscovery, handlers{"GET": s.getDiscovery}},
		{pathRoot, handlers{"GET": s.getRoot}},
		{pathStatus, handlers{"GET": s.getStatus}},
		{pathCollections, handlers{"GET": s.getCollections}},
		{pathCollection, handlers{"GET": s.getCollection}},
		{pathManifest, handlers{"GET": s.getManifest}},
		{pathObjects, handlers{"GET": s.getObjects, "POST": s.postObjects}},
		{pathObject, handlers{"GET": s.getObject, "DELETE": s.deleteObject}},
		{pathVersions, handlers{"GET": s.getVersions}},
	} {
		allow := []string{"GET", "HEAD"}
		for _, method := range []string{"POST", "DELETE"} {
			if r.methods[method] != nil {
				allow = append(allow, method)
			}
		}
		s.allow[r.path] = []string{strings.Join(append(allow, "OPTIONS"), ", ")}
		for method, h := range r.methods {
			s.echo.Add(method, r.path, s.handle(method, r.path, h))
		}
		s.echo.Add(http.MethodHead, r.path, s.handle(http.MethodHead, r.path, r.methods["GET"]))
		s.echo.Add(http.MethodOptions, r.path, s.options)
	}
}

// Handler returns the handler for all TAXII paths. It serves a path with and
// without its final slash and with empty segments, never by redirect: clients
// turn a redirected POST into a GET and lose the objects.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.RawPath = ""
		r.URL.Path = plainPath(r.URL.Path)
		s.echo.ServeHTTP(w, r)
	})
}

// plainPath takes empty segments out of path, the last one too.
func plainPath(path string) string {
	if strings.Contains(path, "//") {
		parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
		return "/" + strings.Join(parts, "/")
	}
	if len(path) > 1 && path[len(path)-1] == '/' {
		return path[:len(path)-1]
	}
	return path
}

// random fills p from the configured source.
func (s *Server) random(p []byte) error {
	s.randMu.Lock()
	defer s.randMu.Unlock()
	_, err := io.ReadFull(s.c.Rand, p)
	return err
}
