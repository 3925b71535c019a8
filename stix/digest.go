package stix

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Digest is a SHA-256 that is the same for two accepted objects exactly when
// they are duplicates by [Equal]. Its time grows with the size by n log n at
// most. It is part of the format of stored files: it never changes.
func Digest(raw string) [sha256.Size]byte {
	d := digester{sum: sha256.New()}
	if len(raw) > MaxObjectSize || !d.build(raw) {
		return sha256.Sum256([]byte("?" + raw))
	}
	d.value(0, true)
	d.sum.Write(d.buf)
	return [sha256.Size]byte(d.sum.Sum(nil))
}

// A digester writes a tree in the one form that all equal objects have: members
// sorted by name, strings without escapes and after their length, numbers as
// digits and exponent. Every value says where it ends.
type digester struct {
	tape
	sum hash.Hash
	buf []byte
}

// value writes node n; top says that it is the STIX object itself, where
// defaults count.
func (d *digester) value(n int, top bool) {
	kind := d.nodes[n].kind
	switch kind {
	case '{':
		members := d.sorted(n)
		if top {
			members = d.withoutDefaults(members)
		}
		d.add("{")
		for _, m := range members {
			d.text('"', m.name)
			d.value(m.value, false)
		}
		d.add("}")
	case '[':
		d.add("[")
		for k, end := d.first(n); k < end; k = d.next(k) {
			d.value(k, false)
		}
		d.add("]")
	case '"':
		d.text('"', d.str(n))
	case 0:
		d.number(d.raw(n))
	default:
		d.add(string(kind)) // true, false or null
	}
}

func (d *digester) number(raw string) {
	v, ok := splitNumber(raw)
	switch {
	case !ok:
		d.text('e', raw)
	case v.minus:
		d.text('-', v.digits)
	default:
		d.text('+', v.digits)
	}
	d.buf = binary.LittleEndian.AppendUint64(d.buf, uint64(v.exponent))
}

func (d *digester) text(kind byte, s string) {
	d.buf = binary.LittleEndian.AppendUint32(append(d.buf, kind), uint32(len(s)))
	d.add(s)
}

func (d *digester) add(s string) {
	if d.buf = append(d.buf, s...); len(d.buf) >= 4096 {
		d.sum.Write(d.buf)
		d.buf = d.buf[:0]
	}
}
