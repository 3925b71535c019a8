//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package config

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// LockFolder waits until no other process edits a file in the folder of file,
// and keeps others waiting until unlock is called or the process ends. The lock
// is on the folder itself, so that nothing is left behind.
func LockFolder(file string) (unlock func() error, err error) {
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		_ = dir.Close()
		return nil, fmt.Errorf("lock %s: %w", dir.Name(), err)
	}
	return dir.Close, nil
}
