//go:build !unix

package bolt

import "os"

// mapFile returns a mapping that reads the ordinary way.
func mapFile(f *os.File, _ int64) *mapping { return &mapping{file: f} }

func (m *mapping) unmap() error { return nil }
