package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"entente/stix"
	"pgregory.net/rapid"
)

// TestCompare has cases B15 to B22 and C4, C5 of copies. A is the originator; X and
// C relay; we are B. A copy is written as who/version/content/level, with * for an
// originator, ~ for no creator and ! for a revocation.
func TestCompare(t *testing.T) {
	tests := []struct {
		name   string
		copies string
		want   string // fault and level of each
	}{
		{"B15 marking left out", "A*/1/a/AMBER X/1/b/AMBER+STRICT", "-/AMBER representation.conflict/AMBER+STRICT"},
		{"B15 in the other order", "X/1/b/AMBER+STRICT A*/1/a/AMBER", "representation.conflict/AMBER+STRICT -/AMBER"},
		{"B16 only the relayed copy", "X/1/b/AMBER+STRICT", "-/AMBER+STRICT"},
		{"B17 then A's", "X/1/b/AMBER+STRICT A*/1/a/RED", "representation.conflict/AMBER+STRICT -/RED"},
		{"C4 byte for byte the same", "A*/1/a/GREEN C/1/a/GREEN", "-/GREEN -/GREEN"},
		{"C5 differing, from A and C", "A*/1/a/GREEN C/1/b/GREEN", "-/GREEN representation.conflict/GREEN"},
		{"C5 differing, none from A", "X/1/a/GREEN C/1/b/RED", "-/RED -/RED"},
		{"three, none from A", "X/1/a/CLEAR C/1/b/GREEN D/1/a/AMBER", "-/GREEN -/AMBER -/AMBER"},
		{"B19 A lowers", "A*/1/a/AMBER A*/2/b/GREEN", "-/AMBER -/GREEN"},
		{"B20 A raises", "A*/1/a/GREEN A*/2/b/RED", "-/GREEN -/RED"},
		{"B21 out of order", "A*/2/b/RED A*/1/a/GREEN", "-/RED -/GREEN"},
		{"B22 X makes a version", "A*/1/a/AMBER X/2/b/CLEAR", "-/AMBER version.foreign/CLEAR"},
		{"B22 and A made it before", "A*/1/a/AMBER A*/2/b/GREEN X/2/b/GREEN", "-/AMBER -/GREEN -/GREEN"},
		{"B22 X relays an earlier version", "A*/2/b/GREEN X/1/a/GREEN", "-/GREEN -/GREEN"},
		{"B22 X revokes", "A*/1/a/AMBER X!/1/b/AMBER", "-/AMBER version.foreign/AMBER"},
		{"B22 X revokes what C relayed", "C/1/a/AMBER X!/2/b/AMBER", "-/AMBER version.foreign/AMBER"},
		{"X revokes what only X relayed", "X/1/a/AMBER X!/2/b/AMBER", "-/AMBER -/AMBER"},
		{"A revokes", "A*/1/a/AMBER X/1/a/AMBER A*!/2/b/AMBER", "-/AMBER -/AMBER -/AMBER"},
		{"X relays A's revocation", "A*/1/a/AMBER A*!/2/b/AMBER X!/2/b/AMBER", "-/AMBER -/AMBER -/AMBER"},
		{"B22 X lowers what it relayed", "X/1/a/AMBER X/2/b/GREEN", "-/AMBER -/AMBER"},
		{"X lowers, and C's is its own", "X/1/a/AMBER C/2/b/GREEN", "-/AMBER -/GREEN"},
		{"X lowers, out of order", "X/2/b/GREEN X/1/a/AMBER", "-/AMBER -/AMBER"},
		{"X raises", "X/1/a/GREEN X/2/b/AMBER", "-/GREEN -/AMBER"},
		{"nobody's object is lowered", "X*~/1/a/AMBER X*~/2/b/GREEN", "-/AMBER -/AMBER"},
		{"a creator left out", "A*/1/a/RED X*~/1/b/CLEAR", "-/RED representation.conflict/CLEAR"},
		{"ours, without a creator", "B*~/1/a/AMBER B*~/2/b/GREEN X*~/3/c/CLEAR", "-/AMBER -/GREEN version.foreign/CLEAR"},
		{"observables stand for themselves", "A*~/-/a/RED C*~/-/b/CLEAR", "-/RED -/CLEAR"},
		{"a foreign version is none to conflict with", "A*/1/a/GREEN X/2/b/RED C/2/c/GREEN", "-/GREEN version.foreign/RED version.foreign/GREEN"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if got := compared(t, tc.copies); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

// compared is what copies come to, as TestCompare writes it.
func compared(t *testing.T, text string) string {
	t.Helper()
	var copies []Copy
	for f := range strings.FieldsSeq(text) {
		p := strings.Split(f, "/")
		level, ok := ParseLevel(p[3])
		if !ok {
			t.Fatalf("%s: no level", f)
		}
		l := &Label{From: OrgID("identity--" + p[0][:1]), Creator: orgA, Level: level, Originator: strings.Contains(p[0], "*"), Revoked: strings.Contains(p[0], "!")}
		if p[0][0] == 'B' {
			l.From = ""
		}
		if strings.Contains(p[0], "~") {
			l.Creator = ""
		}
		version := stix.Timestamp("2025-12-01T00:00:0" + p[1])
		if p[1] == "-" {
			version = ""
		}
		copies = append(copies, Copy{Label: l, Version: version, Digest: [32]byte{p[2][0]}})
	}
	var out []string
	for i, f := range Compare(copies) {
		fault := "-"
		if len(f.Faults) > 0 {
			fault = strings.Join(f.Faults, "+")
		}
		out = append(out, fault+"/"+f.Label.counts().String())
		if copies[i].Label.Floor != LevelNone {
			t.Error("a label was changed")
		}
	}
	return strings.Join(out, " ")
}

// TestJoinedLabel: of copies that contradict each other, all restrictions bind, and
// the bytes say what they say.
func TestJoinedLabel(t *testing.T) {
	x := Label{From: orgA, Level: LevelGreen, Editions: TLP2, Hops: 1, Handling: []string{"H1"}, Purposes: []string{"a", "b"}, Communities: []string{"k1"},
		Terms: []Terms{{By: orgA, Mode: "tlp"}}, AIS: "ais-consent-everyone", Personal: Indirect, PAP: LevelGreen, Faults: []string{"x"}}
	y := Label{From: orgC, Default: LevelRed, Hops: UnknownHops, Handling: []string{"H2"}, Purposes: []string{"b"}, Communities: []string{"k2"}, Embargo: noon, Judicial: "consent",
		Terms: []Terms{{By: orgA, Mode: "tlp"}, {By: orgC, Mode: "none"}}, AIS: "ais-consent-usg", Personal: Direct, PAP: LevelAmber, Coded: true, Granular: LevelAmber,
		IEP: &IEP{End: noon}, ACS: &ACS{CUI: true}, Statements: []stix.ID{"s"}, Source: "B"}
	got := x.join(&y)
	want := Label{From: orgA, Level: LevelGreen, Editions: TLP2, Floor: LevelRed, Hops: UnknownHops, Handling: []string{"H1", "H2"}, Purposes: []string{"b"}, Communities: []string{"k1", "k2"},
		Embargo: noon, Judicial: "consent", Terms: []Terms{{By: orgA, Mode: "tlp"}, {By: orgC, Mode: "none"}}, AIS: "ais-consent-usg", Personal: Direct | Indirect, PAP: LevelAmber, Coded: true,
		Granular: LevelAmber, IEP: &IEP{End: noon}, ACS: &ACS{CUI: true}, Statements: []stix.ID{"s"}, Source: "B", Faults: []string{"x"}}
	a, _ := got.Canonical()
	b, _ := want.Canonical()
	if string(a) != string(b) {
		t.Errorf("%s\nwant %s", a, b)
	}
	must, mustNot := Label{IEP: &IEP{Attribution: "must"}}, Label{IEP: &IEP{Attribution: "must-not"}}
	if j := must.join(&mustNot); !slices.Equal(j.Faults, []string{"attribution.conflict"}) {
		t.Errorf("a copy that must name its source beside one that must not: %+v", j)
	}
	if len(x.Terms) != 1 || x.Floor != LevelNone {
		t.Errorf("the label was changed: %+v", x)
	}
}

// TestCompareNeverLoosens: beside others a copy counts as no less than alone, and
// what an originator sent is untouched by what others send.
func TestCompareNeverLoosens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "copies")
		copies := make([]Copy, n)
		for i := range copies {
			from := rapid.SampledFrom([]OrgID{"", orgA, orgC}).Draw(t, "from")
			l := &Label{From: from, Creator: rapid.SampledFrom([]OrgID{"", orgA}).Draw(t, "creator"), Level: Level(rapid.IntRange(0, int(LevelUnknown)).Draw(t, "level")),
				Default: LevelAmberStrict, Revoked: rapid.Bool().Draw(t, "revoked")}
			l.Originator = l.Creator == "" || from == orgA
			copies[i] = Copy{Label: l, Version: stix.Timestamp(fmt.Sprint(rapid.IntRange(1, 3).Draw(t, "version"))), Digest: [32]byte{byte(rapid.IntRange(0, 1).Draw(t, "digest"))}}
		}
		var rightful []Copy
		for i, f := range Compare(copies) {
			if f.Label.counts() < copies[i].Label.counts() {
				t.Errorf("copy %d counts as %v beside others, as %v alone", i, f.Label.counts(), copies[i].Label.counts())
			}
			if copies[i].rightful() {
				rightful = append(rightful, copies[i])
			}
		}
		alone, all := Compare(rightful), Compare(copies)
		all = slices.DeleteFunc(slices.Clone(all), func(f Finding) bool { return !(&Copy{Label: f.Label}).rightful() })
		for i := range alone {
			if !slices.Equal(alone[i].Faults, all[i].Faults) || alone[i].Label != all[i].Label {
				t.Errorf("an originator's copy is %+v alone and %+v beside others", alone[i], all[i])
			}
		}
	})
}

// TestCompareMany: many versions of one object cost no more than sorting them.
func TestCompareMany(t *testing.T) {
	copies := make([]Copy, 100_000)
	l := &Label{From: orgC, Creator: orgA, Level: LevelGreen}
	for i := range copies {
		copies[i] = Copy{Label: l, Version: stix.Timestamp(fmt.Sprintf("2025-12-01T00:00:00.%06d", i))}
	}
	for i, f := range Compare(copies) {
		if len(f.Faults) > 0 || f.Label != l {
			t.Fatalf("copy %d: %+v", i, f)
		}
	}
}
