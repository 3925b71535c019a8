package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/gowebpki/jcs"
)

// Canonical is the form of the agreement that is signed: its document as JSON by
// RFC 8785, without the key signatures at the top; what is not written is not in it,
// whatever its default. Comments and layout do not change it. It is nil if the
// agreement was not parsed.
func (a *Agreement) Canonical() []byte {
	if a.source == nil || a.source.root == nil {
		return nil
	}
	text, err := jcs.Transform(a.source.root.json(nil, "signatures"))
	if err != nil {
		return nil // what was parsed is JSON
	}
	return text
}

// Digest is "sha256:" and the hash of the canonical form, in 64 hex digits: what the
// next revision says it supersedes. It is "" if the agreement was not parsed.
func (a *Agreement) Digest() string {
	text := a.Canonical()
	if text == nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// json appends n as JSON, without a key.
func (n *node) json(b []byte, without string) []byte {
	switch n.kind {
	case textNode:
		text, _ := json.Marshal(n.text) // a text can always be written
		return append(b, text...)
	case listNode:
		b = append(b, '[')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.json(b, "")
		}
		return append(b, ']')
	case mappingNode:
		b = append(b, '{')
		comma := false
		for i, k := range n.keys {
			if without != "" && k.name == without {
				continue
			}
			if comma {
				b = append(b, ',')
			}
			comma = true
			name, _ := json.Marshal(k.name)
			b = append(append(b, name...), ':')
			b = n.items[i].json(b, "")
		}
		return append(b, '}')
	}
	return append(b, n.text...)
}
