package policy

import (
	"encoding/json"
	"slices"
)

// attributionConflict is what an IEP says that wants its source named and forbids
// it, because two were joined.
const attributionConflict = "conflict"

// readIEP reads an Information Exchange Policy (FIRST IEP 2.0), by a schema of our
// own: that which was published with the extension requires properties that it
// does not define. A policy that only names another (by id_ref and url) is not
// resolved: nothing is fetched.
func readIEP(raw json.RawMessage) *marking {
	x := readExtension(raw, "iep_id", "iep_version", "name", "policy_name", "description", "start_date", "end_date", "encrypt_in_transit",
		"permitted_actions", "affected_party_notifications", "tlp", "provider_attribution", "attribution", "unmodified_resale",
		"external_reference", "external_references")
	var version json.Number
	read(x.m, "iep_version", &version, &x.ok)
	if v := version.String(); v != "2" && v != "2.0" {
		return unresolved
	}
	p := &IEP{
		Start: x.time("start_date", 0), End: x.time("end_date", Never), Encrypt: x.one("encrypt_in_transit", "must", "may") != "may",
		Actions: x.one("permitted_actions", actions...), Notify: x.one("affected_party_notifications", "may", "must-not"),
		Attribution: attribution(x.one("provider_attribution", "may", "must", "must-not"), x.one("attribution", "may", "must", "must-not")),
		Resale:      x.one("unmodified_resale", "may", "must-not"),
	}
	m := &marking{iep: p}
	if t := x.text("tlp"); t != "" {
		var ok bool
		m.level, ok = looseLevel(t)
		x.ok = x.ok && ok
	}
	if !x.ok || p.Attribution == attributionConflict {
		return unresolved
	}
	return m
}

// faults are what keeps an object from being shared under the policy.
func (p *IEP) faults() []string {
	if p == nil || p.Attribution != attributionConflict {
		return nil
	}
	return []string{"attribution.conflict"}
}

// join is the policy of both. A nil policy says nothing.
func (p *IEP) join(q *IEP) *IEP {
	switch {
	case p == nil:
		return q
	case q == nil:
		return p
	}
	return &IEP{
		Start: max(p.Start, q.Start), End: min(p.End, q.End), Encrypt: p.Encrypt || q.Encrypt,
		Actions: strictAction(p.Actions, q.Actions), Notify: strictNotice(p.Notify, q.Notify),
		Attribution: attribution(p.Attribution, q.Attribution), Resale: strictNotice(p.Resale, q.Resale),
	}
}

// strictAction is the stricter of two permitted actions. Absent is stricter than
// all that permit something visible, and says less than the rest.
func strictAction(a, b string) string {
	rank := func(s string) int {
		if s == "" {
			return 2*slices.Index(actions, "internally-visible-actions") - 1
		}
		return 2 * slices.Index(actions, s)
	}
	if rank(b) < rank(a) {
		return b
	}
	return a
}

// strictNotice is the stricter of "may" and "must-not"; absent forbids.
func strictNotice(a, b string) string {
	if a == "may" {
		return b
	}
	return a
}

// attribution is what two say about naming the source.
func attribution(a, b string) string {
	switch {
	case a == b || b == "":
		return a
	case a == "":
		return b
	case a == "may":
		return b
	case b == "may":
		return a
	}
	return attributionConflict
}
