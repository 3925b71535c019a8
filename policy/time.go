package policy

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseInstant reads a time as agreements write it: RFC 3339 in UTC, "T" and
// "Z" in capitals, at most six digits of a fraction. The error wraps ErrInvalid.
func ParseInstant(text string) (Instant, error) {
	t, err := time.Parse("2006-01-02T15:04:05.999999Z", text)
	if err != nil || len(text) > len("2006-01-02T15:04:05.999999Z") || strings.Contains(text, ",") {
		return 0, fmt.Errorf("%w: %.40q is not a time such as \"2026-03-01T00:00:00Z\"", ErrInvalid, text)
	}
	return Instant(t.UnixMicro()), nil
}

// String is the instant in RFC 3339, UTC, with as many digits of a fraction as it needs; "never" for
// Never.
func (i Instant) String() string {
	if i == Never {
		return "never"
	}
	return time.UnixMicro(int64(i)).UTC().Format("2006-01-02T15:04:05.999999Z")
}

// MarshalText writes an instant as String does. The error wraps ErrInvalid: the year
// has not four digits.
func (i Instant) MarshalText() ([]byte, error) {
	text := i.String()
	if _, err := ParseInstant(text); err != nil && i != Never {
		return nil, err
	}
	return []byte(text), nil
}

// UnmarshalText reads what MarshalText writes. The error wraps ErrInvalid.
func (i *Instant) UnmarshalText(text []byte) (err error) {
	if string(text) == Never.String() {
		*i = Never
		return nil
	}
	*i, err = ParseInstant(string(text))
	return err
}

// A Period is a duration of the calendar (ISO 8601): months have the length of
// the months that it covers. The zero Period is none.
type Period struct {
	Months, Days int
	Seconds      int64
}

// maxPeriod is the most of any unit in a period; with it no sum overflows.
const maxPeriod = 1_000_000

// ParsePeriod reads an ISO 8601 duration in whole units, such as "P1Y6M",
// "P30D", "PT24H", "P2W" or "P0D": no sign, no fraction, every unit at most once
// and in order, at most a million of it. The error wraps ErrInvalid.
func ParsePeriod(text string) (Period, error) {
	date, clock, timed := strings.Cut(strings.TrimPrefix(text, "P"), "T")
	d, ok := parseUnits(date, "YMWD")
	c, ok2 := parseUnits(clock, "HMS")
	if !ok || !ok2 || !strings.HasPrefix(text, "P") || timed != (clock != "") || date+clock == "" {
		return Period{}, fmt.Errorf("%w: %.40q is not a duration such as \"P30D\" or \"PT24H\"", ErrInvalid, text)
	}
	return Period{
		Months:  12*d[0] + d[1],
		Days:    7*d[2] + d[3],
		Seconds: int64(3600*c[0] + 60*c[1] + c[2]),
	}, nil
}

// parseUnits reads numbers, each followed by a unit of names, in their order.
func parseUnits(text, names string) (n [4]int, ok bool) {
	for i := range len(names) {
		digits, rest, found := strings.Cut(text, names[i:i+1])
		if !found {
			continue
		}
		v, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || v > maxPeriod {
			return n, false
		}
		n[i], text = int(v), rest
	}
	return n, text == ""
}

// IsZero reports whether p has no length.
func (p Period) IsZero() bool { return p == Period{} }

// After is the instant p after i; Never if that is beyond the year 9999.
func (p Period) After(i Instant) Instant {
	if i == Never {
		return Never
	}
	t := time.UnixMicro(int64(i)).UTC().AddDate(0, p.Months, p.Days).Add(time.Duration(p.Seconds) * time.Second)
	if t.Year() > 9999 {
		return Never
	}
	return Instant(t.UnixMicro())
}

// shorter reports whether p ends before q, both from the same instant.
func (p Period) shorter(q Period) bool { return p.After(0) < q.After(0) }
