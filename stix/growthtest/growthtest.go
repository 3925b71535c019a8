// Package growthtest measures how cost grows with the size of an input. A ratio of two
// times of one run says on any machine, busy or slow, what a limit in seconds says on
// one only.
package growthtest

import (
	"math"
	"time"
)

// Linear is the most that eight times the input may cost. What is linear costs about
// 8 times as much, what is quadratic 64.
const Linear = 30

// Growth is how many times as long as short long takes: the least of some tries, for
// the machine may be busy with other things. now is the clock, as time.Now.
func Growth(now func() time.Time, short, long func()) float64 {
	const floor = time.Millisecond // what is quicker cannot be measured, and does no harm
	least := math.Inf(1)
	for range 4 {
		one := max(took(now, short), floor)
		least = min(least, float64(took(now, long))/float64(one))
		if least < 20 {
			break
		}
	}
	return least
}

func took(now func() time.Time, fn func()) time.Duration {
	start := now()
	fn()
	return now().Sub(start)
}
