package config

import (
	"fmt"
	"strings"
)

// Accounts is the content of accounts.yaml: who may log in, and what each may
// do. entente account edits it; edits by hand are as good.
type Accounts struct {
	Accounts []Account `yaml:"accounts" validate:"max=100000,dive"`
}

// An Account is a person or a program that uses this server.
type Account struct {
	// Name is the user name of HTTP Basic: 1 to 64 letters, digits or . _ @ -.
	// Unique, whatever the case. Required.
	Name string `yaml:"name" validate:"required,account"`
	// Password is an argon2id hash, as entente account passwd writes it; never
	// the password itself. Default: none, and there is no login by password.
	Password string `yaml:"password" validate:"omitempty,argon2id"`
	// Tokens are SHA-256 hashes of bearer tokens, as entente account token writes
	// them. Default: none. An account without password and tokens is locked.
	Tokens []string `yaml:"tokens" validate:"max=100,dive,tokenhash"`
	// Partner is the organisation that the account belongs to, identity--UUID, as
	// the agreement with it says. What the account may do then stands in the
	// agreement, and collections must be left out. Default: our own people.
	Partner string `yaml:"partner" validate:"omitempty,identity"`
	// Person says that one named person of the partner uses the account, and nobody
	// else: what is TLP:RED goes to such accounts only, where the agreement has red:
	// named. Default: false.
	Person bool `yaml:"person"`
	// Collections says what the account may do, by collection id, alias or
	// root/alias: read, write, readwrite, or visible (it is listed, and that is
	// all). Collections that are not named do not exist for the account.
	Collections map[string]Right `yaml:"collections" validate:"max=10000,dive,oneof=read write readwrite visible"`

	// For clients that need it, each by default false:

	// EscapeNonASCII writes \uXXXX for everything beyond ASCII.
	EscapeNonASCII bool `yaml:"escape_non_ascii"`
	// EmptyObjectsList answers {"objects":[]} when there is nothing, not {}.
	EmptyObjectsList bool `yaml:"empty_objects_list"`
	// NoDatesOnEmpty leaves the X-TAXII-Date-Added headers out when there is nothing.
	NoDatesOnEmpty bool `yaml:"no_dates_on_empty"`
}

// A Right is what an account may do with a collection.
type Right string

// The rights. The zero Right is none: the collection is hidden.
const (
	RightVisible   Right = "visible"
	RightRead      Right = "read"
	RightWrite     Right = "write"
	RightReadWrite Right = "readwrite"
)

// CanRead and CanWrite take the Right apart.
func (r Right) CanRead() bool  { return r == RightRead || r == RightReadWrite }
func (r Right) CanWrite() bool { return r == RightWrite || r == RightReadWrite }

// find looks name up in all API roots.
func find(roots []APIRoot, name string) (*APIRoot, *Collection, error) {
	want, alias, scoped := strings.Cut(name, "/")
	var root *APIRoot
	var found *Collection
	n := 0
	for i := range roots {
		r := &roots[i]
		for j := range r.Collections {
			c := &r.Collections[j]
			hit := c.ID == name || c.Alias == name && name != ""
			if scoped {
				hit = r.Path == want && alias != "" && (c.Alias == alias || c.ID == alias)
			}
			if hit {
				root, found = r, c
				n++
			}
		}
	}
	switch {
	case n == 0:
		return nil, nil, fmt.Errorf("there is no collection %s", clip(name))
	case n > 1:
		return nil, nil, fmt.Errorf("%s is the alias of %d collections; write root/%s", clip(name), n, clip(name))
	}
	return root, found, nil
}

// names lists what a collection may be called, for proposals.
func names(roots []APIRoot) []string {
	var all []string
	for _, r := range roots {
		for _, c := range r.Collections {
			if c.Alias != "" {
				all = append(all, c.Alias, r.Path+"/"+c.Alias)
			} else {
				all = append(all, c.ID)
			}
		}
	}
	return all
}
