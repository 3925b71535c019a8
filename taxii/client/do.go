package client

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"entente/taxii"
)

// A Busy error says that the server asks to come back later than Limits
// allows to wait. It is wrapped in a *taxii.Error.
type Busy struct{ After time.Duration }

func (b *Busy) Error() string { return fmt.Sprintf("the server asks to wait %s", b.After) }

// A request is one HTTP request that may have to be sent several times.
type request struct {
	method string
	url    *url.URL
	body   string // of a POST
}

// A response is a complete, bounded 2xx answer.
type response struct {
	status int
	header http.Header
	body   string
}

// do sends r until an answer comes that is worth having: network failures,
// 429, 502, 503 and 504 are tried again, with back-off or as Retry-After says.
// Reading twice does no harm, and neither does adding twice (TAXII 2.1, section
// 5.5); a DELETE is repeated only if the server said that it did nothing.
func (c *Client) do(ctx context.Context, r request) (*response, error) {
	name := r.method + " " + displayURL(r.url)
	for attempt := 1; ; attempt++ {
		resp, wait, err := c.once(ctx, r)
		if err == nil {
			return resp, nil
		}
		err = fmt.Errorf("%s: %w", name, err)
		if ctx.Err() != nil || attempt >= c.c.Limits.Attempts || wait < 0 {
			return nil, err
		}
		if wait == 0 {
			wait = min(c.c.Limits.Backoff<<(attempt-1), c.c.Limits.RetryAfter)
		}
		wait += time.Duration(c.c.Rand() * float64(wait) / 4)
		if err := c.c.Sleep(ctx, wait); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
}

// once sends r one time. wait says how long to wait before the next try: 0 for
// the usual back-off, negative if there is to be none.
func (c *Client) once(ctx context.Context, r request) (resp *response, wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.c.Limits.Request)
	defer cancel()
	var body io.Reader
	if r.body != "" {
		body = strings.NewReader(r.body) // sets Content-Length: some servers want it
	}
	hr, err := http.NewRequestWithContext(ctx, r.method, r.url.String(), body)
	if err != nil {
		return nil, -1, err
	}
	hr.Header.Set("Accept", taxii.MediaType)
	hr.Header.Set("User-Agent", c.c.UserAgent)
	if body != nil {
		hr.Header.Set("Content-Type", taxii.MediaType)
	}
	c.c.Auth.apply(hr)
	res, err := c.http.Do(hr)
	if err != nil {
		return nil, retryable(r.method, err), unwrapURL(err)
	}
	defer res.Body.Close()
	text, err := readBounded(res.Body, c.c.Limits.Body)
	if res.StatusCode >= 300 {
		wait, after := c.afterFailure(r.method, res)
		return nil, wait, readError(res, text, after)
	}
	if err != nil {
		return nil, retryable(r.method, err), fmt.Errorf("answer %d: %w", res.StatusCode, err)
	}
	return &response{res.StatusCode, res.Header, text}, 0, nil
}

// errTooLarge: an answer is larger than Limits.Body.
var errTooLarge = errors.New("answer too large")

func readBounded(r io.Reader, limit int64) (string, error) {
	var b strings.Builder
	n, err := io.Copy(&b, io.LimitReader(r, limit+1))
	if n > limit {
		return "", fmt.Errorf("%w: more than %d bytes after decompression", errTooLarge, limit)
	}
	return b.String(), err
}

// retryable gives the wait after a failure without an answer.
func retryable(method string, err error) time.Duration {
	var cert *tls.CertificateVerificationError
	var redirect *RedirectError
	switch {
	case method == http.MethodDelete,
		errors.As(err, &cert), errors.As(err, &redirect),
		errors.Is(err, errPin), errors.Is(err, errTooLarge):
		return -1
	}
	return 0
}

// unwrapURL removes the *url.Error around err: it would repeat method and URL,
// query and all.
func unwrapURL(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

// afterFailure gives the wait before the next try, and what the server asked
// for if that is more than we wait.
func (c *Client) afterFailure(method string, res *http.Response) (wait time.Duration, busy error) {
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		if method == http.MethodDelete {
			return -1, nil
		}
	default:
		return -1, nil
	}
	asked := retryAfter(res.Header.Get("Retry-After"), c.c.Now())
	if asked > c.c.Limits.RetryAfter {
		return -1, &Busy{After: asked}
	}
	return asked, nil
}

// retryAfter reads seconds or an HTTP date; anything else is 0.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32); err == nil {
		return time.Duration(max(n, 0)) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil {
		return max(t.Sub(now), 0)
	}
	return 0
}

// readError makes an Error of an answer that is no success. The body may be an
// error message, something else, or nothing (TAXII 2.1, section 3.6.1).
func readError(res *http.Response, body string, cause error) *taxii.Error {
	e := &taxii.Error{Status: res.StatusCode, Title: http.StatusText(res.StatusCode), Err: cause}
	if e.Title == "" {
		e.Title = "unknown status"
	}
	var m struct {
		Title       string `json:"title"`
		Description string `json:"description"`
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if json.Unmarshal([]byte(body), &m) == nil && m.Title != "" {
		e.Title, e.Description = printable(m.Title), printable(m.Description)
	} else if body != "" && kind != "" {
		e.Description = "the answer is " + printable(kind) + ", not a TAXII error message"
	}
	if res.StatusCode < 400 && e.Description == "" {
		e.Description = "redirect without a place to go"
	}
	return e
}

// printable makes a server's text safe to show: control characters become
// spaces, and it is cut after 500 bytes.
func printable(s string) string {
	if len(s) > 500 {
		s = s[:500] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == utf8.RuneError ||
			r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, s)
}

// displayURL is u as it may stand in an error: long queries cut.
func displayURL(u *url.URL) string {
	s := u.String()
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return s
}

// checkType refuses bodies that are certainly not TAXII 2.1. Parameters are
// free, and application/json is common enough to be let through.
func checkType(r *response) error {
	ct := r.header.Get("Content-Type")
	if ct == "" {
		return nil
	}
	kind, params, err := mime.ParseMediaType(ct)
	switch {
	case err != nil && kind == "":
		return fmt.Errorf("content type %q: %w", printable(ct), err)
	case kind == "application/taxii+json" && (params["version"] == "" || params["version"] == "2.1"), kind == "application/json":
		return nil
	case strings.HasPrefix(kind, "application/vnd.oasis."), kind == "application/taxii+json":
		return fmt.Errorf("the server speaks another TAXII version: content type %q", printable(ct))
	}
	return fmt.Errorf("the answer is %q, not TAXII: is this the URL of a TAXII server?", printable(ct))
}

// getJSON fetches u into v; unknown properties are ignored (section 7.1.1).
func (c *Client) getJSON(ctx context.Context, u *url.URL, v any) (*response, error) {
	resp, err := c.do(ctx, request{method: http.MethodGet, url: u})
	if err != nil {
		return nil, err
	}
	if err := checkType(resp); err != nil {
		return nil, fmt.Errorf("GET %s: %w", displayURL(u), err)
	}
	if err := json.Unmarshal([]byte(resp.body), v); err != nil {
		return nil, fmt.Errorf("GET %s: answer: %w", displayURL(u), err)
	}
	return resp, nil
}
