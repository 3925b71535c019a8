package taxiitest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"entente/taxii"
	"entente/taxii/taxiitest"
)

// A mutant is a server that is wrong in one way: it changes requests before
// our server sees them, or answers before the suite does.
type mutant struct {
	name    string
	caught  string // the case that must fail; others may
	request func(r *http.Request)
	answer  func(r *http.Request, a *httptest.ResponseRecorder)
}

func (m *mutant) wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.request != nil {
			m.request(r)
		}
		asked := r.Clone(r.Context()) // the handler may change r
		r.Header.Del("Accept-Encoding")
		a := httptest.NewRecorder()
		h.ServeHTTP(a, r)
		for k, v := range a.Result().Header { // the handler uses its own values again
			a.Header()[k] = v
		}
		if m.answer != nil {
			m.answer(asked, a)
		}
		for k, v := range a.Header() {
			if k != "Content-Length" {
				w.Header()[k] = v
			}
		}
		w.WriteHeader(a.Code)
		_, _ = w.Write(a.Body.Bytes())
	})
}

// param replaces a query parameter by what f makes of it.
func param(name string, f func(string) string) func(r *http.Request) {
	return func(r *http.Request) {
		q := r.URL.Query()
		if v := q.Get(name); v != "" {
			q.Set(name, f(v))
			r.URL.RawQuery = q.Encode()
		}
	}
}

func drop(name string) func(r *http.Request) {
	return func(r *http.Request) {
		q := r.URL.Query()
		q.Del(name)
		r.URL.RawQuery = q.Encode()
	}
}

// body changes the text of 2xx answers to GET whose path ends so.
func body(suffix string, f func(string) string) func(*http.Request, *httptest.ResponseRecorder) {
	return func(r *http.Request, a *httptest.ResponseRecorder) {
		if r.Method != http.MethodPost && a.Code < 300 && strings.HasSuffix(r.URL.Path, suffix) && a.Header().Get("Content-Encoding") == "" {
			a.Body = bytes.NewBufferString(f(a.Body.String()))
		}
	}
}

func replace(old, by string) func(string) string {
	return func(s string) string { return strings.ReplaceAll(s, old, by) }
}

// list changes the objects of an envelope or manifest.
func list(f func([]json.RawMessage) []json.RawMessage) func(string) string {
	return func(s string) string {
		var env map[string]json.RawMessage
		var items []json.RawMessage
		if json.Unmarshal([]byte(s), &env) != nil || json.Unmarshal(env["objects"], &items) != nil {
			return s
		}
		items = f(items)
		parts := make([]string, len(items))
		for i := range items {
			parts[i] = string(items[i])
		}
		env["objects"] = json.RawMessage("[" + strings.Join(parts, ",") + "]")
		out := `{"objects":` + string(env["objects"])
		for _, k := range []string{"more", "next"} {
			if env[k] != nil {
				out += `,"` + k + `":` + string(env[k])
			}
		}
		return out + "}"
	}
}

func status(method string, from, to int) func(*http.Request, *httptest.ResponseRecorder) {
	return func(r *http.Request, a *httptest.ResponseRecorder) {
		if (method == "" || r.Method == method) && a.Code == from {
			a.Code = to
		}
	}
}

func header(name string, f func(string) string) func(*http.Request, *httptest.ResponseRecorder) {
	return func(r *http.Request, a *httptest.ResponseRecorder) {
		for k, v := range a.Header() {
			if strings.EqualFold(k, name) {
				if s := f(v[0]); s != "" {
					a.Header()[k] = []string{s}
				} else {
					delete(a.Header(), k)
				}
			}
		}
	}
}

func gone(string) string { return "" }

var micro = regexp.MustCompile(`\.(\d{3})\d{3}Z`)

func toMillis(s string) string { return micro.ReplaceAllString(s, ".${1}000Z") }

var mutants = []mutant{
	{name: "content type with a space", caught: "T-3.1-04", answer: header("Content-Type", replace(";version", "; version"))},
	{name: "errors as application/json", caught: "T-3.1-04", answer: func(r *http.Request, a *httptest.ResponseRecorder) {
		if a.Code >= 400 {
			a.Header().Set("Content-Type", "application/json")
		}
	}},
	{name: "no Date-Added-First", caught: "T-3.2-01", answer: header(taxii.HeaderAddedFirst, gone)},
	{name: "no Date-Added-Last", caught: "T-3.2-02", answer: header(taxii.HeaderAddedLast, gone)},
	{name: "undefined as Date-Added-Last", caught: "T-3.2-05", answer: header(taxii.HeaderAddedLast, func(string) string { return "undefined" })},
	{name: "milliseconds in the headers", caught: "T-3.5-06", answer: header(taxii.HeaderAddedLast, toMillis)},
	{name: "milliseconds in the manifest", caught: "T-3.5-06", answer: body("/manifest/", toMillis)},
	{name: "date headers on a collection", caught: "T-3.2-04", answer: func(r *http.Request, a *httptest.ResponseRecorder) {
		if strings.Count(r.URL.Path, "/") == 4 {
			a.Header()[taxii.HeaderAddedFirst] = []string{"2024-01-01T00:00:00.000000Z"}
		}
	}},
	{name: "limit off by one", caught: "T-3.4-12", request: param("limit", func(s string) string {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return s
		}
		return fmt.Sprint(n + 1)
	})},
	{name: "limit ignored", caught: "T-3.4-12", request: drop("limit")},
	{name: "added_after inclusive", caught: "T-3.4-05", request: param("added_after", func(s string) string {
		if !micro.MatchString(s) || strings.HasPrefix(s, "2016") {
			return s
		}
		t, _ := time.Parse(time.RFC3339Nano, s)
		return t.Add(-time.Microsecond).Format("2006-01-02T15:04:05.000000Z")
	})},
	{name: "added_after in milliseconds", caught: "T-3.5-06", request: param("added_after", toMillis)},
	{name: "match[type] ignored", caught: "T-3.4-16", request: drop("match[type]")},
	{name: "match[version] ignored", caught: "T-3.4.1-10", request: drop("match[version]")},
	{name: "match[spec_version] ignored", caught: "T-3.4-16", request: drop("match[spec_version]")},
	{name: "only the first of several types", caught: "T-3.4-18", request: param("match[type]", func(s string) string { s, _, _ = strings.Cut(s, ","); return s })},
	{name: "first repeated filter wins", caught: "T-3.4-03", request: func(r *http.Request) {
		q := r.URL.Query()
		for k := range q {
			q.Set(k, q.Get(k))
		}
		r.URL.RawQuery = q.Encode()
	}},
	{name: "a garbled next is the first page", caught: "T-3.5-11", request: param("next", func(s string) string {
		if len(s) < 40 {
			return ""
		}
		return s
	})},
	{name: "next is ignored", caught: "T-3.5-01", request: drop("next")},
	{name: "empty list instead of none", caught: "T-2-04", answer: body("/objects/", func(s string) string {
		if s == "{}" || s == `{"more":false}` {
			return `{"objects":[]}`
		}
		return s
	})},
	{name: "next on the last page", caught: "T-3.5-03", answer: body("/objects/", func(s string) string {
		if strings.Contains(s, `"next"`) || !strings.Contains(s, `"objects"`) {
			return s
		}
		return s[:len(s)-1] + `,"next":"abc"}`
	})},
	{name: "more without next", caught: "T-3.5-02", answer: body("/manifest/", func(s string) string { return regexp.MustCompile(`,"next":"[^"]*"`).ReplaceAllString(s, "") })},
	{name: "more as text", caught: "T-2-01", answer: body("/objects/", replace(`"more":true`, `"more":"true"`))},
	{name: "an object twice on a page", caught: "T-3.3-01", answer: body("/objects/", list(func(o []json.RawMessage) []json.RawMessage { return append(o, o[len(o)-1]) }))},
	{name: "an object lost", caught: "T-3.4-02", answer: body("/objects/", list(func(o []json.RawMessage) []json.RawMessage {
		if len(o) > 4 {
			return append(o[:3:3], o[4:]...)
		}
		return o
	}))},
	{name: "newest first", caught: "T-3.3-01", answer: body("/objects/", list(func(o []json.RawMessage) []json.RawMessage {
		r := make([]json.RawMessage, len(o))
		for i := range o {
			r[len(o)-1-i] = o[i]
		}
		return r
	}))},
	{name: "numbers re-encoded", caught: "T-3.7-05", answer: body("/", replace("1.10", "1.1"))},
	{name: "timestamps cut", caught: "T-3.7-05", answer: body("/", replace("123456789Z", "123Z"))},
	{name: "a bundle instead of an envelope", caught: "T-3.7-01", answer: body("/", func(s string) string {
		if strings.HasPrefix(s, `{"objects":[{"type"`) {
			return `{"type":"bundle",` + s[1:]
		}
		return s
	})},
	{name: "201 for POST", caught: "T-5.5-01", answer: status("POST", 202, 201)},
	{name: "301 on POST", caught: "T-5.5-01", answer: func(r *http.Request, a *httptest.ResponseRecorder) {
		if r.Method == http.MethodPost {
			a.Code = 301
			a.Header().Set("Location", r.URL.Path)
		}
	}},
	{name: "http_status as a number", caught: "T-3.6.1-02", answer: func(r *http.Request, a *httptest.ResponseRecorder) {
		a.Body = bytes.NewBufferString(regexp.MustCompile(`"http_status":"(\d+)"`).ReplaceAllString(a.Body.String(), `"http_status":$1`))
	}},
	{name: "no title in errors", caught: "T-3.6.1-01", answer: func(r *http.Request, a *httptest.ResponseRecorder) {
		a.Body = bytes.NewBufferString(strings.Replace(a.Body.String(), `{"title":`, `{"message":`, 1))
	}},
	{name: "401 without a challenge", caught: "T-1.6.9-01", answer: header("WWW-Authenticate", gone)},
	{name: "404 becomes an empty 200", caught: "T-5.6-04", answer: func(r *http.Request, a *httptest.ResponseRecorder) {
		if a.Code == 404 && r.Method == http.MethodGet {
			a.Code, a.Body = 200, bytes.NewBufferString("{}")
		}
	}},
	{name: "hidden is 403", caught: "T-3.6.1-04", answer: func(r *http.Request, a *httptest.ResponseRecorder) {
		if a.Code == 404 && strings.HasSuffix(r.Header.Get("Authorization"), "-out") && strings.Contains(r.URL.Path, collection) {
			a.Code = 403
		}
	}},
	{name: "406 for Accept without a version", caught: "T-ACC-02", answer: func(r *http.Request, a *httptest.ResponseRecorder) {
		if r.Header.Get("Accept") == "application/taxii+json" {
			a.Code, a.Body = 406, bytes.NewBufferString(`{"title":"no"}`)
		}
	}},
	{name: "the version-less Content-Type is 415", caught: "T-CTY-02", request: func(r *http.Request) {
		if r.Header.Get("Content-Type") == "application/taxii+json" {
			r.Header.Set("Content-Type", "text/plain")
		}
	}},
	{name: "DELETE of the last version only", caught: "T-5.7-08", request: func(r *http.Request) {
		if r.Method == http.MethodDelete && r.URL.RawQuery == "" {
			r.URL.RawQuery = "match[version]=last"
		}
	}},
	{name: "DELETE does nothing", caught: "T-5.7-01", request: func(r *http.Request) {
		if r.Method == http.MethodDelete {
			r.Method = http.MethodGet
		}
	}},
	{name: "DELETE answers with a body", caught: "T-5.7-01", answer: func(r *http.Request, a *httptest.ResponseRecorder) {
		if r.Method == http.MethodDelete && a.Code == 200 {
			a.Body = bytes.NewBufferString("{}")
		}
	}},
	{name: "counts that do not add up", caught: "T-4.3.1-03", answer: func(r *http.Request, a *httptest.ResponseRecorder) {
		a.Body = bytes.NewBufferString(strings.Replace(a.Body.String(), `"total_count":`, `"total_count":1`, 1))
	}},
	{name: "a status of another name", caught: "T-4.3.1-01", answer: func(r *http.Request, a *httptest.ResponseRecorder) {
		a.Body = bytes.NewBufferString(strings.Replace(a.Body.String(), `"status":"complete"`, `"status":"success"`, 1))
	}},
	{name: "bad objects are dropped in silence", caught: "T-5.5-11", request: func(r *http.Request) {
		if r.Method == http.MethodPost {
			b, _ := io.ReadAll(r.Body)
			s := strings.Replace(string(b), `{"type":"indicator","id":"indicator--123"}`, `{"type":"domain-name","id":"domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7","value":"example.com"}`, 1)
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(s)), int64(len(s))
		}
	}},
	{name: "a property of its own", caught: "T-3.8-01", answer: body("/taxii2/", replace(`{"title"`, `{"name":"x","title"`))},
	{name: "null rights", caught: "T-2-01", answer: body("/collections/", replace(`"can_write":false`, `"can_write":null`))},
	{name: "versions newest first", caught: "T-3.3-03", answer: body("/versions/", func(s string) string {
		m := regexp.MustCompile(`"versions":\["([^"]*)","([^"]*)","([^"]*)"\]`)
		return m.ReplaceAllString(s, `"versions":["$3","$2","$1"]`)
	})},
	{name: "the doubled path is 404 without its slash", caught: "T-3.1-01", request: func(r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/") {
			r.URL.Path += "x"
		}
	}},
}

// TestMutants: the suite notices each of them.
func TestMutants(t *testing.T) {
	if len(mutants) < 40 {
		t.Fatalf("%d mutants", len(mutants))
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			srv := httptest.NewServer(m.wrap(newServer(t)))
			defer srv.Close()
			c := config(srv.URL)
			c.Sleep = func(context.Context, time.Duration) error { return errors.New("no patience") }
			// The case, and some that show the audit each kind of answer.
			c.Only = []string{m.caught, "T-8.2.1-01", "T-3.5-01", "T-5.6-04", "T-5.1-02", "T-5.1.1-02", "T-5.5-09", "T-3.7-02"}
			report, err := taxiitest.Run(t.Context(), c)
			if err != nil {
				t.Fatalf("the suite did not run: %v", err)
			}
			var failed []string
			for _, r := range report.Results {
				if r.Verdict == taxiitest.Fail {
					failed = append(failed, r.ID)
					if r.ID == m.caught {
						return
					}
				}
			}
			t.Errorf("%s passed; failed were %v", m.caught, failed)
		})
	}
}
