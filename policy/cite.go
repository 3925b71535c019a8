package policy

import (
	"fmt"
	"strings"
	"time"
)

// cite is where a term stands and the clause that says it: the term's own, or
// that of a term around it. A path that begins with "/" is the agreement's, others
// the flow's.
func (f *Flow) cite(path string) (term, clause string) {
	clauses := f.Terms.Clauses
	if own, ok := strings.CutPrefix(path, "/"); ok {
		if own == "" {
			return "", ""
		}
		term, path, clauses = own, own, f.Agreement.Clauses
	} else {
		term = fmt.Sprintf("flows[%d].%s", f.index, path)
	}
	for {
		if c, ok := clauses[path]; ok {
			return term, c
		}
		i := strings.LastIndexByte(path, '.')
		if i < 0 {
			return term, ""
		}
		path = path[:i]
	}
}

// stixInstant reads a timestamp of an object; digits beyond microseconds are cut.
func stixInstant(text string) (Instant, bool) {
	t, err := time.Parse("2006-01-02T15:04:05.999999999Z", text)
	return Instant(t.UnixMicro()), err == nil
}

// topName is the property at the top that a selector goes through.
func topName(selector string) string {
	name, _, _ := strings.Cut(selector, ".")
	return name
}
