package store_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"entente/store"
)

func TestNumber(t *testing.T) {
	micro := func(us int64) time.Time { return time.UnixMicro(us) }
	for _, tc := range []struct {
		name string
		head store.Added
		at   time.Time
		n    int
		want store.Added // of the first; 0: ErrInvalid
	}{
		{"empty log at the epoch", 0, micro(0), 1, 1000},
		{"before the epoch", 0, time.Time{}, 3, 998},
		{"on a millisecond", 0, micro(5000), 1, 5000},
		{"a nanosecond later", 0, micro(5000).Add(1), 1, 6000},
		{"on a microsecond that ends well", 0, micro(4998), 3, 4998},
		{"a nanosecond later ends a millisecond later", 0, micro(4998).Add(1), 3, 5998},
		{"more than a millisecond of entries", 0, micro(5000), 1001, 5000},
		{"clock stands still", 5000, micro(5000), 1, 6000},
		{"clock stepped back", 7000, micro(10), 2, 7999},
		{"clock just ahead of the head", 7000, micro(7000).Add(1), 1, 8000},
		{"last one", store.MaxAdded - 1000, micro(0), 1, store.MaxAdded},
		{"a thousand are left", store.MaxAdded - 1000, micro(0), 1000, store.MaxAdded - 999},
		{"a thousand and one are not", store.MaxAdded - 1000, micro(0), 1001, 0},
		{"none is left", store.MaxAdded, micro(0), 1, 0},
		{"at the last", 0, micro(int64(store.MaxAdded)), 1, store.MaxAdded},
		{"after the last", 0, micro(int64(store.MaxAdded)).Add(1), 1, 0},
		{"beyond what a microsecond count can tell", 0, time.Unix(math.MaxInt64/2, 0), 1, 0},
		{"far before it", 0, time.Unix(math.MinInt64/2, 0), 1, 1000},
	} {
		got, err := store.Number(tc.head, tc.at, tc.n)
		if got != tc.want || (tc.want == 0) != errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s: Number(%d, %s, %d) = %d, %v, want %d", tc.name, tc.head, tc.at, tc.n, got, err, tc.want)
		}
	}
	if s := store.MaxAdded.String(); s != "9999-12-31T23:59:59.999000Z" {
		t.Errorf("MaxAdded = %s", s)
	}
}
