package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// Backup writes the store, as it is when the call begins, to w: a file that Open
// and Restore take. Readers and writers go on meanwhile. As long as it runs no
// page is used again, so the file grows by all that is written until then.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(&stoppable{ctx, w})
		return err
	})
	if err != nil {
		return fmt.Errorf("back up %s: %w", s.path, full(err))
	}
	return nil
}

// A stoppable fails when its context is done.
type stoppable struct {
	ctx context.Context
	w   io.Writer
}

func (s *stoppable) Write(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.w.Write(b)
}

// Restore makes the file dst of a backup that r reads. dst must not exist; it
// appears, durable, when the backup has been read to the end and found sound,
// and not before.
func Restore(ctx context.Context, dst string, r io.Reader) (err error) {
	if _, err := os.Lstat(dst); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("restore to %s: the file exists; choose another or move it away", dst)
	}
	tmp, err := os.CreateTemp(filepath.Dir(dst), filepath.Base(dst)+".restore-*")
	if err != nil {
		return fmt.Errorf("restore to %s: %w", dst, err)
	}
	defer os.Remove(tmp.Name())
	_, err = io.Copy(&stoppable{ctx, tmp}, r)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return fmt.Errorf("restore to %s: %w", dst, full(err))
	}
	if err := checkBackup(ctx, tmp.Name()); err != nil {
		return fmt.Errorf("restore to %s: %w", dst, err)
	}
	// Unlike a rename, a link never replaces a file that has come meanwhile.
	if err := os.Link(tmp.Name(), dst); err != nil {
		return fmt.Errorf("restore to %s: %w", dst, err)
	}
	return syncDir(filepath.Dir(dst))
}

// checkBackup returns an error unless the file is a sound store.
func checkBackup(ctx context.Context, path string) (err error) {
	// bbolt trusts what it reads, and what is not a backup can be anything.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the backup is damaged: %v", p)
		}
	}()
	s, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		return err
	}
	findings, err := s.Check(ctx)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	if len(findings) > 0 {
		return fmt.Errorf("the backup is damaged: %s", findings[0])
	}
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}
