package policy

import "strings"

// Since is the instant from which on the flow shares what comes in: of what was
// there before nothing is newly released (changes.retroactive). It is zero if
// everything is shared, valid.from if nothing from before is, else the date that
// the term names.
func (f *Flow) Since() Instant {
	text := f.Agreement.Valid.From
	switch r := f.Terms.Changes.Retroactive; {
	case r == "all":
		return 0
	case strings.HasPrefix(r, "from:"):
		text = strings.TrimPrefix(r, "from:")
		if !strings.Contains(text, "T") {
			text += "T00:00:00Z"
		}
	}
	since, err := ParseInstant(text)
	if err != nil {
		return Never // doubt denies
	}
	return since
}
