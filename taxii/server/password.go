package server

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Cost of new password hashes: 19 MiB, two passes, one lane.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonSalt   = 16
	argonKey    = 32
)

var errPHC = errors.New("password hash wants the form $argon2id$v=19$m=19456,t=2,p=1$salt$hash")

// A phc is a parsed password hash.
type phc struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

// HashPassword returns the argon2id hash of password in PHC text form, with a
// salt from random.
func HashPassword(password string, random io.Reader) (string, error) {
	h := phc{memory: argonMemory, time: argonTime, threads: 1, salt: make([]byte, argonSalt)}
	if _, err := io.ReadFull(random, h.salt); err != nil {
		return "", fmt.Errorf("salt: %w", err)
	}
	h.key = h.derive(password, argonKey)
	return h.text(), nil
}

func (h *phc) text() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.memory, h.time, h.threads, b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

// VerifyPassword reports whether hash, in PHC text form, is that of password.
// The error says that hash cannot be read or asks for more than 256 MiB.
func VerifyPassword(hash, password string) (bool, error) {
	h, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	return h.verify(password), nil
}

// CheckPassword says what is wrong with hash, which wants to be in PHC text form;
// nil if VerifyPassword can use it.
func CheckPassword(hash string) error {
	_, err := parsePHC(hash)
	return err
}

func (h *phc) derive(password string, size uint32) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, size)
}

func (h *phc) verify(password string) bool {
	return subtle.ConstantTimeCompare(h.derive(password, uint32(len(h.key))), h.key) == 1
}

func parsePHC(text string) (*phc, error) {
	fields := strings.Split(text, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return nil, errPHC
	}
	var h phc
	if n, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); n != 3 || err != nil {
		return nil, errPHC
	}
	if fields[3] != fmt.Sprintf("m=%d,t=%d,p=%d", h.memory, h.time, h.threads) {
		return nil, errPHC // Sscanf takes more than it says
	}
	if h.memory < 8 || h.memory > 256<<10 || h.time < 1 || h.time > 16 || h.threads < 1 || h.threads > 16 {
		return nil, fmt.Errorf("password hash with %s: wants m 8 to 262144, t and p 1 to 16: %w", fields[3], errPHC)
	}
	var err1, err2 error
	h.salt, err1 = base64.RawStdEncoding.DecodeString(fields[4])
	h.key, err2 = base64.RawStdEncoding.DecodeString(fields[5])
	if err1 != nil || err2 != nil || len(h.salt) < 8 || len(h.key) < 16 || len(h.key) > 128 {
		return nil, errPHC
	}
	return &h, nil
}
