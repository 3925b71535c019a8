package bench

import "testing"

// Ratios are of values from the same round, also after the medians were taken.
func TestRatioPairsRounds(t *testing.T) {
	us, base := []float64{4, 1, 8}, []float64{1, 8, 2}
	if got := medianOf(us); got != 4 {
		t.Errorf("medianOf(%v) = %v, want 4", us, got)
	}
	if got := medianOf(base); got != 2 {
		t.Errorf("medianOf(%v) = %v, want 2", base, got)
	}
	if got := ratio(us, base); got != 4 {
		t.Errorf("ratio = %v, want 4: the rounds' ratios are 4, 1/8 and 4", got)
	}
}
