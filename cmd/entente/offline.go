package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"entente/cmd/internal/config"
	"entente/cmd/internal/wire"
	"entente/store/bolt"
)

// openData opens the data file for a command that works without the server.
// instead says what to use while the server runs.
func openData(c *config.Config, instead string) (*bolt.Store, error) {
	st, err := wire.OpenStore(c.Path(c.Store.Path), slog.New(slog.DiscardHandler))
	return st, heldBy(err, instead)
}

// errHeld: a running process has the data file open.
var errHeld = errors.New("the data file is in use, probably by the running server")

// heldBy adds what to do when a running server holds the data file.
func heldBy(err error, instead string) error {
	if err != nil && errors.Is(err, bolt.ErrLocked) {
		return fmt.Errorf("%w; stop it, or use %s", errHeld, instead)
	}
	return err
}

// openExisting is openData for commands that only read.
func openExisting(c *config.Config, instead string) (*bolt.Store, error) {
	file := c.Path(c.Store.Path)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no data yet: no file %s", file)
	}
	return openData(c, instead)
}

// chooseCollection returns the collection called name; without a name, the only
// one there is.
func chooseCollection(c *config.Config, name string) (*config.Collection, error) {
	if name != "" {
		_, col, err := c.Find(name)
		if err != nil {
			return nil, usagef("--collection: %v", err)
		}
		return col, nil
	}
	var all []string
	var only *config.Collection
	for i := range c.APIRoots {
		for j := range c.APIRoots[i].Collections {
			only = &c.APIRoots[i].Collections[j]
			label := only.ID
			if only.Alias != "" {
				label = only.Alias
			}
			all = append(all, label)
		}
	}
	if len(all) != 1 {
		return nil, usagef("say which with --collection: %s", strings.Join(all, ", "))
	}
	return only, nil
}

// A progress shows how far a long command got, on a terminal only.
type progress struct{ bar *progressbar.ProgressBar }

// newProgress counts to total bytes; -1 is unknown.
func (e *env) newProgress(what string, total int64) *progress {
	if !isTerminal(e.stderr) {
		return &progress{}
	}
	return &progress{progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(e.stderr),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetRenderBlankState(true))}
}

func (p *progress) add(n int) {
	if p.bar != nil {
		_ = p.bar.Add(n) // a bar that cannot be drawn is no reason to stop
	}
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// sizeOf is the number of bytes of all files, -1 if one is not a file.
func sizeOf(files []string) int64 {
	var total int64
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil || !info.Mode().IsRegular() {
			return -1
		}
		total += info.Size()
	}
	return total
}

// A counted writer tells a progress what goes through it.
type counted struct {
	io.Writer
	p *progress
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.p.add(n)
	return n, err
}
