// Package bolt is the embedded backend: one process, one file, no set-up. The
// file is a bbolt database: keys.go has its layout.
//
// Objects lie in chunks of up to 250 neighbouring entries: columns of what
// filters look at, then the objects joined by commas, so that a page of a log is
// a few large copies. A release log has only references to entries of other logs,
// packed into segments. What filters need is indexed in memory, about 25 bytes an
// entry, and rebuilt from columns and segments when the store is opened. One
// goroutine commits: it takes every batch that waits and makes one transaction of
// them, so that many writers share the two fsyncs.
//
// Deleting an object rewrites its chunk without it. The pages that held it are
// free then, and bbolt writes over them when it needs room; until that happens
// the old bytes can still be found in the file.
package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"entente/store"
)

// A Store is a [store.Store] in one file.
type Store struct {
	o    Options
	path string
	db   *bbolt.DB
	m    *mapping
	seed maphash.Seed
	uids atomic.Uint64

	life   sync.RWMutex // guards closed
	closed bool
	calls  sync.WaitGroup // running calls, which Close waits for

	mu   sync.RWMutex // guards logs, what is in them, and past; only the committer changes them
	logs map[store.LogID]*logIndex
	past *past // see show

	queue  queue
	broken atomic.Pointer[error] // why nothing can be written any more: see fail
	bufs   [][]byte              // committer only: buffers of chunks, for the next commit
	groups atomic.Int64          // group commits begun
	work   sync.WaitGroup
	cache  *partCache
	press  press
}

var _ store.Store = (*Store)(nil)

// Open opens the store in the file at path, and makes it if there is none. It
// fails if another process has the file open, if the file is something else,
// or if a newer version of this program has written it.
func Open(path string, o Options) (*Store, error) {
	o.setDefaults()
	s := &Store{o: o, path: path, logs: map[store.LogID]*logIndex{}, seed: maphash.MakeSeed(), cache: newPartCache(o.DeflateCache)}
	if err := s.openFile(); err != nil {
		return nil, err
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), s.shut())
	}
	s.queue.init()
	if !o.ReadOnly {
		s.work.Go(s.commitLoop)
		if !o.NoCompression {
			s.press.init()
			s.press.work.Go(s.pressLoop)
			s.press.wake()
		}
	}
	return s, nil
}

// openFile opens the database and makes or checks its outermost buckets.
func (s *Store) openFile() error {
	size, err := fileSize(s.path)
	if err != nil {
		return err
	}
	if size == 0 && s.o.ReadOnly {
		return fmt.Errorf("open %s: the file is empty: %w", s.path, fs.ErrNotExist)
	}
	if size > 0 {
		if err := s.peek(size); err != nil {
			return fmt.Errorf("open %s: %w", s.path, err)
		}
	}
	var file *os.File
	db, err := bbolt.Open(s.path, 0o600, &bbolt.Options{
		Timeout:  s.o.LockTimeout,
		ReadOnly: s.o.ReadOnly,
		PageSize: 4096,
		// Free pages are few here. Not writing their list costs reading all page
		// headers when the file is opened (30 ms a gigabyte), and saves writing it
		// with every commit, also when a large deletion has made it long.
		NoFreelistSync:  true,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: mapSizes(size)[0], // else a growing file makes readers wait
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, mode)
			file = f
			return f, err
		},
	})
	if err != nil {
		return fmt.Errorf("open %s: %w", s.path, openError(err))
	}
	s.db, s.m = db, mapFile(file, size)
	if !s.o.ReadOnly {
		if err := db.Update(upgrade); err != nil {
			return errors.Join(fmt.Errorf("open %s: %w", s.path, full(err)), s.shut())
		}
	}
	return nil
}

// openError says in words what bbolt does not like about a file.
func openError(err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return ErrLocked
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrVersionMismatch), errors.Is(err, berrors.ErrChecksum):
		return fmt.Errorf("this is not an Entente store: %w", err)
	}
	return full(err)
}

// peek looks at a file, of size bytes, before anything writes to it: whether it
// is ours and complete. Pages that are missing at its end would be a fault of
// the memory map, which ends the process.
func (s *Store) peek(size int64) error {
	db, err := bbolt.Open(s.path, 0o600, &bbolt.Options{Timeout: s.o.LockTimeout, ReadOnly: true})
	if err != nil {
		return openError(err)
	}
	err = db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > size {
			return fmt.Errorf("the file is cut off: it has %d of %d bytes", size, tx.Size())
		}
		return checkFormat(tx)
	})
	return errors.Join(err, db.Close())
}

func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, err
	case !info.Mode().IsRegular():
		return 0, fmt.Errorf("open %s: this is not a file", path)
	}
	return info.Size(), nil
}

// upgrades[v] brings a file from format v to v+1. A file of format 0 is a new
// one without anything in it.
var upgrades = []func(*bbolt.Tx) error{makeBuckets, addReleases}

// format is what this program reads and writes.
func format() uint32 { return uint32(len(upgrades)) }

func makeBuckets(tx *bbolt.Tx) error {
	for _, name := range [][]byte{bucketMeta, bucketLogs, bucketDoc, bucketExpiry, bucketCursor} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketMeta).Put(keyKind, []byte(kindText))
}

// addReleases makes labels and release logs possible, which nothing has to be
// changed for: older programs do not know them.
func addReleases(*bbolt.Tx) error { return nil }

// readFormat returns the format of the file; 0 if it is empty.
func readFormat(tx *bbolt.Tx) (uint32, error) {
	meta := tx.Bucket(bucketMeta)
	if meta == nil {
		if k, _ := tx.Cursor().First(); k != nil {
			return 0, errors.New("this is a bbolt file of another program, not an Entente store")
		}
		return 0, nil
	}
	v := meta.Get(keyFormat)
	if string(meta.Get(keyKind)) != kindText || len(v) != 4 {
		return 0, errors.New("this is a bbolt file of another program, not an Entente store")
	}
	return binary.BigEndian.Uint32(v), nil
}

func checkFormat(tx *bbolt.Tx) error {
	v, err := readFormat(tx)
	if err != nil {
		return err
	}
	if v > format() {
		return fmt.Errorf("the store has format %d, this program knows formats up to %d: use a newer one", v, format())
	}
	return nil
}

// upgrade brings the file to the newest format.
func upgrade(tx *bbolt.Tx) error {
	v, err := readFormat(tx)
	if err != nil || v == format() {
		return err
	}
	for ; v < format(); v++ {
		if err := upgrades[v](tx); err != nil {
			return fmt.Errorf("upgrade from format %d: %w", v, err)
		}
	}
	return tx.Bucket(bucketMeta).Put(keyFormat, binary.BigEndian.AppendUint32(nil, v))
}

// load builds the index of every log.
func (s *Store) load() error {
	return s.db.View(func(tx *bbolt.Tx) error {
		if tx.Bucket(bucketLogs) == nil {
			return nil // a read-only file without anything in it
		}
		logs := tx.Bucket(bucketLogs)
		var releases []*logIndex
		err := logs.ForEachBucket(func(name []byte) error {
			if logs.Bucket(name).Bucket(bucketRel) != nil {
				releases = append(releases, s.newReleaseLog(store.LogID(name)))
				return nil
			}
			l := s.newLogIndex(store.LogID(name))
			if err := s.loadLog(tx, l); err != nil {
				return fmt.Errorf("log %q: %w", l.id, err)
			}
			s.logs[l.id] = l
			return nil
		})
		if err != nil {
			return err
		}
		for _, l := range releases {
			if err := s.loadRelease(tx, l); err != nil {
				return fmt.Errorf("release log %q: %w", l.id, err)
			}
		}
		for _, l := range releases {
			s.logs[l.id] = l
		}
		return nil
	})
}

func (s *Store) loadLog(tx *bbolt.Tx, l *logIndex) error {
	chunks, z := logBuckets(tx, l.id)
	if chunks == nil || z == nil {
		return fmt.Errorf("%w: no chunks", store.ErrCorrupt)
	}
	if err := l.loadLabels(tx.Bucket(bucketLogs).Bucket([]byte(l.id)).Bucket(bucketLabel)); err != nil {
		return err
	}
	c := chunks.Cursor()
	for key, _ := c.First(); key != nil; key, _ = c.Next() {
		first, err := keySeq(key)
		if err != nil {
			return err
		}
		b, at, err := blobPlace(chunks, key)
		if err != nil {
			return err
		}
		if err := l.load(b, at, first, s.uids.Add(1)); err != nil {
			return fmt.Errorf("chunk %d: %w", first, err)
		}
		if ref := &l.dir[len(l.dir)-1]; z.Bucket(key) != nil {
			if _, ref.z, err = blobPlace(z, key); err != nil {
				return err
			}
		}
	}
	if uint64(len(l.labels)) > uint64(l.n) {
		return fmt.Errorf("%w: labels of %d entries, there are %d", store.ErrCorrupt, len(l.labels), l.n)
	}
	return l.judgeAll()
}

// Close implements [store.Store].
func (s *Store) Close() error {
	s.life.Lock()
	again := s.closed
	s.closed = true
	s.life.Unlock()
	s.calls.Wait()
	if again {
		return nil
	}
	s.press.stop()
	s.queue.stop()
	s.work.Wait()
	return s.shut()
}

// shut gives the file back.
func (s *Store) shut() error { return errors.Join(s.m.unmap(), s.db.Close()) }

// enter begins a call; leave ends it.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.life.RLock()
	defer s.life.RUnlock()
	if s.closed {
		return store.ErrClosed
	}
	s.calls.Add(1)
	return nil
}

func (s *Store) leave() { s.calls.Done() }

// enterLog begins a call that needs a log; nil if it was never written.
func (s *Store) enterLog(ctx context.Context, id store.LogID) (*logIndex, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	return s.log(id), nil
}

func (s *Store) log(id store.LogID) *logIndex {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.logs[id]
}
