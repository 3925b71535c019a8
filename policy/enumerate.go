package policy

// The domain of Given, but for flow and type. It is finite, so that what a flow
// can ever do is found by trying everything.
var (
	givenLevels   = []string{"CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"}
	givenKinds    = []string{"", "origin", "public", "partner", "community", "client", "org", "named"}
	givenHandling = []string{"", "H0", "H1", "H2", "H3"}
	givenPersonal = []string{"none", "indirect", "direct", "special", "unknown"}
)

// Enumerate decides every point of the domain of the flow, 11,000 of them, in an
// order that never changes, until visit returns false. Objects are of a type that
// the flow selects, and have whatever parts let them pass: what is withheld
// here is withheld always. A point with the kind "" is about the flow's own
// recipient.
func (f *Flow) Enumerate(visit func(Given, Decision) bool) {
	for g := range domain {
		g.Flow = f.Name
		d, err := f.Try(g, false)
		if err != nil {
			d = Decision{} // the domain has only what exists
		}
		if !visit(g, d) {
			return
		}
	}
}

// domain yields every point.
func domain(yield func(Given) bool) {
	for _, tlp := range givenLevels {
		for hop := 1; hop <= 3; hop++ {
			for _, kind := range givenKinds {
				if kind == "" && hop > 1 {
					continue // it is a partner there
				}
				for _, code := range givenHandling {
					for _, pd := range givenPersonal {
						for bits := range 4 {
							g := Given{TLP: tlp, Hop: hop, Kind: kind, Handling: code, PD: pd, Consent: bits&1 != 0, Embargo: bits&2 != 0}
							if !yield(g) {
								return
							}
						}
					}
				}
			}
		}
	}
}

// A Change is a point at which two revisions of a flow decide otherwise.
type Change struct {
	Given Given
	Was   Effect
	Now   Effect
}

// Loosened reports whether the change lets out more.
func (c *Change) Loosened() bool { return c.Now > c.Was }

// Differences are the points at which a flow decides otherwise than before did, in
// the order of the domain. A flow that is nil withholds everything: it is new, or
// gone. Only what labels, codes, classes of personal data, recipients and hops can
// tell apart is compared; a change of types, purposes or parts does not show.
func Differences(before, now *Flow) []Change {
	var changes []Change
	for g := range domain {
		c := Change{Given: g, Was: before.effect(g), Now: now.effect(g)}
		if c.Was != c.Now {
			changes = append(changes, c)
		}
	}
	return changes
}

func (f *Flow) effect(g Given) Effect {
	if f == nil {
		return Withhold
	}
	d, err := f.Try(g, false)
	if err != nil {
		return Withhold
	}
	return d.Effect
}
