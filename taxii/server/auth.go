package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"entente/taxii"
)

const (
	credentialTTL = 5 * time.Minute
	credentialMax = 10_000
	loginWait     = 2 * time.Second // for a free verifier
)

// An authenticator tells who a request is from.
type authenticator struct {
	c       *Config
	key     [32]byte // of the credential cache
	dummy   *phc     // verified when there is no such account
	current atomic.Pointer[epoch]

	macs   sync.Pool // of *macState
	logins *semaphore.Weighted
	names  *throttle // failed logins by account name, from wherever
	pairs  *throttle // by account name and address
	addrs  *throttle // by address
	tokens *throttle // wrong tokens, by address

	flight singleflight.Group // by credential and epoch

	mu    sync.RWMutex // guards cache
	cache map[[sha256.Size]byte]credential
}

// An epoch is the time in which one set of accounts is in force.
type epoch struct {
	accounts Accounts
	number   uint64
}

// A credential is an Authorization value that was verified.
type credential struct {
	account *Account
	epoch   uint64
	expires int64 // ns since the epoch
}

type macState struct {
	mac hash.Hash
	buf []byte
}

func newAuthenticator(c *Config) (*authenticator, error) {
	a := &authenticator{
		c:      c,
		logins: semaphore.NewWeighted(int64(c.Limits.Logins)),
		names:  newThrottle(100, 2*time.Second),
		pairs:  newThrottle(10, 6*time.Second),
		addrs:  newThrottle(30, 2*time.Second),
		tokens: newThrottle(30, 2*time.Second),
		cache:  map[[sha256.Size]byte]credential{},
	}
	if _, err := io.ReadFull(c.Rand, a.key[:]); err != nil {
		return nil, fmt.Errorf("key of the credential cache: %w", err)
	}
	a.dummy = &phc{memory: argonMemory, time: argonTime, threads: 1, salt: a.key[:argonSalt], key: make([]byte, argonKey)}
	a.macs.New = func() any { return &macState{mac: hmac.New(sha256.New, a.key[:])} }
	a.current.Store(&epoch{c.Accounts, 1})
	return a, nil
}

// setAccounts puts accounts in force. What was verified under others has to be
// verified again, but not as a guess.
func (a *authenticator) setAccounts(accounts Accounts) {
	for {
		old := a.current.Load()
		if a.current.CompareAndSwap(old, &epoch{accounts, old.number + 1}) {
			return
		}
	}
}

// account returns who r is from, or an error with status 401, 429 or 503.
func (a *authenticator) account(r *http.Request, now time.Time) (*Account, error) {
	e := a.current.Load()
	if name := a.c.APIKeyHeader; name != "" {
		if key := r.Header.Get(name); key != "" {
			return a.token(r, e, key, now)
		}
	}
	values := r.Header["Authorization"]
	if len(values) == 0 {
		if a.c.Anonymous != nil {
			return a.c.Anonymous, nil
		}
		return nil, unauthorized("no credentials")
	}
	if len(values) > 1 {
		return nil, unauthorized("more than one Authorization header")
	}
	scheme, rest, _ := strings.Cut(values[0], " ")
	rest = strings.TrimLeft(rest, " ")
	switch {
	case strings.EqualFold(scheme, "Basic") && !a.c.NoBasic:
		return a.basic(r, e, rest, now)
	case strings.EqualFold(scheme, "Bearer"), strings.EqualFold(scheme, "Token"):
		return a.token(r, e, rest, now)
	}
	return nil, unauthorized("the server does not know this authentication scheme")
}

// token checks a bearer token or API key.
func (a *authenticator) token(r *http.Request, e *epoch, token string, now time.Time) (*Account, error) {
	if account := e.accounts.ByToken(HashToken(token)); account != nil {
		return account, nil
	}
	if wait := a.tokens.take(clientAddr(r), now); wait > 0 {
		return nil, tooMany(wait)
	}
	return nil, unauthorized("the token is not valid")
}

// basic checks a Basic credential.
func (a *authenticator) basic(r *http.Request, e *epoch, encoded string, now time.Time) (*Account, error) {
	sum := a.sum(encoded)
	if hit, _ := a.lookUp(sum); hit.holds(e, now) {
		return hit.account, nil
	}
	// Requests that come with the same credentials while these are verified wait
	// for the one result: a client that opens many connections at once pays, and
	// counts, for one login.
	key := string(binary.BigEndian.AppendUint64(sum[:], e.number))
	found, err, _ := a.flight.Do(key, func() (any, error) {
		hit, known := a.lookUp(sum)
		if hit.holds(e, now) {
			return hit.account, nil // verified since we looked
		}
		account, err := a.login(r, e, encoded, now, known)
		switch {
		case err == nil:
			a.remember(sum, credential{account, e.number, now.Add(credentialTTL).UnixNano()}, now)
		case known && asTAXII(err).Status == http.StatusUnauthorized:
			a.forget(sum)
		}
		return account, err
	})
	if err != nil {
		return nil, err
	}
	return found.(*Account), nil
}

// lookUp finds a credential that was right once, under whatever accounts.
func (a *authenticator) lookUp(sum [sha256.Size]byte) (credential, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	hit, ok := a.cache[sum]
	return hit, ok
}

// holds reports whether c need not be verified again. One from a clock that has
// been set back since must.
func (c *credential) holds(e *epoch, now time.Time) bool {
	left := c.expires - now.UnixNano()
	return c.account != nil && c.epoch == e.number && left > 0 && left <= int64(credentialTTL)
}

func (a *authenticator) forget(sum [sha256.Size]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.cache, sum)
}

// sum names value in the cache without keeping it.
func (a *authenticator) sum(value string) (sum [sha256.Size]byte) {
	st := a.macs.Get().(*macState)
	st.mac.Reset()
	st.buf = append(st.buf[:0], value...)
	st.mac.Write(st.buf)
	clear(st.buf)
	st.buf = st.mac.Sum(st.buf[:0])
	copy(sum[:], st.buf)
	a.macs.Put(st)
	return sum
}

func (a *authenticator) remember(sum [sha256.Size]byte, c credential, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.cache) >= credentialMax {
		for key, old := range a.cache {
			if old.expires <= now.UnixNano() {
				delete(a.cache, key)
			}
		}
		for key := range a.cache { // still full: any of them will do
			if len(a.cache) < credentialMax {
				break
			}
			delete(a.cache, key)
		}
	}
	a.cache[sum] = c
}

// login verifies a user name and password. Those that are known were right
// before: they are no guess, and nobody who guesses can lock them out.
func (a *authenticator) login(r *http.Request, e *epoch, encoded string, now time.Time, known bool) (*Account, error) {
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		if raw, err = base64.RawStdEncoding.DecodeString(encoded); err != nil {
			return nil, unauthorized("the Basic credentials are not base64")
		}
	}
	user, _, found := strings.Cut(string(raw), ":")
	if !found {
		return nil, unauthorized("the Basic credentials have no colon")
	}
	back := func() {}
	if !known {
		var wait time.Duration
		if back, wait = a.attempt(strings.ToLower(user), clientAddr(r), now); wait > 0 {
			return nil, tooMany(wait)
		}
	}
	// Others may wait for this login: it goes on when its own request is gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), loginWait)
	defer cancel()
	if a.logins.Acquire(ctx, 1) != nil {
		back()
		return nil, busy("too many logins at this moment", loginWait)
	}
	defer a.logins.Release(1)
	if account := a.verify(e, string(raw)); account != nil {
		back()
		return account, nil
	}
	if known { // it is wrong now: from the next time on it is a guess
		_, _ = a.attempt(strings.ToLower(user), clientAddr(r), now)
	}
	return nil, unauthorized("user name or password is wrong")
}

// attempt counts a login: by name, so that guesses from many addresses are few;
// by name and address, so that one address cannot use up all those of a name; by
// address, unless that is a proxy on this machine. It returns how to take that
// back, or how long to wait.
func (a *authenticator) attempt(name, addr string, now time.Time) (back func(), wait time.Duration) {
	var taken []func()
	back = func() {
		for _, f := range taken {
			f()
		}
	}
	ip, err := netip.ParseAddr(addr)
	for _, by := range []struct {
		*throttle
		key string
	}{{a.addrs, addr}, {a.pairs, name + ":" + addr}, {a.names, name}} {
		if by.throttle == a.addrs && err == nil && ip.IsLoopback() {
			continue
		}
		if wait := by.take(by.key, now); wait > 0 {
			back()
			return nil, wait
		}
		taken = append(taken, func() { by.back(by.key) })
	}
	return back, 0
}

// verify tries "user:password" in each way that clients encode it. It takes as
// long for an account that does not exist as for a wrong password.
func (a *authenticator) verify(e *epoch, raw string) *Account {
	var found *Account
	for _, text := range readings(raw) {
		user, password, _ := strings.Cut(text, ":")
		account, hash := e.accounts.ByName(user), a.dummy
		if account != nil && account.Password != "" {
			if h, err := parsePHC(account.Password); err == nil {
				hash = h
			}
		}
		if ok := hash.verify(password); ok && hash != a.dummy && found == nil {
			found = account
		}
	}
	return found
}

// readings returns raw as UTF-8 and as Latin-1, where they differ and exist.
func readings(raw string) []string {
	ascii := true
	for i := range len(raw) {
		ascii = ascii && raw[i] < utf8.RuneSelf
	}
	if ascii {
		return []string{raw}
	}
	runes := make([]rune, len(raw))
	for i := range len(raw) {
		runes[i] = rune(raw[i])
	}
	if latin1 := string(runes); utf8.ValidString(raw) {
		return []string{raw, latin1}
	} else {
		return []string{latin1}
	}
}

// clientAddr is what login attempts are counted by: an IPv4 address or the /64
// of an IPv6 address.
func clientAddr(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if addr = addr.Unmap(); addr.Is6() && !addr.IsLoopback() {
		prefix, err := addr.WithZone("").Prefix(64)
		if err != nil {
			return host
		}
		return prefix.String()
	}
	return addr.String()
}

func unauthorized(why string) error {
	return taxii.Errorf(http.StatusUnauthorized, "%s", why)
}

func tooMany(wait time.Duration) error {
	return &retryError{taxii.Errorf(http.StatusTooManyRequests, "too many failed logins"), wait}
}

func busy(why string, wait time.Duration) error {
	return &retryError{taxii.Errorf(http.StatusServiceUnavailable, "%s", why), wait}
}

// A retryError is answered with Retry-After.
type retryError struct {
	err   *taxii.Error
	after time.Duration
}

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }
