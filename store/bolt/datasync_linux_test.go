package bolt

import (
	"os"
	"syscall"
)

// datasync makes what was written to f durable, the way bbolt does.
func datasync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
