package bolt

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entente/stix"
	"entente/store"
)

// permuted makes n objects of one id, without version, whose lists have the
// same numbers in different order.
func permuted(t *testing.T, n int) []stix.Object {
	t.Helper()
	list := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	objs := make([]stix.Object, 0, n)
	for len(objs) < n {
		text := strings.ReplaceAll(fmt.Sprint(list), " ", ",")
		o, err := stix.Parse(`{"type":"x-foo","id":"x-foo--5b5ac7f5-3e92-4c7b-8ff1-3a6d2b8c6a00","a":` + text + `}`)
		if err != nil {
			t.Fatal(err)
		}
		objs = append(objs, o)
		nextPermutation(list)
	}
	return objs
}

// nextPermutation makes of list the next one in order.
func nextPermutation(list []int) {
	i := len(list) - 2
	for list[i] > list[i+1] {
		i--
	}
	j := len(list) - 1
	for list[j] < list[i] {
		j--
	}
	list[i], list[j] = list[j], list[i]
	for a, b := i+1, len(list)-1; a < b; a, b = a+1, b-1 {
		list[a], list[b] = list[b], list[a]
	}
}

// TestPermutedContent has objects that a hash without order takes for the same:
// each would be compared with all others, while everybody waits.
func TestPermutedContent(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"), Options{NoCompression: true})
	objs := permuted(t, store.MaxVersions+2000)
	other := objects(rand.New(rand.NewPCG(7, 8)), 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		within(t, "12,000 permuted objects", func() {
			for j := 0; j < len(objs); j += 4000 {
				for i, got := range commit(t, s, objs[j:j+4000]).Outcomes {
					if want := store.Stored; j+i < store.MaxVersions && got != want {
						t.Errorf("object %d is %v, want %v", j+i, got, want)
					} else if j+i >= store.MaxVersions && got != store.TooMany {
						t.Errorf("object %d is %v, want %v", j+i, got, store.TooMany)
					}
				}
			}
			for i, got := range commit(t, s, objs[:3000]).Outcomes {
				if got != store.Duplicate {
					t.Errorf("object %d is %v the second time, want %v", i, got, store.Duplicate)
				}
			}
		})
	}()
	var longest time.Duration
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		start := time.Now()
		if _, err := s.Commit(context.Background(), &store.Batch{Log: "other", Objects: other, At: benchTime}); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, time.Since(start))
	}
	t.Logf("a commit to another log took %v at most", longest)
	if longest > slow/5 {
		t.Errorf("a commit to another log took %v", longest)
	}
	if findings, err := s.Check(context.Background()); err != nil || len(findings) > 0 {
		t.Errorf("check: %v %v", findings, err)
	}
}
