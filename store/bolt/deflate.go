package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"

	"github.com/klauspost/compress/flate"
	"go.etcd.io/bbolt"

	"entente/store"
)

// A fragment is the raw column of a full chunk, compressed: CRC-32 (IEEE) u32
// and length u32 of the column, length u32 of what follows, then DEFLATE blocks
// on a byte boundary, none of them final. Padding may follow.
const fragmentHeader = 12

const (
	pressLevel   = 5   // in the background, once
	partLevel    = 1   // while a reader waits
	leastDeflate = 512 // bytes; smaller parts go out plain
)

// deflate appends b, compressed, to dst.
func deflate(w *flate.Writer, dst *bytes.Buffer, b []byte) error {
	w.Reset(dst)
	if _, err := w.Write(b); err != nil {
		return err
	}
	return w.Flush() // an empty stored block: ends on a byte boundary
}

var partWriters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, partLevel)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

func openFragment(b []byte) (sum uint32, size int, body []byte, err error) {
	if len(b) < fragmentHeader {
		return 0, 0, nil, fmt.Errorf("%w: fragment of %d bytes", store.ErrCorrupt, len(b))
	}
	le := binary.LittleEndian
	n := int(le.Uint32(b[8:]))
	if n > len(b)-fragmentHeader {
		return 0, 0, nil, fmt.Errorf("%w: fragment shorter than it says", store.ErrCorrupt)
	}
	return le.Uint32(b), int(le.Uint32(b[4:])), b[fragmentHeader : fragmentHeader+n], nil
}

// fillParts makes the page's parts of r.parts: whole chunks as they are stored,
// what lies between compressed now, or taken from the cache.
func (s *Store) fillParts(r *reading) error {
	for i := 0; i < len(r.parts); {
		if ref := &r.l.dir[r.parts[i].chunk]; ref.z.size > 0 {
			if n := r.wholeChunk(i); n > 0 {
				if err := r.addFragment(ref); err != nil {
					return err
				}
				i += n
				continue
			}
		}
		end := i + 1
		for end < len(r.parts) && !(r.l.dir[r.parts[end].chunk].z.size > 0 && r.wholeChunk(end) > 0) {
			end++
		}
		if err := s.addPart(r, r.parts[i:end]); err != nil {
			return err
		}
		i = end
	}
	r.page.Objects = r.page.Objects[:0]
	return nil
}

// wholeChunk returns how many of the pieces from number i on make up all live
// entries of their chunk, 0 if they do not.
func (r *reading) wholeChunk(i int) int {
	at := r.parts[i].chunk
	if i > 0 && r.parts[i-1].chunk == at {
		return 0
	}
	ref := &r.l.dir[at]
	covered := func(from, to uint32) bool { // all deleted?
		for seq := ref.first + from; seq < ref.first+to; seq++ {
			if !r.l.deleted.has(seq) {
				return false
			}
		}
		return true
	}
	n, next := 0, uint32(0)
	for ; i+n < len(r.parts) && r.parts[i+n].chunk == at; n++ {
		p := r.parts[i+n]
		if !covered(next, p.from) {
			return 0
		}
		next = p.to
	}
	if !covered(next, uint32(ref.n)) {
		return 0
	}
	return n
}

// addFragment adds the stored fragment of a chunk. The bytes of parts lie in the
// buffer of page.Objects, beyond its length.
func (r *reading) addFragment(ref *chunkRef) error {
	b, err := r.l.m.view(ref.z)
	if err != nil {
		return err
	}
	sum, size, body, err := openFragment(b)
	if err != nil {
		return err
	}
	r.page.Parts = append(r.page.Parts, store.Part{Deflate: r.keep(body), Size: size, CRC32: sum})
	return nil
}

// keep copies b into the page's buffer and returns the copy. While the parts are
// made the buffer's length says what is taken.
func (r *reading) keep(b []byte) []byte {
	p := r.page
	from := len(p.Objects)
	p.Objects = append(p.Objects, b...)
	return p.Objects[from:len(p.Objects):len(p.Objects)]
}

// addPart adds pieces as one part.
func (s *Store) addPart(r *reading, pieces []piece) error {
	key := r.partKey(pieces)
	if part, ok := s.cache.get(key); ok {
		part.Deflate = r.keep(part.Deflate)
		r.page.Parts = append(r.page.Parts, part)
		return nil
	}
	from := len(r.page.Objects)
	for i, p := range pieces {
		raw, err := r.l.raw(&r.l.dir[p.chunk], p.from, p.to)
		if err != nil {
			return err
		}
		if i > 0 {
			r.page.Objects = append(r.page.Objects, ',')
		}
		r.page.Objects = append(r.page.Objects, raw...)
	}
	plain := r.page.Objects[from:len(r.page.Objects):len(r.page.Objects)]
	if len(plain) < leastDeflate {
		r.page.Parts = append(r.page.Parts, store.Part{Plain: plain, Size: len(plain)})
		return nil
	}
	part := store.Part{Size: len(plain), CRC32: crc32.ChecksumIEEE(plain)}
	w := partWriters.Get().(*flate.Writer)
	defer partWriters.Put(w)
	var out bytes.Buffer
	if err := deflate(w, &out, plain); err != nil {
		return err
	}
	part.Deflate = out.Bytes()
	r.page.Parts = append(r.page.Parts, part)
	s.cache.put(key, part)
	return nil
}

// keyPieces is the most pieces a part may have to be kept in the cache.
const keyPieces = 64

// partKey identifies the bytes of pieces; "" if they are not worth keeping.
func (r *reading) partKey(pieces []piece) string {
	if len(pieces) > keyPieces {
		return ""
	}
	key := make([]byte, 0, 16*len(pieces))
	for _, p := range pieces {
		key = binary.LittleEndian.AppendUint64(key, r.l.dir[p.chunk].uid)
		key = append(key, byte(p.from), byte(p.to))
	}
	return string(key)
}

// A partCache keeps compressed parts, the ones used last.
type partCache struct {
	mu    sync.Mutex // guards what follows
	room  int        // bytes left
	parts map[string]*cached
	order []*cached // a ring for the clock hand
	hand  int
}

type cached struct {
	key  string
	part store.Part
	used bool
}

func newPartCache(room int) *partCache { return &partCache{room: room, parts: map[string]*cached{}} }

// cost is what an entry takes, its overhead included.
func (c *cached) cost() int { return len(c.part.Deflate) + len(c.key) + 200 }

func (c *partCache) get(key string) (store.Part, bool) {
	if key == "" {
		return store.Part{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.parts[key]
	if e == nil {
		return store.Part{}, false
	}
	e.used = true
	return e.part, true
}

func (c *partCache) put(key string, part store.Part) {
	if key == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parts[key] != nil {
		return
	}
	// The page's caller may write over the part's bytes: keep our own.
	part.Deflate = bytes.Clone(part.Deflate)
	e := &cached{key: key, part: part}
	for c.room < e.cost() {
		if len(c.order) == 0 {
			return
		}
		c.evict()
	}
	c.room -= e.cost()
	c.parts[key] = e
	c.order = append(c.order, e)
}

// evict drops the next entry that was not used since the hand came by.
func (c *partCache) evict() {
	for {
		c.hand %= len(c.order)
		e := c.order[c.hand]
		if !e.used {
			c.room += e.cost()
			delete(c.parts, e.key)
			c.order = slices.Delete(c.order, c.hand, c.hand+1)
			return
		}
		e.used = false
		c.hand++
	}
}

// A press compresses full chunks in the background.
type press struct {
	bell chan struct{}
	quit chan struct{}
	work sync.WaitGroup
}

func (p *press) init() {
	p.bell, p.quit = make(chan struct{}, 1), make(chan struct{})
}

func (p *press) wake() {
	select {
	case p.bell <- struct{}{}: // never on a nil channel: without compression nobody listens
	default:
	}
}

// stop ends the loop and waits for it; the committer must still be there.
func (p *press) stop() {
	if p.quit != nil {
		close(p.quit)
		p.work.Wait()
	}
}

// pressed is a fragment that is to be stored.
type pressed struct {
	l     *logIndex
	uid   uint64
	first uint32
	b     []byte
}

// pressBatch is how many fragments one transaction stores.
const pressBatch = 16

func (s *Store) pressLoop() {
	w, err := flate.NewWriter(nil, pressLevel)
	if err != nil {
		panic(err) // the level is a constant
	}
	for {
		select {
		case <-s.press.quit:
			return
		case <-s.press.bell:
		}
		if err := s.pressAll(w); err != nil {
			s.o.Log.Error("compress chunks", "file", s.path, "err", err)
		}
	}
}

// pressAll compresses every full chunk that has no fragment yet.
func (s *Store) pressAll(w *flate.Writer) error {
	ids, err := s.Logs(context.Background())
	if err != nil {
		return nil // closed
	}
	var batch []pressed
	for _, id := range ids {
		l := s.log(id)
		for at := 0; ; at++ {
			select {
			case <-s.press.quit:
				return nil
			default:
			}
			var p pressed
			var raw []byte
			if p, raw, at, err = l.unpressed(at); err != nil {
				return err
			}
			if raw == nil {
				break
			}
			if p.b, err = fragment(w, raw); err != nil {
				return err
			}
			if batch = append(batch, p); len(batch) == pressBatch {
				if err := s.storePressed(batch); err != nil {
					return err
				}
				batch = batch[:0]
			}
		}
	}
	return s.storePressed(batch)
}

// unpressed returns the first full chunk from number at on that has no
// fragment, a copy of its objects and its number; nil if there is none.
func (l *logIndex) unpressed(at int) (pressed, []byte, int, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for ; at < len(l.dir); at++ {
		ref := &l.dir[at]
		if !ref.sealed || ref.z.size > 0 {
			continue
		}
		raw, err := l.raw(ref, 0, uint32(ref.n))
		if err != nil {
			return pressed{}, nil, at, err
		}
		if len(raw) >= leastDeflate {
			return pressed{l: l, uid: ref.uid, first: ref.first}, bytes.Clone(raw), at, nil
		}
	}
	return pressed{}, nil, at, nil
}

// fragment makes the fragment of raw.
func fragment(w *flate.Writer, raw []byte) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(len(raw)/4 + fragmentHeader)
	b.Write(make([]byte, fragmentHeader))
	if err := deflate(w, &b, raw); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	le.PutUint32(b.Bytes(), crc32.ChecksumIEEE(raw))
	le.PutUint32(b.Bytes()[4:], uint32(len(raw)))
	le.PutUint32(b.Bytes()[8:], uint32(b.Len()-fragmentHeader))
	return b.Bytes(), nil
}

// storePressed stores fragments, but for chunks that have changed meanwhile.
func (s *Store) storePressed(batch []pressed) error {
	if len(batch) == 0 {
		return nil
	}
	j := &job{alone: func() error {
		err := s.update(func(tx *bbolt.Tx) error {
			batch = slices.DeleteFunc(batch, func(p pressed) bool { return p.ref() == nil })
			if len(batch) == 0 {
				return errNothing
			}
			for _, p := range batch {
				_, z := logBuckets(tx, p.l.id)
				if err := putBlob(z, p.first, padded(p.b, s.db.Info().PageSize)); err != nil {
					return err
				}
			}
			return nil
		})
		if isNothing(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.db.View(func(tx *bbolt.Tx) error {
			for _, p := range batch {
				_, z := logBuckets(tx, p.l.id)
				_, at, err := blobPlace(z, seqKey(p.first))
				if err != nil {
					return err
				}
				p.l.mu.Lock()
				p.ref().z = at
				p.l.mu.Unlock()
			}
			return nil
		})
	}}
	s.queue.add(j)
	<-j.done
	return j.err
}

// ref returns the chunk's place in the index, nil if the chunk has changed.
// Committer only.
func (p *pressed) ref() *chunkRef {
	ref := &p.l.dir[p.l.locate(p.first, 0)]
	if ref.uid != p.uid {
		return nil
	}
	return ref
}
