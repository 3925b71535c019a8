package server

import (
	"hash/maphash"
	"sync"
	"time"
)

// A throttle is a table of token buckets of a fixed size: names share a bucket
// by a secret hash, so that no flood of names makes it grow or pushes another
// name out.
type throttle struct {
	every time.Duration // one attempt comes back
	burst time.Duration // what may be used at once: attempts times every
	seed  maphash.Seed

	mu   sync.Mutex
	full [throttleSlots]int64 // when the bucket is full again, ns since the epoch
}

const throttleSlots = 1 << 15

func newThrottle(attempts int, every time.Duration) *throttle {
	return &throttle{every: every, burst: time.Duration(attempts) * every, seed: maphash.MakeSeed()}
}

// take uses one attempt of name. If there is none, wait says how long to wait
// for the next.
func (t *throttle) take(name string, now time.Time) (wait time.Duration) {
	slot := maphash.String(t.seed, name) % throttleSlots
	t.mu.Lock()
	defer t.mu.Unlock()
	at := now.UnixNano()
	if t.full[slot] > at+int64(t.burst) { // emptier than empty: the clock was ahead then
		t.full[slot] = at + int64(t.burst-t.every)
	}
	full := max(t.full[slot], at) + int64(t.every)
	if over := full - at - int64(t.burst); over > 0 {
		return time.Duration(over)
	}
	t.full[slot] = full
	return 0
}

// back returns an attempt that succeeded.
func (t *throttle) back(name string) {
	slot := maphash.String(t.seed, name) % throttleSlots
	t.mu.Lock()
	defer t.mu.Unlock()
	t.full[slot] -= int64(t.every)
}
