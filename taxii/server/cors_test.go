package server

import (
	"net/http"
	"strings"
	"testing"
)

// TestOrigins holds T-H-09: web pages of the origins in the configuration may
// call the server, others not; by default none.
func TestOrigins(t *testing.T) {
	const page = "https://console.example.com"
	s := newSite(t, func(c *Config) { c.Origins = []string{page} })
	none := newSite(t)
	for _, method := range []string{"GET", "OPTIONS", "POST"} {
		for _, tc := range []struct {
			site         *site
			origin, want string
		}{
			{s, page, page}, {s, "https://console.example.com.evil.example", ""}, {s, "null", ""}, {s, page + ":444", ""}, {none, page, ""},
		} {
			a := tc.site.do("", method, objectsA, "", "Origin: "+tc.origin)
			if got := a.Header.Get("Access-Control-Allow-Origin"); got != tc.want || a.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s from %s: allowed %q, want %q", method, tc.origin, got, tc.want)
			}
			if method != "OPTIONS" && (a.StatusCode != http.StatusUnauthorized || strings.Contains(a.Header.Get("Vary"), "Origin") != (tc.site == s)) {
				t.Errorf("%s from %s: %d, Vary %q", method, tc.origin, a.StatusCode, a.Header.Get("Vary"))
			}
		}
	}
	a := s.do("", "OPTIONS", objectsA, "", "Origin: "+page, "Access-Control-Request-Method: POST")
	if m, h := a.Header.Get("Access-Control-Allow-Methods"), a.Header.Get("Access-Control-Allow-Headers"); a.StatusCode != 204 ||
		!strings.Contains(m, "POST") || !strings.Contains(h, "Authorization") || !strings.Contains(h, "Content-Type") {
		t.Errorf("preflight: %d, methods %q, headers %q", a.StatusCode, m, h)
	}
	if a := s.get("/api1/", "Origin: "+page); a.StatusCode != 200 || !strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), "X-TAXII-Date-Added-Last") {
		t.Errorf("GET: %d, %v", a.StatusCode, a.Header)
	}
}
