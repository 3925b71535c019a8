package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPassword(t *testing.T) {
	hash, err := HashPassword("correct horse", rand.Reader)
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("hash %q, %v", hash, err)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct hors": false, "": false} {
		if ok, err := VerifyPassword(hash, password); ok != want || err != nil {
			t.Errorf("VerifyPassword(%q) = %v, %v, want %v", password, ok, err, want)
		}
	}
	other, err := HashPassword("correct horse", rand.Reader)
	if err != nil || other == hash {
		t.Error("two hashes of a password are the same")
	}
	for _, bad := range []string{
		"", "correct horse", "$argon2i$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg",
		strings.Replace(hash, "m=19456", "m=99999999", 1), strings.Replace(hash, "t=2", "t=0", 1), strings.Replace(hash, "v=19", "v=16", 1),
		hash[:40], hash + "$x",
	} {
		if _, err := VerifyPassword(bad, "x"); err == nil {
			t.Errorf("hash %q is taken", bad)
		}
	}
}

// authServer is a Server without connections, for the authenticator alone.
func authServer(t testing.TB, change ...func(*Config)) (*Server, *clock) {
	t.Helper()
	c := &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	conf := testConfig(t, c, new(lockedBuffer))
	for _, f := range change {
		f(&conf)
	}
	s, err := New(t.Context(), conf)
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

// login asks who sends these headers ("Name: value") from addr.
func (s *Server) login(addr string, headers ...string) (name string, status int) {
	r := httptest.NewRequest("GET", "/taxii2/", nil)
	r.RemoteAddr = addr
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	account, err := s.auth.account(r, s.c.Now())
	if err != nil {
		return "", asTAXII(err).Status
	}
	return account.Name, 200
}

func basicHeader(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestCredentials(t *testing.T) {
	latin := func(s string) string { // requests encodes so
		var b []byte
		for _, r := range s {
			b = append(b, byte(r))
		}
		return string(b)
	}
	s, _ := authServer(t, func(c *Config) {
		c.APIKeyHeader = "X-Api-Key"
		c.Accounts = testAccounts(t, func(m map[string]*Account) {
			h := phc{memory: 64, time: 1, threads: 1, salt: []byte("0123456789abcdef")}
			h.key = h.derive("päss:wörd", argonKey)
			m["other"].Password = h.text()
			m["wo"].Password = ""
			m["wo"].Tokens = [][32]byte{HashToken("sesame")}
			m["ro"].Name = "Müller"
			h.key = h.derive("ro", argonKey)
			m["ro"].Password = h.text()
		})
	})
	for _, tc := range []struct {
		name   string
		header []string
		want   string
		status int
	}{
		{"good", []string{basicHeader("rw", "rw")}, "rw", 200},
		{"lower case", []string{strings.Replace(basicHeader("rw", "rw"), "Basic", "basic", 1)}, "rw", 200},
		{"user in other case", []string{basicHeader("RW", "rw")}, "rw", 200},
		{"without padding", []string{strings.TrimRight(basicHeader("rw", "rw"), "=")}, "rw", 200},
		{"wrong password", []string{basicHeader("rw", "x")}, "", 401},
		{"no such user", []string{basicHeader("nobody", "rw")}, "", 401},
		{"empty password", []string{basicHeader("rw", "")}, "", 401},
		{"empty user", []string{basicHeader("", "rw")}, "", 401},
		{"no password login", []string{basicHeader("wo", "")}, "", 401},
		{"UTF-8, colon", []string{basicHeader("other", "päss:wörd")}, "other", 200},
		{"Latin-1, colon", []string{basicHeader("other", latin("päss:wörd"))}, "other", 200},
		{"UTF-8 user", []string{basicHeader("Müller", "ro")}, "Müller", 200},
		{"Latin-1 user", []string{basicHeader(latin("Müller"), "ro")}, "Müller", 200},
		{"bearer", []string{"Authorization: Bearer sesame"}, "wo", 200},
		{"token", []string{"Authorization: Token sesame"}, "wo", 200},
		{"API key", []string{"X-Api-Key: sesame"}, "wo", 200},
		{"wrong API key", []string{"X-Api-Key: sesam"}, "", 401},
		{"wrong bearer", []string{"Authorization: Bearer sesam"}, "", 401},
		{"empty bearer", []string{"Authorization: Bearer"}, "", 401},
		{"none", nil, "", 401},
		{"two", []string{basicHeader("rw", "rw"), basicHeader("rw", "rw")}, "", 401},
		{"scheme", []string{"Authorization: Digest x"}, "", 401},
		{"no base64", []string{"Authorization: Basic ***"}, "", 401},
		{"no colon", []string{"Authorization: Basic cnc="}, "", 401},
	} {
		addr := fmt.Sprintf("192.0.2.%d:1234", len(tc.name))
		if got, status := s.login(addr, tc.header...); got != tc.want || status != tc.status {
			t.Errorf("%s: %q, %d, want %q, %d", tc.name, got, status, tc.want, tc.status)
		}
	}
	anonymous, _ := authServer(t, func(c *Config) { c.Anonymous = &Account{Name: "guest"}; c.NoBasic = true })
	if got, status := anonymous.login("192.0.2.1:1"); got != "guest" || status != 200 {
		t.Errorf("anonymous: %q, %d", got, status)
	}
	if _, status := anonymous.login("192.0.2.1:1", basicHeader("rw", "rw")); status != 401 {
		t.Errorf("T-8.2.2-07: Basic though switched off: %d", status)
	}
}

// TestCredentialCache: a verified credential costs no hash again until it is
// five minutes old or the accounts change; a wrong one is never kept.
func TestCredentialCache(t *testing.T) {
	s, c := authServer(t)
	// With no verifier free, only what is in the cache passes.
	blocked := func(header string) (status int) {
		if err := s.auth.logins.Acquire(context.Background(), 2); err != nil {
			t.Fatal(err)
		}
		defer s.auth.logins.Release(2)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
		r.Header.Set("Authorization", strings.TrimPrefix(header, "Authorization: "))
		if _, err := s.auth.account(r, s.c.Now()); err != nil {
			return asTAXII(err).Status
		}
		return 200
	}
	good, wrong := basicHeader("rw", "rw"), basicHeader("rw", "wrong")
	if got := blocked(good); got != 503 {
		t.Errorf("first: %d, want 503, for no verifier is free", got)
	}
	s.login("192.0.2.1:1", good)
	s.login("192.0.2.1:1", wrong)
	if got := blocked(good); got != 200 {
		t.Errorf("second: %d, want 200 from the cache", got)
	}
	if got := blocked(wrong); got != 503 {
		t.Errorf("wrong password again: %d, want 503, not an answer from the cache", got)
	}
	c.advance(4*time.Minute + 59*time.Second)
	if got := blocked(good); got != 200 {
		t.Errorf("after 4:59: %d", got)
	}
	c.advance(2 * time.Second)
	if got := blocked(good); got != 503 {
		t.Errorf("after 5:01: %d, want 503", got)
	}
	s.login("192.0.2.1:1", good)
	s.SetAccounts(testAccounts(t, func(m map[string]*Account) { delete(m, "rw") }))
	if _, status := s.login("192.0.2.1:1", good); status != 401 {
		t.Errorf("after the account was removed: %d, want 401", status)
	}
}

// TestCredentialOfOldAccounts: a login that was verified while the accounts
// changed is not remembered for the new ones.
func TestCredentialOfOldAccounts(t *testing.T) {
	s, c := authServer(t)
	old := s.auth.current.Load()
	s.SetAccounts(testAccounts(t, func(m map[string]*Account) { delete(m, "rw") }))
	good := basicHeader("rw", "rw")
	sum := s.auth.sum(strings.TrimPrefix(good, "Authorization: Basic "))
	s.auth.remember(sum, credential{old.accounts.ByName("rw"), old.number, c.Now().Add(time.Minute).UnixNano()}, c.Now())
	if name, status := s.login("192.0.2.1:1", good); status != 401 {
		t.Errorf("%q, %d, want 401", name, status)
	}
}

func TestCredentialCacheIsBounded(t *testing.T) {
	s, c := authServer(t)
	for i := range credentialMax + 100 {
		s.auth.remember([32]byte{byte(i), byte(i >> 8), byte(i >> 16)}, credential{expires: c.Now().Add(time.Minute).UnixNano()}, c.Now())
	}
	if n := len(s.auth.cache); n > credentialMax {
		t.Errorf("%d credentials are kept, want at most %d", n, credentialMax)
	}
}

// TestLoginLimit: guessing is slowed down by account and by address, and who is
// logged in does not notice.
func TestLoginLimit(t *testing.T) {
	s, c := authServer(t)
	good, wrong := basicHeader("rw", "rw"), basicHeader("rw", "wrong")
	if _, status := s.login("192.0.2.1:1", good); status != 200 {
		t.Fatal(status)
	}
	count := func(want, n int, addr func(int) string, header func(int) string) (got int) {
		for i := range n {
			if _, status := s.login(addr(i), header(i)); status == want {
				got++
			}
		}
		return got
	}
	everywhere := func(i int) string { return fmt.Sprintf("198.51.100.%d:1", i) }
	if n := count(401, 50, func(int) string { return "203.0.113.9:1" }, func(int) string { return wrong }); n != 10 {
		t.Errorf("%d guesses from one address at one account, want 10", n)
	}
	if n := count(401, 250, everywhere, func(int) string { return wrong }); n != 90 {
		t.Errorf("%d further guesses at one account, want 90", n)
	}
	if _, status := s.login("192.0.2.9:1", good); status != 200 {
		t.Errorf("the account's owner, logged in before the attack: %d", status)
	}
	if _, status := s.login("192.0.2.9:1", basicHeader("ro", "ro")); status != 200 {
		t.Errorf("another account: %d", status)
	}
	c.advance(6 * time.Minute)
	if n := count(401, 250, everywhere, func(int) string { return wrong }); n != 100 {
		t.Errorf("%d guesses six minutes later, want 100", n)
	}
	if _, status := s.login("192.0.2.9:1", good); status != 200 {
		t.Errorf("the owner, whose login has to be verified again during the attack: %d", status)
	}
	names := func(i int) string { return basicHeader(fmt.Sprint("user", i), "x") }
	same := func(i int) string { return "203.0.113.7:" + strconv.Itoa(i) }
	if n := count(401, 60, same, names); n != 30 {
		t.Errorf("%d guesses from one address, want 30", n)
	}
	v6 := func(i int) string { return fmt.Sprintf("[2001:db8::%x]:1", i) }
	if n := count(401, 60, v6, func(i int) string { return basicHeader(fmt.Sprint("v6user", i), "x") }); n != 30 {
		t.Errorf("%d guesses from one IPv6 network, want 30", n)
	}
	if n := count(401, 60, func(int) string { return "203.0.113.8:1" }, func(i int) string { return fmt.Sprint("Authorization: Bearer ", i) }); n != 30 {
		t.Errorf("%d guesses at tokens, want 30", n)
	}
	c.advance(time.Hour)
	if _, status := s.login("203.0.113.7:1", wrong); status != 401 {
		t.Errorf("an hour later: %d", status)
	}
}

// TestNoLockout: whoever knows a name cannot keep its owner out, neither after
// the accounts were edited nor from behind the same proxy.
func TestNoLockout(t *testing.T) {
	s, c := authServer(t)
	good, stale := basicHeader("rw", "rw"), basicHeader("rw", "old")
	if _, status := s.login("192.0.2.1:1", good); status != 200 {
		t.Fatal(status)
	}
	guess := func(addr string) {
		for range 20 {
			s.login(addr, stale)
		}
	}
	guess("203.0.113.7:1")
	s.SetAccounts(testAccounts(t))
	for i := range 3 {
		if _, status := s.login("192.0.2.1:1", good); status != 200 {
			t.Errorf("after an edit of the accounts, login %d: %d", i, status)
		}
		c.advance(6 * time.Minute)
		guess("203.0.113.7:1")
	}
	if _, status := s.login("192.0.2.2:1", basicHeader("RW", "rw")); status != 200 {
		t.Errorf("a client that has not logged in before, from elsewhere: %d", status)
	}
	for i := range 50 {
		s.login("127.0.0.1:1", "Authorization: Bearer wrong")
		s.login("127.0.0.1:1", basicHeader(fmt.Sprint("nobody", i), "x"))
	}
	if _, status := s.login("127.0.0.1:1", basicHeader("ro", "ro")); status != 200 {
		t.Errorf("behind the proxy from which others guess: %d", status)
	}
}

// TestChangedPassword: the old password was right before, and gets one try.
func TestChangedPassword(t *testing.T) {
	s, _ := authServer(t)
	old := basicHeader("rw", "rw")
	s.login("192.0.2.1:1", old)
	s.SetAccounts(testAccounts(t, func(m map[string]*Account) { m["rw"].Password = testHash("other") }))
	got := map[int]int{}
	for range 20 {
		_, status := s.login("192.0.2.1:1", old)
		got[status]++
	}
	if got[401] != 10 || got[429] != 10 {
		t.Errorf("answers %v, want 10 times 401 and 10 times 429", got)
	}
	if _, status := s.login("192.0.2.2:1", basicHeader("rw", "other")); status != 200 {
		t.Errorf("the new password: %d", status)
	}
}

// TestClockAhead: what happened while the clock was wrong is over when it is right.
func TestClockAhead(t *testing.T) {
	s, c := authServer(t)
	good := basicHeader("rw", "rw")
	s.login("192.0.2.1:1", basicHeader("ro", "x"))
	c.advance(365 * 24 * time.Hour)
	s.login("192.0.2.1:1", basicHeader("ro", "x"))
	s.login("192.0.2.1:1", good)
	c.advance(-365 * 24 * time.Hour)
	if hit, _ := s.auth.lookUp(s.auth.sum(strings.TrimPrefix(good, "Authorization: Basic "))); hit.holds(s.auth.current.Load(), c.Now()) {
		t.Error("a login is remembered for a year")
	}
	if _, status := s.login("192.0.2.1:1", basicHeader("ro", "ro")); status != 200 {
		t.Errorf("after the clock was set right: %d", status)
	}
}

// TestSpellingsOfACredential share one place in the cache.
func TestSpellingsOfACredential(t *testing.T) {
	s, _ := authServer(t)
	good := basicHeader("rw", "rw")
	for i := range 8 {
		if _, status := s.login("192.0.2.1:1", strings.Replace(good, "Basic", "bASIC"+strings.Repeat(" ", i), 1)); status != 200 {
			t.Fatal(status)
		}
	}
	if n := len(s.auth.cache); n != 1 {
		t.Errorf("%d entries for one credential", n)
	}
}

// TestSuccessIsNotCounted: a busy office with many users behind one address.
func TestSuccessIsNotCounted(t *testing.T) {
	s, _ := authServer(t)
	for i := range 100 {
		s.auth.mu.Lock()
		clear(s.auth.cache)
		s.auth.mu.Unlock()
		if _, status := s.login("192.0.2.1:1", basicHeader("rw", "rw")); status != 200 {
			t.Fatalf("login %d: %d", i, status)
		}
	}
}

// A client that opens many connections at once after a start must get in with
// all of them. The hash is a real one, so that the logins overlap.
func TestManyLoginsAtOnce(t *testing.T) {
	hash, err := HashPassword("slow", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := NewAccounts([]Account{{Name: "many", Password: hash}})
	if err != nil {
		t.Fatal(err)
	}
	s, _ := authServer(t, func(c *Config) { c.Accounts = accounts })
	statuses := make([]int, 64)
	var all sync.WaitGroup
	for i := range statuses {
		all.Go(func() { _, statuses[i] = s.login("192.0.2.1:1", basicHeader("many", "slow")) })
	}
	all.Wait()
	for i, status := range statuses {
		if status != 200 {
			t.Fatalf("login %d: %d, want 200", i, status)
		}
	}
}

func TestChallenge(t *testing.T) {
	s := newSite(t)
	for _, tc := range []struct{ method, user string }{{"GET", ""}, {"POST", ""}, {"DELETE", ""}, {"HEAD", ""}, {"GET", "nobody"}} {
		path := objectsA
		if tc.method == "DELETE" {
			path += "indicator--a7e1d5c0-61f0-4c83-8e0f-7d1f1f3c1a01/"
		}
		a := s.do(tc.user, tc.method, path, "")
		if got := a.Header.Values("WWW-Authenticate"); a.StatusCode != http.StatusUnauthorized || len(got) != 2 || got[0] != `Basic realm="taxii", charset="UTF-8"` {
			t.Errorf("T-1.6.9-01 %s as %q: %d, %q", tc.method, tc.user, a.StatusCode, got)
		}
	}
	for range 12 {
		s.do("", "GET", "/taxii2/", "", basicHeader("ro", "wrong"))
	}
	if a := s.do("", "GET", "/taxii2/", "", basicHeader("ro", "wrong")); a.StatusCode != 429 || a.Header.Get("Retry-After") != "6" {
		t.Errorf("guessing: %d, Retry-After %q", a.StatusCode, a.Header.Get("Retry-After"))
	}
}

func TestNewAccountsMistakes(t *testing.T) {
	for name, list := range map[string][]Account{
		"no name":        {{}},
		"colon":          {{Name: "a:b"}},
		"twice":          {{Name: "a"}, {Name: "A"}},
		"password":       {{Name: "a", Password: "secret"}},
		"token of other": {{Name: "a", Tokens: [][32]byte{{1}}}, {Name: "b", Tokens: [][32]byte{{1}}}},
	} {
		if _, err := NewAccounts(list); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func BenchmarkAuth(b *testing.B) {
	s, c := authServer(b, func(c *Config) {
		c.Accounts = testAccounts(b, func(m map[string]*Account) { m["ro"].Tokens = [][32]byte{HashToken("sesame")} })
	})
	for name, header := range map[string]string{"basic": basicHeader("rw", "rw"), "bearer": "Authorization: Bearer sesame"} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/taxii2/", nil)
			r.Header.Set("Authorization", strings.TrimPrefix(header, "Authorization: "))
			now := c.Now()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.auth.account(r, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
