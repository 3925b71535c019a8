package policy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sampleAgreements are those of testdata/agreements, by the name of the file.
func sampleAgreements(t testing.TB) []*Agreement {
	t.Helper()
	files, err := filepath.Glob("testdata/agreements/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("found %d agreements, %v", len(files), err)
	}
	var all []*Agreement
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a, err := Parse(filepath.Base(file), text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// plainWith is the plain agreement with terms added to its flow, or old replaced.
func plainWith(t testing.TB, old, new string) *Agreement {
	t.Helper()
	a, err := Parse("f", []byte(changed(t, old, new)))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// partyB is B in the plain agreement.
const partyB = `name: "B"}`

// TestLint: what each remark is about, and that a plain agreement has none but that
// its partner enforces nothing.
func TestLint(t *testing.T) {
	sidecar, markings := `name: "B", enforces: "sidecar", understands: ["tlp2"]}`, `name: "B", enforces: "markings", understands: ["tlp2"]}`
	for _, tc := range []struct {
		name  string
		party string // of B
		terms string
		want  []string // kind and term; all
	}{
		{"nothing to remark", sidecar, "", nil},
		{"J7: a default above the ceiling", sidecar, `tlp: {max: "CLEAR", default: "AMBER"}`, []string{"dead-flow flows[0].tlp.default"}},
		{"J7: nothing encrypted may pass", `name: "B", enforces: "sidecar", servers: [{url: "http://b.example/"}]}`, "", nil},
		{"a level that B cannot read", `name: "B", enforces: "sidecar"}`, `tlp: {max: "AMBER+STRICT"}`, []string{"shadowed flows[0].tlp.max"}},
		{"clients, and never below STRICT", sidecar, `tlp: {max: "AMBER+STRICT", floor: "AMBER+STRICT"}` + "\n    onward: {mode: \"clients\", max_hops: 2}", []string{"shadowed flows[0].onward.mode"}},
		{"clients", sidecar, `tlp: {max: "AMBER"}` + "\n    onward: {mode: \"clients\", max_hops: 2}", nil},
		{"depth beyond the hops", sidecar, `tlp: {max: "AMBER", amber_client_depth: 2}` + "\n    onward: {mode: \"clients\", max_hops: 2}", []string{"shadowed flows[0].tlp.amber_client_depth"}},
		{"depth within the hops", sidecar, `tlp: {max: "AMBER", amber_client_depth: 2}` + "\n    onward: {mode: \"clients\", max_hops: 3}", nil},
		{"J8: onward none on GREEN", markings, `tlp: {max: "GREEN"}`, []string{"inexpressible flows[0].onward.mode", "inexpressible flows[0].purposes"}},
		{"onward none on STRICT", markings, `tlp: {max: "AMBER+STRICT", floor: "AMBER+STRICT"}`, []string{"inexpressible flows[0].onward.mode", "inexpressible flows[0].purposes", "inexpressible flows[0].tlp.floor"}},
		{"a default in no bytes", markings, `tlp: {max: "GREEN", default: "GREEN"}` + "\n    onward: {mode: \"tlp\", max_hops: 2}", []string{"inexpressible flows[0].purposes", "inexpressible flows[0].tlp.default"}},
		{"codes in no bytes", `name: "B", enforces: "markings", understands: ["tlp2", "handling"]}`, `handling: {accept: ["H0", "H2"], default: ["H2"]}` + "\n    onward: {mode: \"tlp\", max_hops: 2}", []string{"inexpressible flows[0].handling.default", "inexpressible flows[0].purposes", "shadowed flows[0].onward.mode"}},
		{"nothing is enforced", `name: "B", understands: ["tlp2"]}`, "onward: {mode: \"tlp\", max_hops: 2}", []string{"inexpressible parties.b.enforces"}},
		{"a hidden source", sidecar, `attribution: {source: "anonymise"}`, []string{"contradiction flows[0].attribution.source"}},
		{"a hidden source, and copies", sidecar, `attribution: {source: "anonymise"}` + "\n    redaction: {allow: true}", nil},
		{"kept longer after the end", sidecar, `retention: {max: "P1M", after_termination: "P1Y"}`, []string{"contradiction flows[0].retention.after_termination"}},
		{"copies elsewhere", `name: "B", enforces: "sidecar", understands: ["tlp2"], jurisdictions: ["US"]}`, `retention: {residency: ["EU"]}`, []string{"contradiction flows[0].retention.residency"}},
	} {
		text := strings.Replace(changed(t, "", tc.terms), partyB, tc.party, 1)
		a, err := Parse("f", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		var got []string
		for _, r := range Lint(a) {
			got = append(got, r.Kind+" "+r.Term)
			if r.Position == (Position{}) || r.What == "" || r.Instead == "" {
				t.Errorf("%s: incomplete: %+v", tc.name, r)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestLintLevels: a remark names the levels whose marking says less than the terms.
func TestLintLevels(t *testing.T) {
	text := strings.Replace(changed(t, "", `tlp: {max: "AMBER+STRICT"}`), partyB, `name: "B", enforces: "markings", understands: ["tlp2"]}`, 1)
	for mode, want := range map[string]string{"none": "CLEAR, GREEN or AMBER", "clients": "CLEAR or GREEN", "community": "CLEAR or GREEN"} {
		terms := ""
		if mode != "none" {
			terms = "    onward: {mode: \"" + mode + "\", max_hops: 2}\n"
		}
		a, err := Parse("f", []byte(text+terms))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(Lint(a), func(r Remark) bool { return strings.HasSuffix(r.What, "objects that are "+want) })
		if i < 0 {
			t.Errorf("%s: got %+v, want %s", mode, Lint(a), want)
		}
	}
}

// TestLintDead: a flow that is pushed in the clear and nothing else lets nothing pass.
func TestLintDead(t *testing.T) {
	text := strings.Replace(changed(t, "channels: [\"poll\"]", "channels: [\"push\"]"), partyB, `name: "B", servers: [{url: "http://b.example/"}]}`, 1)
	a, err := Parse("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got := Lint(a)
	if len(got) != 1 || got[0].Kind != "dead-flow" || !strings.Contains(got[0].What, "(encrypt)") {
		t.Errorf("got %+v", got)
	}
}

// TestNeverShares: what stands against each thing that is never shared.
func TestNeverShares(t *testing.T) {
	a := plainWith(t, "", `tlp: {max: "AMBER"}`+"\n    onward: {mode: \"clients\", max_hops: 2}\n    clauses: {\"tlp.max\": \"Article 3\"}")
	s, err := Compile(a.Parties.A.Org, []*Agreement{a})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Exclusion{}
	for _, x := range NeverShares(s.flows[0]) {
		got[x.Value] = x
	}
	for _, tc := range []struct {
		value   string
		consent bool
		rules   string
	}{
		{"TLP:AMBER+STRICT", false, "tlp.max label.not-understood"},
		{"TLP:RED", false, "tlp.max tlp.audience"},
		{"H2", false, "handling.accept label.not-understood"},
		{"direct", false, "pd.direct"},
		{"the public at hop 2 or later", false, "onward.clients"},
		{"another partner at hop 2 or later", true, "onward.clients"},
		{"a client at hop 3 or later", true, "onward.hops"},
		{"an object under an embargo", true, "embargo"},
	} {
		x, ok := got[tc.value]
		if !ok || x.Consent != tc.consent || strings.Join(x.Rules, " ") != tc.rules {
			t.Errorf("%s: got %v %t %v", tc.value, ok, x.Consent, x.Rules)
		}
	}
	if x := got["TLP:RED"]; x.Clause != "Article 3" || x.Position.Line == 0 {
		t.Errorf("no clause or position: %+v", x)
	}
	for _, value := range []string{"TLP:AMBER", "the partner", "a client at hop 2", "H0", "none", "another partner at hop 3 or later"} {
		if x, ok := got[value]; ok {
			t.Errorf("%s: got %+v, want nothing", value, x)
		}
	}
}

// TestCover: the points and rules that tests try.
func TestCover(t *testing.T) {
	a := plainWith(t, "", "")
	a.Tests = []Test{{Name: "one", Given: Given{TLP: "AMBER"}, Expect: Expect{Effect: "withhold"}}, {Name: "same", Given: Given{TLP: "AMBER", Kind: "partner", Hop: 1}, Expect: Expect{Effect: "withhold"}}}
	c, err := Cover(a)
	if err != nil || len(c) != 1 {
		t.Fatal(c, err)
	}
	if c[0].Tests != 2 || c[0].Tried != 1 || c[0].Points != 7000 {
		t.Errorf("got %+v", c[0])
	}
	has := func(rule string) bool {
		return slices.ContainsFunc(c[0].Untested, func(e Example) bool { return e.Rule == rule })
	}
	if has("tlp.max") || !has("") || !has("onward.none") {
		t.Errorf("got %+v", c[0].Untested)
	}
}
