package store_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/stix"
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

func TestCheckBatch(t *testing.T) {
	object := []stix.Object{{Header: stix.Header{ID: "x--1"}, Raw: "{}"}}
	long := store.LogID(strings.Repeat("x", store.MaxName+1))
	for _, tc := range []struct {
		name  string
		batch store.Batch
		want  string // part of the error, "" if there is none
	}{
		{"the zero Batch", store.Batch{}, ""},
		{"objects without labels", store.Batch{Log: "a", Objects: object}, ""},
		{"objects with labels", store.Batch{Log: "a", Objects: object, Labels: []store.Label{7}}, ""},
		{"objects without a log", store.Batch{Objects: object}, "log name of 0 bytes"},
		{"too many labels", store.Batch{Log: "a", Objects: object, Labels: []store.Label{1, 2}}, "2 labels for 1 objects"},
		{"too few labels", store.Batch{Log: "a", Objects: object, Labels: []store.Label{}}, "0 labels for 1 objects"},
		{"labels without objects", store.Batch{Log: "a", Labels: []store.Label{1}}, "1 labels for 0 objects"},
		{"no labels for no objects", store.Batch{Labels: []store.Label{}}, ""},
		{"relabel", store.Batch{Log: "a", Relabel: []store.Relabel{{Added: 1, To: 2}}}, ""},
		{"relabel without a log", store.Batch{Relabel: []store.Relabel{{Added: 1, To: 2}}}, "log name of 0 bytes"},
		{"relabel in a log with a long name", store.Batch{Log: long, Relabel: []store.Relabel{{}}}, "log name of 256 bytes"},
		{"release without a log of its own", store.Batch{Releases: []store.Release{{Log: "r", Of: "a"}}}, ""},
		{"release of the batch's log", store.Batch{Log: "a", Objects: object, Releases: []store.Release{{Log: "r", Of: "a"}}}, ""},
		{"two logs into one", store.Batch{Releases: []store.Release{{Log: "r", Of: "a"}, {Log: "r", Of: "b"}}}, ""},
		{"one log into two", store.Batch{Releases: []store.Release{{Log: "r", Of: "a"}, {Log: "q", Of: "a"}}}, ""},
		{"release to no log", store.Batch{Releases: []store.Release{{Log: "r", Of: "a"}, {Of: "a"}}}, "release 1: invalid argument: log name of 0 bytes"},
		{"release of no log", store.Batch{Releases: []store.Release{{Log: "r"}}}, `release 0 to "r": invalid argument: log name of 0 bytes`},
		{"release to a long name", store.Batch{Releases: []store.Release{{Log: long, Of: "a"}}}, "log name of 256 bytes"},
		{"release of a long name", store.Batch{Releases: []store.Release{{Log: "r", Of: long}}}, "log name of 256 bytes"},
		{"release of itself", store.Batch{Releases: []store.Release{{Log: "r", Of: "r"}}}, `release 0 to "r"`},
		{"release of what is a release log before", store.Batch{Releases: []store.Release{{Log: "r", Of: "a"}, {Log: "q", Of: "r"}}}, `release 1 to "q"`},
		{"release of what is a release log after", store.Batch{Releases: []store.Release{{Log: "q", Of: "r"}, {Log: "r", Of: "a"}}}, `release 0 to "q"`},
		{"move from a log", store.Batch{Releases: []store.Release{{Log: "r", Of: "a", Move: []store.Move{{From: "b"}}}}}, ""},
		{"move from no log", store.Batch{Releases: []store.Release{{Log: "r", Of: "a", Move: []store.Move{{}}}}}, `release 0 to "r": move 0: invalid argument: log name of 0 bytes`},
		{"move from what is a release log", store.Batch{Releases: []store.Release{{Log: "r", Of: "a", Move: []store.Move{{From: "q"}}}, {Log: "q", Of: "a"}}}, `release 0 to "r": move 0 is from "q"`},
		{"release to the log of the objects", store.Batch{Log: "r", Objects: object, Releases: []store.Release{{Log: "r", Of: "a"}}}, `release 0 to "r"`},
		{"release to the log of the labels", store.Batch{Log: "r", Relabel: []store.Relabel{{}}, Releases: []store.Release{{Log: "r", Of: "a"}}}, `release 0 to "r"`},
		{"release to a log that is only named", store.Batch{Log: "r", Releases: []store.Release{{Log: "r", Of: "a"}}}, ""},
		{"cursor without a name", store.Batch{Cursor: &store.CursorMove{}}, "cursor"},
	} {
		err := store.CheckBatch(&tc.batch)
		if tc.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tc.name, err)
			}
			continue
		}
		if !errors.Is(err, store.ErrInvalid) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want ErrInvalid with %q", tc.name, err, tc.want)
		}
	}
}

func TestLabelSet(t *testing.T) {
	var s store.LabelSet
	in := []store.Label{0, 1, 63, 64, 200, 1000}
	for _, l := range []store.Label{200, 0, 63, 1, 64, 1000, 1000} {
		s = s.With(l)
	}
	n := 0
	for l := range store.Label(2000) {
		if s.Has(l) != slices.Contains(in, l) {
			t.Errorf("label %d: Has %v", l, s.Has(l))
		}
		if s.Has(l) {
			n++
		}
	}
	if n != len(in) || s.Has(math.MaxUint32) || store.LabelSet(nil).Has(0) {
		t.Errorf("%d labels in the set, want %d", n, len(in))
	}
}
