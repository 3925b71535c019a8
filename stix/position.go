package stix

import (
	"fmt"
	"io"
)

// A Position is a place between two items of a stream, from which a Reader can
// go on. The zero Position is the beginning of a stream. Its text form
// (MarshalText) is short and stable.
type Position struct {
	Offset int64 // bytes before it
	Items  int   // items before it

	line, column int // of the place, from 0
	inside       container
	rest         bool // inside a container, after its first element
}

// A container is what the elements of a stream stand in.
type container uint8

const (
	stream   container = iota // one value after the other, white space between
	list                      // a list at the top
	envelope                  // the list "objects" of an envelope or a bundle
	closing                   // after that list, before the end of the envelope or bundle
)

// MarshalText writes p as text, for a file or a cursor.
func (p Position) MarshalText() ([]byte, error) {
	rest := 0
	if p.rest {
		rest = 1
	}
	return fmt.Appendf(nil, "%d/%d/%d/%d/%d/%d", p.Offset, p.Items, p.line, p.column, p.inside, rest), nil
}

// UnmarshalText reads what MarshalText wrote. The error wraps ErrInvalid.
func (p *Position) UnmarshalText(text []byte) error {
	var q Position
	var rest int
	_, err := fmt.Sscanf(string(text), "%d/%d/%d/%d/%d/%d", &q.Offset, &q.Items, &q.line, &q.column, &q.inside, &rest)
	q.rest = rest == 1
	again, _ := q.MarshalText()
	if err != nil || string(again) != string(text) || q.Offset < 0 || q.Items < 0 || q.inside > closing {
		return fmt.Errorf("position %s in a stream: %w", excerpt(string(text)), ErrInvalid)
	}
	*p = q
	return nil
}

// NewReader returns a Reader of r from its beginning.
func NewReader(r io.Reader) *Reader { return &Reader{source: r} }

// NewReaderAt returns a Reader that goes on at p. r must be at byte p.Offset of
// the same stream. Members of an envelope before p are not seen again, so a
// name that was there before p and comes again after it is not noticed.
func NewReaderAt(r io.Reader, p Position) *Reader {
	return &Reader{source: r, place: p, resumed: p != Position{}}
}
