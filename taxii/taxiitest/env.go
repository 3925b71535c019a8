package taxiitest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"entente/taxii"
)

// An Env is what a case works with.
type Env struct {
	c      *Config
	server *url.URL // scheme and host
	root   string   // path of the API root, "/api1/"
	coll   string   // path of the collection, "/api1/collections/<id>/"
	id     string   // of the collection
	http   *http.Client

	fix    *fixture // made by the first case that needs it
	fixErr error
	made   map[string]bool // ids to delete at the end
	audit  audit
}

// A request is one HTTP request. The zero values mean GET, as RW, with the
// Accept and Content-Type that the standard wants.
type request struct {
	method string
	path   string // of the server, escaped; with the query
	as     Role
	header []string // "Name: value"; "Name:" leaves a standard one out
	body   string
	noType bool // the answer is to a request that is not TAXII: audit less
}

// An answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	req    request
}

func (a *answer) String() string {
	return fmt.Sprintf("%s %s as %s: %d", a.req.method, shorten(a.req.path, 160), a.req.as, a.status)
}

func shorten(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

// at is a path below the collection.
func (e *Env) at(rest string) string { return e.coll + rest }

// maxAnswer bounds one answer.
const maxAnswer = 256 << 20

// do sends r and gives its answer to the audit.
func (e *Env) do(ctx context.Context, r request) (*answer, error) {
	if r.method == "" {
		r.method = http.MethodGet
	}
	if r.as == "" {
		r.as = RW
	}
	u := e.server.Scheme + "://" + e.server.Host + r.path
	var body io.Reader
	if r.body != "" {
		body = strings.NewReader(r.body)
	}
	hr, err := http.NewRequestWithContext(ctx, r.method, u, body)
	if err != nil {
		return nil, err
	}
	hr.Header.Set("Accept", taxii.MediaType)
	hr.Header.Set("User-Agent", "entente-conform/1.0")
	if r.method == http.MethodPost {
		hr.Header.Set("Content-Type", taxii.MediaType)
	}
	if err := e.authorize(hr, r.as); err != nil {
		return nil, err
	}
	replaced := map[string]bool{}
	for _, h := range r.header {
		name, value, _ := strings.Cut(h, ":")
		if !replaced[name] {
			hr.Header.Del(name)
			replaced[name] = true
		}
		if value = strings.TrimSpace(value); value != "" {
			hr.Header.Add(name, value)
		} else if name == "User-Agent" {
			hr.Header["User-Agent"] = []string{""}
		}
	}
	res, err := e.http.Do(hr)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.method, shorten(r.path, 160), err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.method, shorten(r.path, 160), err)
	}
	a := &answer{status: res.StatusCode, header: res.Header, body: string(b), req: r}
	e.audit.see(e, a)
	return a, nil
}

func (e *Env) authorize(hr *http.Request, as Role) error {
	login, ok := e.c.Logins[as]
	switch {
	case as == Anon:
		return nil
	case as == Bad:
		login = e.c.Logins[RW]
		if login.Bearer != "" {
			login.Bearer += "x"
		}
		login.Password += "x"
	case !ok:
		return skip("no credentials for role %s", as)
	}
	if login.Bearer != "" {
		hr.Header.Set("Authorization", "Bearer "+login.Bearer)
	} else {
		hr.SetBasicAuth(login.User, login.Password)
	}
	return nil
}

// get is do for a path below the collection, as RW.
func (e *Env) get(ctx context.Context, rest string, header ...string) (*answer, error) {
	return e.do(ctx, request{path: e.at(rest), header: header})
}

// want gets a path below the collection and checks the status.
func (e *Env) want(ctx context.Context, status int, rest string, header ...string) (*answer, error) {
	a, err := e.get(ctx, rest, header...)
	if err != nil {
		return nil, err
	}
	return a, a.want(status)
}

// want checks the status; an error status must come with an error message. A
// server may answer 429 instead of 401 once it has seen many wrong passwords.
func (a *answer) want(statuses ...int) error {
	if a.req.as == Bad && a.status == http.StatusTooManyRequests && slices.Contains(statuses, http.StatusUnauthorized) {
		return a.isError()
	}
	for _, s := range statuses {
		if a.status == s {
			if s >= 400 {
				return a.isError()
			}
			return nil
		}
	}
	return fmt.Errorf("%s, want %v", a, statuses)
}

// isError checks that the body is an error message (section 3.6.1).
func (a *answer) isError() error {
	if a.req.method == http.MethodHead {
		return nil
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		return fmt.Errorf("%s: the body is no error message: %.80q", a, a.body)
	}
	if t, ok := m["title"].(string); !ok || t == "" {
		return fmt.Errorf("%s: the error message has no title", a)
	}
	return nil
}

// decode reads the body into v.
func (a *answer) decode(v any) error {
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		return fmt.Errorf("%s: %w", a, err)
	}
	return nil
}

// raw sends text as it is on a new connection and reads one answer. wire holds
// the first octets of the answer as they came.
func (e *Env) raw(ctx context.Context, text string) (a *answer, wire string, err error) {
	host := e.server.Host
	if e.server.Port() == "" {
		host = net.JoinHostPort(e.server.Hostname(), map[string]string{"https": "443", "http": "80"}[e.server.Scheme])
	}
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, "", err
	}
	defer conn.Close()
	if e.server.Scheme == "https" {
		conf := &tls.Config{ServerName: e.server.Hostname()}
		if t, ok := e.http.Transport.(*http.Transport); ok && t.TLSClientConfig != nil {
			conf = t.TLSClientConfig.Clone()
			conf.ServerName = e.server.Hostname()
		}
		conf.NextProtos = []string{"http/1.1"}
		conn = tls.Client(conn, conf)
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, "", err
		}
	}
	if _, err := io.WriteString(conn, text); err != nil {
		return nil, "", err
	}
	var seen bytes.Buffer
	method, _, _ := strings.Cut(text, " ")
	in := bufio.NewReader(io.TeeReader(conn, &seen))
	res, err := http.ReadResponse(in, &http.Request{Method: method})
	for err == nil && res.StatusCode < 200 {
		res, err = http.ReadResponse(in, &http.Request{Method: method})
	}
	if err != nil {
		return nil, "", fmt.Errorf("raw %.60q: %w", text, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, "", err
	}
	line, _, _ := strings.Cut(text, "\r\n")
	return &answer{status: res.StatusCode, header: res.Header, body: string(b), req: request{method: method, path: line}}, seen.String(), nil
}

// rawGet is the text of a GET with exactly these header lines besides Host and
// Authorization.
func (e *Env) rawGet(path string, lines ...string) string {
	hr, _ := http.NewRequest(http.MethodGet, "http://x/", nil)
	_ = e.authorize(hr, RW) // RW is always there
	text := "GET " + path + " HTTP/1.1\r\nHost: " + e.server.Host + "\r\nAuthorization: " + hr.Header.Get("Authorization") + "\r\nConnection: close\r\n"
	for _, l := range lines {
		text += l + "\r\n"
	}
	return text + "\r\n"
}
