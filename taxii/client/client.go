// Package client is a TAXII 2.1 client for servers that keep the standard and
// for those that do not quite.
//
// A [Client] talks to one origin (scheme, host and port) with one set of
// credentials, so credentials cannot reach another host: a redirect or an API
// root elsewhere is an error that names it. Everything a server sends is
// bounded in size, number and time.
//
//	c, err := client.New(client.Config{URL: "https://hub.example/taxii2/", …})
//	root, err := c.Root("https://hub.example/api1/")
//	for page, err := range root.Collection(id).Pages(ctx, client.Query{}, client.Position{}) {
//		// store page.Items and page.To together
//	}
package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Config is what a Client works with. URL, UserAgent, Now and Rand are required.
type Config struct {
	URL       string // any URL of the server; only its scheme, host and port count. https, or http to loopback
	UserAgent string // product/version, "entente/0.1" (TAXII 2.1, section 8.4.1)
	Auth      Auth
	TLS       TLS
	Limits    Limits
	Proxy     func(*http.Request) (*url.URL, error) // nil: no proxy

	Now   func() time.Time                           // for Retry-After dates
	Sleep func(context.Context, time.Duration) error // nil: a timer
	Rand  func() float64                             // in [0,1), spreads retries
}

// Auth is how a Client proves who it is; the zero Auth is nobody. At most one
// of User, Bearer and Header may be set.
type Auth struct {
	User, Password string // HTTP Basic (RFC 7617), in UTF-8
	Bearer         string // Authorization: Bearer …
	Header, Value  string // any other header, such as X-Api-Key
}

// Limits bounds what a server can cost. A zero field takes its default.
type Limits struct {
	Body       int64         // octets of one decoded answer; 64 MiB
	Objects    int           // objects in one answer; 100,000
	Pages      int           // pages of one run of Pages; 1,000,000
	Request    time.Duration // one attempt, from dial to the last octet; 60s
	Attempts   int           // tries of one request; 4
	Backoff    time.Duration // before the second try, then doubling; 1s
	RetryAfter time.Duration // longest wait a server may ask for; 2m
	Status     time.Duration // until a pending status must be complete; 2m
	PostBytes  int64         // octets of one POST, if the API root allows more or says nothing; 8 MiB
	PostCount  int           // objects of one POST; 1000
}

func (l Limits) withDefaults() Limits {
	set := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	wait := func(p *time.Duration, v time.Duration) {
		if *p <= 0 {
			*p = v
		}
	}
	if l.Body <= 0 {
		l.Body = 64 << 20
	}
	if l.PostBytes <= 0 {
		l.PostBytes = 8 << 20
	}
	set(&l.Objects, 100_000)
	set(&l.Pages, 1_000_000)
	set(&l.Attempts, 4)
	set(&l.PostCount, 1000)
	wait(&l.Request, time.Minute)
	wait(&l.Backoff, time.Second)
	wait(&l.RetryAfter, 2*time.Minute)
	wait(&l.Status, 2*time.Minute)
	return l
}

// A Client sends requests to one origin. Its methods may be called concurrently.
type Client struct {
	c      Config
	origin *url.URL // scheme and host only
	http   *http.Client
}

// New checks c and returns a Client; it sends nothing.
func New(c Config) (*Client, error) {
	u, err := parseURL(c.URL)
	if err != nil {
		return nil, err
	}
	if c.UserAgent == "" || c.Now == nil || c.Rand == nil {
		return nil, errors.New("taxii client: UserAgent, Now and Rand are required")
	}
	if err := c.Auth.check(); err != nil {
		return nil, err
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	c.Limits = c.Limits.withDefaults()
	cl := &Client{c: c, origin: &url.URL{Scheme: u.Scheme, Host: u.Host}}
	tr, err := newTransport(&c)
	if err != nil {
		return nil, err
	}
	cl.http = &http.Client{Transport: tr, CheckRedirect: cl.checkRedirect}
	return cl, nil
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (a *Auth) check() error {
	n := 0
	for _, s := range []string{a.User, a.Bearer, a.Header} {
		if s != "" {
			n++
		}
	}
	if n > 1 {
		return errors.New("taxii client: more than one of user, bearer token and API key header")
	}
	if a.User == "" && a.Password != "" && n > 0 {
		return errors.New("taxii client: a password besides a bearer token or API key")
	}
	for _, r := range a.User {
		if r == ':' || r < ' ' {
			return fmt.Errorf("taxii client: user name %q has a colon or control character (RFC 7617, section 2)", a.User)
		}
	}
	return nil
}

func (a *Auth) apply(r *http.Request) {
	switch {
	case a.Bearer != "":
		r.Header.Set("Authorization", "Bearer "+a.Bearer)
	case a.Header != "":
		r.Header.Set(a.Header, a.Value)
	case a.User != "" || a.Password != "":
		r.SetBasicAuth(a.User, a.Password)
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
