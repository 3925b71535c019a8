package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Remark is something that an agreement says and its parties may not mean: it is
// no mistake, and both should know of it before they sign.
type Remark struct {
	Kind     string   `json:"kind"`     // "dead-flow", "shadowed", "inexpressible", "contradiction", "mistake"
	Severity Severity `json:"severity"` // how bad it is
	Flow     string   `json:"flow,omitempty"`
	Term     string   `json:"term"`             // path in the document
	Clause   string   `json:"clause,omitempty"` // of the legal text, if one is cited
	Position Position `json:"position"`         // the zero Position if the agreement was not parsed
	What     string   `json:"what"`             // one sentence
	Instead  string   `json:"instead"`          // what to do
}

// A Severity says how much a remark matters.
type Severity string

const (
	Warning Severity = "warning" // a term does not do what it says
	Note    Severity = "note"    // a term is held by contract alone
)

// String is "file:line:column: what it is; what to do".
func (r *Remark) String() string {
	s := fmt.Sprintf("%s: %s: %s; %s", r.Severity, r.Term, r.What, r.Instead)
	if p := r.Position; p.Line > 0 {
		return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, s)
	}
	return s
}

// Lint finds, beyond the mistakes of Parse, flows that never let anything pass, terms
// that change nothing, terms that the recipient's software does not hold, and terms
// that speak against each other. It is in the order of the document, and never
// differs for the same agreement. The agreement is one that compiles; if it does not,
// the mistakes are what is returned.
func Lint(a *Agreement) []Remark {
	l := &linter{Agreement: a}
	s, err := Compile(a.Parties.A.Org, []*Agreement{a})
	if err != nil {
		return []Remark{{Kind: "mistake", Severity: Warning, What: err.Error(), Instead: "correct it first"}}
	}
	for _, f := range s.flows {
		l.flow = f
		if l.dead() {
			continue
		}
		l.shadowed()
		l.inexpressible()
		l.contradictions()
	}
	return sortRemarks(l.remarks)
}

func sortRemarks(remarks []Remark) []Remark {
	slices.SortStableFunc(remarks, func(a, b Remark) int {
		p, q := a.Position, b.Position
		return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column), cmp.Compare(a.Term, b.Term), cmp.Compare(a.Kind, b.Kind))
	})
	return remarks
}

// A linter collects remarks about one flow after another.
type linter struct {
	*Agreement
	flow    *Flow
	remarks []Remark
}

// remark notes one about the term at path in the flow; "/" before it is in the agreement.
func (l *linter) remark(kind string, s Severity, path, instead, what string, args ...any) {
	l.remarks = append(l.remarks, l.flow.remark(kind, s, path, instead, fmt.Sprintf(what, args...)))
}

func (f *Flow) remark(kind string, s Severity, path, instead, what string) Remark {
	term, clause := f.cite(path)
	return Remark{Kind: kind, Severity: s, Flow: f.Name, Term: term, Clause: clause, Position: f.Agreement.source.position(term), What: what, Instead: instead}
}

// dead notes a flow that can never let anything pass, with the rule that is behind it,
// and levels that it names in vain.
func (l *linter) dead() bool {
	f := l.flow
	open := f.passable()
	if len(open) == 0 {
		rule, path := f.blocker()
		l.remark("dead-flow", Warning, path, "change the term, or remove the flow", "the flow never lets anything pass (%s)", rule)
		return true
	}
	if top := open[len(open)-1]; top < f.max {
		l.remark("shadowed", Warning, "tlp.max", fmt.Sprintf("write %s, or change what stands against it", top), "nothing above TLP:%s ever passes, although the ceiling is %s", top, f.max)
	}
	if f.normalAgreed && f.normal > f.max {
		l.remark("dead-flow", Warning, "tlp.default", "lower the default, or raise tlp.max", "is %s, above the ceiling %s: an object without a marking never passes", f.normal, f.max)
	}
	return false
}

// passable are the levels in an object's bytes that can reach the recipient, lowest
// first.
func (f *Flow) passable() []Level {
	var open []Level
	for level := LevelClear; level <= LevelRed; level++ {
		if f.lets(level) {
			open = append(open, level)
		}
	}
	return open
}

// lets reports whether some object of a level can reach the recipient: with any
// code, and whether or not it names its author.
func (f *Flow) lets(level Level) bool {
	for _, code := range givenHandling {
		g := Given{TLP: level.String(), Handling: code, Consent: true}
		l, _, err := f.point(&g)
		if err != nil {
			continue
		}
		for _, creator := range []OrgID{l.Creator, ""} {
			l.Creator = creator
			if d := f.standing().decide(&l, nil, settled, question{consent: fullConsent}); d.Effect > Withhold {
				return true
			}
		}
	}
	return false
}

// blocker is the first rule that keeps back an ordinary object of the lowest level
// that the flow carries, and its term.
func (f *Flow) blocker() (rule, path string) {
	level := f.floor
	if level < LevelClear || level > f.max {
		level = f.max
	}
	d, err := f.Try(Given{TLP: level.String(), Consent: true}, true)
	if err != nil {
		return "error", "name"
	}
	for _, r := range d.Reasons {
		if r.Effect == Withhold {
			_, path, ok := strings.Cut(r.Term, "].")
			switch {
			case ok:
				return r.Rule, path
			case r.Term != "":
				return r.Rule, "/" + r.Term
			}
			return r.Rule, "name"
		}
	}
	return "error", "name"
}
