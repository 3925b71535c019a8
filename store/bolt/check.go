package bolt

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/klauspost/compress/flate"
	"go.etcd.io/bbolt"

	"entente/stix"
	"entente/store"
)

// maxFindings is when a Check stops looking for more.
const maxFindings = 100

// Check reads all of the store and returns what contradicts itself, one sentence
// each and at most 100; none if the store is sound. It checks the structure of
// the file, the checksums of the chunks, their columns against the objects they
// describe, the order of Added, the compressed copies, the documents against the
// expiry index, and the index in memory against one built anew. Writers wait
// meanwhile, readers do not. The error is about the checking: a canceled ctx,
// [store.ErrClosed].
func (s *Store) Check(ctx context.Context) (findings []string, err error) {
	c := &checker{s: s, ctx: ctx}
	run := func() error { return s.db.View(c.check) }
	if !s.o.ReadOnly {
		err = s.doAlone(ctx, run)
	} else if err = s.enter(ctx); err == nil {
		err = run()
		s.leave()
	}
	return c.findings, err
}

type checker struct {
	s        *Store
	ctx      context.Context
	findings []string
}

func (c *checker) found(format string, args ...any) {
	if len(c.findings) < maxFindings {
		c.findings = append(c.findings, fmt.Sprintf(format, args...))
	}
}

func (c *checker) check(tx *bbolt.Tx) error {
	for err := range tx.Check() {
		c.found("file: %v", err)
	}
	if tx.Bucket(bucketLogs) == nil {
		return nil
	}
	seen := 0
	err := tx.Bucket(bucketLogs).ForEachBucket(func(name []byte) error {
		seen++
		return c.checkLog(tx, store.LogID(name))
	})
	if err != nil {
		return err
	}
	if n := len(c.s.logs); n != seen {
		c.found("index: %d logs, the file has %d", n, seen)
	}
	return c.checkDocs(tx)
}

func (c *checker) checkLog(tx *bbolt.Tx, id store.LogID) error {
	if tx.Bucket(bucketLogs).Bucket([]byte(id)).Bucket(bucketRel) != nil {
		return c.checkRelease(tx, id)
	}
	again := c.s.newLogIndex(id)
	if err := c.s.loadLog(tx, again); err != nil {
		c.found("log %q: %v", id, err)
		return nil
	}
	if live := c.s.log(id); live == nil {
		c.found("log %q: not in the index", id)
	} else {
		c.compare(live, again)
	}
	_, z := logBuckets(tx, id)
	fragments := 0
	for i := range again.dir {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		ref := &again.dir[i]
		c.checkChunk(again, ref)
		if ref.z.size > 0 {
			fragments++
			c.checkFragment(again, ref)
		}
	}
	stored := 0
	err := z.ForEachBucket(func([]byte) error { stored++; return nil })
	if err == nil && stored != fragments {
		c.found("log %q: %d compressed chunks, %d of them belong to a chunk", id, stored, fragments)
	}
	return err
}

// checkRelease compares a release log with its bases, and each of its entries with
// what is found by it.
func (c *checker) checkRelease(tx *bbolt.Tx, id store.LogID) error {
	again := c.s.newReleaseLog(id)
	if err := c.s.loadRelease(tx, again); err != nil {
		c.found("release log %q: %v", id, err)
		return nil
	}
	live := c.s.log(id)
	if live == nil || live.rel == nil {
		c.found("release log %q: not in the index", id)
		return nil
	}
	c.compare(live, again)
	if !slices.Equal(live.rel.bases, again.rel.bases) || !slices.Equal(live.rel.spans, again.rel.spans) || !slices.Equal(live.rel.refs, again.rel.refs) {
		c.found("release log %q index: not the entries of the file", id)
		return nil
	}
	for seq := range again.n {
		if again.deleted.has(seq) {
			continue
		}
		of, ref := again.origin(seq)
		if at, ok, err := again.entryOf(of, ref); err != nil || !ok || at != seq {
			c.found("release log %q: entry %d of %q is there twice: %d and %d", id, ref, of.id, seq, at)
		}
		if label := again.label(seq); !live.seen.has(label) {
			c.found("release log %q index: label %d of entry %d was not seen", id, label, seq)
		}
	}
	return c.ctx.Err()
}

// checkChunk compares a chunk's columns with its objects.
func (c *checker) checkChunk(l *logIndex, ref *chunkRef) {
	where := fmt.Sprintf("log %q chunk %d", l.id, ref.first)
	b, err := l.m.view(ref.place)
	if err != nil {
		c.found("%s: %v", where, err)
		return
	}
	ch, err := readChunk(b)
	if err != nil {
		c.found("%s: %v", where, err)
		return
	}
	if !ch.rawSound(b) || !ch.joined() {
		c.found("%s: objects do not match their checksum", where)
	}
	for i, got := range ch.appendSlots(nil) {
		if got.flags&flagDeleted != 0 {
			continue
		}
		o, err := stix.Parse(string(got.raw))
		if err != nil {
			c.found("%s slot %d: %v", where, i, err)
			continue
		}
		want := newSlot(&o)
		want.added = got.added
		if got != want {
			c.found("%s slot %d: columns do not describe object %s", where, i, o.ID)
		}
	}
}

func (c *checker) checkFragment(l *logIndex, ref *chunkRef) {
	where := fmt.Sprintf("log %q compressed chunk %d", l.id, ref.first)
	raw, err := l.raw(ref, 0, uint32(ref.n))
	if err != nil {
		c.found("%s: %v", where, err)
		return
	}
	b, err := l.m.view(ref.z)
	if err != nil {
		c.found("%s: %v", where, err)
		return
	}
	sum, size, body, err := openFragment(b)
	if err != nil {
		c.found("%s: %v", where, err)
		return
	}
	if sum != crc32.ChecksumIEEE(raw) || size != len(raw) {
		c.found("%s: checksum of other objects", where)
	}
	end := []byte{1, 0, 0, 0xff, 0xff} // an empty final block
	got, err := io.ReadAll(io.LimitReader(flate.NewReader(io.MultiReader(bytes.NewReader(body), bytes.NewReader(end))), int64(len(raw))+1))
	if err != nil || !bytes.Equal(got, raw) {
		c.found("%s: does not decompress to the objects: %v", where, err)
	}
}

// compare compares the index with one built anew.
func (c *checker) compare(l, again *logIndex) {
	differs := func(what string, got, want any) {
		if got != want {
			c.found("log %q index: %s is %v, the file says %v", l.id, what, got, want)
		}
	}
	differs("number of entries", l.n, again.n)
	differs("head", l.head, again.head)
	differs("number of objects", l.live, again.live)
	differs("bytes", l.bytes, again.bytes)
	differs("objects by spec version", l.specs, again.specs)
	differs("number of chunks", len(l.dir), len(again.dir))
	if l.n != again.n || len(l.dir) != len(again.dir) {
		return
	}
	for i := range l.dir {
		got, want := l.dir[i], again.dir[i]
		got.uid, want.uid = 0, 0
		differs(fmt.Sprintf("chunk %d", i), got, want)
	}
	for seq := range l.n {
		c.compareEntry(l, again, seq)
	}
	for name, k := range again.kinds {
		if got := l.kinds[name]; got == nil || len(got.seqs) != len(k.seqs) {
			c.found("log %q index: entries of type %s are not those of the file", l.id, name)
		}
	}
}

func (c *checker) compareEntry(l, again *logIndex, seq uint32) {
	if l.deleted.has(seq) != again.deleted.has(seq) {
		c.found("log %q index: entry %d: wrong about being deleted", l.id, seq)
		return
	}
	if l.deleted.has(seq) {
		return
	}
	same := l.spec20.has(seq) == again.spec20.has(seq) && l.oldSpec.has(seq) == again.oldSpec.has(seq) &&
		l.prev[seq] == again.prev[seq] && l.label(seq) == again.label(seq) && l.seen.has(l.label(seq)) && (l.multi.has(seq) || !again.multi.has(seq))
	if !l.oldSpec.has(seq) {
		same = same && l.notLast.has(seq) == again.notLast.has(seq) && l.late.has(seq) == again.late.has(seq)
	}
	if !same {
		c.found("log %q index: entry %d: wrong about its versions or its label", l.id, seq)
		return
	}
	got, err := l.latest(seq)
	if want, werr := again.latest(seq); err != nil || werr != nil || got != want {
		c.found("log %q index: entry %d: object not found", l.id, seq)
	}
}

// checkDocs compares documents and expiry index, both ways.
func (c *checker) checkDocs(tx *bbolt.Tx) error {
	expiring := 0
	err := tx.Bucket(bucketDoc).ForEach(func(key, v []byte) error {
		kind, id, ok := bytes.Cut(key, []byte{0})
		k := docKey{string(kind), string(id)}
		d, err := readDoc(k, v)
		if !ok || err != nil || d.Rev == 0 {
			c.found("document %q: not readable", key)
			return nil
		}
		if d.Expires > 0 {
			expiring++
			if tx.Bucket(bucketExpiry).Get(expiryKey(d.Expires, k)) == nil {
				c.found("document %s/%s: not in the expiry index", k.kind, k.id)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	indexed := 0
	err = tx.Bucket(bucketExpiry).ForEach(func(key, _ []byte) error {
		indexed++
		if _, _, err := readExpiry(key); err != nil {
			c.found("%v", err)
		}
		return nil
	})
	if err == nil && indexed != expiring {
		c.found("expiry index: %d entries for %d documents", indexed, expiring)
	}
	return err
}
