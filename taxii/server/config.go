// Package server is a TAXII 2.1 server on any store.
package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"entente/policy/release"
	"entente/store"
)

// A Config is what New builds a Server from. Store, Roots, Accounts, Now, Rand
// and Log are required.
type Config struct {
	Store store.Store
	Roots []Root // in the order in which discovery lists them

	Title       string // of the server, in discovery; "" means "TAXII server"
	Description string
	Contact     string
	Default     string // path of the default API root; "" means none is named
	PublicURL   string // "https://host[:port]", what clients reach the server by; "" lists the roots as relative URLs

	Releaser *release.Releaser // what the agreements let partners see and write; nil: no partner sees anything

	Accounts     Accounts
	Anonymous    *Account // whom requests without credentials act as; nil: they are refused
	NoBasic      bool     // only tokens and keys are credentials
	APIKeyHeader string   // a header that may hold a token, besides "Authorization: Bearer"; "" means none

	Origins []string // of web pages that may call the server, as browsers write them: https://host[:port]

	StrictAccept  bool // refuse requests that do not name the TAXII media type in Accept
	StrictFilters bool // refuse match[field] with a field that TAXII does not define

	Limits  Limits
	Now     func() time.Time
	Rand    io.Reader // cryptographically secure
	Log     *slog.Logger
	Metrics prometheus.Registerer // nil: none
}

// A Root is an API root.
type Root struct {
	Path             string // one path segment, without slashes
	Title            string
	Description      string
	MaxContentLength int64 // of a POST, before and after decompression, in bytes; 0 means 16 MiB
	Collections      []Collection
}

// A Collection is a TAXII collection.
type Collection struct {
	ID          string // UUID version 4 in lower case
	Alias       string // may stand for ID in paths; "" means none
	Title       string
	Description string
	Log         store.LogID // "" means ID
	MediaTypes  []string    // MediaTypeSTIX21, MediaTypeSTIX20 or both, which is what nil means

	// RefuseSTIXContentType answers 415 to a POST that calls itself
	// application/stix+json;version=2.1, as TAXII would have it. The zero value
	// takes it for an envelope: one widely used exporter sends nothing else.
	RefuseSTIXContentType bool
}

// Media types of what a collection holds (TAXII 2.1, section 5.2.1).
const (
	MediaTypeSTIX21 = "application/stix+json;version=2.1"
	MediaTypeSTIX20 = "application/stix+json;version=2.0"
)

// Limits bound what one client can cost. Zero fields mean the defaults. Of
// Bodies, Answers and Requests one account gets at most half.
type Limits struct {
	DefaultPage int // objects in a page if the client names no limit; 1,000
	MaxPage     int // most objects in a page; 10,000

	PageBytes int // of a page's objects: the page ends with the one that reaches it; 32 MiB

	Objects int // most objects in a POST; 100,000
	Depth   int // most levels of nesting in an object; 64

	URL      int   // bytes of path and query; 32 KiB, enough for a query of 10 kB and the token that goes with it
	Header   int   // bytes of request line and headers; 64 KiB
	Bodies   int64 // bytes of request bodies, and of what is made of them, in memory at once; 64 MiB, at least the greatest MaxContentLength
	Answers  int64 // bytes of pages in memory at once, however slowly they are read; 512 MiB
	Requests int   // at once; 1,024
	Logins   int   // passwords verified at once; 2, each takes 19 MiB and some 20 ms

	HeaderTimeout time.Duration // for request line and headers; 10s
	ReadTimeout   time.Duration // for a request without a body, and for each MiB of a body; 30s
	WriteTimeout  time.Duration // for an answer, and for each MiB of it; 60s
	IdleTimeout   time.Duration // between requests; 120s
}

func def[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

func (l *Limits) setDefaults(roots []Root) {
	def(&l.DefaultPage, 1000)
	def(&l.MaxPage, 10_000)
	def(&l.PageBytes, 32<<20)
	def(&l.Objects, 100_000)
	def(&l.Depth, 64)
	def(&l.URL, 32<<10)
	def(&l.Header, 64<<10)
	def(&l.Bodies, 64<<20)
	for i := range roots {
		l.Bodies = max(l.Bodies, roots[i].MaxContentLength)
	}
	def(&l.Answers, 512<<20)
	def(&l.Requests, 1024)
	def(&l.Logins, 2)
	def(&l.HeaderTimeout, 10*time.Second)
	def(&l.ReadTimeout, 30*time.Second)
	def(&l.WriteTimeout, 60*time.Second)
	def(&l.IdleTimeout, 120*time.Second)
	l.DefaultPage = min(l.DefaultPage, l.MaxPage)
}

var (
	uuid4   = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	urlSafe = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]*$`)
)

// check returns every mistake of c, joined.
func (c *Config) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Store == nil || c.Accounts == nil || c.Now == nil || c.Rand == nil || c.Log == nil {
		bad("Store, Accounts, Now, Rand and Log are required")
	}
	if len(c.Roots) == 0 {
		bad("no API root; a server has one or more")
	}
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" &&
		(err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "") {
		bad("public URL %q wants the form https://host", c.PublicURL)
	}
	paths, ids := map[string]bool{}, map[string]bool{}
	for i := range c.Roots {
		root := &c.Roots[i]
		if !urlSafe.MatchString(root.Path) || root.Path == "taxii2" || paths[root.Path] {
			bad("API root path %q: wants one URL-safe segment that is not taxii2 and not taken", root.Path)
		}
		paths[root.Path] = true
		if root.Title == "" {
			bad("API root %s: has no title", root.Path)
		}
		if root.MaxContentLength < 0 || root.MaxContentLength > 1<<30 {
			bad("API root %s: max_content_length %d: wants 1 to 2^30", root.Path, root.MaxContentLength)
		}
		root.check(ids, bad)
	}
	if c.Default != "" && !paths[c.Default] {
		bad("default API root %q: there is no such root", c.Default)
	}
	return errors.Join(errs...)
}

// check reports the mistakes in the collections of root; ids are those of
// other roots.
func (root *Root) check(ids map[string]bool, bad func(format string, args ...any)) {
	aliases := map[string]bool{}
	for i := range root.Collections {
		coll := &root.Collections[i]
		if !uuid4.MatchString(coll.ID) || ids[coll.ID] {
			bad("collection id %q: wants a UUID of version 4, in lower case, not taken", coll.ID)
		}
		ids[coll.ID] = true
		if coll.Title == "" {
			bad("collection %s: has no title", coll.ID)
		}
		if a := coll.Alias; a != "" {
			if !urlSafe.MatchString(a) || uuid4.MatchString(strings.ToLower(a)) || aliases[a] {
				bad("collection %s: alias %q: wants a URL-safe name that is no UUID and not taken in this root", coll.ID, a)
			}
			aliases[a] = true
		}
		for _, m := range coll.MediaTypes {
			if m != MediaTypeSTIX20 && m != MediaTypeSTIX21 {
				bad("collection %s: media type %q: wants %s or %s", coll.ID, m, MediaTypeSTIX21, MediaTypeSTIX20)
			}
		}
		if coll.MediaTypes != nil && len(coll.MediaTypes) == 0 {
			bad("collection %s: an empty list of media types stores nothing", coll.ID)
		}
	}
}
