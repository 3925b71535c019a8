package policy

import (
	"slices"
	"strings"
)

// passes are the classes of personal data that may pass by the flow: those that it
// allows and the law's default lets go in this direction. A named ground loosens
// the default between private parties and makes up for a missing route of
// indirect data; nothing loosens it for the public, for special categories, and
// for direct data that goes from law enforcement to private parties.
func (f *Flow) passes() PersonalData {
	p := &f.Terms.PersonalData
	ground, route := p.Ground != "", p.RouteTo != ""
	var indirect, direct bool
	switch {
	case f.kind == KindPublic:
	case f.from.LE && f.to.LE:
		indirect, direct = true, true
	case f.from.LE:
		indirect = strings.HasPrefix(p.Ground, "victim-remediation")
	case f.to.LE:
		indirect, direct = ground, route
	default:
		indirect, direct = ground, ground
	}
	var classes PersonalData
	if indirect && slices.Contains(p.Allow, "indirect") {
		classes |= Indirect
	}
	if direct && slices.Contains(p.Allow, "direct") {
		classes |= Direct | Undetermined
	}
	return classes
}

var personalRules = [...]struct {
	class PersonalData
	name  string // in Terms.Personal
	rule  rule
}{
	{Indirect, "indirect", ruleIndirect},
	{Direct, "direct", ruleDirect},
	{Special, "special", ruleSpecial},
	{Undetermined, "direct", ruleUndetermined},
}

// personal is stage 8.
func (e *evaluation) personal() {
	found := e.l.Personal
	if found == 0 {
		return
	}
	for i := range personalRules {
		p := &personalRules[i]
		if found&p.class == 0 {
			continue
		}
		found &^= p.class
		if e.f.personal&p.class == 0 && e.hit(p.rule, Withhold) {
			e.say(p.rule, Withhold, "", "the object has personal data (%s), and neither the agreement nor the law's default lets it pass this way",
				strings.TrimPrefix(rules[p.rule].Name, "pd."))
		}
		if !e.mayPass(p.name) && e.hit(p.rule, Withhold) {
			e.say(p.rule, Withhold, "/", "the object has personal data (%s), and the terms that came with it do not let it go further",
				strings.TrimPrefix(rules[p.rule].Name, "pd."))
		}
	}
	if found != 0 && e.hit(ruleUndetermined, Withhold) {
		e.say(ruleUndetermined, Withhold, "", "the object has personal data of a class that is not known")
	}
}

// mayPass reports whether all terms before us let a class go further.
func (e *evaluation) mayPass(class string) bool {
	for t := range e.terms {
		if !slices.Contains(t.Personal, class) {
			return false
		}
	}
	return true
}
