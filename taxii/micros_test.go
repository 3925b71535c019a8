package taxii

import (
	"math/rand/v2"
	"testing"
	"time"

	"entente/stix"
)

func TestAppendMicros(t *testing.T) {
	check := func(us int64) {
		if got, want := string(AppendMicros([]byte("x"), us)), "x"+stix.FormatMicros(us); got != want {
			t.Errorf("AppendMicros(%d) = %s, want %s", us, got, want)
		}
	}
	random := rand.New(rand.NewPCG(5, 6))
	span := time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC).UnixMicro()
	for range 20_000 {
		check(random.Int64N(span))
	}
	for _, us := range []int64{0, -1, 1, 999_999, 1_000_000, span, span + 1, -62135596800_000_000} {
		check(us)
	}
}

func BenchmarkAppendMicros(b *testing.B) {
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendMicros(dst[:0], 1767323045000001)
	}
}
