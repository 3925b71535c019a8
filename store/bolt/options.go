package bolt

import (
	"errors"
	"log/slog"
	"time"
)

// ErrLocked is wrapped by the error of Open when another process has the file
// open.
var ErrLocked = errors.New("another process holds the file; stop it or choose another file")

// Options changes how a store is opened. The zero Options are what a server wants.
type Options struct {
	// LockTimeout is how long to wait while another process holds the file; zero
	// means one second.
	LockTimeout time.Duration

	// NoCompression leaves out the compressed copies of full chunks, which take
	// about a quarter of the objects' size: WantDeflated then compresses when asked.
	NoCompression bool

	// DeflateCache is the most bytes of compressed parts that are kept in memory
	// for reading again; zero means 16 MiB.
	DeflateCache int

	// Log gets what goes wrong in the background; nil means nowhere.
	Log *slog.Logger

	// ReadOnly opens the file for reading beside other read-only processes, for
	// checks; every write is then an error.
	ReadOnly bool

	slots        int    // tests: most entries in a chunk, 2 to maxSlots; zero means that
	beforeCommit func() // tests: called in every commit when all is decided and nothing visible
}

func (o *Options) setDefaults() {
	if o.LockTimeout == 0 {
		o.LockTimeout = time.Second
	}
	if o.DeflateCache == 0 {
		o.DeflateCache = 16 << 20
	}
	if o.slots == 0 {
		o.slots = maxSlots
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}
