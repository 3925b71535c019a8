// Package load puts STIX files into a collection's log: bundles, envelopes,
// lists and NDJSON, plain or compressed, of any size, and goes on where it was
// interrupted.
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"entente/stix"
	"entente/store"
)

// A batch ends at either of these.
const (
	batchObjects = 1000
	batchBytes   = 4 << 20
)

// done is the cursor of a file that was read to its end and need not be again.
const done = "done"

// A Loader loads files into one log.
type Loader struct {
	Store store.Store
	Log   store.LogID
	Now   func() time.Time

	// Once skips a file that was loaded to its end before and has not changed.
	Once bool
	// Restart reads a file from its beginning, whatever was done before.
	Restart bool
	// Read, if set, is told how many bytes of the file were read, compressed.
	Read func(n int)
	// MaxRefused is how many refusals Summary.Refusals lists; the rest is counted.
	MaxRefused int
}

// A Summary says what became of the objects of one or more files.
type Summary struct {
	Stored    int64     `json:"stored"`
	Known     int64     `json:"known"`   // in the collection already, with equal content
	Refused   int64     `json:"refused"` // see Refusals
	Skipped   int64     `json:"skipped"` // dealt with by an earlier run that was interrupted
	Refusals  []Refusal `json:"refusals,omitempty"`
	Unlisted  int64     `json:"refusals_unlisted,omitempty"`
	Unchanged bool      `json:"-"` // by Once
}

// A Refusal says why an object, or the rest of a file, was not stored.
type Refusal struct {
	File   string  `json:"file"`
	Index  int     `json:"index"` // of the object in the file, from 0
	Byte   int64   `json:"byte"`  // where it begins, in the file after decompression
	ID     stix.ID `json:"id,omitempty"`
	Reason string  `json:"reason"`
}

func (r Refusal) String() string {
	if r.ID == "" {
		return fmt.Sprintf("%s: object %d, byte %d: %s", r.File, r.Index, r.Byte, r.Reason)
	}
	return fmt.Sprintf("%s: object %d, byte %d: %s: %s", r.File, r.Index, r.Byte, r.ID, r.Reason)
}

// File loads the file of that name into l.Log and adds what happened to sum.
// When it returns an error, what sum says was stored is stored, and the next
// File of the same name goes on from there.
func (l *Loader) File(ctx context.Context, name string, sum *Summary) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	cursor, err := l.cursorName(f, name)
	if err != nil {
		return err
	}
	at, err := l.Store.Cursor(ctx, cursor)
	if err != nil {
		return err
	}
	if at == done && l.Once {
		sum.Unchanged = true
		return nil
	}
	run := &run{Loader: l, name: name, sum: sum, cursor: cursor, at: at}
	return run.all(ctx, f)
}

// Stream is File for a stream that cannot be read again: it is not resumed.
func (l *Loader) Stream(ctx context.Context, name string, r io.Reader, sum *Summary) error {
	run := &run{Loader: l, name: name, sum: sum}
	return run.all(ctx, r)
}

// cursorName names the progress in a file. A file that was changed, or another
// one in its place, has another name.
func (l *Loader) cursorName(f *os.File, name string) (string, error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file; use - to read from a pipe", name)
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("import/%s/%s", l.Log, fingerprint(path, info.Size(), info.ModTime())), nil
}

// A place is where an object begins in its file.
type place struct {
	index  int
	offset int64
}

// A run loads one file.
type run struct {
	*Loader
	name   string
	sum    *Summary
	cursor string // "" if there is none
	at     string // its stored value

	reader *stix.Reader
	batch  []stix.Object
	places []place // of the batch
	size   int
	items  int // seen in this file, before and now
}

func (r *run) all(ctx context.Context, source io.Reader) error {
	stream, closeStream, err := decompress(&counter{source, r.Read})
	if err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	defer closeStream()
	if err := r.position(stream); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	for {
		item, err := r.reader.Next()
		var broken *stix.SyntaxError
		switch {
		case err == io.EOF:
			return r.commit(ctx, true)
		case errors.As(err, &broken):
			if err := r.commit(ctx, false); err != nil {
				return err
			}
			r.refuse(Refusal{r.name, r.items, broken.Offset, "", fmt.Sprintf("not read from here on: line %d, column %d: %s", broken.Line, broken.Column, broken.Reason)})
			return nil
		case err != nil:
			return errors.Join(fmt.Errorf("%s: %w", r.name, err), r.commit(ctx, false))
		}
		r.add(item)
		if len(r.batch) >= batchObjects || r.size >= batchBytes {
			if err := r.commit(ctx, false); err != nil {
				return err
			}
		}
	}
}

// position makes the reader, at the beginning or where an earlier run ended.
func (r *run) position(stream io.Reader) error {
	var p stix.Position
	if r.at != "" && r.at != done && !r.Restart {
		if err := p.UnmarshalText([]byte(r.at)); err != nil {
			return fmt.Errorf("where the last import ended cannot be read (%w); use --restart", err)
		}
		if _, err := io.CopyN(io.Discard, stream, p.Offset); err != nil {
			return fmt.Errorf("skip %d bytes that an earlier import has dealt with: %w", p.Offset, err)
		}
	}
	if p == (stix.Position{}) {
		r.reader = stix.NewReader(stream)
		return nil
	}
	r.items = p.Items
	r.sum.Skipped += int64(p.Items)
	r.reader = stix.NewReaderAt(stream, p)
	return nil
}

func (r *run) add(item stix.Item) {
	r.items++
	if item.Err != nil {
		reason := item.Err.Reason
		if item.Err.Property != "" {
			reason = item.Err.Property + " " + reason
		}
		r.refuse(Refusal{r.name, r.items - 1, item.Offset, item.Err.ID, reason})
		return
	}
	r.batch = append(r.batch, item.Object)
	r.places = append(r.places, place{r.items - 1, item.Offset})
	r.size += len(item.Object.Raw)
}

// commit stores the batch and the progress in one step.
func (r *run) commit(ctx context.Context, end bool) error {
	b := &store.Batch{Objects: r.batch, At: r.Now()}
	if len(r.batch) > 0 {
		b.Log = r.Log
	}
	if r.cursor != "" {
		to, err := r.progress(end)
		if err != nil {
			return err
		}
		if to != r.at {
			b.Cursor = &store.CursorMove{Name: r.cursor, From: r.at, To: to}
		}
	}
	if b.Cursor == nil && len(b.Objects) == 0 {
		return nil
	}
	receipt, err := r.Store.Commit(ctx, b)
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("%s: another import of this file is running", r.name)
	}
	if err != nil {
		return fmt.Errorf("%s: store objects up to %d: %w", r.name, r.items, err)
	}
	if b.Cursor != nil {
		r.at = b.Cursor.To
	}
	for i, o := range receipt.Outcomes {
		switch o {
		case store.Stored:
			r.sum.Stored++
		case store.Duplicate:
			r.sum.Known++
		default:
			r.refuse(Refusal{r.name, r.places[i].index, r.places[i].offset, r.batch[i].ID, reasonOf(o)})
		}
	}
	clear(r.batch)
	r.batch, r.places, r.size = r.batch[:0], r.places[:0], 0
	return nil
}

// progress is the cursor's next value. At the end it is forgotten, so that the
// file can be imported again, unless it is to be loaded once.
func (r *run) progress(end bool) (string, error) {
	switch {
	case end && r.Once:
		return done, nil
	case end:
		return "", nil
	}
	text, err := r.reader.Position().MarshalText()
	return string(text), err
}

func (r *run) refuse(why Refusal) {
	r.sum.Refused++
	if len(r.sum.Refusals) < r.MaxRefused {
		r.sum.Refusals = append(r.sum.Refusals, why)
	} else {
		r.sum.Unlisted++
	}
}

// reasonOf words an outcome.
func reasonOf(o store.Outcome) string {
	switch o {
	case store.Differs:
		return "this version is in the collection with other content; that one stays"
	case store.Foreign:
		return "created or created_by_ref differs from the newest version's; only the creator makes new versions"
	case store.AfterRevoked:
		return "an older version is revoked; what is revoked stays so"
	case store.TooMany:
		return fmt.Sprintf("the collection has %d versions of it already", store.MaxVersions)
	}
	return fmt.Sprintf("outcome %d", o)
}
