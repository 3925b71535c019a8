//go:build unix

package bolt

import (
	"os"
	"syscall"
)

// mapFile maps f for reading. Being refused by the system is no error: the
// mapping is empty then.
func mapFile(f *os.File, size int64) *mapping {
	for _, n := range mapSizes(size) {
		if n == 0 {
			continue
		}
		if data, err := syscall.Mmap(int(f.Fd()), 0, n, syscall.PROT_READ, syscall.MAP_SHARED); err == nil {
			return &mapping{data: data, file: f}
		}
	}
	return &mapping{file: f}
}

func (m *mapping) unmap() error {
	if m.data == nil {
		return nil
	}
	data := m.data
	m.data = nil
	return syscall.Munmap(data)
}
