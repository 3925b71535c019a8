package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

const (
	idFIS      = "identity--5cc81331-e2f0-47f5-a71e-ed6450f747c1"
	idOAS      = "identity--d4807875-8f87-4adb-9700-50e94f5026f2"
	idTailspin = "identity--fb61a006-c936-4245-9aef-61cf1b8fc376"
)

// everybodyKeeps is an assumption beside the documents, in which OAS and Tailspin keep
// only markings.
var everybodyKeeps = Keeping{idFIS: "sidecar", idOAS: "sidecar", idTailspin: "sidecar"}

// TestReach: who ends up with what in the four sample agreements, and by which way.
//
// An older model found the same with five differences, which are meant. It did not
// know the public, whom CLEAR reaches from everyone who keeps markings only. It told
// a vendor among the members of a community from the others; here they are one, and
// GREEN is meant for them. It took AMBER from clients no further; but how far it came
// is in no bytes, so their own clients can get it. The members of the community
// get country statistics marked GREEN from OAS itself, not only from a CSIRT. And
// Tailspin, which keeps only markings, can publish what FIS marks CLEAR.
func TestReach(t *testing.T) {
	const ms, members, supplied = "Microsoft Digital Crimes Unit", "members of community--csirt-americas", "clients of clients of FIS"
	const csirts, constituents = "clients of Organization of American States", "clients of clients of Organization of American States"
	for _, tc := range []struct {
		name   string
		keep   Keeping
		from   string
		level  Level
		want   []string // within what is intended
		beyond []string // with the way
	}{
		{"everyone enforces", everybodyKeeps, ms, LevelGreen, []string{"Europol EC3", "FIS", "Organization of American States", "clients of Europol EC3", "clients of FIS", csirts, members}, nil},
		{"everyone enforces", everybodyKeeps, ms, LevelAmber, []string{"Europol EC3", "FIS", "Organization of American States", "clients of Europol EC3", "clients of FIS", csirts}, nil},
		{"everyone enforces", everybodyKeeps, ms, LevelAmberStrict, []string{"Europol EC3"}, nil},
		{"everyone enforces", everybodyKeeps, ms, LevelRed, nil, nil},
		{"everyone enforces", everybodyKeeps, "Tailspin Intel", LevelClear, []string{"FIS"}, nil},
		{"everyone enforces", everybodyKeeps, "Tailspin Intel", LevelAmberStrict, []string{"FIS"}, nil},
		{"as documented", nil, ms, LevelGreen, []string{"Europol EC3", "FIS", "Organization of American States", "clients of Europol EC3", "clients of FIS", csirts, members},
			[]string{"clients of " + members + ": ms-to-oas-awareness > to " + members + " > to clients of " + members, constituents + ": ms-to-oas-awareness > to " + csirts + " > to " + constituents}},
		{"as documented", nil, "FIS", LevelClear, []string{"Microsoft Digital Crimes Unit", "Tailspin Intel"}, []string{"the public: feedback > to the public"}},
		{"as documented", nil, "Tailspin Intel", LevelClear, []string{"FIS"}, nil},
		{"FIS keeps markings", Keeping{idFIS: "markings", idOAS: "sidecar"}, "Tailspin Intel", LevelGreen, []string{"FIS"},
			[]string{ms + ": feed > fis-to-ms-fraud", "clients of FIS: feed > to clients of FIS", supplied + ": feed > to clients of FIS > to " + supplied}},
		{"FIS keeps markings", Keeping{idFIS: "markings", idOAS: "sidecar"}, "Tailspin Intel", LevelAmber, []string{"FIS"},
			[]string{"clients of FIS: feed > to clients of FIS", supplied + ": feed > to clients of FIS > to " + supplied}},
		{"FIS keeps markings", Keeping{idFIS: "markings", idOAS: "sidecar"}, "Tailspin Intel", LevelAmberStrict, []string{"FIS"}, nil},
		{"FIS keeps markings", Keeping{idFIS: "markings", idOAS: "sidecar"}, ms, LevelGreen, []string{"Europol EC3", "FIS", "Organization of American States", "clients of Europol EC3", "clients of FIS", csirts, members},
			[]string{"Tailspin Intel: ms-to-fis-malware > feedback", supplied + ": ms-to-fis-malware > to clients of FIS > to " + supplied}},
		{"FIS keeps nothing", Keeping{idFIS: "none"}, "Tailspin Intel", LevelAmberStrict, []string{"FIS"},
			[]string{ms + ": feed > fis-to-ms-fraud", "clients of FIS: feed > to clients of FIS", supplied + ": feed > to clients of FIS > to " + supplied, "the public: feed > to the public"}},
	} {
		all, err := Reach(sampleAgreements(t), tc.keep)
		if err != nil {
			t.Fatal(err)
		}
		var got, beyond []string
		for _, r := range all {
			switch {
			case r.From != tc.from || r.Level != tc.level:
			case r.Beyond:
				beyond = append(beyond, r.Who+": "+strings.Join(r.Path, " > "))
			default:
				got = append(got, r.Who)
			}
		}
		slices.Sort(got)
		slices.Sort(beyond)
		slices.Sort(tc.beyond)
		if !slices.Equal(got, tc.want) || !slices.Equal(beyond, tc.beyond) {
			t.Errorf("%s, %s of %s:\ngot    %q\nwant   %q\nbeyond %q\nwant   %q", tc.name, tc.level, tc.from, got, tc.want, beyond, tc.beyond)
		}
	}
}

// TestReachAssume: only parties can be assumed about, and only what there is to keep.
func TestReachAssume(t *testing.T) {
	for _, keep := range []Keeping{{orgA: "sidecar"}, {idFIS: "everything"}} {
		if _, err := Reach(sampleAgreements(t), keep); !errors.Is(err, ErrInvalid) {
			t.Errorf("%v: got %v", keep, err)
		}
	}
}

// TestLintTogether: what may go on by another agreement is for a common purpose, and
// kept no longer.
func TestLintTogether(t *testing.T) {
	feed := revision(t, "feed.yaml", `onward: {mode: "none"}`, `onward: {mode: "tlp", max_hops: 2}`)
	purpose := []string{"purposes: [\"fraud-prevention\"]\n    tlp", "purposes: [\"fraud-prevention\", \"network-defence\"]\n    tlp"}
	kept := []string{`retention: {max: "P1Y", after_termination: "P30D", residency`, `retention: {max: "P2Y", after_termination: "P30D", residency`}
	for _, tc := range []struct {
		name string
		all  []*Agreement
		want []string
	}{
		{"as they are", []*Agreement{revision(t, "feed.yaml"), revision(t, "fis.yaml")}, nil},
		{"no common purpose", []*Agreement{feed, revision(t, "fis.yaml", kept...)}, []string{"fis-to-ms-fraud flows[1].purposes"}},
		{"a common purpose", []*Agreement{feed, revision(t, "fis.yaml", purpose...)}, nil},
		{"kept longer", []*Agreement{feed, revision(t, "fis.yaml", append(purpose, kept...)...)}, []string{"fis-to-ms-fraud flows[1].retention.max"}},
	} {
		got, err := LintTogether(tc.all)
		if err != nil {
			t.Fatal(err)
		}
		var terms []string
		for _, r := range got {
			terms = append(terms, r.Flow+" "+r.Term)
		}
		if !slices.Equal(terms, tc.want) {
			t.Errorf("%s: got %q, want %q", tc.name, terms, tc.want)
		}
	}
}

// link is the plain agreement, from one organisation to the next, under which things
// may go on by what TLP says.
func link(t *testing.T, from, to string, hops string) *Agreement {
	t.Helper()
	text := changed(t, "", `tlp: {max: "CLEAR", default: "CLEAR"}`+"\n    onward: {mode: \"tlp\", max_hops: "+hops+"}")
	text = strings.NewReplacer("mou--11111111", "mou--1111"+from+to, `name: "intel"`, `name: "`+from+to+`"`,
		"identity--aaaaaaaa", "identity--"+strings.Repeat(from, 4), `name: "A"`, `name: "`+from+`", enforces: "sidecar"`,
		"identity--bbbbbbbb-0000-4000-8000-000000000002", "identity--"+strings.Repeat(to, 4)+"-0000-4000-8000-000000000001", `name: "B"`, `name: "`+to+`", enforces: "sidecar"`).Replace(text)
	a, err := Parse(from+to, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestReachChain: terms add up along a chain of partners who keep them, and one who
// does not ends them.
func TestReachChain(t *testing.T) {
	const a, b, c, d = "a1", "b2", "c3", "d4"
	for _, tc := range []struct {
		name  string
		first string // hops that the first agreement allows
		keep  Keeping
		want  string
	}{
		{"one hop further", "2", nil, "b2 c3 the public"},
		{"two hops further", "3", nil, "b2 c3 d4 the public"},
		{"b2 keeps markings", "2", Keeping{"identity--b2b2b2b2-0000-4000-8000-000000000001": "markings"}, "b2 c3 the public"},
	} {
		all := []*Agreement{link(t, a, b, tc.first), link(t, b, c, "3"), link(t, c, d, "3")}
		got, err := Reach(all, tc.keep)
		if err != nil {
			t.Fatal(err)
		}
		var who []string
		for _, r := range got {
			if r.From == a && r.Level == LevelClear {
				who = append(who, map[bool]string{true: "!"}[r.Beyond]+r.Who)
			}
		}
		slices.SortFunc(who, func(x, y string) int { return strings.Compare(strings.TrimLeft(x, "!"), strings.TrimLeft(y, "!")) })
		if text := strings.Join(who, " "); text != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, text, tc.want)
		}
	}
}
