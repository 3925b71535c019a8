package store

import (
	"fmt"
	"strings"
	"time"

	"entente/stix"
)

// Limits on what the arguments of a backend may be; breaking one is ErrInvalid.
const (
	MaxName = 255      // bytes of a LogID, a document's Kind and ID, a cursor's name
	MaxBody = 16 << 20 // bytes of a document's Body
)

// MaxAdded is the last Added there is: the last whole millisecond that a TAXII
// timestamp can tell (9999-12-31T23:59:59.999Z).
const MaxAdded Added = 253_402_300_799_999_000

// Number gives the Added of the first of n new entries of one commit to a log
// with this head; the others follow 1 µs apart and the last one falls on a
// whole millisecond. None is before at or at or before head, even if the clock
// was stepped back. ErrInvalid if they would pass MaxAdded. n is 1 or more.
func Number(head Added, at time.Time, n int) (Added, error) {
	low := head + 1
	if at.After(time.UnixMicro(int64(head))) {
		if at.After(time.UnixMicro(int64(MaxAdded))) {
			return 0, fmt.Errorf("%w: batch at %s: after the year 9999", ErrInvalid, at)
		}
		low = max(low, Added(at.Add(time.Microsecond-1).UnixMicro()))
	}
	last := low + Added(n) - 1
	if rest := last % 1000; rest != 0 {
		last += 1000 - rest
	}
	if last > MaxAdded {
		return 0, fmt.Errorf("%w: the log's head is %s, no Added is left", ErrInvalid, head)
	}
	return last - Added(n) + 1, nil
}

// CheckLog returns ErrInvalid unless log is 1 to MaxName bytes.
func CheckLog(log LogID) error {
	if log == "" || len(log) > MaxName {
		return fmt.Errorf("%w: log name of %d bytes, want 1 to %d", ErrInvalid, len(log), MaxName)
	}
	return nil
}

// CheckRead returns ErrInvalid if Read must refuse log or q.
func CheckRead(log LogID, q *Query) error {
	if err := CheckLog(log); err != nil {
		return err
	}
	if q.Limit < 1 {
		return fmt.Errorf("%w: limit %d, want 1 or more", ErrInvalid, q.Limit)
	}
	if q.MaxBytes < 0 {
		return fmt.Errorf("%w: at most %d bytes, want 0 or more", ErrInvalid, q.MaxBytes)
	}
	if q.Want&WantObjects != 0 && q.Want&WantDeflated != 0 {
		return fmt.Errorf("%w: WantObjects and WantDeflated exclude each other", ErrInvalid)
	}
	if q.Take != nil && q.Want != WantObjects {
		return fmt.Errorf("%w: Take goes with WantObjects alone", ErrInvalid)
	}
	return nil
}

// CheckBatch returns ErrInvalid if Commit must refuse b whatever is stored.
func CheckBatch(b *Batch) error {
	if len(b.Objects) > 0 || len(b.Relabel) > 0 || b.Log != "" {
		if err := CheckLog(b.Log); err != nil {
			return err
		}
	}
	for i := range b.Objects {
		o := &b.Objects[i]
		if len(o.Raw) < 2 || len(o.Raw) > stix.MaxObjectSize || o.ID == "" {
			return fmt.Errorf("%w: object %d %q of %d bytes", ErrInvalid, i, o.ID, len(o.Raw))
		}
	}
	if b.Labels != nil && len(b.Labels) != len(b.Objects) {
		return fmt.Errorf("%w: %d labels for %d objects", ErrInvalid, len(b.Labels), len(b.Objects))
	}
	if err := CheckReleases(b.Releases); err != nil {
		return err
	}
	for i := range b.Releases {
		if b.Releases[i].Log == b.Log && len(b.Objects)+len(b.Relabel) > 0 {
			return fmt.Errorf("%w: release %d to %q, which is a log of objects in this batch", ErrInvalid, i, b.Log)
		}
	}
	if b.Cursor != nil {
		if err := CheckName("cursor", b.Cursor.Name); err != nil {
			return err
		}
	}
	return CheckDocuments(b.Put)
}

// CheckDocuments returns ErrInvalid if one of docs cannot be put.
func CheckDocuments(docs []Document) error {
	for i := range docs {
		if err := CheckDocument(&docs[i]); err != nil {
			return err
		}
	}
	return nil
}

// CheckDocument returns ErrInvalid if d cannot be put.
func CheckDocument(d *Document) error {
	if err := CheckName("document kind", d.Kind); err != nil {
		return err
	}
	if err := CheckName("document id", d.ID); err != nil {
		return err
	}
	if len(d.Body) > MaxBody {
		return fmt.Errorf("%w: document %s/%s: body of %d bytes, want at most %d", ErrInvalid, d.Kind, d.ID, len(d.Body), MaxBody)
	}
	if d.Expires < 0 {
		return fmt.Errorf("%w: document %s/%s: expires before 1970", ErrInvalid, d.Kind, d.ID)
	}
	return nil
}

// CheckName returns ErrInvalid unless name is 1 to MaxName bytes without NUL;
// what says what the name is of.
func CheckName(what, name string) error {
	if name == "" || len(name) > MaxName || strings.IndexByte(name, 0) >= 0 {
		return fmt.Errorf("%w: %s %q, want 1 to %d bytes without NUL", ErrInvalid, what, name, MaxName)
	}
	return nil
}
