package taxii

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
	"sync"

	"entente/stix"
)

// ErrNext: not a token that this server gave this caller.
var ErrNext = errors.New("unknown continuation token")

// A Cursor is what the property "next" stands for: a log, the position in it
// and the filters of the query that it continues.
type Cursor struct {
	Log  string // name of the log; Open gives back LogKey(Log) in its place
	From int64  // date_added of the last object sent, µs
	Filter
}

// LogKey is the short name of a log inside a token: 16 bytes, hashed, so that
// tokens stay short whatever logs are called.
func LogKey(log string) string {
	sum := sha256.Sum256([]byte(log))
	return string(sum[:16])
}

// A Sealer turns cursors into tokens and back. Tokens are encrypted and
// authenticated with the caller's name, so that a token is useless to anyone
// else, and the same cursor of the same caller always gives the same token.
// They have no expiry, and survive restarts and other servers with the same
// secret. A Sealer is safe for concurrent use.
//
// A token is base64url(version byte, 12 bytes nonce, AES-256-GCM); the nonce is
// the HMAC-SHA256 of caller and plaintext under a key of its own, cut short.
type Sealer struct {
	version byte
	aead    cipher.AEAD
	mac     sync.Pool // of *sealState
}

type sealState struct {
	mac        hash.Hash
	plain, out []byte
	sum        [sha256.Size]byte
}

const nonceSize = 12

// NewSealer returns a Sealer for a secret of 32 bytes or more. Tokens of another
// version are unknown to it.
func NewSealer(secret []byte, version byte) (*Sealer, error) {
	if len(secret) < 32 {
		return nil, fmt.Errorf("next: the secret has %d bytes, wants 32", len(secret))
	}
	encKey, err := hkdf.Key(sha256.New, secret, nil, "entente next encryption", 32)
	if err != nil {
		return nil, fmt.Errorf("next: %w", err)
	}
	macKey, err := hkdf.Key(sha256.New, secret, nil, "entente next nonce", 32)
	if err != nil {
		return nil, fmt.Errorf("next: %w", err)
	}
	block, err := aes.NewCipher(encKey)
	if err != nil {
		return nil, fmt.Errorf("next: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("next: %w", err)
	}
	s := &Sealer{version: version, aead: aead}
	s.mac.New = func() any { return &sealState{mac: hmac.New(sha256.New, macKey)} }
	return s, nil
}

// nonce writes the nonce for plain and caller to dst.
func (st *sealState) nonce(dst []byte, caller, plain []byte) {
	st.mac.Reset()
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(caller)))
	st.mac.Write(n[:])
	st.mac.Write(caller)
	st.mac.Write(plain)
	copy(dst[:nonceSize], st.mac.Sum(st.sum[:0]))
}

// Append appends the token for c, which is for caller only, to dst.
func (s *Sealer) Append(dst []byte, caller string, c *Cursor) []byte {
	st := s.mac.Get().(*sealState)
	defer s.mac.Put(st)
	st.plain = appendCursor(st.plain[:0], c)
	st.out = append(st.out[:0], s.version)
	st.out = append(st.out, make([]byte, nonceSize)...)
	aad := []byte(caller)
	st.nonce(st.out[1:], aad, st.plain)
	st.out = s.aead.Seal(st.out, st.out[1:1+nonceSize], st.plain, aad)
	return base64.RawURLEncoding.AppendEncode(dst, st.out)
}

// Open reads a token that was given to caller into c. The only error is
// ErrNext.
func (s *Sealer) Open(token, caller string, c *Cursor) error {
	// The decoder skips line breaks, but a token has one spelling.
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || strings.ContainsAny(token, "\r\n") || len(raw) < 1+nonceSize || raw[0] != s.version {
		return ErrNext
	}
	plain, err := s.aead.Open(nil, raw[1:1+nonceSize], raw[1+nonceSize:], []byte(caller))
	if err != nil || !readCursor(plain, c) {
		return ErrNext
	}
	return nil
}

const (
	cursorAll = 1 << iota
	cursorFirst
	cursorLast
)

// appendCursor writes LogKey, From and AddedAfter as varints, the flags, and
// the four lists, each joined by commas and preceded by its length.
func appendCursor(dst []byte, c *Cursor) []byte {
	sum := sha256.Sum256([]byte(c.Log))
	dst = append(dst, sum[:16]...)
	dst = binary.AppendVarint(dst, c.From)
	dst = binary.AppendVarint(dst, c.AddedAfter)
	var flags byte
	for i, set := range [...]bool{c.All, c.First, c.Last} {
		if set {
			flags |= 1 << i
		}
	}
	dst = append(dst, flags)
	dst = appendList(dst, c.Types)
	dst = appendList(dst, c.IDs)
	dst = appendList(dst, c.SpecVersions)
	return appendList(dst, c.Exact)
}

func appendList[S ~string](dst []byte, items []S) []byte {
	n := max(len(items)-1, 0)
	for _, item := range items {
		n += len(item)
	}
	dst = binary.AppendUvarint(dst, uint64(n))
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, item...)
	}
	return dst
}

func readCursor(plain []byte, c *Cursor) bool {
	if len(plain) < 16 {
		return false
	}
	*c = Cursor{Log: string(plain[:16])}
	plain = plain[16:]
	var ok bool
	if c.From, plain, ok = cutVarint(plain); !ok {
		return false
	}
	if c.AddedAfter, plain, ok = cutVarint(plain); !ok || len(plain) == 0 {
		return false
	}
	flags := plain[0]
	c.All, c.First, c.Last = flags&cursorAll != 0, flags&cursorFirst != 0, flags&cursorLast != 0
	plain = plain[1:]
	var oks [4]bool
	c.Types, plain, oks[0] = cutList[string](plain)
	c.IDs, plain, oks[1] = cutList[stix.ID](plain)
	c.SpecVersions, plain, oks[2] = cutList[string](plain)
	c.Exact, plain, oks[3] = cutList[stix.Timestamp](plain)
	return oks == [4]bool{true, true, true, true} && len(plain) == 0
}

func cutVarint(b []byte) (v int64, rest []byte, ok bool) {
	v, n := binary.Varint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}

func cutList[S ~string](b []byte) (items []S, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil, false
	}
	text, rest := string(b[n:n+int(size)]), b[n+int(size):]
	if text == "" {
		return nil, rest, true
	}
	for _, item := range strings.Split(text, ",") {
		items = append(items, S(item))
	}
	return items, rest, true
}

// Continue makes q the continuation of c: filters that q repeats must be those
// of c, the ones it leaves out are c's, and of the two added_after the later
// one counts. An Error with status 400 names the filter that changed.
func (q *Query) Continue(c *Cursor) *Error {
	for _, f := range [...]struct {
		p    Param
		name string
		same bool
	}{
		{ParamType, "match[type]", sameSet(q.Types, c.Types)},
		{ParamID, "match[id]", sameSet(q.IDs, c.IDs)},
		{ParamSpecVersion, "match[spec_version]", sameSet(q.SpecVersions, c.SpecVersions)},
		{ParamVersion, "match[version]", q.sameVersions(&c.Filter)},
	} {
		if q.Given&f.p != 0 && !f.same {
			return badParam(f.name, "is not that of the query which next continues; leave one of the two out")
		}
	}
	after := max(q.AddedAfter, c.AddedAfter)
	q.Filter = c.Filter
	q.AddedAfter = after
	return nil
}

func (f *Filter) sameVersions(g *Filter) bool {
	return f.All == g.All && f.First == g.First && f.last() == g.last() && sameSet(f.Exact, g.Exact)
}

// last reports whether f selects the last version, said or not.
func (f *Filter) last() bool { return f.Last || !f.All && !f.First && len(f.Exact) == 0 }

func sameSet[S ~string](a, b []S) bool {
	if slices.Equal(a, b) {
		return true
	}
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}
