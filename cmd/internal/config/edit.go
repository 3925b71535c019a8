package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// An Edit changes one account in the text of an accounts file. All other lines,
// comments included, stay as they are; comments inside the changed entry go.
type Edit struct {
	file string
	src  []byte
	Accounts
	items []span // lines of the accounts, in order
	end   int    // the line at which a new one goes
}

type span struct{ from, to int } // lines, from 0, to excluded

// OpenEdit reads an accounts file for editing. A file that is not there is
// empty, and written at the first Save.
func OpenEdit(file string, roots []APIRoot) (*Edit, error) {
	e := &Edit{file: file}
	src, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		src, err = []byte("accounts:\n"), nil
	}
	if err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	return e, e.load(src, roots)
}

func (e *Edit) load(src []byte, roots []APIRoot) error {
	src = bytes.TrimRight(src, "\n")
	src = append(src, '\n')
	e.src, e.items = src, nil
	f, err := parse(src)
	if err != nil || len(f.Docs) != 1 {
		_, wrong := ParseAccounts(e.file, src, roots)
		return wrong.sorted()
	}
	if body, ok := f.Docs[0].Body.(*ast.MappingNode); ok && len(body.Values) == 1 {
		if _, null := body.Values[0].Value.(*ast.NullNode); null {
			e.end = body.Values[0].GetToken().Position.Line
			return nil
		}
	}
	a, wrong := ParseAccounts(e.file, src, roots)
	if err := wrong.sorted(); err != nil {
		return err
	}
	e.Accounts = *a
	return e.locate(f)
}

// locate finds the lines of each account. The comments above an entry belong
// to it.
func (e *Edit) locate(f *ast.File) error {
	var seq *ast.SequenceNode
	if body, ok := f.Docs[0].Body.(*ast.MappingNode); ok && len(body.Values) == 1 {
		seq, _ = body.Values[0].Value.(*ast.SequenceNode)
	}
	if seq == nil || seq.IsFlowStyle {
		return fmt.Errorf("%s: write the accounts as lines that begin with \"- \", then they can be edited", e.file)
	}
	lines := bytes.Split(e.src, []byte("\n"))
	e.end = len(lines) - 1
	for _, entry := range seq.Entries {
		from := entry.Start.Position.Line - 1
		for from > 0 && bytes.HasPrefix(bytes.TrimSpace(lines[from-1]), []byte("#")) {
			from--
		}
		e.items = append(e.items, span{from, e.end})
	}
	for i := range len(e.items) - 1 {
		e.items[i].to = e.items[i+1].from
	}
	if len(e.items) != len(e.Accounts.Accounts) {
		return fmt.Errorf("%s: found %d of %d accounts", e.file, len(e.items), len(e.Accounts.Accounts))
	}
	return nil
}

// Index returns where the account is in Accounts, or -1. Case does not matter.
func (e *Edit) Index(name string) int {
	return slices.IndexFunc(e.Accounts.Accounts, func(a Account) bool { return strings.EqualFold(a.Name, name) })
}

// Put adds a, or replaces the account of that name.
func (e *Edit) Put(a Account, roots []APIRoot) error {
	lines := bytes.Split(e.src, []byte("\n"))
	if i := e.Index(a.Name); i >= 0 {
		s := e.items[i]
		for s.from < s.to && !bytes.HasPrefix(bytes.TrimSpace(lines[s.from]), []byte("-")) {
			s.from++ // the comments above
		}
		s.to = s.from + 1 + e.body(lines[s.from+1:s.to])
		return e.splice(lines, s, render(a), roots)
	}
	return e.splice(lines, span{e.end, e.end}, render(a), roots)
}

// body counts the lines that belong to an entry: up to the last that is
// neither empty nor a comment.
func (e *Edit) body(lines [][]byte) int {
	n := 0
	for i, l := range lines {
		if t := bytes.TrimSpace(l); len(t) > 0 && t[0] != '#' {
			n = i + 1
		}
	}
	return n
}

// Remove removes the i-th account and the comments above it.
func (e *Edit) Remove(i int, roots []APIRoot) error {
	return e.splice(bytes.Split(e.src, []byte("\n")), e.items[i], "", roots)
}

func (e *Edit) splice(lines [][]byte, s span, text string, roots []APIRoot) error {
	var out bytes.Buffer
	for _, l := range lines[:s.from] {
		fmt.Fprintf(&out, "%s\n", l)
	}
	out.WriteString(text)
	out.Write(bytes.Join(lines[s.to:], []byte("\n")))
	e.Accounts = Accounts{}
	return e.load(out.Bytes(), roots)
}

// Save writes the file in one step, for its owner only.
func (e *Edit) Save() error { return WriteFile(e.file, e.src, 0o600) }

// render writes one account as an entry of the list.
func render(a Account) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  - name: %s\n", strconv.Quote(a.Name))
	if a.Password != "" {
		fmt.Fprintf(&b, "    password: %s\n", a.Password)
	}
	if len(a.Tokens) > 0 {
		b.WriteString("    tokens:\n")
		for _, t := range a.Tokens {
			fmt.Fprintf(&b, "      - %s\n", t)
		}
	}
	if a.Partner != "" {
		fmt.Fprintf(&b, "    partner: %s\n", a.Partner)
	}
	if len(a.Collections) > 0 {
		b.WriteString("    collections:\n")
		for _, name := range slices.Sorted(maps.Keys(a.Collections)) {
			fmt.Fprintf(&b, "      %s: %s\n", name, a.Collections[name])
		}
	}
	for _, option := range []struct {
		key string
		set bool
	}{
		{"person", a.Person}, {"escape_non_ascii", a.EscapeNonASCII}, {"empty_objects_list", a.EmptyObjectsList}, {"no_dates_on_empty", a.NoDatesOnEmpty},
	} {
		if option.set {
			fmt.Fprintf(&b, "    %s: true\n", option.key)
		}
	}
	return b.String()
}

// WriteFile replaces file durably in one step: whoever reads it sees the old
// content or the new. A file that was there keeps its owner and what its group may
// read, because the server that has to read it may run as somebody else.
func WriteFile(file string, content []byte, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already if all went well
	_, err = tmp.Write(content)
	if old, statErr := os.Stat(file); err == nil && statErr == nil {
		if old.Mode().Perm()&0o007 == 0 { // open to all was a mistake, open to a group is not
			mode |= old.Mode().Perm() & 0o040
		}
		err = keepOwner(tmp, old)
	}
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if err := os.Rename(tmp.Name(), file); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
