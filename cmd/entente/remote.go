package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entente/taxii"
	"entente/taxii/client"
)

// A remote is the server that a client command talks to, as its flags say.
type remote struct {
	user, passwordFile  string
	tokenFile           string
	keyHeader, keyFile  string
	ca, cert, key       string
	pins                []string
	timeout             time.Duration
	collection, rootURL string
}

func remoteFlags(cmd *cobra.Command, r *remote) {
	f := cmd.Flags()
	f.StringVarP(&r.user, "user", "u", "", "user `name` for HTTP Basic; the password comes from --password-file or $ENTENTE_PASSWORD")
	f.StringVar(&r.passwordFile, "password-file", "", "`file` with the password in its first line; - is standard input")
	f.StringVar(&r.tokenFile, "token-file", "", "`file` with a bearer token; or set $ENTENTE_TOKEN")
	f.StringVar(&r.keyHeader, "api-key-header", "", "`header` for an API key, which comes from --api-key-file or $ENTENTE_API_KEY")
	f.StringVar(&r.keyFile, "api-key-file", "", "`file` with the API key")
	f.StringVar(&r.ca, "ca", "", "PEM `file` of the authorities to trust instead of the system's")
	f.StringVar(&r.cert, "cert", "", "PEM `file` with a client certificate")
	f.StringVar(&r.key, "key", "", "PEM `file` with its key")
	f.StringArrayVar(&r.pins, "pin", nil, "hex SHA-256 of the server's public key, which must then match; may be repeated")
	f.DurationVar(&r.timeout, "timeout", time.Minute, "for one request")
}

func collectionFlag(cmd *cobra.Command, r *remote) {
	cmd.Flags().StringVar(&r.collection, "collection", "", "its id, alias or title; may be left out if the URL names it or there is only one")
}

// secret is the first line of file, else the environment variable.
func (e *env) secret(file, variable string) (string, error) {
	if file != "" {
		return e.passwordFrom(file)
	}
	return os.Getenv(variable), nil
}

func (r *remote) auth(e *env) (a client.Auth, err error) {
	switch {
	case r.user != "":
		a.User = r.user
		a.Password, err = e.secret(r.passwordFile, "ENTENTE_PASSWORD")
		if err == nil && a.Password == "" {
			err = usagef("no password for user %s: use --password-file or set ENTENTE_PASSWORD", r.user)
		}
	case r.keyHeader != "":
		a.Header = r.keyHeader
		a.Value, err = e.secret(r.keyFile, "ENTENTE_API_KEY")
	default:
		a.Bearer, err = e.secret(r.tokenFile, "ENTENTE_TOKEN")
	}
	return a, err
}

func (r *remote) tls() client.TLS {
	return client.TLS{CAFile: r.ca, CertFile: r.cert, KeyFile: r.key, Pins: r.pins}
}

// userAgent is product/version with a version that is always a number.
func userAgent() string {
	v := strings.TrimPrefix(readBuildInfo().Version, "v")
	if v == "" || v[0] < '0' || v[0] > '9' {
		v = "0.0"
	}
	return "entente/" + v
}

// dial makes the client and says what the URL points at.
func (r *remote) dial(e *env, url string) (*client.Client, client.Place, error) {
	place, err := client.Locate(url)
	if err != nil {
		return nil, place, errUsage{err.Error()}
	}
	auth, err := r.auth(e)
	if err != nil {
		return nil, place, err
	}
	c, err := client.New(client.Config{
		URL: url, UserAgent: userAgent(), Auth: auth, TLS: r.tls(),
		Limits: client.Limits{Request: r.timeout},
		Proxy:  http.ProxyFromEnvironment, Now: e.now, Rand: rand.Float64,
	})
	return c, place, err
}

// roots are the API roots that a URL leads to: the one it names, else those of
// discovery, the default first.
func roots(ctx context.Context, c *client.Client, place client.Place) ([]string, error) {
	if place.Root != "" {
		return []string{place.Root}, nil
	}
	d, err := c.Discovery(ctx)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, root := range append([]string{d.Default}, d.APIRoots...) {
		if root != "" && (len(list) == 0 || root != d.Default) {
			list = append(list, root)
		}
	}
	if len(list) == 0 {
		return nil, nof("%s names no API root for this account", place.Discovery)
	}
	return list, nil
}

// open finds the collection that the URL and --collection name; usable says
// which ones count when none is named.
func (r *remote) open(ctx context.Context, e *env, url string, usable func(taxii.Collection) bool) (*client.Collection, taxii.Collection, error) {
	c, place, err := r.dial(e, url)
	if err != nil {
		return nil, taxii.Collection{}, err
	}
	urls, err := roots(ctx, c, place)
	if err != nil {
		return nil, taxii.Collection{}, err
	}
	name := cmp.Or(r.collection, place.Collection)
	var found []*client.Root
	var infos []taxii.Collection
	var names []string
	for _, u := range urls {
		root, err := c.Root(u)
		if err != nil {
			continue // on another host: it has to be named by its own URL
		}
		list, err := root.Collections(ctx)
		if err != nil {
			return nil, taxii.Collection{}, err
		}
		for _, info := range list {
			names = append(names, cmp.Or(info.Alias, info.ID))
			if name == "" && usable(info) || name != "" && (info.ID == name || info.Alias == name || info.Title == name) {
				found, infos = append(found, root), append(infos, info)
			}
		}
	}
	switch {
	case len(found) == 1:
		r.rootURL = found[0].URL()
		return found[0].Collection(infos[0].ID), infos[0], nil
	case len(found) > 1:
		return nil, taxii.Collection{}, usagef("more than one collection: say which with --collection: %s", strings.Join(names, ", "))
	case name != "":
		return nil, taxii.Collection{}, nof("%s has no collection %s; this account sees: %s", url, name, cmp.Or(strings.Join(names, ", "), "none"))
	}
	return nil, taxii.Collection{}, nof("%s has no collection that this account may use so; it sees: %s", url, cmp.Or(strings.Join(names, ", "), "none"))
}

// plural writes a number and its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
