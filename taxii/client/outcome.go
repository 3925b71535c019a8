package client

import (
	"strings"

	"entente/stix"
	"entente/taxii"
)

// assign maps a status back to the objects that were sent. The lists of a
// status are optional, name objects by id and version, and come in any order;
// what cannot be told stays Unknown.
func assign(objs []stix.Object, results []Result, s *taxii.Status) {
	a := assignment{objs: objs, results: results, left: make(map[stix.ID][]int)}
	for i := range objs {
		a.left[objs[i].ID] = append(a.left[objs[i].ID], i)
	}
	strays := a.list(s.Failures, Refused, "refused without a reason")
	a.list(s.Successes, Taken, "")
	a.list(s.Pendings, Unknown, "still pending")
	rest := a.rest()
	switch {
	case len(rest) == 0:
	case len(strays) > 0 && len(strays) == len(rest): // named by a placeholder, because the object has no id
		for n, i := range rest {
			results[i] = Result{Refused, message(strays[n].Message, "refused without a reason")}
		}
	case s.Status == taxii.StatusPending:
	case s.FailureCount == len(s.Failures) && len(strays) == 0: // all failures are known
		for _, i := range rest {
			results[i] = Result{Outcome: Taken}
		}
	case s.SuccessCount == 0 && s.FailureCount >= len(objs):
		for _, i := range rest {
			results[i] = Result{Refused, "refused without a reason"}
		}
	default:
		for _, i := range rest {
			results[i].Message = "the server counts failures but does not say which objects failed"
		}
	}
}

type assignment struct {
	objs    []stix.Object
	results []Result
	left    map[stix.ID][]int // objects not yet spoken of
}

// list gives outcome to the object of each detail: the one with its version,
// else any with its id. Details about no object are returned.
func (a *assignment) list(details []taxii.StatusDetail, outcome Outcome, otherwise string) (strays []taxii.StatusDetail) {
	var byID []taxii.StatusDetail
	for _, d := range details {
		if !a.take(d, outcome, otherwise, true) {
			byID = append(byID, d)
		}
	}
	for _, d := range byID {
		if !a.take(d, outcome, otherwise, false) {
			strays = append(strays, d)
		}
	}
	return strays
}

func (a *assignment) take(d taxii.StatusDetail, outcome Outcome, otherwise string, exact bool) bool {
	left := a.left[stix.ID(d.ID)]
	for n, i := range left {
		if exact && instant(a.objs[i].VersionText()) != instant(d.Version) {
			continue
		}
		a.results[i] = Result{outcome, message(d.Message, otherwise)}
		a.left[stix.ID(d.ID)] = append(left[:n:n], left[n+1:]...)
		return true
	}
	return false
}

// rest is the objects not spoken of, in the order they were sent.
func (a *assignment) rest() []int {
	silent := make(map[int]bool)
	for _, list := range a.left {
		for _, i := range list {
			silent[i] = true
		}
	}
	var rest []int
	for i := range a.objs {
		if silent[i] {
			rest = append(rest, i)
		}
	}
	return rest
}

func message(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return printable(s)
}

// instant makes timestamps of one instant equal texts: no "Z", no zeros at the
// end of the fraction.
func instant(t string) string {
	t = strings.TrimSuffix(t, "Z")
	if strings.Contains(t, ".") {
		t = strings.TrimRight(strings.TrimRight(t, "0"), ".")
	}
	return t
}
