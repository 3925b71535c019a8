package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"entente/stix"
)

// A validator looks for what does not belong together in an agreement whose values
// are good one by one.
type validator struct {
	*Agreement
	mistakes Mistakes
}

// validate finds what is missing, what contradicts itself, and what is not kept in
// this version. Defaults are applied.
func (a *Agreement) validate() Mistakes {
	v := &validator{Agreement: a}
	v.required()
	v.unsupported()
	v.header()
	v.parties()
	v.purposes()
	v.life()
	names := map[string]bool{}
	for i := range a.Flows {
		f := &a.Flows[i]
		if names[f.Name] {
			v.wrong(flowPath(i, "name"), "give each flow its own", "is the name of two flows")
		}
		names[f.Name] = true
		v.flow(i, f)
	}
	v.tests(names)
	v.signatures()
	if len(v.mistakes) == 0 {
		v.compile()
	}
	return v.mistakes
}

// wrong notes a mistake in the term at path.
func (v *validator) wrong(path, instead, what string, args ...any) {
	p := v.source.position(path)
	if p == (Position{}) {
		p = Position{v.source.file, 1, 1}
	}
	v.mistakes = append(v.mistakes, Mistake{p.File, p.Line, p.Column, path + " " + fmt.Sprintf(what, args...), instead})
}

// needs notes what is not written.
func (v *validator) needs(around string, terms ...string) {
	for _, term := range terms {
		if path := join(around, term); !v.says(path) {
			v.wrong(path, "add it", "is missing")
		}
	}
}

// required are the terms that have no default.
func (v *validator) required() {
	v.needs("", "schema", "id", "title", "revision", "supersedes", "status", "valid", "parties", "purposes", "flows")
	if v.says("valid") {
		v.needs("valid", "from", "until")
	}
	if v.says("parties") {
		v.needs("parties", "a", "b")
	}
	for _, p := range []string{"parties.a", "parties.b"} {
		if v.says(p) {
			v.needs(p, "org", "name")
		}
	}
	v.notEmpty("purposes.allow", len(v.Purposes.Allow), "purposes")
	v.notEmpty("flows", len(v.Flows), "flows")
	for i := range v.Flows {
		f, at := &v.Flows[i], func(term string) string { return flowPath(i, term) }
		v.needs(at(""), "name", "direction")
		v.notEmpty(at("collections"), len(f.Collections), at(""))
		v.notEmpty(at("channels"), len(f.Channels), at(""))
		v.notEmpty(at("purposes"), len(f.Purposes), at(""))
		v.notEmpty(at("select.types"), len(f.Select.Types), at(""))
	}
	for i := range v.Tests {
		at := fmt.Sprintf("tests[%d]", i)
		v.needs(at, "name", "expect")
		if v.says(at + ".expect") {
			v.needs(at+".expect", "effect")
		}
	}
}

// notEmpty notes a list without items, if what is around it is written.
func (v *validator) notEmpty(path string, n int, around string) {
	if n == 0 && v.says(around) {
		v.wrong(path, "name at least one", "is empty")
	}
}

// header is about the agreement as a document.
func (v *validator) header() {
	if first := v.Supersedes == "sha256:none"; v.Revision > 0 && v.Supersedes != "" && first != (v.Revision == 1) {
		v.wrong("supersedes", `write "sha256:none" in revision 1, and the digest of the revision before in later ones`, "does not fit revision %d", v.Revision)
	}
	from, err := ParseInstant(v.Valid.From)
	until, err2 := ParseInstant(v.Valid.Until)
	if err == nil && err2 == nil && from >= until {
		v.wrong("valid.until", "write a later time", "is not after valid.from")
	}
	if review, err3 := ParseInstant(v.Valid.ReviewBy); err == nil && err3 == nil && review <= from {
		v.wrong("valid.review_by", "write a later time", "is not after valid.from")
	}
}

// parties is about who they are.
func (v *validator) parties() {
	a, b := &v.Parties.A, &v.Parties.B
	if a.Org == b.Org && a.Org != "" {
		v.wrong("parties.b.org", "name the other party", "is parties.a.org too")
	}
	for i, id := range b.Originates {
		if slices.Contains(a.Originates, id) || id == a.Org {
			v.wrong(fmt.Sprintf("parties.b.originates[%d]", i), "decide which party speaks for it", "is what party a originates, too")
		}
	}
	if slices.Contains(a.Originates, b.Org) && b.Org != "" {
		v.wrong("parties.a.originates", "remove it", "has the organisation of party b")
	}
	for i, k := range b.Keys {
		if slices.ContainsFunc(a.Keys, func(other PublicKey) bool { return other.Key == k.Key }) {
			v.wrong(fmt.Sprintf("parties.b.keys[%d]", i), "give each party its own", "is a key of party a, too")
		}
	}
	v.party("parties.a", a)
	v.party("parties.b", b)
}

func (v *validator) party(at string, p *Party) {
	if p.Kind == "law-enforcement" && !p.LE {
		v.wrong(at+".kind", "add le: true, by which the rules about personal data go", "is law-enforcement, and le is not true")
	}
	for i := range p.Keys {
		v.needs(fmt.Sprintf("%s.keys[%d]", at, i), "key")
	}
	for i := range p.Servers {
		v.needs(fmt.Sprintf("%s.servers[%d]", at, i), "url")
	}
}

func (v *validator) purposes() {
	for i, p := range v.Purposes.Deny {
		if slices.Contains(v.Purposes.Allow, p) {
			v.wrong(fmt.Sprintf("purposes.deny[%d]", i), "keep it in one of the two", "%q is allowed, too", p)
		}
	}
}

// life is about how the agreement is suspended and ended, and about consents.
func (v *validator) life() {
	if i := slices.Index(v.Suspension.Triggers, "review-overdue"); i >= 0 && v.Valid.ReviewBy == "" {
		v.wrong(fmt.Sprintf("suspension.triggers[%d]", i), "add valid.review_by, or remove it", "asks for a date of review, and there is none")
	}
	c := &v.Consent
	if len(c.Approvers) > 0 && c.MaxTTL == "" {
		v.wrong("consent.approvers", "add consent.max_ttl", "may give consents of any length")
	}
	for i, id := range c.Approvers {
		if id != v.Parties.A.Org && id != v.Parties.B.Org && !slices.Contains(v.Parties.A.Originates, id) && !slices.Contains(v.Parties.B.Originates, id) {
			v.wrong(fmt.Sprintf("consent.approvers[%d]", i), "name a party, or whom one originates", "is neither of the parties")
		}
	}
	if e := &c.Emergency; e.Allowed && (!e.DualControl || e.Basis == "") {
		v.wrong("consent.emergency", "add dual_control: true and the basis", "allows what nobody controls")
	}
}

// flow is about the terms of flow i.
func (v *validator) flow(i int, f *FlowTerms) {
	at := func(term string) string { return flowPath(i, term) }
	for j, p := range f.Purposes {
		switch {
		case slices.Contains(v.Purposes.Deny, p):
			v.wrong(at(fmt.Sprintf("purposes[%d]", j)), "remove it", "%q is denied by the agreement", p)
		case !slices.Contains(v.Purposes.Allow, p):
			v.wrong(at(fmt.Sprintf("purposes[%d]", j)), "add it to purposes.allow, or remove it", "%q is not a purpose of the agreement", p)
		}
	}
	v.selection(at, &f.Select)
	v.levels(at, f)
	v.onward(at, &f.Onward)
	v.personal(at, f)
	v.parts(at, f)
	if f.Select.Where != "" {
		if _, err := compileWhere(f.Select.Where); err != nil {
			v.wrong(at("select.where"), "see the documentation of select.where", "%v", err)
		}
	}
}

func (v *validator) selection(at func(string) string, s *Select) {
	if len(s.Types) > 0 && !slices.ContainsFunc(s.Types, func(typ string) bool { return !selects(s.NotTypes, typ) }) {
		v.wrong(at("select.not_types"), "leave something to select", "takes away everything that select.types has")
	}
	if len(s.RelationshipTypes) > 0 && !selects(s.Types, "relationship") {
		v.wrong(at("select.relationship_types"), "add relationship to select.types", "is about relationships, which the flow does not select")
	}
}

// levels is about TLP and the handling codes.
func (v *validator) levels(at func(string) string, f *FlowTerms) {
	t := &f.TLP
	highest, ok := ParseLevel(t.Max)
	if floor, ok2 := ParseLevel(t.Floor); ok && ok2 && floor > highest {
		v.wrong(at("tlp.floor"), "lower it, or raise tlp.max", "is above tlp.max, so nothing can pass")
	}
	switch {
	case t.Max == "RED" && t.Red == "never":
		v.wrong(at("tlp.max"), `add red: "named", or write AMBER+STRICT`, "is RED, which goes to named persons only, and tlp.red is not named")
	case t.Max != "RED" && t.Red == "named":
		v.wrong(at("tlp.red"), `write max: "RED", or remove it`, "is named, and tlp.max keeps RED out")
	}
	for j, code := range f.Handling.Default {
		if !slices.Contains(f.Handling.Accept, code) {
			v.wrong(at(fmt.Sprintf("handling.default[%d]", j)), "add it to handling.accept", "%s is put on everything, and the flow does not accept it", code)
		}
	}
}

// onward is about passing on.
func (v *validator) onward(at func(string) string, o *OnwardTerms) {
	hops := *o.MaxHops
	switch {
	case o.Mode == "none" && hops > 1:
		v.wrong(at("onward.max_hops"), "remove it, or choose another onward.mode", "lets objects go on, and onward.mode is none")
	case o.Mode != "none" && hops < 2:
		v.wrong(at("onward.mode"), "add max_hops: 2, or write none", "lets objects go on, and onward.max_hops is %d", hops)
	}
	if (o.Mode == "listed") != (len(o.To) > 0) {
		v.wrong(at("onward.to"), `name who is meant, and write mode: "listed"`, "and onward.mode do not fit each other")
	}
	if len(o.Communities) > 0 && o.Mode != "community" {
		v.wrong(at("onward.communities"), `write mode: "community", or remove them`, "are named, and onward.mode is %s", o.Mode)
	}
}

// parts is about what redaction leaves out.
func (v *validator) parts(at func(string) string, f *FlowTerms) {
	for j, s := range f.Fields.Strip {
		if kind := v.fixed(&f.Select, topName(s)); kind != "" {
			v.wrong(at(fmt.Sprintf("fields.strip[%d]", j)), "remove it, or do not select such objects", "%q is a property without which %s cannot be", s, kind)
		}
	}
	if f.Redaction.Allow {
		return
	}
	for _, term := range []struct {
		path string
		used bool
	}{
		{"fields.truncate_times", f.Fields.TruncateTimes != ""}, {"references.prune_lists", f.References.PruneLists},
		{"redaction.placeholder", f.Redaction.Placeholder}, {"fields.strip", len(f.Fields.Strip) > 0},
	} {
		if term.used {
			v.wrong(at(term.path), "add redaction: {allow: true}", "asks for redacted copies, and redaction is not allowed")
		}
	}
}

// fixed is a selected type whose objects cannot be without the property; "" if there
// is none.
func (v *validator) fixed(s *Select, property string) string {
	types := s.Types
	if slices.Contains(types, "*") {
		types = append(slices.Clone(types), stix.Types()...)
	}
	for _, kind := range types {
		if kind != "*" && !selects(s.NotTypes, kind) && stix.Fixed(kind, property) {
			return kind
		}
	}
	return ""
}

// personal is about personal data that is allowed and that the law's default, or a
// missing ground or route, keeps back.
func (v *validator) personal(at func(string) string, f *FlowTerms) {
	flow := &Flow{Terms: f, from: &v.Parties.A, to: &v.Parties.B}
	if f.Direction == "b->a" {
		flow.from, flow.to = flow.to, flow.from
	}
	flow.kind = map[string]Kind{"partner": KindPartner, "client": KindClient, "org": KindOrg, "public": KindPublic}[flow.to.Relation]
	passes := flow.passes()
	for j, class := range f.PersonalData.Allow {
		if bit := personalNames[class]; passes&bit == 0 {
			v.wrong(at(fmt.Sprintf("personal_data.allow[%d]", j)), "add the ground, or the route to law enforcement, by which it may; or remove it",
				"%q can never pass in this direction as the terms are", class)
		}
	}
	if r := f.PersonalData.RouteTo; r != "" && !slices.Contains(routes, r) {
		if what, _ := identityText(r); what != "" {
			v.wrong(at("personal_data.route_to"), "write "+strings.Join(routes, ", ")+" or the id of an organisation", "names a body that nobody can route to")
		}
	}
}

// tests is about the agreement's own tests.
func (v *validator) tests(flows map[string]bool) {
	names := map[string]bool{}
	for i := range v.Tests {
		t, at := &v.Tests[i], fmt.Sprintf("tests[%d]", i)
		if names[t.Name] {
			v.wrong(at+".name", "give each test its own", "is the name of two tests")
		}
		names[t.Name] = true
		if t.Given.Flow != "" && !flows[t.Given.Flow] {
			known := make([]string, 0, len(flows))
			for name := range flows {
				known = append(known, name)
			}
			slices.Sort(known)
			v.wrong(at+".given.flow", nearest(t.Given.Flow, known), "is not a flow")
		}
	}
}

func (v *validator) signatures() {
	seen := map[string]bool{}
	for i := range v.Signatures {
		s, at := &v.Signatures[i], fmt.Sprintf("signatures[%d]", i)
		v.needs(at, "party", "key", "alg", "value")
		if seen[s.Party] && s.Party != "" {
			v.wrong(at+".party", "keep the newer one", "has signed twice")
		}
		seen[s.Party] = true
	}
}

// compile finds what only the compiler sees.
func (v *validator) compile() {
	set, err := Compile(v.Parties.A.Org, []*Agreement{v.Agreement})
	if err != nil {
		for _, one := range err.(interface{ Unwrap() []error }).Unwrap() { // what errors.Join made
			var m Mistake
			if !errors.As(one, &m) {
				m = Mistake{v.source.file, 1, 1, one.Error(), ""}
			}
			v.mistakes = append(v.mistakes, m)
		}
		return
	}
	for i, f := range set.flows {
		if f.bad != "" {
			v.wrong(flowPath(i, f.bad), "choose another value", "asks for what nobody can fulfil")
		}
	}
}
