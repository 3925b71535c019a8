package bolt

import (
	"bytes"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"
)

// waitPressed waits until every full chunk has its fragment.
func waitPressed(tb testing.TB, s *Store) {
	tb.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if unpressed(s) == 0 {
			return
		}
	}
	tb.Fatalf("%d chunks are not compressed yet", unpressed(s))
}

func unpressed(s *Store) (n int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, l := range s.logs {
		l.mu.RLock()
		for i := range l.dir {
			if l.dir[i].sealed && l.dir[i].z.size == 0 {
				n++
			}
		}
		l.mu.RUnlock()
	}
	return n
}

func deflateOnce(tb testing.TB, b []byte) {
	w := partWriters.Get().(*flate.Writer)
	defer partWriters.Put(w)
	var out bytes.Buffer
	if err := deflate(w, &out, b); err != nil {
		tb.Fatal(err)
	}
}
