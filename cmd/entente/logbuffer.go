package main

import (
	"io"
	"sync"
	"time"
)

const (
	logDelay = 10 * time.Millisecond // that a line may wait for others
	logMost  = 64 << 10              // bytes that wait
)

// A logBuffer writes the lines of the log together: under load a write for each
// would cost more than the rest of the log. The caller ends with Flush.
type logBuffer struct {
	w io.Writer

	mu      sync.Mutex // guards what follows, and w
	lines   []byte
	waiting bool // a flush is going to come
}

// Write keeps a line for a moment. It never fails: there is no better place to
// say that the log cannot be written.
func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, line...)
	switch {
	case len(b.lines) >= logMost:
		b.flush()
	case !b.waiting:
		b.waiting = true
		time.AfterFunc(logDelay, b.Flush)
	}
	return len(line), nil
}

// Flush writes what waits.
func (b *logBuffer) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = false
	b.flush()
}

func (b *logBuffer) flush() {
	if len(b.lines) > 0 {
		_, _ = b.w.Write(b.lines)
		b.lines = b.lines[:0]
	}
}
