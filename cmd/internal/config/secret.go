package config

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The cost of a password hash: 19 MiB, two passes, as OWASP recommends. A
// verified password is remembered by the server, so polls do not pay it again.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
)

// HashPassword returns the argon2id hash of password in PHC form, with a salt
// from random.
func HashPassword(password string, random io.Reader) (string, error) {
	salt := make([]byte, 16)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", fmt.Errorf("salt: %w", err)
	}
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, 32)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads, b64(salt), b64(key)), nil
}

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
	sum := sha256.Sum256([]byte(token))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// validPHC accepts argon2id hashes that a server can afford to check.
func validPHC(s string) bool {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v=19" {
		return false
	}
	most := map[string]uint64{"m": 1 << 20, "t": 100, "p": 64}
	costs := strings.Split(parts[3], ",")
	if len(costs) != 3 {
		return false
	}
	for i, key := range []string{"m", "t", "p"} {
		k, v, _ := strings.Cut(costs[i], "=")
		n, err := strconv.ParseUint(v, 10, 32)
		if k != key || err != nil || n < 1 || n > most[key] {
			return false
		}
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	key, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	return err1 == nil && err2 == nil && len(salt) >= 8 && len(key) >= 16
}

func validTokenHash(s string) bool {
	digest, ok := strings.CutPrefix(s, "sha256:")
	b, err := hex.DecodeString(digest)
	return ok && err == nil && len(b) == sha256.Size && digest == strings.ToLower(digest)
}
