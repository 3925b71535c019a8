package bolt

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"go.etcd.io/bbolt"

	"entente/store"
)

// The layout of the file. Buckets nest from left to right; numbers in keys are
// big-endian, so that byte order is their order.
//
//	meta    "format"                        u32, the format version: see upgrades
//	meta    "kind"                          "entente store"
//	logs    <log> "chunk" <first seq u64>   "b" -> a chunk: see chunk
//	logs    <log> "z" <first seq u64>       "b" -> the chunk's objects, compressed: see fragment
//	logs    <log> "label" <first seq u64>   labels: see labelSlots
//	logs    <log> "of" <number u64>         of a release log: the names of the logs that it has entries of
//	logs    <log> "rel" <first seq u64>     of a release log: a segment, see appendSegment
//	doc     <kind> 0 <id>                   rev u64, expires u64, body
//	expiry  <expires u64> <kind> 0 <id>     empty; for documents that expire
//	cursor  <name>                          value
//
// Every chunk and every fragment has a bucket of its own with a single key.
// bbolt rewrites a whole leaf page when a neighbour changes, and values beside
// each other share a leaf: with plain values an append copies up to four chunks
// of 250 KiB again. In a bucket of its own a chunk's pages are written once and
// stay where they are until the chunk itself is replaced. Readers depend on
// that: they find chunks by file offset, without a transaction (see mapping).
var (
	bucketMeta   = []byte("meta")
	bucketLogs   = []byte("logs")
	bucketChunk  = []byte("chunk")
	bucketZ      = []byte("z")
	bucketLabel  = []byte("label")
	bucketOf     = []byte("of")
	bucketRel    = []byte("rel")
	bucketDoc    = []byte("doc")
	bucketExpiry = []byte("expiry")
	bucketCursor = []byte("cursor")

	keyFormat = []byte("format")
	keyKind   = []byte("kind")
	keyBlob   = []byte("b")

	kindText = "entente store"
)

func seqKey(seq uint32) []byte { return binary.BigEndian.AppendUint64(nil, uint64(seq)) }

func keySeq(key []byte) (uint32, error) {
	if len(key) != 8 {
		return 0, fmt.Errorf("%w: chunk key %x is not 8 bytes", store.ErrCorrupt, key)
	}
	n := binary.BigEndian.Uint64(key)
	if n >= maxSeq {
		return 0, fmt.Errorf("%w: chunk key %x is beyond the last entry number", store.ErrCorrupt, key)
	}
	return uint32(n), nil
}

// A docKey names a document; text is its key in the file.
type docKey struct{ kind, id string }

func (k docKey) text() []byte { return []byte(k.kind + "\x00" + k.id) }

func expiryKey(expires store.Added, k docKey) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(expires)), k.text()...)
}

// padded returns b with zeros behind it, so that bbolt gives it pages of its
// own: it keeps a bucket of up to a quarter page inside the parent's page.
func padded(b []byte, pageSize int) []byte {
	if least := pageSize/4 + 1; len(b) < least {
		b = append(b, make([]byte, least-len(b))...)
	}
	return b
}

// putBlob stores value, which must stay unchanged until the transaction ends.
func putBlob(parent *bbolt.Bucket, seq uint32, value []byte) error {
	parent.FillPercent = 0.95 // keys grow
	b, err := parent.CreateBucketIfNotExists(seqKey(seq))
	if err != nil {
		return err
	}
	return b.Put(keyBlob, value)
}

func deleteBlob(parent *bbolt.Bucket, seq uint32) error {
	key := seqKey(seq)
	if parent.Bucket(key) == nil {
		return nil
	}
	return parent.DeleteBucket(key)
}

// A place is where a blob lies in the file.
type place struct {
	off  int64
	size uint32 // with padding
}

// blobPlace returns the value of the blob and its place. The value is valid
// while parent's transaction is open.
func blobPlace(parent *bbolt.Bucket, key []byte) ([]byte, place, error) {
	b := parent.Bucket(key)
	if b == nil {
		return nil, place{}, fmt.Errorf("%w: no chunk %x", store.ErrCorrupt, key)
	}
	v := b.Get(keyBlob)
	if len(v) == 0 {
		return nil, place{}, fmt.Errorf("%w: chunk %x is empty", store.ErrCorrupt, key)
	}
	// bbolt hands out slices of its map of the file; the difference of the two
	// addresses is the offset. Both are read under the transaction, which keeps
	// the map in place.
	base := parent.Tx().DB().Info().Data
	return v, place{off: int64(uintptr(unsafe.Pointer(unsafe.SliceData(v))) - base), size: uint32(len(v))}, nil
}

// logBuckets returns the buckets of a log of objects, nil if it was never written.
func logBuckets(tx *bbolt.Tx, id store.LogID) (chunks, z *bbolt.Bucket) {
	b := tx.Bucket(bucketLogs).Bucket([]byte(id))
	if b == nil {
		return nil, nil
	}
	return b.Bucket(bucketChunk), b.Bucket(bucketZ)
}

// makeLogBuckets returns the buckets of a log of objects and makes those that are
// missing.
func makeLogBuckets(tx *bbolt.Tx, id store.LogID) (chunks, z *bbolt.Bucket, err error) {
	b, err := tx.Bucket(bucketLogs).CreateBucketIfNotExists([]byte(id))
	if err != nil {
		return nil, nil, err
	}
	if chunks, err = b.CreateBucketIfNotExists(bucketChunk); err != nil {
		return nil, nil, err
	}
	z, err = b.CreateBucketIfNotExists(bucketZ)
	return chunks, z, err
}
