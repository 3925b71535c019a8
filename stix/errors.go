package stix

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrInvalid is wrapped by every error about what a text says: it is not JSON,
// not an envelope, or not a STIX object.
var ErrInvalid = errors.New("invalid STIX")

// A SyntaxError says why nothing of a text can be used.
type SyntaxError struct {
	Offset int64  // bytes before the place, from 0
	Line   int    // from 1
	Column int    // bytes, from 1
	Reason string // what is wrong there
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d (byte %d): %s", e.Line, e.Column, e.Offset, e.Reason)
}

// Unwrap returns ErrInvalid.
func (e *SyntaxError) Unwrap() error { return ErrInvalid }

// An ObjectError says why one object was refused. The objects beside it are
// not affected.
type ObjectError struct {
	Index    int    // of the object in its envelope, list or file, from 0
	ID       ID     // "" if it has none that could be read; else as written, at most 300 bytes
	Version  string // modified, else created, as written; "" if there is none that could be read
	Property string // the property that is wrong; "" if it is the object as a whole
	Reason   string // what is wrong with it
	Raw      string // the text that was refused
}

func (e *ObjectError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "object %d", e.Index)
	if e.ID != "" {
		fmt.Fprintf(&b, " (%s)", e.ID)
	}
	b.WriteString(": ")
	if e.Property != "" {
		b.WriteString(e.Property)
		b.WriteByte(' ')
	}
	b.WriteString(e.Reason)
	return b.String()
}

// Unwrap returns ErrInvalid.
func (e *ObjectError) Unwrap() error { return ErrInvalid }

// place returns the line and column, from 0, of the byte at text[at], where
// text begins at the given line and column.
func place(text string, at, line, column int) (int, int) {
	text = text[:min(at, len(text))]
	if n := strings.Count(text, "\n"); n > 0 {
		return line + n, len(text) - strings.LastIndexByte(text, '\n') - 1
	}
	return line, column + len(text)
}

// excerpt quotes s for an error message, cut to a bearable length.
func excerpt(s string) string {
	const most = 60
	if len(s) <= most {
		return fmt.Sprintf("%q", s)
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return fmt.Sprintf("%q…", s[:cut])
}
