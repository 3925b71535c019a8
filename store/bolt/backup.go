package bolt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// trailer begins the last bytes of a backup; the SHA-256 of all bytes before it
// follows.
const trailer = "entente backup 1"

const trailerLen = len(trailer) + sha256.Size

// Backup writes the store, as it is when the call begins, to w, in a form that
// Restore takes: the file and a checksum of it. Readers and writers go on
// meanwhile. As long as it runs no page is used again, so the file grows by all
// that is written until then.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	err := s.view(ctx, func(tx *bbolt.Tx, _ *past) error {
		sum := sha256.New()
		out := &stoppable{ctx, io.MultiWriter(w, sum)}
		if _, err := tx.WriteTo(out); err != nil {
			return err
		}
		_, err := w.Write(sum.Sum([]byte(trailer)))
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

// Restore makes the store dst of a backup that r reads. dst must not exist; it
// appears, durable, when the backup has been read to the end and found sound,
// and not before.
func Restore(ctx context.Context, dst string, r io.Reader) error {
	if err := receive(ctx, dst, r, (*os.File).Truncate); err != nil {
		return fmt.Errorf("restore to %s: %w", dst, err)
	}
	return nil
}

// CopyBackup is Restore, but dst is the backup as it came, for a later Restore.
// It can be opened as a store as well.
func CopyBackup(ctx context.Context, dst string, r io.Reader) error {
	keep := func(*os.File, int64) error { return nil }
	if err := receive(ctx, dst, r, keep); err != nil {
		return fmt.Errorf("back up to %s: %w", dst, err)
	}
	return nil
}

// receive writes r to dst. cut is called with the size of the store in it.
func receive(ctx context.Context, dst string, r io.Reader, cut func(*os.File, int64) error) error {
	if _, err := os.Lstat(dst); !errors.Is(err, fs.ErrNotExist) {
		return errors.New("the file exists; choose another or move it away")
	}
	tmp, err := os.CreateTemp(filepath.Dir(dst), filepath.Base(dst)+".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = io.Copy(&stoppable{ctx, tmp}, r)
	if err == nil {
		err = cutTrailer(tmp, cut)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return full(err)
	}
	if err := checkBackup(ctx, tmp.Name()); err != nil {
		return err
	}
	// Unlike a rename, a link never replaces a file that has come meanwhile.
	if err := os.Link(tmp.Name(), dst); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dst))
}

// cutTrailer checks the checksum of a backup and lets cut take it off.
func cutTrailer(f *os.File, cut func(*os.File, int64) error) error {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if size -= int64(trailerLen); size <= 0 {
		return errIncomplete
	}
	got := make([]byte, trailerLen)
	if _, err := f.ReadAt(got, size); err != nil {
		return err
	}
	if string(got[:len(trailer)]) != trailer {
		return errIncomplete
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(f, 0, size)); err != nil {
		return err
	}
	if !bytes.Equal(sum.Sum([]byte(trailer)), got) {
		return errors.New("the backup is damaged: it does not match its checksum")
	}
	return cut(f, size)
}

var errIncomplete = errors.New("this is not a complete backup; entente backup makes one")

// checkBackup returns an error unless the file is a sound store.
func checkBackup(ctx context.Context, path string) error {
	s, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		return err
	}
	findings, err := s.Check(ctx)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	if len(findings) > 0 {
		return fmt.Errorf("the backup is of a damaged store: %s", findings[0])
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
