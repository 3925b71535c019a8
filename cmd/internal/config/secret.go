package config

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"entente/taxii/server"
)

// NewSecret returns a random password or token: 32 letters and digits, 160 bits.
func NewSecret() string {
	b := make([]byte, 20)
	rand.Read(b) // never fails (crypto/rand)
	const alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
	var s strings.Builder
	bits, have := 0, 0
	for _, x := range b {
		bits = bits<<8 | int(x)
		for have += 8; have >= 5; have -= 5 {
			s.WriteByte(alphabet[bits>>(have-5)&31])
		}
		bits &= 1<<have - 1
	}
	return s.String()
}

// HashToken returns the form in which a token is kept. Tokens are random and
// long, so a plain hash is enough.
func HashToken(token string) string {
	sum := server.HashToken(token)
	return tokenPrefix + hex.EncodeToString(sum[:])
}

const tokenPrefix = "sha256:"

// TokenSum reads what HashToken wrote.
func TokenSum(s string) (sum [sha256.Size]byte, ok bool) {
	digest, ok := strings.CutPrefix(s, tokenPrefix)
	b, err := hex.DecodeString(digest)
	if !ok || err != nil || len(b) != sha256.Size || digest != strings.ToLower(digest) {
		return sum, false
	}
	return [sha256.Size]byte(b), true
}

// validPHC accepts the hashes that the server accepts.
func validPHC(s string) bool { return server.CheckPassword(s) == nil }

func validTokenHash(s string) bool {
	_, ok := TokenSum(s)
	return ok
}
