package policy

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/rogpeppe/go-internal/txtar"

	"entente/stix"
)

// elsewhere are the cases that a decision cannot answer alone, and what does.
var elsewhere = map[string]string{
	"labels (receive, markings)":  "A9 A10 A12 A20 B1 B2 B5 B6 B7 B10 B11 B12 B14 D6 D7 D9 D11 D14 H8 H15 H23",
	"releaser (versions, views)":  "B15 B16 B17 B19 B20 B21 B22 C5 D21 D22 E1 E2 E5 E6 E7 E9 E10 E11 E17 E19 E20 E21 E22 E24 E25 F14 F15 F16 F17 F19 F20 G7 G14 G19 G20 G21",
	"stix (projection)":           "D5 D15 D16 D17 D19 D24 D25",
	"parse and signatures":        "F5 F6 F7 J1 J2 J3 J7 J8",
	"server":                      "I1 I2 I4 I5 I6 I7 I9 I10 I11 I12 I14 J12",
	"other tests of this package": "F4 J6 J10 J11 J13",
}

// TestCases runs testdata/cases/*.txtar. A case has sections flow and agreement
// (YAML laid over the ordinary ones), label and traits (JSON laid over plain ones),
// also-flow and also-label (a second flow, a second holding), at (noon of 1 January
// 2026 unless it says otherwise) and want. A section with a second word is laid over the
// one without, for the want with that word. $A sends to $B, $C is somebody else,
// $OBJ the object.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	const least = 82
	if len(files) < least {
		t.Fatalf("found %d cases, want at least %d", len(files), least)
	}
	other := " "
	for _, ids := range elsewhere {
		other += ids + " "
	}
	fired := map[string]bool{}
	for _, file := range files {
		id := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if strings.Contains(other, " "+id+" ") {
			t.Errorf("%s is said to be answered elsewhere", id)
		}
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(ar.Comment), id+". ") {
			t.Errorf("%s begins with %q", file, ar.Comment)
		}
		c := sections{}
		for _, f := range ar.Files {
			c[f.Name] = strings.NewReplacer("$A", string(orgA), "$B", string(orgB), "$C", string(orgC), "$OBJ", string(object)).Replace(string(f.Data))
		}
		wants := 0
		for name := range c {
			if word, ok := strings.CutPrefix(name, "want"); ok {
				wants++
				t.Run(id+word, func(t *testing.T) { c.run(t, word, fired) })
			}
		}
		if wants == 0 {
			t.Errorf("%s wants nothing", file)
		}
	}
	for _, r := range rules {
		if _, other := untaken[r.Name]; other == fired[r.Name] {
			t.Errorf("rule %s: restricts in a case: %v; said to be held elsewhere: %v", r.Name, fired[r.Name], other)
		}
	}
}

// untaken are the rules that no case takes, and why.
var untaken = map[string]string{
	"fault": "a fault without a name of its own", "error": "TestPanicWithholds", "reference.hidden": "the releaser's",
	"schema": "a fault as B4", "marking.forged": "a fault as B4", "representation.conflict": "a fault as B4", "version.foreign": "a fault as B4",
	"residency": "refused at receipt",
}

// sections are those of a case, by name.
type sections map[string]string

// layers are the section of a name and what is laid over it.
func (c sections) layers(name, word string) []string {
	var list []string
	for _, n := range []string{name, name + word} {
		if text, ok := c[n]; ok && (len(list) == 0 || word != "") {
			list = append(list, text)
		}
	}
	return list
}

func (c sections) run(t *testing.T, word string, fired map[string]bool) {
	at := noon
	for _, text := range c.layers("at", word) {
		at = instant(t, strings.TrimSpace(text))
	}
	flows := []*Flow{c.flow(t, word, "flow")}
	holdings := []Label{c.label(t, word, "label")}
	if len(c.layers("also-flow", word)) > 0 {
		flows = append(flows, c.flow(t, word, "also-flow"))
	}
	if len(c.layers("also-label", word)) > 0 {
		holdings = append(holdings, c.label(t, word, "also-label"))
	}
	want := strings.Split(strings.TrimSpace(c["want"+word]), "\n")
	if want[0] == "impersonal" {
		flows[0], want = flows[0].Impersonal(), want[1:]
	}
	traits := c.traits(t, word, &holdings[0])
	d, _, holding := Best(flows, holdings, traits, at, true)
	for _, r := range rulesOf(d, Redact) {
		fired[r] = true
	}
	kept, _, _ := BestKept(flows, holdings, traits, at, true)
	if got := d.Effect.String(); got != want[0] {
		t.Fatalf("%s, want %s:\n%s", got, want[0], d.Explain())
	}
	for _, line := range want[1:] {
		what, arg, _ := strings.Cut(line, " ")
		if !c.holds(&d, &kept, holding, what, arg) {
			t.Errorf("not so: %s\nprofile %+v\n%s", line, d.Profile, d.Explain())
		}
	}
}

// holds checks a line of want.
func (c sections) holds(d, kept *Decision, holding int, what, arg string) bool {
	p := &d.Profile
	switch what {
	case "because":
		return slices.Contains(rulesOf(*d, Redact), arg)
	case "must":
		return slices.ContainsFunc(d.Obligations, func(o Obligation) bool { return o.String() == arg })
	case "must-not":
		return !slices.ContainsFunc(d.Obligations, func(o Obligation) bool { return o.String() == arg })
	case "until":
		return d.Until.String() == arg
	case "kept":
		return kept.Effect.String() == arg
	case "holding":
		return strconv.Itoa(holding) == arg
	case "strip":
		return slices.Contains(p.Strip, arg)
	case "drop-label":
		return slices.Equal(p.DropLabels, []string{arg})
	case "drop-host":
		return slices.Equal(p.DropHosts, []string{arg})
	case "scope":
		return p.Scope == arg
	case "truncate":
		return p.TruncateTimes == arg
	case "anonymise":
		return p.Anonymise
	case "placeholder":
		return p.Placeholder
	}
	return false
}

// flow compiles the ordinary agreement with what the sections say.
func (c sections) flow(t *testing.T, word, section string) *Flow {
	t.Helper()
	return flowOf(t, func(a *Agreement, f *FlowTerms) {
		for _, text := range c.layers("agreement", word) {
			if err := yaml.UnmarshalWithOptions([]byte(text), a, yaml.Strict()); err != nil {
				t.Fatal(err)
			}
		}
		for _, text := range c.layers(section, word) {
			if strings.TrimSpace(text) == "" {
				continue
			}
			if err := yaml.UnmarshalWithOptions([]byte(text), f, yaml.Strict()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// overlay reads JSON laid over defaults into v.
func (c sections) overlay(t *testing.T, word, section string, defaults, v any) {
	t.Helper()
	all := map[string]json.RawMessage{}
	text, err := json.Marshal(defaults)
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range append([]string{string(text)}, c.layers(section, word)...) {
		if err := json.Unmarshal([]byte(layer), &all); err != nil {
			t.Fatalf("%s: %v", section, err)
		}
	}
	if text, err = json.Marshal(all); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", section, err)
	}
}

func (c sections) label(t *testing.T, word, section string) Label {
	base := plain(LevelGreen)
	base.Lacks = 0
	var l Label
	c.overlay(t, word, section, base, &l)
	return l
}

func (c sections) traits(t *testing.T, word string, l *Label) *Traits {
	var x struct {
		Created, Relationship            string
		Labels, Extensions, Hosts, Names []string
		Confidence                       int
		Granular                         []PathLevel
		Consents                         []*Consent
	}
	c.overlay(t, word, "traits", struct{}{}, &x)
	return &Traits{
		Header: &stix.Header{ID: object, Type: l.Type, Created: x.Created},
		Content: &stix.Content{
			Labels: x.Labels, Extensions: x.Extensions, Hosts: x.Hosts, Names: x.Names, Confidence: x.Confidence, Relationship: x.Relationship,
		},
		Granular: x.Granular, Consents: x.Consents,
	}
}
