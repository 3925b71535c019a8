package policy

import "testing"

func TestSince(t *testing.T) {
	for text, want := range map[string]Instant{
		"": instant(t, "2025-01-01T00:00:00Z"), "none": instant(t, "2025-01-01T00:00:00Z"), "all": 0,
		"from:2024-06-01": instant(t, "2024-06-01T00:00:00Z"), "from:2024-06-01T12:00:00Z": instant(t, "2024-06-01T12:00:00Z"), "from:yesterday": Never,
	} {
		f := flowOf(t, func(_ *Agreement, f *FlowTerms) { f.Changes.Retroactive = text })
		if got := f.Since(); got != want {
			t.Errorf("Since with retroactive %q = %v, want %v", text, got, want)
		}
	}
}
