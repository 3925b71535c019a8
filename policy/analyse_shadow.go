package policy

import (
	"fmt"
	"slices"
)

// A without is a term that grants something, and how to take it away.
type without struct {
	path   string
	what   string // is granted
	change func(*FlowTerms)
}

// shadowed notes terms without which every decision in the domain comes out the same.
func (l *linter) shadowed() {
	f := l.flow
	effects := f.effects()
	for _, w := range f.withouts() {
		g, err := f.variant(w.change)
		if err != nil || !slices.Equal(effects, g.effects()) {
			continue
		}
		l.remark("shadowed", Warning, w.path, "remove it, or change the term that is stricter", "%s changes no decision, because other terms are stricter everywhere", w.what)
	}
}

// withouts are the terms of the flow that grant something, taken away one by one. A
// restriction that another one makes needless does no harm.
func (f *Flow) withouts() []without {
	t := f.Terms
	var all []without
	if t.Onward.Mode != "none" && t.Onward.Mode != "" && t.Onward.Mode != "listed" && t.Onward.Mode != "consent" {
		all = append(all, without{"onward.mode", "passing on to " + audience(t.Onward.Mode), func(t *FlowTerms) { t.Onward.Mode = "none" }})
	}
	if t.Onward.Mode == "listed" && !f.lists() {
		all = append(all, without{"onward.to", "the list of those to whom it may be passed on", func(*FlowTerms) {}})
	}
	if d := t.TLP.AmberClientDepth; d != nil && *d > 1 {
		all = append(all, without{"tlp.amber_client_depth", fmt.Sprintf("the depth %d", *d), func(t *FlowTerms) { t.TLP.AmberClientDepth = new(*d - 1) }})
	}
	for i, code := range t.Handling.Accept {
		if len(t.Handling.Accept) > 1 {
			all = append(all, without{fmt.Sprintf("handling.accept[%d]", i), "accepting " + code, func(t *FlowTerms) {
				t.Handling.Accept = slices.Delete(slices.Clone(t.Handling.Accept), i, i+1)
			}})
		}
	}
	for i, class := range t.PersonalData.Allow {
		all = append(all, without{fmt.Sprintf("personal_data.allow[%d]", i), "allowing " + class + " personal data", func(t *FlowTerms) {
			t.PersonalData.Allow = slices.Delete(slices.Clone(t.PersonalData.Allow), i, i+1)
		}})
	}
	return all
}

// audience is who may get an object by an onward mode.
func audience(mode string) string {
	switch mode {
	case "clients":
		return "clients"
	case "community":
		return "the community"
	case "listed":
		return "those who are listed"
	case "tlp":
		return "whomever TLP lets have it"
	}
	return "nobody"
}

// lists reports whether TLP lets any level that passes go from the recipient to
// somebody listed, who is a client or a member of the community at best.
func (f *Flow) lists() bool {
	return slices.ContainsFunc(f.passable(), func(l Level) bool {
		l = l.join(f.floor)
		return l.reaches(KindClient, 2, f.Onward().ClientDepth) || l.reaches(KindCommunity, 2, 0)
	})
}

// variant is the flow of an agreement that differs in terms of this flow alone.
func (f *Flow) variant(change func(*FlowTerms)) (*Flow, error) {
	a := *f.Agreement
	a.Flows = slices.Clone(a.Flows)
	change(&a.Flows[f.index])
	s, err := Compile(f.set.Us, []*Agreement{&a})
	if err != nil {
		return nil, err
	}
	return s.flows[f.index], nil
}

// actual reports whether a point is about somebody whom there can be: at hop 1 the
// flow's own recipient.
func (g *Given) actual() bool {
	if g.Hop > 1 {
		return g.Kind != "origin" // a partner, there
	}
	return g.Kind == "" || g.Kind == "origin"
}

// effects are those of every actual point, in the order of the domain.
func (f *Flow) effects() []Effect {
	all := make([]Effect, 0, 10_000)
	for g := range domain {
		if g.actual() {
			all = append(all, f.effect(g))
		}
	}
	return all
}
