package policy

import (
	"encoding/json"
	"errors"
	"testing"
)

func instant(t testing.TB, text string) Instant {
	t.Helper()
	i, err := ParseInstant(text)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestParseInstant(t *testing.T) {
	for _, text := range []string{"2013-12-05T17:00:00Z", "2026-02-28T23:59:59.999999Z", "1970-01-01T00:00:00Z"} {
		if got := instant(t, text).String(); got != text {
			t.Errorf("%s was read as %s", text, got)
		}
	}
	for _, text := range []string{"", "2013-12-05", "2013-12-05T17:00:00", "2013-12-05T17:00:00+00:00", "2013-12-05t17:00:00z",
		"2013-13-05T17:00:00Z", "2013-02-30T17:00:00Z", "2013-12-05T17:00:00.1234567Z", "2013-12-05 17:00:00Z", "2013-12-05T17:00:00,5Z"} {
		if i, err := ParseInstant(text); !errors.Is(err, ErrInvalid) {
			t.Errorf("ParseInstant(%q) = %v, %v, want ErrInvalid", text, i, err)
		}
	}
}

func TestPeriodAfter(t *testing.T) {
	for _, tc := range []struct{ from, period, want string }{
		{"2024-01-31T00:00:00Z", "P1Y", "2025-01-31T00:00:00Z"},
		{"2024-02-29T00:00:00Z", "P1D", "2024-03-01T00:00:00Z"},
		{"2026-01-01T00:00:00Z", "P1Y2M3DT4H5M6S", "2027-03-04T04:05:06Z"},
		{"2026-01-01T00:00:00Z", "P2W", "2026-01-15T00:00:00Z"},
		{"2026-01-01T00:00:00Z", "P18M", "2027-07-01T00:00:00Z"},
		{"2026-01-01T00:00:00Z", "PT24H", "2026-01-02T00:00:00Z"},
		{"2026-01-01T00:00:00Z", "P0D", "2026-01-01T00:00:00Z"},
		{"2026-01-01T00:00:00Z", "P1000000Y", "never"},
	} {
		p, err := ParsePeriod(tc.period)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.After(instant(t, tc.from)).String(); got != tc.want {
			t.Errorf("%s after %s is %s, want %s", tc.period, tc.from, got, tc.want)
		}
	}
}

func TestParsePeriodRefuses(t *testing.T) {
	for _, text := range []string{"", "P", "PT", "P1", "1D", "P1DT", "-P1D", "P-1D", "P+1D", "P1.5D", "P1D1D", "P1D1Y", "PT1D", "P1H", "P1000001D",
		"p1d", "P1Y ", "P99999999999999999999D", "P1DT1H1H"} {
		if p, err := ParsePeriod(text); !errors.Is(err, ErrInvalid) {
			t.Errorf("ParsePeriod(%q) = %v, %v, want ErrInvalid", text, p, err)
		}
	}
}

func TestLevelNames(t *testing.T) {
	for l := LevelClear; l <= LevelRed; l++ {
		if got, ok := ParseLevel(l.String()); got != l || !ok {
			t.Errorf("ParseLevel(%q) = %v, %v", l.String(), got, ok)
		}
	}
	for _, text := range []string{"", "WHITE", "clear", "TLP:RED", "UNKNOWN"} {
		if got, ok := ParseLevel(text); got != LevelUnknown || ok {
			t.Errorf("ParseLevel(%q) = %v, %v, want unknown", text, got, ok)
		}
	}
}

// TestStoredLabel holds the stored form of a label, which must not change with the
// program.
func TestStoredLabel(t *testing.T) {
	l := Label{Type: "indicator", Level: LevelAmberStrict, Granular: LevelUnknown, Embargo: noon, IEP: &IEP{End: Never}}
	text, err := json.Marshal(&l)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"type":"indicator","level":"AMBER+STRICT","granular":"UNKNOWN","iep":{"end":"never"},"embargo":"2026-01-01T12:00:00Z"}`
	if string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
	var back Label
	if err := json.Unmarshal(text, &back); err != nil || back.Level != l.Level || back.Granular != l.Granular || back.Embargo != noon || back.IEP.End != Never {
		t.Errorf("read back as %+v, %v", back, err)
	}
	for _, bad := range []string{`{"level":"red"}`, `{"embargo":"soon"}`, `{"embargo":1}`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
	if text, err := json.Marshal(Instant(1 << 62)); err == nil {
		t.Errorf("an instant far away was written as %s", text)
	}
}

func FuzzPeriod(f *testing.F) {
	seeds := []string{"P1Y2M3DT4H5M6S", "P2W", "PT24H", "P0D", "P", "PT", "P1Y1Y", "P1000000Y"}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePeriod(text)
		if err != nil {
			if !errors.Is(err, ErrInvalid) || p != (Period{}) {
				t.Errorf("ParsePeriod(%q) = %v, %v", text, p, err)
			}
			return
		}
		if end := p.After(noon); end < noon {
			t.Errorf("%q after noon is %s", text, end)
		}
	})
}
