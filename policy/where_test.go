package policy

import (
	"strings"
	"testing"

	"entente/stix"
)

func TestWhere(t *testing.T) {
	tr := &Traits{
		Header: &stix.Header{Type: "indicator", Created: "2026-01-01T00:00:00.123Z", Modified: "2026-02-01T00:00:00Z"},
		Content: &stix.Content{
			Labels: []string{"financial", "zeus"}, Confidence: 70, Lang: "en", PatternType: "stix", KillChainPhases: []string{"lm/delivery"},
		},
	}
	for text, want := range map[string]bool{
		`o.type == "indicator"`: true,
		`o.type == "malware"`:   false,
		`o.confidence > 69`:     true,
		`"zeus" in o.labels`:    true,
		`o.labels.exists(l, l.startsWith("fin")) && o.tlp == "AMBER+STRICT"`:                                 true,
		`o.created < timestamp("2026-01-01T00:00:01Z") && o.modified >= timestamp("2026-02-01T00:00:00Z")`:   true,
		`o.lang == "en" && o.pattern_type == "stix" && o.kill_chain_phases == ["lm/delivery"] && !o.revoked`: true,
		`o.labels[7] == "x"`:            false, // an error is no match
		`!(o.labels[7] == "x")`:         false, // nor is its opposite
		`o.confidence / 0 == 1`:         false,
		`o.labels[0].matches("^fin.*")`: true,
	} {
		w, err := compileWhere(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := w.match(tr, LevelAmberStrict); got != want {
			t.Errorf("%s = %v", text, got)
		}
	}
	w, err := compileWhere(`o.created < timestamp("2030-01-01T00:00:00Z")`)
	if err != nil {
		t.Fatal(err)
	}
	if w.match(&Traits{Header: &stix.Header{}, Content: &stix.Content{}}, LevelGreen) {
		t.Error("an object that does not say when it was created matches")
	}
}

func TestWhereRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`o.extensions`:              "undeclared reference",
		`o`:                         "undeclared reference",
		`now() > o.created`:         "undeclared reference",
		`o.confidence`:              "true or false",
		`o.confidence == "high"`:    "no matching overload",
		`o.type ==`:                 "Syntax error",
		strings.Repeat("(", 100000): "",
	} {
		_, err := compileWhere(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40s: %v, want %q in one line", text, err, want)
		}
	}
}

// TestWhereIsBounded: what costs too much is no match, and ends soon.
func TestWhereIsBounded(t *testing.T) {
	labels := make([]string, 1000)
	for i := range labels {
		labels[i] = strings.Repeat("x", 100)
	}
	tr := &Traits{Header: &stix.Header{}, Content: &stix.Content{Labels: labels}}
	w, err := compileWhere(`o.labels.all(a, o.labels.all(b, a == b))`)
	if err != nil {
		t.Fatal(err)
	}
	if w.match(tr, LevelGreen) {
		t.Error("a million comparisons were made")
	}
}
