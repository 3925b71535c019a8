package policy

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// truthTable reads a table of testdata/truth.txt: rows by name, cells by column.
func truthTable(t *testing.T, name string) (columns []string, rows map[string][]string) {
	t.Helper()
	text, err := os.ReadFile("testdata/truth.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "== "+name+"\n")
	if !ok {
		t.Fatalf("testdata/truth.txt has no table %q", name)
	}
	rows = map[string][]string{}
	for line := range strings.Lines(after) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) == 1 {
			break
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if columns == nil {
			columns = cells[1:]
			continue
		}
		rows[cells[0]] = cells[1:]
		if len(cells) != len(columns)+1 {
			t.Fatalf("table %s: row %s has %d cells", name, cells[0], len(cells)-1)
		}
	}
	return columns, rows
}

// open is a flow from B with no restriction of its own, to a recipient of a kind.
func open(t testing.TB, kind Kind) *Flow {
	t.Helper()
	return flowOf(t, func(a *Agreement, f *FlowTerms) {
		f.TLP.Max, f.TLP.Red, f.TLP.Default = "RED", "named", "RED"
		a.Parties.B.Enforces = "sidecar"
		f.Handling.Accept = []string{"H0", "H1", "H2", "H3"}
	}).as(kind)
}

func TestAudienceTables(t *testing.T) {
	for hop := 1; hop <= 3; hop++ {
		columns, rows := truthTable(t, fmt.Sprintf("hop %d", hop))
		if len(rows) != 6 {
			t.Fatalf("hop %d: %d rows", hop, len(rows))
		}
		for row, cells := range rows {
			for i, want := range cells {
				level, _ := ParseLevel(row)
				l := relayedLabel(level, hop, Terms{By: orgC, Mode: "tlp", MaxHops: 9, ClientDepth: 1})
				k, ok := parseKind(columns[i])
				if !ok && columns[i] == "origin" {
					k, l.Creator = KindPartner, orgB
				}
				d := open(t, k).decide(&l, nil, noon, question{why: true, consent: noConsent})
				got := short(d.Effect)
				if slices.Contains(rulesOf(d, Withhold), "echo") {
					got = "E"
				}
				if got != want {
					t.Errorf("hop %d: %s to %s = %s, want %s%s", hop, row, columns[i], got, want, because(&d))
				}
			}
		}
	}
}

// relayedLabel is a label of C's object that has come to us at a hop before hop.
func relayedLabel(level Level, hop int, terms ...Terms) Label {
	l := plain(level)
	if hop > 1 {
		l.From, l.Creator, l.Hops, l.Terms = orgC, orgC, uint8(hop-1), terms
	}
	return l
}

func short(e Effect) string { return strings.ToUpper(e.String()[:1]) }

func TestOnwardTable(t *testing.T) {
	columns, rows := truthTable(t, "onward")
	if len(rows) != 7 {
		t.Fatalf("%d rows", len(rows))
	}
	for row, cells := range rows {
		for i, want := range cells {
			terms := []Terms{{By: orgC, Mode: row, MaxHops: 9, ClientDepth: 1}}
			if row == "unknown" {
				terms = nil
			}
			k, ok := parseKind(columns[i])
			if !ok {
				k, terms = KindPartner, slices.Clone(terms)
				for j := range terms {
					terms[j].To = []OrgID{orgB}
				}
			}
			got := onwardCell(t, k, terms)
			if got != want {
				t.Errorf("onward: %s to %s = %s, want %s", row, columns[i], got, want)
			}
		}
	}
}

// onwardCell is what the rules onward.* come to, whatever TLP says.
func onwardCell(t *testing.T, k Kind, terms []Terms) string {
	effect := func(level Level, c presumption) bool {
		l := relayedLabel(level, 2, terms...)
		d := open(t, k).decide(&l, nil, noon, question{why: true, consent: c})
		return !slices.ContainsFunc(rulesOf(d, Withhold), func(r string) bool { return strings.HasPrefix(r, "onward.") })
	}
	switch {
	case effect(LevelAmber, noConsent):
		return "P"
	case effect(LevelClear, noConsent):
		return "CLEAR"
	// A consent lifts every mode; the table has it where the mode waits for one.
	case len(terms) > 0 && terms[0].Mode == "consent" && effect(LevelAmber, fullConsent):
		return "C"
	}
	return "W"
}

func TestStatusTable(t *testing.T) {
	late := instant(t, "2027-01-03T00:00:00Z")
	old := instant(t, "2029-01-03T00:00:00Z")
	at := map[string]Instant{"pending": 0, "suspended, grace": late, "in grace": late, "expired": old, "terminated, old": old}
	_, rows := truthTable(t, "status")
	if len(rows) != 11 {
		t.Fatalf("%d rows", len(rows))
	}
	for row, cells := range rows {
		f := flowOf(t, func(a *Agreement, f *FlowTerms) {
			f.Retention.AfterTermination = "P1Y"
			name, shown, _ := strings.Cut(row, ", ")
			switch name {
			case "draft", "shadow", "suspended", "terminated":
				a.Status = Status(name)
			}
			if shown == "shown" {
				a.Suspension.Effect = "stop-new"
			}
		})
		now := noon
		if i, ok := at[row]; ok {
			now = i
		}
		if got := stateCells(f.State(now)); !slices.Equal(got, cells) {
			t.Errorf("%s: %v, want %v", row, got, cells)
		}
	}
}

func stateCells(s State) []string {
	cell := func(yes bool, a, b string) string {
		if yes {
			return a
		}
		return b
	}
	listed := cell(s.Listed, "listed", "hidden")
	if s.Listed && !s.Reread {
		listed = "empty"
	}
	return []string{
		cell(s.Release, "P", "W"), cell(s.Reread, "P", "W"), [...]string{"refused", "staged", "accepted"}[s.Receive], cell(s.Recall, "P", "-"), listed,
	}
}

func TestPersonalTable(t *testing.T) {
	columns, rows := truthTable(t, "personal")
	for row, cells := range rows {
		for i, want := range cells {
			if got := personalCell(t, row, columns[i]); got != want {
				t.Errorf("%s %s = %s, want %s", row, columns[i], got, want)
			}
		}
	}
	if len(rows) != 4 {
		t.Errorf("%d rows", len(rows))
	}
}

// personalCell is the least that an agreement must say to let a class pass.
func personalCell(t *testing.T, class, direction string) string {
	allow := map[string]string{"indirect": "indirect", "direct": "direct", "special": "special", "unknown": "direct"}[class]
	passes := func(ground, route string, allowed bool) bool {
		f := flowOf(t, func(a *Agreement, f *FlowTerms) {
			from, to, _ := strings.Cut(direction, "->")
			a.Parties.A.LE, a.Parties.B.LE = from == "LE", to == "LE"
			a.Parties.B.Commercial = to == "commercial"
			if to == "public" {
				a.Parties.B.Relation = "public"
			}
			f.PersonalData = PersonalDataTerms{Ground: ground, RouteTo: route}
			if allowed {
				f.PersonalData.Allow = []string{allow}
			}
		})
		l := plain(LevelClear)
		l.Personal = personalNames[class]
		return f.Decide(&l, nil, noon, false).Effect == Permit
	}
	for _, need := range []struct {
		name, ground, route string
	}{{"allow", "", ""}, {"allow,ground", "legitimate-interest", ""}, {"allow,route", "", "national-unit"}, {"allow,remedy", "victim-remediation", ""}} {
		if passes(need.ground, need.route, false) {
			return "passes without being allowed"
		}
		if passes(need.ground, need.route, true) {
			return need.name
		}
	}
	if passes("victim-remediation", "national-unit", true) {
		return "passes with everything"
	}
	return "W"
}
