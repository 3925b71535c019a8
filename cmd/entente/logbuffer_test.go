package main

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// writes counts what reaches it.
type writes struct {
	mu   sync.Mutex
	text strings.Builder
	n    int
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	return w.text.Write(p)
}

func (w *writes) got() (string, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String(), w.n
}

func TestLogBuffer(t *testing.T) {
	w := new(writes)
	b := &logBuffer{w: w}
	line := strings.Repeat("x", 99) + "\n"
	for range 10_000 {
		if n, err := b.Write([]byte(line)); n != 100 || err != nil {
			t.Fatal(n, err)
		}
	}
	if _, n := w.got(); n < 1_000_000/logMost-1 || n > 1000 {
		t.Errorf("%d writes of 10,000 lines", n)
	}
	b.Flush()
	if text, _ := w.got(); text != strings.Repeat(line, 10_000) {
		t.Errorf("%d bytes arrived, want 1000000 in order", len(text))
	}
	time.Sleep(2 * logDelay) // the timer of these lines is over
	_, _ = b.Write([]byte("late\n"))
	for range 200 {
		if text, _ := w.got(); strings.HasSuffix(text, "late\n") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a line was left behind")
}
