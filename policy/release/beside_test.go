package release

import (
	"testing"

	"entente/policy"
)

const third policy.OrgID = "identity--dddddddd-0000-4000-8000-000000000004"

// Who is not the originator cannot lower a label, be it in one delivery or by
// sending again what counts as more than it says.
func TestLabelsAreNotLowered(t *testing.T) {
	far := func(a *policy.Agreement) { hops := 2; a.Flows[1].Onward.MaxHops = &hops }
	gives := func(a *policy.Agreement) { far(a); a.Flows = a.Flows[1:] }
	w := newWorld(t, agreement(partner, "AMBER", gives), agreement(other, "AMBER", far), agreement(third, "GREEN", nil))
	w.send(other, object(idOf("indicator", 1), 2, clear1))
	w.want(third, "indicator-1@02")
	loose := object(idOf("indicator", 2), 2, clear1)
	w.send(partner, object(idOf("indicator", 2), 1, amber1), loose)
	w.want(third, "indicator-1@02")
	w.send(partner, loose)
	w.want(third, "indicator-1@02")
	// Copies that contradict each other count as the join, also when they come again.
	mine := object(idOf("indicator", 3), 1, clear1)
	w.send(other, mine)
	w.want(third, "indicator-1@02", "indicator-3@01")
	w.send(partner, object(idOf("indicator", 3), 1, amber1, `"name":"another"`))
	w.want(third, "indicator-1@02")
	w.send(other, mine)
	w.want(third, "indicator-1@02")
}
