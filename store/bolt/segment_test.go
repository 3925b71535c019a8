package bolt

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"entente/store"
)

// someReleasing makes n entries: runs and holes, three bases, several commits,
// some of them dead, late ones among them.
func someReleasing(rnd *rand.Rand, n int) []releasing {
	list := make([]releasing, 0, n)
	added, ref, base := int64(0), uint32(rnd.IntN(5)), uint32(0)
	for len(list) < n {
		count := min(n-len(list), 1+rnd.IntN(40))
		if added += 1 + rnd.Int64N(5e6); rnd.IntN(2) == 0 { // ends on a whole ms
			added = (added/1000+1)*1000 + 1000 - int64(count) + 1
		}
		if rnd.IntN(4) == 0 {
			base = uint32(rnd.IntN(3))
		}
		for range count {
			switch rnd.IntN(8) {
			case 0:
				ref += uint32(rnd.IntN(300))
			case 1:
				ref = uint32(rnd.IntN(maxSeq - 1000))
			case 2:
				ref -= min(ref, uint32(rnd.IntN(20)))
			}
			list = append(list, releasing{base: base, ref: ref, added: added, dead: rnd.IntN(5) == 0})
			ref, added = ref+1, added+1
		}
	}
	return list
}

func TestSegmentRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		list, key := someReleasing(rnd, 1+rnd.IntN(segmentSlots)), seqKey(rnd.Uint32()/2)
		b := appendSegment([]byte("before"), key, list)[6:]
		got, err := readSegment(key, b)
		if err != nil || !slices.Equal(got, list) {
			t.Fatalf("%v, error %v; want %v", got, err, list)
		}
		if _, err := readSegment(seqKey(7), b); !errors.Is(err, store.ErrCorrupt) {
			t.Fatalf("under another key: error %v, want ErrCorrupt", err)
		}
		b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
		if _, err := readSegment(key, b); !errors.Is(err, store.ErrCorrupt) {
			t.Fatalf("a bit flipped: error %v, want ErrCorrupt", err)
		}
	}
}

// TestSegmentSize has the sizes that the design promises.
func TestSegmentSize(t *testing.T) {
	size := func(percent, commit int) float64 {
		rnd := rand.New(rand.NewPCG(2, 2))
		var list []releasing
		ref, added := uint32(1_000_000), int64(1_800_000_000_000_000)
		for len(list) < segmentSlots {
			if len(list)%commit == 0 {
				added += 300_000_000 - int64(commit)
			}
			for ref++; rnd.IntN(100) >= percent; ref++ {
			}
			list = append(list, releasing{ref: ref, added: added})
			added++
		}
		for i := range list { // the last of each commit on a whole ms
			list[i].added += 1000 - (list[i/commit*commit].added+int64(commit)-1)%1000
		}
		return float64(len(appendSegment(nil, seqKey(0), list))) / segmentSlots
	}
	for _, c := range []struct {
		percent, commit int
		most            float64
	}{{100, 256, 0.1}, {90, 256, 0.35}, {50, 256, 0.9}, {10, 256, 1.2}, {1, 256, 2.1}, {100, 1, 5.1}, {10, 1, 5.1}} {
		if got := size(c.percent, c.commit); got > c.most {
			t.Errorf("%d %% visible, %d a commit: %.2f bytes an entry, want at most %.2f", c.percent, c.commit, got, c.most)
		}
	}
}

// FuzzSegment reads anything as a segment. What is accepted must come back from
// appendSegment.
func FuzzSegment(f *testing.F) {
	rnd := rand.New(rand.NewPCG(3, 3))
	for _, n := range []int{1, 2, 50, segmentSlots} {
		f.Add(appendSegment(nil, seqKey(0), someReleasing(rnd, n)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		key := seqKey(0)
		if len(b) >= 4 {
			put32(b, 0, keyedSum(key, b)) // the fuzzer does not find checksums
		}
		list, err := readSegment(key, b)
		if err != nil {
			return
		}
		again, err := readSegment(key, appendSegment(nil, key, list))
		if err != nil || !slices.Equal(again, list) {
			t.Errorf("%v became %v, %v", list, again, err)
		}
	})
}
