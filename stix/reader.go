package stix

import (
	"fmt"
	"io"
	"strings"
)

const (
	usualUnit  = 4096
	mostBlock  = MaxObjectSize + 64<<10
	mostBeside = 1000 // members of an envelope besides the objects
)

// A Reader takes STIX objects out of a stream: JSON values one after the
// other (NDJSON or not), each of them a STIX object, an envelope, a bundle or a
// list of STIX objects. A byte order mark at the beginning is skipped. An
// empty envelope or bundle is no item. It uses memory for the largest object,
// at most about MaxObjectSize, and not for the whole stream. Use NewReader or
// NewReaderAt. A Reader must not be used concurrently.
type Reader struct {
	MaxDepth int  // as in Scanner; set it before the first Next
	Strict   bool // as in Scanner

	source  io.Reader
	place   Position // after the last item
	resumed bool
	started bool
	err     error // of all further calls of Next

	// The stream's bytes are read into blocks. What has been read into a block
	// never changes, because objects are slices of it.
	unit         int // least to read at once; the first block has 16 units, others 256
	block        []byte
	base         int64 // bytes of the stream before block
	line, column int   // of block[counted], from 0
	counted      int   // at most at
	at           int   // index in block of the next byte to look at
	ended        bool  // block goes to the end of the stream
	readErr      error // of reading the stream; what was read before it is still good

	s      Scanner
	inside container
	rest   bool
	level  level // names of the envelope that is open
	items  int
}

// Next returns the next item, or io.EOF at the end of the stream. An item that
// is not a STIX object has Err set; reading goes on after it. If a value at the
// top is not even JSON, it is one such item, and reading goes on at the next
// line that begins with "{". Items stay valid; each keeps the block of the
// stream that it came from in memory, 64 KiB or more.
//
// Any other error is final: a *SyntaxError for broken JSON inside an envelope,
// bundle or list, or what reading the stream returned.
func (r *Reader) Next() (Item, error) {
	if r.err != nil {
		return Item{}, r.err
	}
	if !r.started {
		r.start()
	}
	item, err := r.next()
	if err != nil {
		r.err = err
	}
	if err == nil || err == io.EOF {
		line, column := r.count()
		r.place = Position{r.base + int64(r.at), r.items, line, column, r.inside, r.rest}
	}
	return item, err
}

// Offset is Position().Offset.
func (r *Reader) Offset() int64 { return r.place.Offset }

// Position is the place after the last item, where NewReaderAt can go on.
func (r *Reader) Position() Position { return r.place }

func (r *Reader) start() {
	r.started = true
	r.s.MaxDepth, r.s.Strict = r.MaxDepth, r.Strict
	if r.unit == 0 {
		r.unit = usualUnit
	}
	p := r.place
	r.base, r.line, r.column, r.items, r.inside, r.rest = p.Offset, p.line, p.column, p.Items, p.inside, p.rest
	const mark = "\ufeff"
	for len(r.block) < len(mark) && r.fill() {
	}
	if !r.resumed && strings.HasPrefix(r.s.scan.text, mark) {
		r.at = len(mark)
	}
}

func (r *Reader) next() (Item, error) {
	for {
		c := r.peek()
		over := r.at >= len(r.block)
		switch {
		case over && r.readErr != nil:
			return Item{}, r.readErr
		case over && r.inside == stream:
			return Item{}, io.EOF
		case over:
			return Item{}, r.syntaxError(r.s.scan.end())
		case r.inside == stream && c == '[':
			r.at++
			r.inside, r.rest = list, false
		case r.inside == stream:
			item, ok, err := r.top()
			if ok || err != nil {
				return item, err
			}
		case r.inside == closing:
			if err := r.beside(c); err != nil {
				return Item{}, err
			}
		case c == ']':
			r.leave()
		default:
			return r.element(c)
		}
	}
}

// leave ends a list.
func (r *Reader) leave() {
	r.at++
	r.rest = false
	if r.inside == list {
		r.inside = stream
	} else {
		r.inside = closing
	}
}

// element reads an element of a list, and the comma before it.
func (r *Reader) element(c byte) (Item, error) {
	if r.rest {
		if c != ',' {
			return Item{}, r.syntaxError(r.s.scan.unexpected(r.at, noElement))
		}
		r.at++
		r.peek()
	}
	r.room()
	r.s.scan.probe = false
	var item Item
	end := r.try(func(i int) int {
		item = Item{}
		return r.s.element(i, r.items, &item)
	})
	if end < 0 {
		return Item{}, r.syntaxError(end)
	}
	return r.took(item, end), nil
}

// room makes sure that markings of objects that were returned stay as they are
// when more are added.
func (r *Reader) room() {
	if c := &r.s.scan; cap(c.marks)-len(c.marks) < 16 {
		c.marks = make([]ID, 0, 512)
	}
}

func (r *Reader) took(item Item, end int) Item {
	item.Offset = r.base + int64(r.at)
	r.at = end
	r.rest = r.inside != stream
	r.items++
	return item
}

// top reads a value at the top of the stream. ok is false if it is no item.
func (r *Reader) top() (item Item, ok bool, err error) {
	r.room()
	c := &r.s.scan
	c.keys.cut(0)
	c.probe = true
	d := &r.s.draft
	end := r.try(func(i int) int {
		if c.text[i] == '{' {
			return c.stixObject(i, d)
		}
		item = Item{}
		return r.s.element(i, r.items, &item)
	})
	switch {
	case end < 0 && c.ended && r.readErr != nil:
		return Item{}, false, r.readErr
	case end < 0:
		return r.broken(), true, nil
	case c.text[r.at] != '{':
		return r.took(item, end), true, nil
	case d.end == 0:
		return Item{}, false, r.enter(end)
	case d.members == d.paging || d.Type == "bundle" && !d.objects:
		r.at = end
		return Item{}, false, nil
	}
	r.s.judge(d, r.items, &item)
	return r.took(item, end), true, nil
}

// enter goes into the list of an envelope or bundle, which begins at i.
func (r *Reader) enter(i int) error {
	c := &r.s.scan
	if c.besides() < 0 {
		return r.syntaxError(failed)
	}
	for j := range c.keys.names { // lest they keep their block in memory
		c.keys.names[j].name = strings.Clone(c.keys.names[j].name)
	}
	r.at = i + 1
	r.inside, r.rest, r.level = envelope, false, c.inside
	return nil
}

// beside reads what comes after the objects of an envelope: another member or
// the end.
func (r *Reader) beside(first byte) error {
	c := &r.s.scan
	if first == '}' {
		c.clear(c.text)
		c.close(r.level, r.at)
		if c.besides() < 0 {
			return r.syntaxError(failed)
		}
		r.at++
		r.inside = stream
		return nil
	}
	if first != ',' {
		return r.syntaxError(c.unexpected(r.at, noMember))
	}
	if len(c.keys.names) >= mostBeside {
		return r.syntaxError(c.fail(r.at, "more members than an envelope may have"))
	}
	var name string
	var l level
	end := r.try(func(i int) int {
		l = r.level
		if name, i = c.key(c.space(i+1), &l); i < 0 {
			return i
		}
		return c.value(i)
	})
	if end < 0 {
		return r.syntaxError(end)
	}
	if name == "objects" {
		c.twice(r.at, name)
	}
	if c.besides() < 0 {
		return r.syntaxError(failed)
	}
	r.level = l
	c.keys.names[len(c.keys.names)-1].name = strings.Clone(name)
	r.at = end
	return nil
}

// broken makes an item of a value at the top that is not JSON, and goes to the
// next line that may begin another value.
func (r *Reader) broken() Item {
	c := &r.s.scan
	line, _, _ := strings.Cut(c.text[r.at:], "\n")
	reason := "is not JSON: "
	if c.ended && !r.ended {
		reason = "is larger than 8 MiB"
	} else {
		line, column := r.where(c.bad.at)
		reason += fmt.Sprintf("line %d, column %d: %s", line, column, c.bad.reason)
	}
	item := Item{
		Err:    &ObjectError{Index: r.items, Reason: reason, Raw: line},
		Offset: r.base + int64(r.at),
	}
	r.items++
	r.skipLines()
	return item
}

// syntaxError is the error that ends reading, after the scan has failed.
func (r *Reader) syntaxError(int) error {
	c := &r.s.scan
	if c.ended && r.readErr != nil {
		return r.readErr
	}
	if c.ended && !r.ended {
		c.bad = fault{at: r.at, reason: "a value is larger than 8 MiB"}
	}
	line, column := r.where(c.bad.at)
	return &SyntaxError{Offset: r.base + int64(c.bad.at), Line: line, Column: column, Reason: c.bad.reason}
}
