package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strings"

	"entente/policy"
)

// Rights are what an account may do with a collection. A collection that is not
// in Account.Rights is hidden from the account.
type Rights struct {
	Read, Write bool
}

// An Account is a caller. It must not change once it is in use.
type Account struct {
	Name string // not empty; case does not matter when logging in

	// Partner is the organisation that the account belongs to. What it may do then
	// stands in the agreements with that organisation, and Roots and Rights count
	// for nothing. "" means our own people.
	Partner policy.OrgID
	Person  bool // of the partner, one named person's: RED may go to it

	Password string              // as HashPassword writes it; "" means no login by password
	Tokens   [][sha256.Size]byte // HashToken of bearer tokens and API keys

	Roots  []string          // paths of the API roots that the account may see; nil means all
	Rights map[string]Rights // by collection ID

	// For clients that need it, see the manual:
	EscapeNonASCII   bool // objects go out with \uXXXX for everything beyond ASCII
	EmptyObjectsList bool // an empty envelope is {"objects":[]}, against TAXII 2.1, section 2
	NoDatesOnEmpty   bool // an empty page never has X-TAXII-Date-Added headers, against TAXII 2.1, section 3.2
}

// Accounts finds accounts. Its methods are called concurrently and often.
type Accounts interface {
	ByName(name string) *Account // nil if there is none; ignores case
	ByToken(sum [sha256.Size]byte) *Account
}

// HashToken is how tokens and API keys are kept. They need no slow hash: they
// are long and random.
func HashToken(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

type accountMap struct {
	names  map[string]*Account
	tokens map[[sha256.Size]byte]*Account
}

// NewAccounts returns Accounts that finds those of list, which must have
// distinct names and tokens, and passwords that VerifyPassword can read.
func NewAccounts(list []Account) (Accounts, error) {
	m := &accountMap{map[string]*Account{}, map[[sha256.Size]byte]*Account{}}
	for i := range list {
		a := &list[i]
		name := strings.ToLower(a.Name)
		if name == "" || strings.Contains(name, ":") {
			return nil, fmt.Errorf("account %q: wants a name without colon", a.Name)
		}
		if m.names[name] != nil {
			return nil, fmt.Errorf("account %q: the name is taken, case aside", a.Name)
		}
		m.names[name] = a
		if a.Password != "" {
			if _, err := parsePHC(a.Password); err != nil {
				return nil, fmt.Errorf("account %q: %w", a.Name, err)
			}
		}
		for _, sum := range a.Tokens {
			if m.tokens[sum] != nil {
				return nil, fmt.Errorf("account %q: has the token of account %q", a.Name, m.tokens[sum].Name)
			}
			m.tokens[sum] = a
		}
	}
	return m, nil
}

func (m *accountMap) ByName(name string) *Account { return m.names[strings.ToLower(name)] }

func (m *accountMap) ByToken(sum [sha256.Size]byte) *Account {
	a := m.tokens[sum]
	if a == nil {
		return nil
	}
	for i := range a.Tokens {
		if subtle.ConstantTimeCompare(a.Tokens[i][:], sum[:]) == 1 {
			return a
		}
	}
	return nil
}
