package bolt

import (
	"fmt"
	"os"
)

// A mapping is our own read-only view of the file, beside the one bbolt has.
// bbolt replaces its map when the file outgrows it, so only a transaction may
// hold on to addresses in it. Ours covers a large part of the address space,
// far beyond the end of the file, and stays until Close; what lies behind it is
// read the ordinary way.
//
// What a place holds stays unchanged while a reader can know the place: bbolt
// gives pages that a commit frees to the next write transaction at the earliest,
// and the committer brings the index up to date, under its lock, before it
// begins the next. So readers need no transaction, only the index's read lock.
type mapping struct {
	data []byte // nil if the system gave us none
	file *os.File
}

// view returns the bytes at p. They are valid while the caller holds the lock of
// the index that p came from.
func (m *mapping) view(p place) ([]byte, error) {
	if end := p.off + int64(p.size); end <= int64(len(m.data)) {
		return m.data[p.off:end:end], nil
	}
	b := make([]byte, p.size)
	if _, err := m.file.ReadAt(b, p.off); err != nil {
		return nil, fmt.Errorf("read %d bytes at %d: %w", p.size, p.off, err)
	}
	return b, nil
}

// mapSizes are the sizes to try for a map of a file of size bytes: room to grow
// costs only addresses, of which a 64-bit machine has plenty.
func mapSizes(size int64) []int {
	if ^uint(0)>>32 == 0 {
		return []int{int(min(2*size, 512<<20))}
	}
	const least = 64 << 30
	return []int{int(max(least, 2*size)), int(size + 4<<30), int(size)}
}
