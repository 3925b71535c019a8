package policy

import (
	"encoding/json"
	"net/url"
	"slices"
)

// readACS reads an access control specification (ACS 3.0) as far as it can be
// obeyed; whatever cannot, forbids. Those are: a classification other than U; a
// limit to kinds of organisations (shareability, entity) or to what the
// information may be used for (a rule about another action than to see it and
// to name its source); a date of disposal; and a control, caveat, determination or
// sensitivity that is not known. Rules deny before they permit.
func readACS(raw json.RawMessage) *marking {
	x := readExtension(raw, "identifier", "create_date_time", "responsible_entity_custodian", "responsible_entity_originator",
		"authority_reference", "policy_reference", "control_set", "original_classification", "derivative_classification",
		"declassification", "resource_disposition", "public_release", "access_privilege", "further_sharing", "name")
	var control map[string]json.RawMessage
	sub(x.m, "control_set", &control, &x.ok)
	set := &extension{control, x.ok}
	a := &ACS{}
	private, shared := acsDefaults(x.text("policy_reference"), &x.ok)
	a.Permit, a.Anonymise = acsPrivileges(x, a, private)
	a.Onward = acsSharing(x, shared)
	a.limit(set.list("permitted_organizations"), set.list("permitted_nationalities"))
	class := set.text("classification")
	_, disposal := x.m["resource_disposition"]
	if class != "" && class != "U" || disposal || !everybody(set.list("shareability")) || !everybody(set.list("entity")) {
		a.Permit = false
	}
	if !only(control, "classification", "caveat", "formal_determination", "sensitivity", "shareability", "entity", "permitted_organizations", "permitted_nationalities") {
		a.Permit = false
	}
	m := &marking{acs: a, personal: acsControls(set, a)}
	if !x.ok || !set.ok {
		return unresolved
	}
	return m
}

// acsControls obeys what a control set says in words, and finds whether it tells of
// personal data.
func acsControls(set *extension, a *ACS) (personal PersonalData) {
	for _, name := range []string{"caveat", "formal_determination", "sensitivity"} {
		for _, v := range set.list(name) {
			switch v {
			case "NF", "NOFORN":
				a.limit(nil, []string{"USA"})
			case "PII", "POSSIBLEPII", "PII-NECESSARY-TO-UNDERSTAND-CYBERSECURITY-THREAT":
				personal |= Undetermined
			case "AIS", "PUBREL", "NO-PII-PRESENT", "INFORMATION-DIRECTLY-RELATED-TO-CYBERSECURITY-THREAT":
			default:
				a.Permit = false
			}
		}
	}
	return personal
}

// acsDefaults are what the policy says where no rule does; deny, if it is silent.
func acsDefaults(reference string, ok *bool) (private, shared bool) {
	u, err := url.Parse(reference)
	if err != nil {
		*ok = false
		return false, false
	}
	q := u.Query()
	return q.Get("privdefault") == "permit", q.Get("sharedefault") == "permit"
}

// acsRule is an element of access_privilege or further_sharing.
type acsRule struct {
	Action  string   `json:"privilege_action"`
	Scope   acsScope `json:"privilege_scope"`
	Sharing []string `json:"sharing_scope"`
	Effect  string   `json:"rule_effect"`
}

type acsScope struct {
	Organizations []string `json:"permitted_organizations"`
	Nationalities []string `json:"permitted_nationalities"`
	Shareability  []string `json:"shareability"`
	Entity        []string `json:"entity"`
}

// acsRules are the rules with the name, which must have these members and no others:
// encoding/json would take a member in other letters for one of ours, and pass over
// the rest.
func acsRules(x *extension, name string, names ...string) (rules []acsRule) {
	var raw []map[string]json.RawMessage
	read(x.m, name, &raw, &x.ok)
	read(x.m, name, &rules, &x.ok)
	for _, rule := range raw {
		var scope map[string]json.RawMessage
		sub(rule, "privilege_scope", &scope, &x.ok)
		if !only(rule, names...) || !only(scope, "permitted_organizations", "permitted_nationalities", "shareability", "entity") {
			x.ok = false
		}
	}
	return rules
}

// acsPrivileges evaluates access_privilege: may the information be seen, and must
// its source not be named?
func acsPrivileges(x *extension, a *ACS, byDefault bool) (permit, anonymise bool) {
	rules := acsRules(x, "access_privilege", "privilege_action", "privilege_scope", "rule_effect")
	see, source, barred := byDefault, byDefault, false
	for _, r := range rules {
		permits := r.Effect == "permit"
		switch r.Action {
		case "ALL":
			if !permits {
				barred = true
			}
			see, source = true, true
			a.scope(&r.Scope)
		case "DSPLY":
			if !permits {
				barred = true
			}
			see = true
			a.scope(&r.Scope)
		case "IDSRC":
			source = permits && everybody(r.Scope.Organizations) && everybody(r.Scope.Nationalities)
		default: // of what the information may be used for, nothing is known to the recipient
			if !permits || !byDefault {
				barred = true
			}
		}
		if !everybody(r.Scope.Shareability) || !everybody(r.Scope.Entity) {
			barred = true
		}
	}
	for _, r := range rules {
		if r.Action == "IDSRC" && r.Effect != "permit" {
			source = false
		}
	}
	return see && !barred, !source
}

// acsSharing evaluates further_sharing: may a recipient pass the information on?
// Only if somebody permits it to all, and nothing denies it to anybody.
func acsSharing(x *extension, byDefault bool) bool {
	rules := acsRules(x, "further_sharing", "sharing_scope", "rule_effect")
	for _, r := range rules {
		if r.Effect != "permit" {
			return false
		}
		byDefault = byDefault || slices.Contains(r.Sharing, "ALL")
	}
	return byDefault
}

// everybody reports whether a scope has everybody: it names nobody, or all.
func everybody(names []string) bool { return len(names) == 0 || slices.Contains(names, "ALL") }

// scope limits a to whom a privilege is for.
func (a *ACS) scope(s *acsScope) { a.limit(s.Organizations, s.Nationalities) }

// limit narrows a to organisations and nationalities, where "ALL" is no limit.
func (a *ACS) limit(organizations, nationalities []string) {
	narrow := func(have *[]string, to []string) {
		if everybody(to) {
			return
		}
		to = slices.Clone(to)
		slices.Sort(to)
		*have = common(*have, slices.Compact(to), nobody)
	}
	narrow(&a.Organizations, organizations)
	narrow(&a.Nationalities, nationalities)
}

// nobody is a list of organisations, or of nationalities, that has none.
var nobody = []string{"-"}

// join is what both allow. A nil specification says nothing.
func (a *ACS) join(b *ACS) *ACS {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return &ACS{
		Permit: a.Permit && b.Permit, Onward: a.Onward && b.Onward, Anonymise: a.Anonymise || b.Anonymise, CUI: a.CUI || b.CUI,
		Organizations: common(a.Organizations, b.Organizations, nobody), Nationalities: common(a.Nationalities, b.Nationalities, nobody),
	}
}
