package release

import (
	"container/heap"
	"slices"

	"entente/policy"
)

// An agenda is which entries to look at again, and when. The zero agenda is empty.
type agenda struct{ list appointments }

// An appointment is an entry to look at from an instant on.
type appointment struct {
	at    policy.Instant
	entry int32
}

// add notes entry n for an instant; policy.Never is not noted.
func (a *agenda) add(at policy.Instant, n int32) {
	if at != policy.Never {
		heap.Push(&a.list, appointment{at, n})
	}
}

// next is the first instant; policy.Never if there is none.
func (a *agenda) next() policy.Instant {
	if len(a.list) == 0 {
		return policy.Never
	}
	return a.list[0].at
}

// due takes out and returns the entries whose time has come, each once and growing.
func (a *agenda) due(now policy.Instant) []int32 {
	var entries []int32
	for a.next() <= now && len(a.list) > 0 {
		entries = append(entries, heap.Pop(&a.list).(appointment).entry)
	}
	slices.Sort(entries)
	return slices.Compact(entries)
}

// cut leaves the entries below n.
func (a *agenda) cut(n int) {
	a.list = slices.DeleteFunc(a.list, func(p appointment) bool { return int(p.entry) >= n })
	heap.Init(&a.list)
}

// appointments are a heap, the earliest first.
type appointments []appointment

func (l appointments) Len() int           { return len(l) }
func (l appointments) Less(i, k int) bool { return l[i].at < l[k].at }
func (l appointments) Swap(i, k int)      { l[i], l[k] = l[k], l[i] }
func (l *appointments) Push(p any)        { *l = append(*l, p.(appointment)) }
func (l *appointments) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}
