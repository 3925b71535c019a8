package server

import (
	"bytes"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/flate"

	"entente/store"
	"entente/taxii"
)

// A deflator compresses answers. It is used again.
type deflator struct {
	w      *flate.Writer
	piece  bytes.Buffer
	member taxii.Member
	out    []byte
}

func newDeflator() *deflator {
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		panic(err) // only for a level that does not exist
	}
	return &deflator{w: w}
}

// minDeflate is the size below which a piece is stored as it is.
const minDeflate = 512

// add puts plain into the member.
func (d *deflator) add(plain []byte) {
	if len(plain) < minDeflate {
		d.member.Stored(plain)
		return
	}
	d.piece.Reset()
	d.w.Reset(&d.piece)
	_, err1 := d.w.Write(plain)
	if err := d.w.Flush(); err != nil || err1 != nil {
		panic(err) // a bytes.Buffer takes everything
	}
	d.member.Deflated(d.piece.Bytes(), len(plain), crc32.ChecksumIEEE(plain))
}

// gzip returns body compressed, valid until d is used again.
func (d *deflator) gzip(body []byte) []byte {
	d.member.Reset(d.out[:0])
	d.add(body)
	d.out = d.member.Close()
	return d.out
}

// page returns the envelope of parts, which are not empty, compressed. Parts
// that are compressed already are copied.
func (d *deflator) page(parts []store.Part, tail []byte) []byte {
	d.member.Reset(d.out[:0])
	d.member.Stored([]byte(taxii.ObjectsHead))
	for i := range parts {
		if i > 0 {
			d.member.Stored([]byte{','})
		}
		if p := &parts[i]; p.Deflate != nil {
			d.member.Deflated(p.Deflate, p.Size, p.CRC32)
		} else {
			d.add(p.Plain)
		}
	}
	d.member.Stored(tail)
	d.out = d.member.Close()
	return d.out
}

// free gives d back to pool, unless it has grown large.
func (d *deflator) free(pool *sync.Pool) {
	if cap(d.out)+d.piece.Cap() <= maxKept {
		pool.Put(d)
	}
}
