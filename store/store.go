// Package store defines what a storage backend must do.
//
// Everything readable is a log: an ordered sequence of entries, one entry for
// one version of an object, by [Added]. A log of objects keeps what was
// committed to it; a release log (see [Release]) is what somebody may see of
// other logs. The backends are store/bolt (one
// process, one file) and store/mem (the reference, in memory). Package
// store/storetest holds the tests that every backend must pass.
//
// A log comes into being with its first entry; a log that was never written is
// empty, not an error.
package store

import (
	"context"
	"errors"
	"time"

	"entente/stix"
)

var (
	// ErrNotFound: no such document.
	ErrNotFound = errors.New("not found")
	// ErrConflict: a compare-and-swap lost; nothing was written. Reread and retry.
	ErrConflict = errors.New("revision conflict")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store closed")
	// ErrFull: the disk (or quota) is full. Nothing was written; reading goes on,
	// and writing works again once there is room.
	ErrFull = errors.New("storage full")
	// ErrInvalid: an argument that this contract rules out, whatever is stored,
	// or a log of the wrong kind (see Release); nothing was written. CheckRead,
	// CheckBatch and CheckDocument find the former.
	ErrInvalid = errors.New("invalid argument")
	// ErrCorrupt: what is stored contradicts itself.
	ErrCorrupt = errors.New("store corrupt")
)

// A LogID names a log: 1 to 255 bytes. A collection's own log is named by the
// collection's UUID in lower case. Any byte may be in it.
type LogID string

// Added says when an entry entered its log: microseconds since the Unix epoch,
// UTC. In one log it is unique and grows in commit order, so it is date_added,
// paging position and replication position at once: a reader that saw every
// entry up to a never misses one by asking for entries after a. The last entry
// that a commit adds to a log falls on a whole millisecond; the ones before it
// are 1 µs apart. Zero is before every entry; MaxAdded is the greatest.
// Backends take them from Number.
type Added int64

// String is the TAXII timestamp, with six digits.
func (a Added) String() string { return stix.FormatMicros(int64(a)) }

// A Reader reads logs. Its methods may be called concurrently.
type Reader interface {
	// Read replaces p's content with the first q.Limit entries of log that q
	// selects, oldest Added first, from one consistent view. Bytes in p are
	// copies (what Query.Take gets is none): they stay valid after the call and pin nothing (until p is read into
	// again). A canceled ctx, an unreadable store, ErrInvalid and ErrClosed are the
	// only errors; p is then undefined.
	Read(ctx context.Context, log LogID, q *Query, p *Page) error

	// Has reports whether log holds any version of id.
	Has(ctx context.Context, log LogID, id stix.ID) (bool, error)

	// Stat describes log; the zero Stat if it is empty or was never written.
	Stat(ctx context.Context, log LogID) (Stat, error)

	// Logs returns the names of all logs that have had an entry, in byte order.
	Logs(ctx context.Context) ([]LogID, error)
}

// A Stat is the size of a log.
type Stat struct {
	Head    Added // of the newest entry ever added, deleted or not; 0 if none
	Entries int64 // entries that are there now, all versions
	Bytes   int64 // of their objects
}

// A Writer changes logs. Its methods may be called concurrently, and readers
// never wait for them. A call whose ctx is done already writes nothing.
type Writer interface {
	// Commit applies b: all of it, or nothing. Readers see it so, too: who has seen
	// one thing that b wrote, be it an object, a label, a release, a document or a
	// cursor, finds all of it by any later call. When Commit returns nil the batch
	// is durable and every later call sees it. On ErrConflict (b.Cursor.From, a
	// document's Rev or a label was stale, or b.Head was wrong), ErrFull, ErrInvalid and ErrClosed nothing was
	// written. After any other error the batch may or may not have been applied; repeating it is safe,
	// because an object that is there already is a Duplicate.
	//
	// Commit does not keep b or anything in it after it returns.
	Commit(ctx context.Context, b *Batch) (Receipt, error)

	// Delete removes from log the versions of id that sel selects, and their
	// bytes, and returns how many it removed; 0 is no error. Deleting an entry
	// changes no other entry's Added. An object that was deleted may be added
	// again, as a new entry: it counts neither as a version nor for what Outcome
	// says. Of sel only After, SpecVersions and Versions count.
	Delete(ctx context.Context, log LogID, id stix.ID, sel *Query) (int, error)
}

// A Batch is one atomic write to one log.
type Batch struct {
	Log     LogID         // may be "" when there are no Objects and no Relabel; such a batch creates no log
	Objects []stix.Object // in the order in which they get their Added; from stix.Parse or a stix.Scanner
	Labels  []Label       // of Objects, in step; nil: all 0. A Duplicate keeps the label that is stored.
	At      time.Time     // lower bound for the Added values, also those of release logs

	// Head, if set, is what the caller takes the log's Stat.Head to be. If it is not, or
	// not all of Objects are Stored with the Added that Number gives from there, the
	// Batch fails with ErrConflict. So Releases and documents may rest on foresight.
	Head *Added

	Cursor *CursorMove // nil: none
	Put    []Document  // written with the objects, one after the other; Rev as in Documents.Put

	Relabel  []Relabel // after Objects, one after the other
	Releases []Release // after Relabel, one after the other; what they add to one log gets Added values as if it were one Batch

	// Then, if set, is called inside the commit with what became of the objects
	// (also if there are none); the documents it returns are written in the same
	// commit, after Put and under the same rules. It must be pure and quick and
	// must not change the Receipt: a backend that has to retry calls it again. It
	// is not called, or its result is dropped, when the commit fails.
	Then func(Receipt) []Document
}

// A CursorMove advances a named cursor together with a batch.
type CursorMove struct {
	Name     string // 1 to 255 bytes, no NUL
	From, To string // From is the value the caller read; "" if there was none
}

// An Outcome says what became of one object of a Batch. Rules are tried in
// order of the constants from Duplicate on; the first that applies decides.
type Outcome uint8

const (
	// Stored: a new version, now visible.
	Stored Outcome = iota + 1
	// Duplicate: the log has this version with equal content (stix.Equal);
	// nothing was written, its Added stays. For an object without modified and
	// created any entry of that id with equal content counts.
	Duplicate
	// Differs: the log has this version with other content; that one stays.
	// Never for objects without modified and created: each distinct content of
	// those is a version of its own, named by its Added (TAXII 2.1, 3.4.1).
	Differs
	// Foreign: created or created_by_ref is not that of the object's newest
	// version in the log (STIX 2.1, section 3.6: only the creator makes new
	// versions, and created never changes). Timestamps compare as instants; absent
	// equals absent only; spec versions play no part. Not tried for objects without
	// modified.
	Foreign
	// AfterRevoked: the log has a revoked version that is older than this one,
	// and this one is not revoked; what is revoked stays so (STIX 2.1, section
	// 3.6). Feeds do reissue revoked objects, still revoked: those are Stored. Not
	// tried for objects without modified and created; nor do these count as
	// versions for Foreign and AfterRevoked.
	AfterRevoked
	// TooMany: the object has MaxVersions versions in the log already.
	TooMany
)

// MaxVersions is the most versions one log keeps of one object.
const MaxVersions = 10_000

// A Receipt reports a committed Batch. Outcomes[i] and Added[i] are for
// Objects[i]. Within a batch an object sees the ones before it as stored.
type Receipt struct {
	Outcomes []Outcome
	Added    []Added // of the entry now stored, new or old; 0 if neither (Foreign, AfterRevoked, TooMany)
	Labels   []Label // of the same entry, after Relabel
}

// Foreseen reports whether r, of b, is as b.Head says that it will be. head is the
// Added of the newest entry that the log had before b.
func (r *Receipt) Foreseen(b *Batch, head Added) bool {
	if b.Head == nil || len(b.Objects) == 0 {
		return b.Head == nil || *b.Head == head
	}
	first, err := Number(head, b.At, len(b.Objects))
	if err != nil || *b.Head != head {
		return false
	}
	for i := range b.Objects {
		if r.Outcomes[i] != Stored || r.Added[i] != first+Added(i) {
			return false
		}
	}
	return true
}

// A Document is a small record: a status, a secret, an agreement.
type Document struct {
	Kind, ID string // 1 to 255 bytes each, no NUL
	Rev      uint64 // 1 for the first revision; in a Put: the revision to replace, 0 to create
	Body     []byte // at most 16 MiB, not interpreted by the store
	Expires  Added  // Expire removes it from then on; 0 means never
}

// Documents keeps records that change by compare-and-swap.
type Documents interface {
	Document(ctx context.Context, kind, id string) (Document, error) // ErrNotFound
	// Documents returns all of a kind, by ID in byte order.
	Documents(ctx context.Context, kind string) ([]Document, error)
	// Put writes d if the stored revision is d.Rev (0: there is none) and
	// returns the new revision, d.Rev+1; else ErrConflict.
	Put(ctx context.Context, d Document) (rev uint64, err error)
	// Remove deletes the document if its revision is rev: ErrConflict, ErrNotFound.
	Remove(ctx context.Context, kind, id string, rev uint64) error
	// Expire removes up to limit documents with 0 < Expires <= now, earliest
	// first (of equal ones by Kind, then ID), and returns how many. A document whose time has come stays readable
	// until then: readers that care compare Expires themselves.
	Expire(ctx context.Context, now Added, limit int) (int, error)
	// Cursor returns the value of a named cursor, "" if it was never set.
	Cursor(ctx context.Context, name string) (string, error)
}

// A Store is a complete backend.
type Store interface {
	Reader
	Writer
	Documents
	// Close waits for running calls; later calls, perhaps after waiting for Close,
	// return ErrClosed (a ctx that is done already may win). Closing twice is no
	// error.
	Close() error
}
