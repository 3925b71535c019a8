package release

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"entente/policy"
	"entente/stix"
)

// statement is a marking definition.
func statement(t testing.TB) stix.Object {
	t.Helper()
	o, err := stix.Parse(`{"type":"marking-definition","spec_version":"2.1","id":"` + idOf("marking-definition", 9) +
		`","created":"2026-01-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":"ours"}}`)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// secret is a malware whose description is RED.
func secret(n, version int, name, description string, markings ...string) stix.Object {
	return object(idOf("malware", n), version, "", `"is_family":false,"name":"`+name+`","description":"`+description+`"`,
		`"object_marking_refs":["`+strings.Join(append([]string{green1}, markings...), `","`)+`"]`,
		`"granular_markings":[{"marking_ref":"`+red1+`","selectors":["description"]}]`)
}

// changed is an object with something else in a place of its text.
func changed(o stix.Object, was, now string) stix.Object {
	o, err := stix.Parse(strings.Replace(o.Raw, was, now, 1))
	if err != nil {
		panic(err)
	}
	return o
}

// resting is a secret that rests on what nobody holds.
func resting(n, version int, name string) stix.Object {
	return changed(secret(n, version, name, "x"), `"is_family"`, `"sample_refs":["`+idOf("file", 99)+`"],"is_family"`)
}

// file is a file whose size is RED.
func file(t testing.TB, name string, size int) stix.Object {
	t.Helper()
	o, err := stix.Parse(fmt.Sprintf(`{"type":"file","spec_version":"2.1","id":%q,"object_marking_refs":[%q],"name":%q,"size":%d,`+
		`"granular_markings":[{"marking_ref":%q,"selectors":["size"]}]}`, idOf("file", 7), green1, name, size, red1))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// variety is what every kind of revision does something about.
func (w *world) variety() {
	w.t.Helper()
	w.write(statement(w.t), object(idOf("indicator", 1), 0, green1), object(idOf("indicator", 2), 0, amber1), object(idOf("indicator", 8), 0, red1))
	w.write(object(idOf("note", 4), 0, clear1, `"content":"x"`, `"object_refs":["`+idOf("indicator", 2)+`"]`))
	w.write(secret(3, 0, "a", "x"), secret(3, 1, "a", "y"), secret(3, 2, "b", "y"))           // two copies of three
	w.write(secret(5, 0, "c", "z", idOf("marking-definition", 9)))                            // with it goes its marking
	w.write(secret(6, 0, "d", "z"), object(idOf("malware", 6), 1, red1, `"is_family":false`)) // none
	w.write(file(w.t, "a", 3), file(w.t, "b", 3), file(w.t, "a", 4))                          // two
	// The older version comes later, and rests on what nobody holds.
	w.write(secret(11, 1, "e", "z"))
	w.write(resting(11, 0, "e"))
	w.write(changed(secret(12, 0, "f", "z"), `"modified":"2026-01-01T00:00:00.000Z"`, `"modified":"2026-01-01T00:00:00.0000001Z"`))
	copied := stix.RedactedID(w.r.secret, stix.ID(idOf("malware", 3)), string(agreement(partner, "", nil).ID), "out")
	w.write(object(idOf("note", 10), 0, clear1, `"content":"on a copy, be there one or not"`, `"object_refs":["`+string(copied)+`"]`))
}

// redacting lets copies be made.
func redacting(a *policy.Agreement) { a.Flows[0].Redaction.Allow = true }

func scoped(a *policy.Agreement) { redacting(a); a.Flows[0].Redaction.IDScope = "circle" }

// ended is over, and so is the retention of what came under it.
func ended(a *policy.Agreement) {
	redacting(a)
	a.Valid.Until, a.Flows[1].Retention.AfterTermination = "2026-01-01T00:00:00Z", "PT1S"
}

func named(a *policy.Agreement) {
	redacting(a)
	a.Flows[0].TLP.Max, a.Flows[0].TLP.Red = "RED", "named"
}

func status(s policy.Status, effect string) func(a *policy.Agreement) {
	return func(a *policy.Agreement) { redacting(a); a.Status, a.Suspension.Effect = s, effect }
}

// TestPlan goes from one set of agreements to another and back, twice: then copies
// are found that were made before. want is what the first plan counts.
func TestPlan(t *testing.T) {
	type set = []*policy.Agreement
	plain := agreement(partner, "GREEN", nil)
	green, amber := agreement(partner, "GREEN", redacting), agreement(partner, "AMBER", redacting)
	for _, tc := range []struct {
		name        string
		first, then set
		want        string
	}{
		{"looser", set{green}, set{amber}, "2: +2 -0 =10"},
		{"tighter", set{amber}, set{agreement(partner, "CLEAR", redacting)}, "2: +0 -12 =0"},
		{"redaction on", set{plain}, set{green}, "2: +9 -0 =1"},
		{"redaction on for one", set{plain, agreement(other, "GREEN", redacting)}, set{green, agreement(other, "GREEN", redacting)}, "2: +9 -0 =1"},
		{"redaction off and looser", set{green}, set{agreement(partner, "AMBER", nil)}, "2: +2 -9 =1"},
		{"another scope", set{green}, set{agreement(partner, "GREEN", scoped)}, "2: +7 -8 =2"},
		{"a scope of two", set{green, agreement(other, "AMBER", nil)}, set{agreement(partner, "GREEN", scoped), agreement(other, "AMBER", scoped)}, "2: +7 -8 =2, 3: +8 -0 =3"},
		{"one leaves", set{green, agreement(other, "GREEN", nil)}, set{agreement(other, "GREEN", nil)}, "2: +0 -10 =0"},
		{"all leave", set{green, agreement(other, "GREEN", nil)}, nil, "2: +0 -10 =0, 3: +0 -1 =0"},
		{"one ends", set{green}, set{agreement(partner, "GREEN", status(policy.Terminated, ""))}, "2: +0 -10 =0"},
		{"one joins", nil, set{amber}, "2: +12 -0 =0"},
		{"one for another", set{green}, set{agreement(other, "AMBER", redacting)}, "2: +0 -10 =0, 3: +11 -0 =0"},
		{"persons", set{green}, set{agreement(partner, "GREEN", named)}, "2: +2 -0 =10, 2#: +16 -0 =0"},
		{"stop what is new", set{plain}, set{agreement(partner, "GREEN", func(a *policy.Agreement) { a.Status, a.Suspension.Effect = policy.Suspended, "stop-new" })}, ""},
		{"hide what is old", set{green}, set{agreement(partner, "GREEN", status(policy.Suspended, "stop-new+hide-old"))}, "2: +0 -10 =0"},
		{"nothing", set{green}, set{agreement(partner, "GREEN", redacting)}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, tc.first...)
			w.variety()
			if got := counts(w.revise(tc.then...)); got != tc.want {
				t.Errorf("the plan counts %q, want %q", got, tc.want)
			}
			w.revise(tc.first...)
			w.revise(tc.then...)
			w.restart(tc.then...)
			w.revise(tc.first...)
		})
	}
}

// counts are the totals of a plan in short: "2: +1 -0 =3" for partner 2.
func counts(p *Plan) string {
	var all []string
	for _, t := range p.Totals {
		who := strings.TrimLeft(strings.TrimPrefix(string(partnerOf(t.Partner)), "identity--")[24:], "0")
		if t.Partner != partnerOf(t.Partner) {
			who += "#"
		}
		all = append(all, fmt.Sprintf("%s: +%d -%d =%d", who, t.Released, t.Withdrawn, t.Stays))
	}
	return strings.Join(all, ", ")
}

// TestPlanAnything goes through random revisions, with random objects between.
func TestPlanAnything(t *testing.T) {
	changes := 0
	for seed := range uint64(150) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			w := newWorld(t, anyAgreements(rng)...)
			w.write(statement(t))
			for range 4 {
				for range rng.IntN(4) {
					if o := anyObject(rng); rng.IntN(3) > 0 {
						w.write(o)
					} else {
						w.send(one(rng, partner, other), o)
					}
				}
				changes += len(w.revise(anyAgreements(rng)...).Changes)
			}
		})
	}
	if changes < 1000 {
		t.Errorf("all plans together list %d changes, want at least 1000", changes)
	}
}

func one[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

func anyAgreements(rng *rand.Rand) []*policy.Agreement {
	var all []*policy.Agreement
	for _, p := range []policy.OrgID{partner, other} {
		if rng.IntN(5) > 0 {
			kind := one(rng, nil, redacting, redacting, scoped, named, status(policy.Suspended, "stop-new"), ended)
			a := agreement(p, one(rng, "CLEAR", "GREEN", "AMBER"), kind)
			hops := 2
			a.Flows[1].Onward.MaxHops, a.Flows[1].TLP.Max = &hops, "AMBER"
			all = append(all, a)
		}
	}
	return all
}

func anyObject(rng *rand.Rand) stix.Object {
	n, version, name := 1+rng.IntN(3), rng.IntN(5), one(rng, "a", "b")
	switch rng.IntN(6) {
	case 0:
		return object(idOf("malware", n), version, one(rng, clear1, green1, amber1, red1), `"is_family":false,"name":"`+name+`"`)
	case 1:
		return object(idOf("note", n), version, clear1, `"content":"x"`, `"object_refs":["`+idOf("malware", n)+`"]`)
	case 2:
		return secret(n, version, name, "x", idOf("marking-definition", 9))
	case 3:
		return resting(n, version, name)
	}
	return secret(n, version, name, "x")
}
