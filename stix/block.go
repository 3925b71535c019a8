package stix

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unsafe"
)

// fill reads on, at least as much again as is waiting in the block, so that
// trying again after each fill stays linear. It returns false if there is
// nothing more to be had: at the end, after an error, or if the block is full.
func (r *Reader) fill() bool {
	if r.ended || r.readErr != nil {
		return false
	}
	waiting := len(r.block) - r.at
	want := max(waiting, r.unit)
	if cap(r.block)-len(r.block) < want {
		if waiting >= mostBlock {
			return false
		}
		r.renew(waiting)
	}
	free := r.block[len(r.block):cap(r.block)]
	n, err := io.ReadAtLeast(r.source, free, min(want, len(free)))
	r.block = r.block[:len(r.block)+n]
	r.s.scan.text = unsafe.String(unsafe.SliceData(r.block), len(r.block))
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.ended = true
	} else if err != nil {
		r.readErr = fmt.Errorf("read after byte %d: %w", r.base+int64(len(r.block)), err)
	}
	return n > 0
}

// renew starts a new block with what is waiting in the old one.
func (r *Reader) renew(waiting int) {
	size := 16 * r.unit
	if r.block != nil {
		size = 256 * r.unit
	}
	size = min(max(size, 4*waiting), mostBlock)
	block := make([]byte, waiting, size)
	copy(block, r.block[r.at:])
	r.count()
	r.base += int64(r.at)
	r.block, r.at, r.counted = block, 0, 0
}

// peek skips white space and returns the byte after it; 0 at the end.
func (r *Reader) peek() byte {
	for {
		r.at = r.s.scan.space(r.at)
		if r.at < len(r.block) {
			return r.block[r.at]
		}
		if !r.fill() {
			return 0
		}
	}
}

// try calls read with the index r.at, again and again until it does not run
// out of bytes. After a failure the names and markings are those of before.
func (r *Reader) try(read func(i int) int) int {
	c := &r.s.scan
	names, marks := len(c.keys.names), len(c.marks)
	for more := true; ; {
		c.clear(c.text)
		r.s.deepen()
		end := read(r.at)
		// A number that ends where the block ends may go on in the next one.
		if end >= 0 && (end < len(c.text) || r.ended || c.text[end-1] > '9') {
			return end
		}
		c.keys.cut(names)
		c.marks = c.marks[:marks]
		if end < 0 && !c.ended {
			return end
		}
		if !more {
			return c.end()
		}
		more = r.fill() // even if not: the bytes may have moved
	}
}

// skipLines goes to the next line that begins with "{", or to the end.
func (r *Reader) skipLines() {
	for {
		text := r.s.scan.text
		if i := strings.Index(text[r.at:], "\n{"); i >= 0 {
			r.at += i + 1
			return
		}
		if r.at < len(text)-1 {
			r.at = len(text) - 1
		}
		if !r.fill() {
			r.at = len(r.block)
			return
		}
	}
}

// count returns the line and column of block[at], from 0. It counts every byte
// once.
func (r *Reader) count() (line, column int) {
	r.line, r.column = place(r.s.scan.text[r.counted:], r.at-r.counted, r.line, r.column)
	r.counted = r.at
	return r.line, r.column
}

// where is the line and column, from 1, of block[i]; i is not before at.
func (r *Reader) where(i int) (line, column int) {
	line, column = r.count()
	line, column = place(r.s.scan.text[r.at:], i-r.at, line, column)
	return line + 1, column + 1
}
