package policy

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// AddSignature returns the document text with the signature s, in place of an older
// one of the same party. Nothing but the key signatures changes, not even layout and
// comments. The error wraps ErrInvalid.
func AddSignature(text []byte, s Signature) ([]byte, error) {
	before, err := Parse("the document", text)
	if err != nil {
		return nil, err
	}
	root := before.source.root
	if root.inline || root.at.column != 1 {
		return nil, fmt.Errorf("%w: the document is indented, or in braces; write it as lines of \"key: value\"", ErrInvalid)
	}
	all := slices.DeleteFunc(slices.Clone(before.Signatures), func(old Signature) bool { return old.Party == s.Party })
	all = append(all, s)
	slices.SortFunc(all, func(a, b Signature) int { return strings.Compare(a.Party, b.Party) })
	block := "signatures:\n"
	for _, one := range all {
		block += fmt.Sprintf("  - {party: %q, key: %q, alg: %q,\n     value: %q}\n", one.Party, one.Key, one.Alg, one.Value)
	}
	if bytes.Contains(text, []byte("\r\n")) {
		block = strings.ReplaceAll(block, "\n", "\r\n")
	}
	after := splice(text, root, block)
	got, err := Parse("the document", after)
	if err != nil || !bytes.Equal(got.Canonical(), before.Canonical()) || !slices.Equal(got.Signatures, all) {
		return nil, fmt.Errorf("%w: the signature cannot be put into the document; move the key signatures to its end", ErrInvalid)
	}
	return after, nil
}

// splice puts the lines of block where the key signatures is, or at the end.
func splice(text []byte, root *node, block string) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	from, to := len(lines), len(lines)
	for i, k := range root.keys {
		if k.name != "signatures" {
			continue
		}
		from = k.at.line - 1
		if i+1 < len(root.keys) {
			to = root.keys[i+1].at.line - 1
		}
		for to > from+1 && aside(lines[to-1]) {
			to--
		}
	}
	var b bytes.Buffer
	for _, line := range lines[:from] {
		b.Write(line)
	}
	if b.Len() > 0 && !bytes.HasSuffix(b.Bytes(), []byte("\n")) {
		b.WriteByte('\n')
	}
	b.WriteString(block)
	for _, line := range lines[to:] {
		b.Write(line)
	}
	return b.Bytes()
}

// aside reports whether a line has only a comment, or nothing.
func aside(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) == 0 || line[0] == '#'
}
