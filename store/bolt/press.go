package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/flate"
	"go.etcd.io/bbolt"
)

// A press compresses full chunks in the background.
type press struct {
	bell chan struct{}
	quit chan struct{}
	work sync.WaitGroup
	seen int64 // Store.groups at the last look; of the loop only
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
			if !s.giveWay() {
				return nil
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

// giveWay lets writers go first: it waits until nobody has committed for a
// moment, but not longer than a second, so that there is progress under a load
// that never ends. It returns false when the press is to stop.
func (s *Store) giveWay() bool {
	const moment = 20 * time.Millisecond
	for range time.Second / moment {
		now := s.groups.Load()
		if now == s.press.seen {
			break
		}
		s.press.seen = now
		select {
		case <-s.press.quit:
			return false
		case <-time.After(moment):
		}
	}
	select {
	case <-s.press.quit:
		return false
	default:
		return true
	}
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
