package client

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// parseURL reads the URL of a server or API root: absolute, https (http only
// to loopback), no user, query or fragment, a path that ends in "/".
func parseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("server URL: %w", err)
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Opaque != "":
		return nil, fmt.Errorf("server URL %q: want https://host/…", s)
	case u.User != nil:
		return nil, fmt.Errorf("server URL of %s: give user and password separately, not in the URL", u.Host)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("server URL %q: must have no query or fragment", s)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("server URL %q: plain http is for loopback only; use https", s)
	}
	if !strings.HasSuffix(u.Path, "/") {
		u = u.JoinPath("/")
	}
	return u, nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// sameOrigin compares scheme, host and port, with default ports filled in.
func sameOrigin(a, b *url.URL) bool {
	port := func(u *url.URL) string {
		if p := u.Port(); p != "" {
			return p
		}
		return map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

// A Place is what a URL points at; fields that the URL does not name are "".
type Place struct {
	Discovery  string // the server's discovery URL
	Root       string // an API root
	Collection string // id or alias
}

// Locate reads any TAXII URL that people have at hand: a server
// (https://hub.example), its discovery (…/taxii2/), an API root (…/api1/) or
// something below it (…/api1/collections/ID/objects/).
func Locate(s string) (Place, error) {
	u, err := parseURL(s)
	if err != nil {
		return Place{}, err
	}
	p := Place{Discovery: (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/taxii2/"}).String()}
	path := u.EscapedPath()
	if path == "/" || path == "/taxii2/" {
		return p, nil
	}
	if i := strings.Index(path, "/collections/"); i >= 0 {
		id, _, _ := strings.Cut(path[i+len("/collections/"):], "/")
		if p.Collection, err = url.PathUnescape(id); err != nil {
			return Place{}, fmt.Errorf("server URL %q: %w", s, err)
		}
		path = path[:i+1]
	}
	p.Root = u.Scheme + "://" + u.Host + path
	return p, nil
}

// A Resolver looks up SRV records; net.Resolver is one.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, addrs []*net.SRV, err error)
}

// LookupDiscovery returns the discovery URLs that domain publishes in DNS
// (TAXII 2.1, section 3.9), best first.
func LookupDiscovery(ctx context.Context, r Resolver, domain string) ([]string, error) {
	_, addrs, err := r.LookupSRV(ctx, "taxii2", "tcp", domain)
	if err != nil {
		return nil, fmt.Errorf("look up _taxii2._tcp.%s: %w", domain, err)
	}
	var urls []string
	for _, a := range addrs { // the resolver has sorted them (RFC 2782)
		host := strings.TrimSuffix(a.Target, ".")
		if host == "" {
			continue // "." says that there is no such service
		}
		urls = append(urls, "https://"+net.JoinHostPort(host, strconv.Itoa(int(a.Port)))+"/taxii2/")
	}
	if len(urls) == 0 {
		return nil, fmt.Errorf("look up _taxii2._tcp.%s: the domain has no TAXII server", domain)
	}
	return urls, nil
}
