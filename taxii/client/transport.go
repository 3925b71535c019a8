package client

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// TLS says whom to trust and who we are. The zero TLS trusts the system's
// authorities and shows no certificate. TLS 1.2 is the oldest version spoken.
type TLS struct {
	CAFile            string   // PEM; if set, only these authorities are trusted
	CertFile, KeyFile string   // PEM; the client certificate, both or neither
	Pins              []string // hex SHA-256 of the server's public key (SPKI); if any, one must match, besides the usual checks
}

// cipherSuites are the TLS 1.2 suites that RFC 7540, appendix A leaves
// (TAXII 2.1, section 8.5.1).
var cipherSuites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// Config is t for net/http.
func (t *TLS) Config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: cipherSuites}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("certificate authorities: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificate authorities: %s holds no PEM certificate", t.CAFile)
		}
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return nil, errors.New("client certificate: give both the certificate and its key")
	}
	if t.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{cert}
	}
	if len(t.Pins) > 0 {
		pins := make(map[string]bool)
		for _, p := range t.Pins {
			p = strings.ToLower(strings.ReplaceAll(p, ":", ""))
			if raw, err := hex.DecodeString(p); err != nil || len(raw) != sha256.Size {
				return nil, fmt.Errorf("pin %q: want 64 hex digits", p)
			}
			pins[p] = true
		}
		c.VerifyConnection = func(s tls.ConnectionState) error { return checkPin(s, pins) }
	}
	return c, nil
}

// errPin: the server's key is none of the pinned ones.
var errPin = errors.New("the server's public key is not among the pinned ones")

func checkPin(s tls.ConnectionState, pins map[string]bool) error {
	if len(s.PeerCertificates) > 0 {
		sum := sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo)
		if pins[hex.EncodeToString(sum[:])] {
			return nil
		}
	}
	return errPin
}

func newTransport(c *Config) (*http.Transport, error) {
	conf, err := c.TLS.Config()
	if err != nil {
		return nil, err
	}
	dial := &net.Dialer{Timeout: 15 * time.Second}
	return &http.Transport{
		Proxy:                  c.Proxy,
		DialContext:            dial.DialContext,
		TLSClientConfig:        conf,
		TLSHandshakeTimeout:    15 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        90 * time.Second,
		ForceAttemptHTTP2:      true,
		ExpectContinueTimeout:  time.Second,
	}, nil
}

// A RedirectError is a redirect that was not followed.
type RedirectError struct{ To, Why string }

func (e *RedirectError) Error() string {
	return fmt.Sprintf("redirect to %s not followed: %s", e.To, e.Why)
}

// checkRedirect follows redirects on the same origin that keep the method: a
// 301 or 302 turns a POST into a GET and loses its objects.
func (c *Client) checkRedirect(r *http.Request, via []*http.Request) error {
	why := ""
	switch {
	case !sameOrigin(r.URL, c.origin):
		why = "it leads to another host, port or scheme, and credentials stay here"
	case r.Method != via[0].Method:
		why = via[0].Method + " would become " + r.Method
	case len(via) >= 5:
		why = "too many redirects"
	default:
		return nil
	}
	to := *r.URL
	to.User, to.RawQuery = nil, ""
	return &RedirectError{To: to.String(), Why: why}
}
