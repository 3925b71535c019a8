package wire

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entente/cmd/internal/config"
	"entente/stix/stixtest"
	"entente/store"
	"entente/taxii/server"
)

const intel = "7c4d1c2e-3f5a-4b8e-9a61-0e5d2f7b9c10"

// folder makes a configuration with TLS and loads it.
func folder(t *testing.T) *config.Config {
	t.Helper()
	dir := t.TempDir()
	hash, err := server.HashPassword("secret", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, cert, err := SelfSigned("localhost", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"key.pem": string(key), "cert.pem": string(cert),
		"accounts.yaml": "accounts:\n  - name: soc\n    password: " + hash + "\n    collections: {intel: readwrite}\n",
		"entente.yaml": fmt.Sprintf(`listen: localhost:0
operator: 127.0.0.1:0
tls: {certificate: cert.pem, key: key.pem}
store: {path: data/data.db}
accounts: accounts.yaml
discovery: {title: Hub}
api_roots: [{path: hub, title: Hub, collections: [{id: %s, alias: intel, title: Intel}]}]
`, intel),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(filepath.Join(dir, "entente.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func outside() Outside {
	return Outside{Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)}
}

// run starts an App; stop ends it and returns what Run returned.
func run(t *testing.T, c *config.Config) (app *App, client *http.Client, stop func() error) {
	t.Helper()
	app, err := New(t.Context(), c, outside())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	stop = func() error { cancel(); err := <-done; done <- err; return err }
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
		if err := app.Close(); err != nil {
			t.Error(err)
		}
	})
	return app, clientFor(t, c), stop
}

func clientFor(t *testing.T, c *config.Config) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(c.Path("cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate in cert.pem")
	}
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool}, ExpectContinueTimeout: 10 * time.Second,
	}}
}

// TestShutdown: a POST that has begun when the server is told to stop is
// finished, acknowledged and kept; a new connection is refused.
func TestShutdown(t *testing.T) {
	c := folder(t)
	app, client, stop := run(t, c)
	body := stixtest.Envelope(stixtest.Objects(5, 100))
	r, w := io.Pipe()
	req, err := http.NewRequest("POST", app.URL()+"/hub/collections/intel/objects/", r)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("soc", "secret")
	req.Header.Set("Content-Type", "application/taxii+json;version=2.1")
	req.Header.Set("Expect", "100-continue")
	answer := make(chan string, 1)
	go func() {
		resp, err := client.Do(req)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		answer <- resp.Status + " " + string(text)
	}()
	// The client sends the body when a handler asks for it: so one is running.
	if _, err := io.WriteString(w, body[:1000]); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", app.Addr().String())
		if err != nil {
			break
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("the server still takes connections")
		}
	}
	if _, err := io.WriteString(w, body[1000:]); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if got := <-answer; !strings.HasPrefix(got, "202 ") || !strings.Contains(got, `"success_count":100`) {
		t.Errorf("answer %s", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run = %v", err)
	}
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
	st, err := OpenStore(c.Path(c.Store.Path), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if stat, err := st.Stat(t.Context(), store.LogID(intel)); err != nil || stat.Entries != 100 {
		t.Errorf("Stat = %+v, %v; want 100 entries", stat, err)
	}
}

// TestReloadCertificate: after Reload new connections see the new certificate;
// a broken one leaves the old in force.
func TestReloadCertificate(t *testing.T) {
	c := folder(t)
	app, old, _ := run(t, c)
	discover := func(client *http.Client) error {
		client.CloseIdleConnections()
		resp, err := client.Get(app.URL() + "/taxii2/")
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	if err := discover(old); err != nil {
		t.Fatal(err)
	}
	key, cert, err := SelfSigned("localhost", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.Path("cert.pem"), cert, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := app.Reload(t.Context()); err == nil {
		t.Error("Reload took a certificate without its key")
	}
	if err := discover(old); err != nil {
		t.Errorf("after a failed Reload: %v", err)
	}
	if err := os.WriteFile(c.Path("key.pem"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := app.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := discover(clientFor(t, c)); err != nil {
		t.Errorf("with the new certificate: %v", err)
	}
	if err := discover(old); err == nil {
		t.Error("the old certificate is still served")
	}
}

// TestRevokedDuringStart: an account that is locked after the configuration was
// read, while the server starts, is locked.
func TestRevokedDuringStart(t *testing.T) {
	c := folder(t)
	if err := os.WriteFile(c.Path("accounts.yaml"), []byte("accounts:\n  - name: soc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	app, client, _ := run(t, c)
	req, err := http.NewRequest("GET", app.URL()+"/taxii2/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("soc", "secret")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d, want 401", resp.StatusCode)
	}
}

// TestMaxContentLength: an API root has its own, or that of all.
func TestMaxContentLength(t *testing.T) {
	c := folder(t)
	c.APIRoots = append(c.APIRoots, config.APIRoot{Path: "small", Title: "Small", MaxContentLength: 1 << 16})
	roots := serverConfig(c, "").Roots
	if roots[0].MaxContentLength != 32<<20 || roots[1].MaxContentLength != 1<<16 {
		t.Errorf("%d and %d", roots[0].MaxContentLength, roots[1].MaxContentLength)
	}
}

// TestNewFails: what New opened is closed again when something is in the way.
func TestNewFails(t *testing.T) {
	c := folder(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c.Operator = l.Addr().String()
	if _, err := New(t.Context(), c, outside()); err == nil || !strings.HasPrefix(err.Error(), "operator: ") {
		t.Fatalf("New = %v", err)
	}
	c.Operator = ""
	app, err := New(t.Context(), c, outside())
	if err != nil {
		t.Fatalf("the store was left open: %v", err)
	}
	if app.OperatorAddr() != nil {
		t.Error("there is an operator's listener")
	}
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestBackupToken: the online backup needs the token that only the owner of the
// data can read.
func TestBackupToken(t *testing.T) {
	c := folder(t)
	app, client, _ := run(t, c)
	file := TokenFile(c.Path(c.Store.Path))
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("token file: %v, %v", info, err)
	}
	token, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]int{"": 403, "guess": 403, string(bytes.TrimSpace(token)): 200} {
		req, err := http.NewRequest("POST", "http://"+app.OperatorAddr().String()+"/backup", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(TokenHeader, given)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want || err != nil || want == 200 && n < 4096 {
			t.Errorf("token %q: %d, %d bytes, %v; want %d", given, resp.StatusCode, n, err, want)
		}
	}
}
