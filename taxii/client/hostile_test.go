package client_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entente/taxii/client"
)

func TestRedirects(t *testing.T) {
	other := newMock(t, func(w http.ResponseWriter, r *http.Request) { answer(w, 200, `{"title":"evil"}`) })
	for _, tc := range []struct {
		name, to string
		code     int
		method   string
		want     string // "" means followed
	}{
		{"same host", "/moved/", 302, "GET", ""},
		{"another port", other.URL + "/taxii2/", 301, "GET", "another host"},
		{"another scheme", "https://127.0.0.1/", 307, "GET", "another host"},
		{"POST by 301", "/moved/", 301, "POST", "POST would become GET"},
		{"POST by 307", "/moved/", 307, "POST", ""},
		{"POST by 308", "/moved/", 308, "POST", ""},
		{"POST elsewhere by 308", other.URL + "/", 308, "POST", "another host"},
		{"round and round", "", 302, "GET", "too many"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var body string
			m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/moved/" && r.Method == tc.method {
					if r.Header.Get("Authorization") == "" {
						t.Error("credentials lost on the way")
					}
					b, _ := io.ReadAll(r.Body)
					body = string(b)
					answer(w, 200, `{"title":"x","id":"s","status":"complete","total_count":1,"success_count":1}`)
					return
				}
				if r.Method != tc.method {
					answer(w, 200, `{"title":"x"}`)
					return
				}
				to := tc.to
				if to == "" {
					to = r.URL.Path
				}
				w.Header().Set("Location", to)
				answer(w, tc.code, "")
			})
			var err error
			if tc.method == "POST" {
				_, err = m.collection(t).Add(t.Context(), objects(t, 1))
			} else {
				_, err = m.client(t).Discovery(t.Context())
			}
			var re *client.RedirectError
			if tc.want == "" && (err != nil || tc.method == "POST" && !strings.Contains(body, `"objects"`)) {
				t.Errorf("error %v, body %q", err, body)
			}
			if tc.want != "" && (!errors.As(err, &re) || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q in it", err, tc.want)
			}
		})
	}
	if len(other.seen) != 0 {
		t.Errorf("the other host was asked: %v", other.requests())
	}
}

// C-4-1-02, C-4.1-03.
func TestDiscoveryRoots(t *testing.T) {
	for _, root := range []string{
		"http://evil.example/api/", "//evil.example/api/", "../api/", "api/", "/../x/", "/a/%2e%2e/b/", "https://h/a/?q=1", "https://u:p@h/a/",
		"ftp://h/a/", `/\evil.example/`, "javascript:alert(1)", "https://h/a/#f",
	} {
		m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
			answer(w, 200, fmt.Sprintf(`{"title":"x","api_roots":["/ok/",%q]}`, root))
		})
		if d, err := m.client(t).Discovery(t.Context()); err == nil {
			t.Errorf("%s: accepted as %v", root, d.APIRoots)
		}
	}
	m := newMock(t, func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"title":"x","default":"/api2","api_roots":["/api2","https://other.example/api1"]}`)
	})
	c := m.client(t)
	d, err := c.Discovery(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := m.URL + "/api2/"; d.Default != want || d.APIRoots[0] != want || d.APIRoots[1] != "https://other.example/api1/" {
		t.Errorf("discovery = %+v", d)
	}
	if _, err := c.Root(d.APIRoots[0]); err != nil {
		t.Error(err)
	}
	if _, err := c.Root(d.APIRoots[1]); err == nil || !strings.Contains(err.Error(), "of its own") {
		t.Errorf("a root on another host: %v", err)
	}
}

func TestLocate(t *testing.T) {
	for in, want := range map[string]client.Place{
		"https://h":                                {Discovery: "https://h/taxii2/"},
		"https://h:8443/taxii2":                    {Discovery: "https://h:8443/taxii2/"},
		"https://h/api1":                           {Discovery: "https://h/taxii2/", Root: "https://h/api1/"},
		"https://h/api1/collections/":              {Discovery: "https://h/taxii2/", Root: "https://h/api1/"},
		"https://h/a/b/collections/c%20d/objects/": {Discovery: "https://h/taxii2/", Root: "https://h/a/b/", Collection: "c d"},
	} {
		if got, err := client.Locate(in); err != nil || got != want {
			t.Errorf("Locate(%s) = %+v, %v; want %+v", in, got, err, want)
		}
	}
}

type resolver map[string][]*net.SRV

func (r resolver) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	return "", r["_"+service+"._"+proto+"."+name], nil
}

// C-3.9-01.
func TestLookupDiscovery(t *testing.T) {
	r := resolver{"_taxii2._tcp.example.com": {{Target: "hub-1.example.com.", Port: 443}, {Target: "hub-2.example.com.", Port: 8443}}}
	got, err := client.LookupDiscovery(t.Context(), r, "example.com")
	if err != nil || strings.Join(got, " ") != "https://hub-1.example.com:443/taxii2/ https://hub-2.example.com:8443/taxii2/" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := client.LookupDiscovery(t.Context(), r, "none.example"); err == nil {
		t.Error("no records: no error")
	}
}

func tlsMock(t *testing.T, change func(*tls.Config)) (*mock, string) {
	t.Helper()
	m := &mock{}
	m.Server = httptest.NewUnstartedServer(m.record(func(w http.ResponseWriter, r *http.Request) { answer(w, 200, `{"title":"x"}`) }))
	m.TLS = &tls.Config{}
	change(m.TLS)
	m.StartTLS()
	t.Cleanup(m.Server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return m, ca
}

// C-8.5.1-02, -03, C-8.5.2-01, -02.
func TestTLS(t *testing.T) {
	plain := func(*tls.Config) {}
	for _, tc := range []struct {
		name   string
		server func(*tls.Config)
		client func(c *client.Config, m *mock, ca string)
		want   string // "" means it works
	}{
		{"known authority", plain, func(c *client.Config, m *mock, ca string) { c.TLS.CAFile = ca }, ""},
		{"unknown authority", plain, func(c *client.Config, m *mock, ca string) {}, "unknown authority"},
		{"wrong name", plain, func(c *client.Config, m *mock, ca string) {
			c.TLS.CAFile = ca
			c.URL = strings.Replace(m.URL, "127.0.0.1", "localhost", 1)
		}, "not localhost"},
		{"TLS 1.2 only", func(s *tls.Config) { s.MaxVersion = tls.VersionTLS12 }, func(c *client.Config, m *mock, ca string) { c.TLS.CAFile = ca }, ""},
		{"TLS 1.1 only", func(s *tls.Config) { s.MinVersion, s.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 },
			func(c *client.Config, m *mock, ca string) { c.TLS.CAFile = ca }, "protocol version"},
		{"CBC suites only", func(s *tls.Config) {
			s.MaxVersion, s.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}
		}, func(c *client.Config, m *mock, ca string) { c.TLS.CAFile = ca }, "handshake failure"},
		{"pinned", plain, func(c *client.Config, m *mock, ca string) {
			sum := sha256.Sum256(m.Certificate().RawSubjectPublicKeyInfo)
			c.TLS.CAFile, c.TLS.Pins = ca, []string{hex.EncodeToString(sum[:])}
		}, ""},
		{"another pin", plain, func(c *client.Config, m *mock, ca string) {
			c.TLS.CAFile, c.TLS.Pins = ca, []string{strings.Repeat("0", 64)}
		}, "not among the pinned"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, ca := tlsMock(t, tc.server)
			m.Config.ErrorLog = discard()
			_, err := m.client(t, func(c *client.Config) { tc.client(c, m, ca) }).Discovery(t.Context())
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error = %v, want %q in it", err, tc.want)
			}
			if tc.want != "" && len(m.seen) != 0 {
				t.Errorf("a request got through: %v", m.requests())
			}
		})
	}
}

// C-8.5.1-05.
func TestClientCertificate(t *testing.T) {
	m, ca := tlsMock(t, func(s *tls.Config) { s.ClientAuth = tls.RequireAnyClientCert })
	m.Config.ErrorLog = discard()
	key := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(key, keyPEM(t, m.TLS.Certificates[0].PrivateKey), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := m.client(t, func(c *client.Config) { c.URL, c.TLS.CAFile = m.URL, ca }).Discovery(t.Context())
	if err == nil {
		t.Error("no certificate, no error")
	}
	_, err = m.client(t, func(c *client.Config) {
		c.URL, c.TLS = m.URL, client.TLS{CAFile: ca, CertFile: ca, KeyFile: key}
	}).Discovery(t.Context())
	if err != nil {
		t.Error(err)
	}
}

func TestFind(t *testing.T) {
	m := newMock(t, script(reply{body: `{"collections":[
		{"id":"1","title":"a","can_read":true,"can_write":false},{"id":"2","title":"b","alias":"bee","can_read":null},
		{"id":"3","title":"twin"},{"id":"4","title":"twin"}]}`}))
	root, _ := m.client(t).Root(m.URL + "/api1/")
	for name, want := range map[string]string{"1": "1", "bee": "2", "a": "1", "twin": "", "none": "", "": ""} {
		got, err := root.Find(t.Context(), name)
		if got.ID != want || (err == nil) != (want != "") {
			t.Errorf("Find(%q) = %+v, %v", name, got, err)
		}
	}
}
