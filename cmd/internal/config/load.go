package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Load reads the configuration file and the accounts file that it names, and
// looks at the other files it names. The error holds all Mistakes; only when
// file itself cannot be read it is another one.
func Load(file string) (*Config, error) {
	src, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	c, d := parseConfig(file, src)
	checkFiles(c, d)
	var wrong Mistakes
	if c.Accounts != "" {
		c.Known, wrong = loadAccounts(c, d)
	}
	if err := append(d.mistakes, wrong...).sorted(); err != nil {
		return nil, err
	}
	return c, nil
}

// LoadForEdit is Load without a look at any other file: what is needed to
// repair one of them.
func LoadForEdit(file string) (*Config, error) {
	src, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return Parse(file, src)
}

// Parse is LoadForEdit for text that is at hand. The Config is complete only
// when err is nil.
func Parse(file string, src []byte) (*Config, error) {
	c, d := parseConfig(file, src)
	return c, d.mistakes.sorted()
}

func parseConfig(file string, src []byte) (*Config, *doc) {
	c := &Config{File: file}
	d := decode(file, src, c)
	c.setDefaults()
	checkConfig(c, d)
	return c, d
}

// LoadAccounts reads the accounts file of c anew.
func (c *Config) LoadAccounts() (*Accounts, error) {
	d := &doc{file: c.File, at: map[string]place{}}
	a, wrong := loadAccounts(c, d)
	if err := append(d.mistakes, wrong...).sorted(); err != nil {
		return nil, err
	}
	return a, nil
}

// loadAccounts notes in d that there is no such file, and returns what is wrong
// inside it.
func loadAccounts(c *Config, d *doc) (*Accounts, Mistakes) {
	file := c.Path(c.Accounts)
	src, err := readFile(file)
	if err != nil {
		d.add("accounts", "entente account add makes one", "accounts: %v", err)
		return nil, nil
	}
	checkPrivate(c, d, "accounts", file)
	return ParseAccounts(file, src, c.APIRoots)
}

// ParseAccounts reads an accounts file for the collections of roots; nil roots
// leave the names of collections unchecked.
func ParseAccounts(file string, src []byte, roots []APIRoot) (*Accounts, Mistakes) {
	a := &Accounts{}
	d := decode(file, src, a)
	checkAccounts(a, d, roots)
	if err := d.mistakes.sorted(); err != nil {
		return a, err.(Mistakes)
	}
	return a, nil
}

// readFile reads a file of bounded size and words the usual errors.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s", name)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("may not read %s", name)
	case err != nil:
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}
