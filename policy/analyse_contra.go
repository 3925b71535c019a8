package policy

import "slices"

// contradictions notes terms of one flow that speak against each other.
func (l *linter) contradictions() {
	f := l.flow
	t, p := f.Terms, &l.Purposes
	if s := t.Attribution.Source; s != "" && s != "disclose" && s != "ask" {
		switch {
		case !t.Redaction.Allow:
			l.remark("contradiction", Warning, "attribution.source", "add redaction: {allow: true}", "hides the source, which takes a redacted copy, and redaction is not allowed: whatever names its author is withheld")
		case t.IEP.Accept:
			l.remark("contradiction", Note, "attribution.source", "tell the partners, or disclose the source", "hides the source, and what has a policy that wants its source named is withheld")
		}
	}
	if t.Actions.UnmodifiedResale == "may" && slices.Contains(p.Deny, "resale") {
		l.remark("contradiction", Warning, "actions.unmodified_resale", "write must-not, or take resale out of purposes.deny", "allows what purposes.deny forbids")
	}
	if ai := t.Actions.AITraining; ai != "" && ai != "must-not" && slices.Contains(p.Deny, "ai-training") {
		l.remark("contradiction", Warning, "actions.ai_training", "write must-not, or take ai-training out of purposes.deny", "allows what purposes.deny forbids")
	}
	if r := &t.Retention; f.writes("retention.after_termination") && longer(r.AfterTermination, r.Max) {
		l.remark("contradiction", Warning, "retention.after_termination", "write a shorter time", "is longer than copies may be kept at all (%s)", r.Max)
	}
	if where := t.Retention.Residency; len(where) > 0 && len(f.to.Jurisdictions) > 0 &&
		!slices.ContainsFunc(where, func(place string) bool { return slices.Contains(f.to.Jurisdictions, place) }) {
		l.remark("contradiction", Warning, "retention.residency", "add where the recipient is, or have it keep copies elsewhere", "names no place of the recipient's jurisdictions")
	}
}

// longer reports whether a is a longer time than b; no text is none.
func longer(a, b string) bool {
	p, err := ParsePeriod(a)
	q, err2 := ParsePeriod(b)
	return err == nil && err2 == nil && q.shorter(p)
}

// LintTogether finds where agreements that one organisation has with several others
// speak against each other: what comes by one flow could go on by another, whose
// terms are looser, or for no purpose of the first.
func LintTogether(agreements []*Agreement) ([]Remark, error) {
	sets, err := setsOf(agreements)
	if err != nil {
		return nil, err
	}
	var remarks []Remark
	for _, s := range sets {
		for _, in := range s.flows {
			if in.To != s.Us || in.Onward().MaxHops < 2 {
				continue
			}
			for _, out := range s.flows {
				if out.From == s.Us && out.To != in.From && overlap(&in.Terms.Select, &out.Terms.Select) {
					remarks = append(remarks, in.chained(out)...)
				}
			}
		}
	}
	return sortRemarks(remarks), nil
}

// chained is what speaks against each other when what came by f goes on by out.
func (f *Flow) chained(out *Flow) []Remark {
	from := f.Key()
	if !slices.ContainsFunc(f.purposes, func(p string) bool { return slices.Contains(out.purposes, p) }) {
		return []Remark{out.remark("contradiction", Note, "purposes", "add a common purpose, if it is meant to go on",
			"no purpose is one of "+from+", so nothing that came by that goes on by this flow")}
	}
	if longer(out.Terms.Retention.Max, f.Terms.Retention.Max) {
		return []Remark{out.remark("contradiction", Warning, "retention.max", "write "+f.Terms.Retention.Max+", or agree on a longer time with the source",
			"is longer than the "+f.Terms.Retention.Max+" for which "+from+" lets copies be kept, which may go on by this flow")}
	}
	return nil
}

// overlap reports whether an object could be of a type that both select.
func overlap(a, b *Select) bool {
	has := func(s *Select, typ string) bool { return selects(s.Types, typ) && !selects(s.NotTypes, typ) }
	for _, typ := range append(slices.Clone(a.Types), b.Types...) {
		if typ == "*" {
			typ = "indicator"
		}
		if has(a, typ) && has(b, typ) {
			return true
		}
	}
	return false
}

// setsOf compiles the agreements for each organisation that is a party of one,
// sorted by organisation.
func setsOf(agreements []*Agreement) ([]*Set, error) {
	var orgs []OrgID
	for _, a := range agreements {
		orgs = append(orgs, a.Parties.A.Org, a.Parties.B.Org)
	}
	slices.Sort(orgs)
	var sets []*Set
	for _, org := range slices.Compact(orgs) {
		var own []*Agreement
		for _, a := range agreements {
			if a.Parties.A.Org == org || a.Parties.B.Org == org {
				own = append(own, a)
			}
		}
		s, err := Compile(org, own)
		if err != nil {
			return nil, err
		}
		sets = append(sets, s)
	}
	return sets, nil
}
