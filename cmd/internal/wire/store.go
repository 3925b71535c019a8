package wire

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"entente/store/bolt"
)

// OpenStore opens the data file, and makes it and its folder if they are not
// there. It fails with a sentence if another process has it open.
func OpenStore(file string, log *slog.Logger) (*bolt.Store, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	st, err := bolt.Open(file, bolt.Options{Log: log})
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return st, nil
}
