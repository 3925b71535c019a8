package release

import (
	"testing"
	"time"

	"entente/policy"
)

// A plan says what everybody loses by a retention that is over as soon as the
// revision is in force, and what they gain: nobody sees what is purged.
func TestPlanRetention(t *testing.T) {
	from := func(who policy.OrgID, until string) *policy.Agreement {
		return agreement(who, "GREEN", func(a *policy.Agreement) {
			hops := 2
			a.Flows[1].Onward.MaxHops, a.Flows[1].TLP.Max = &hops, "AMBER"
			a.Valid.Until, a.Flows[1].Retention.AfterTermination = until, "PT1S"
		})
	}
	const later = "2027-01-01T00:00:00Z"
	dangling := func(a *policy.Agreement) { redacting(a); a.Flows[0].References.Dangling = "permit-unheld" }
	note := object(idOf("note", 4), 0, clear1, `"content":"x"`, `"object_refs":["`+idOf("indicator", 1)+`"]`)
	for _, tc := range []struct {
		name    string
		partner *policy.Agreement
		work    func(w *world)
		want    string
	}{
		{"objects", agreement(partner, "GREEN", nil), func(w *world) {
			w.send(other, object(idOf("indicator", 1), 0, clear1), object(idOf("indicator", 2), 0, clear1))
			w.write(note)
		}, "2: +0 -3 =1, 3: +0 -4 =0, 4: +0 -3 =1"},
		{"copies", agreement(partner, "GREEN", redacting), func(w *world) {
			w.send(other, relayed(0, "a", "x"), relayed(1, "a", "y"), relayed(2, "b", "y"))
		}, "2: +0 -2 =1, 3: +0 -4 =0"},
		{"what rests on it, for those who may see that", agreement(partner, "GREEN", dangling), func(w *world) {
			w.send(other, object(idOf("indicator", 1), 0, clear1))
			w.write(note)
		}, "2: +0 -1 =2, 3: +0 -3 =0, 4: +0 -2 =1"},
		{"what newer versions have hidden", agreement(partner, "GREEN", nil), func(w *world) {
			w.send(third, object(idOf("indicator", 1), 0, clear1))
			w.send(other, object(idOf("indicator", 1), 1, amber1))
		}, "2: +1 -0 =1, 3: +0 -3 =0"},
		{"copies of what newer versions have hidden", agreement(partner, "GREEN", redacting), func(w *world) {
			w.send(third, relayed(0, "a", "x"))
			w.send(other, object(idOf("malware", 1), 1, amber1, `"is_family":false`))
		}, "2: +1 -0 =1, 3: +0 -2 =0"},
		{"a copy that is like that of what goes", agreement(partner, "GREEN", redacting), func(w *world) {
			w.send(other, relayed(0, "a", "x"))
			w.write(relayed(1, "a", "y"))
		}, "3: +0 -2 =0"},
		{"what others have sent as well", agreement(partner, "GREEN", nil), func(w *world) {
			w.send(other, object(idOf("indicator", 1), 0, clear1))
			w.send(partner, object(idOf("indicator", 1), 0, clear1))
		}, "3: +0 -2 =0, 4: +0 -1 =1"},
		{"what was kept apart", agreement(partner, "GREEN", nil), func(w *world) {
			w.write(object(idOf("indicator", 1), 0, clear1, `"name":"ours"`))
			w.send(other, object(idOf("indicator", 1), 0, clear1, `"name":"of the other"`))
		}, "3: +0 -2 =0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, tc.partner, from(other, later), from(third, later))
			w.write(object(idOf("indicator", 9), 0, green1))
			w.now = w.now.Add(time.Second)
			tc.work(w)
			w.now = w.now.Add(time.Minute)
			over := []*policy.Agreement{tc.partner, from(other, "2026-01-01T12:00:30Z"), from(third, later)}
			if got := counts(w.revise(over...)); got != tc.want {
				t.Errorf("the plan counts %q, want %q", got, tc.want)
			}
			w.restart(over...)
			if got := counts(w.revise(over...)); got != "" {
				t.Errorf("a plan for what is in force counts %q", got)
			}
		})
	}
}
