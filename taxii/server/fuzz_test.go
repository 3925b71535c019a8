package server

import (
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"entente/taxii"
)

// FuzzRequest: whatever a client that is logged in sends, the answer is a TAXII
// resource and never the server's fault.
func FuzzRequest(f *testing.F) {
	s, _ := authServer(f)
	h := s.Handler()
	for _, seed := range []struct{ method, path, query, contentType, body string }{
		{"GET", "/taxii2/", "", "", ""},
		{"GET", objectsA, "limit=1&match[type]=indicator", "", ""},
		{"POST", objectsA, "", taxii.MediaType, `{"objects":[{"type":"indicator"},7]}`},
		{"DELETE", objectsA + "indicator--a7e1d5c0-61f0-4c83-8e0f-7d1f1f3c1a01/", "match[version]=all", "", ""},
		{"GET", "/api1/collections/" + collA + "/objects/x--y/versions/", "next=AQ", "", ""},
		{"GET", "//api1/../%2e%2e/status/a/b/", "", "", ""},
		{"PATCH", "/api1/collections/indicators/manifest", "", "", ""},
	} {
		f.Add(seed.method, seed.path, seed.query, seed.contentType, seed.body)
	}
	f.Fuzz(func(t *testing.T, method, path, query, contentType, body string) {
		switch method {
		case "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH":
		default:
			method = "GET"
		}
		r := httptest.NewRequest(method, "/", io.NopCloser(strings.NewReader(body)))
		r.URL = &url.URL{Path: "/" + path, RawPath: path, RawQuery: query}
		r.SetBasicAuth("rw", "rw")
		r.Header["Content-Type"] = []string{contentType}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code < 200 || w.Code >= 300 && w.Code < 400 {
			t.Errorf("%s %q ? %q = %d %s", method, path, query, w.Code, w.Body)
		}
		if got := w.Header().Get("Content-Type"); got != taxii.MediaType && w.Code != 204 {
			t.Errorf("%s %q = %d with Content-Type %q", method, path, w.Code, got)
		}
		if w.Code >= 400 && method != "HEAD" && !strings.Contains(w.Body.String(), `"http_status"`) {
			t.Errorf("%s %q = %d %q", method, path, w.Code, w.Body)
		}
	})
}
