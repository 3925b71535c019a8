package release

import (
	"strings"

	"entente/policy"
)

// Who reads release logs are recipients: every partner, and, where an agreement
// lets RED pass to named persons, those of the partner. A recipient is the
// partner's id, of named persons with this behind it.
const persons = "#persons"

// recipient is whose release logs an account of partner reads; person says that
// the account is one named person's.
func recipient(partner policy.OrgID, person bool) policy.OrgID {
	if person {
		return partner + persons
	}
	return partner
}

// partnerOf is the partner that a recipient belongs to.
func partnerOf(r policy.OrgID) policy.OrgID {
	return policy.OrgID(strings.TrimSuffix(string(r), persons))
}

// recipients are all that set has.
func recipients(set *policy.Set) []policy.OrgID {
	red := map[policy.OrgID]bool{}
	for _, f := range set.Flows() {
		red[f.To] = red[f.To] || f.Terms.TLP.Red == "named"
	}
	var all []policy.OrgID
	for _, p := range set.Partners() {
		all = append(all, p)
		if red[p] {
			all = append(all, recipient(p, true))
		}
	}
	return all
}

// flowsTo are the flows by which a recipient gets what is in a collection.
func flowsTo(set *policy.Set, who policy.OrgID, names []string) []*policy.Flow {
	partner := partnerOf(who)
	flows := set.Out(partner, names...)
	if who != partner {
		return flows
	}
	for i, f := range flows {
		flows[i] = f.Impersonal()
	}
	return flows
}
