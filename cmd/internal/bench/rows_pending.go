package bench

import (
	"context"
	"errors"
)

func fileSize(ctx context.Context, r *run) (float64, string, error) {
	return 0, "", errors.ErrUnsupported
}
func authentication(ctx context.Context, r *run) (float64, string, error) {
	return 0, "", errors.ErrUnsupported
}
