package policy

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// revision is a sample agreement with texts replaced, in pairs.
func revision(t testing.TB, file string, replace ...string) *Agreement {
	t.Helper()
	text, err := os.ReadFile("testdata/agreements/" + file)
	if err != nil {
		t.Fatal(err)
	}
	s := string(text)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(s, replace[i]) {
			t.Fatalf("%s has no %q", file, replace[i])
		}
		s = strings.Replace(s, replace[i], replace[i+1], 1)
	}
	a, err := Parse(file, []byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestDiff: what changes term by term, which way, and what it is called (J10).
func TestDiff(t *testing.T) {
	for _, tc := range []struct {
		name    string
		replace []string
		want    []string // names of loosenings; a tightening is "- " and its term
		points  string   // loosened/tightened; "" is not looked at
	}{
		{"nothing", nil, nil, "0/0"},
		{"words for people", []string{"premium feed", "feed", "support@", "helpdesk@"}, nil, "0/0"},
		{"a higher ceiling", []string{`tlp: {max: "GREEN", default: "GREEN"}`, `tlp: {max: "AMBER", default: "GREEN"}`}, []string{"feedback tlp.max: GREEN -> AMBER"}, "50/0"},
		{"a lower ceiling", []string{`tlp: {max: "GREEN", default: "GREEN"}`, `tlp: {max: "CLEAR", default: "GREEN"}`}, []string{"- tlp.max"}, ""},
		{"a type", []string{`["sighting","opinion"]`, `["sighting","opinion","note"]`}, []string{"feedback select.types: +note"}, "0/0"},
		{"another type", []string{`["sighting","opinion"]`, `["sighting","note"]`}, []string{"feedback select.types: +note -opinion"}, "0/0"},
		{"less is left out", []string{`["where_sighted_refs","observed_data_refs","summary"]`, `["where_sighted_refs","summary"]`}, []string{"feedback fields.strip: -observed_data_refs"}, "0/0"},
		{"more is left out", []string{`["where_sighted_refs","observed_data_refs","summary"]`, `["where_sighted_refs","observed_data_refs","summary","description"]`}, []string{"- fields.strip"}, "0/0"},
		{"times to the hour", []string{`truncate_times: "day"`, `truncate_times: "hour"`}, []string{"feedback fields.truncate_times: day -> hour"}, "0/0"},
		{"a longer life", []string{`until: "2027-01-01T00:00:00Z"`, `until: "2028-01-01T00:00:00Z"`}, []string{"valid.until: 2027-01-01T00:00:00Z -> 2028-01-01T00:00:00Z"}, "0/0"},
		{"kept longer", []string{`retention: {max: "P1Y", after_termination: "P30D"}`, `retention: {max: "P2Y", after_termination: "P10D"}`}, []string{"feed retention.max: P1Y -> P2Y", "- retention.after_termination"}, "0/0"},
		{"an order that nobody knows", []string{`select: {types: ["sighting","opinion"]}`, `select: {types: ["sighting","opinion"], where: "o.confidence > 3"}`}, []string{"- select.where"}, "0/0"},
		{"a server elsewhere", []string{"https://feed.tailspin.example/taxii2/", "https://other.example/taxii2/"}, []string{"parties.a.servers: another list"}, "0/0"},
		{"a recipient that enforces more", []string{`enforces: "markings"`, `enforces: "sidecar"`}, []string{"parties.a.enforces: markings -> sidecar"}, ""},
		{"a new flow", []string{`- name: "feedback"`, `- name: "answers"`}, []string{"answers: new flow", "- "}, ""},
		{"whom it is passed on to", []string{`onward: {mode: "none"}` + "\n    retention: {max: \"P1Y\"}", `onward: {mode: "tlp", max_hops: 2}`}, []string{"feedback onward.mode: none -> tlp", "feedback onward.max_hops: 1 -> 2"}, ""},
	} {
		d, err := Diff(revision(t, "feed.yaml"), revision(t, "feed.yaml", tc.replace...))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range d.Terms {
			if c.Name == "" {
				c.Name = "- " + c.Term
			}
			got = append(got, c.Name)
			if c.Position.Line == 0 {
				t.Errorf("%s: %+v has no position", tc.name, c)
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
		if points := fmt.Sprintf("%d/%d", d.Loosened, d.Tightened); tc.points != "" && points != tc.points {
			t.Errorf("%s: %s points, want %s: %+v", tc.name, points, tc.points, d.Effects)
		}
		sum := 0
		for _, e := range d.Effects {
			sum += e.Points
		}
		if sum != d.Loosened+d.Tightened {
			t.Errorf("%s: groups have %d points, and %d changed", tc.name, sum, d.Loosened+d.Tightened)
		}
	}
}

// TestDiffWords: a change as a liaison officer reads it.
func TestDiffWords(t *testing.T) {
	before := revision(t, "feed.yaml", `tlp: {max: "GREEN", default: "GREEN"}`, `clauses: {"tlp.max": "Section 2.1"}`+"\n    "+`tlp: {max: "GREEN", default: "GREEN"}`)
	after := revision(t, "feed.yaml", `tlp: {max: "GREEN", default: "GREEN"}`, `tlp: {max: "AMBER", default: "GREEN"}`)
	d, err := Diff(before, after)
	if err != nil || len(d.Effects) == 0 {
		t.Fatal(d, err)
	}
	want := EffectChange{Flow: "feedback", Levels: []string{"TLP:AMBER"}, To: "the partner", Was: "withhold", Now: "redact", Loosened: true, Points: 6, Rule: "tlp.max", Term: "flows[1].tlp.max", Clause: "Section 2.1"}
	if !reflect.DeepEqual(d.Effects[0], want) {
		t.Errorf("got  %+v\nwant %+v", d.Effects[0], want)
	}
}

// TestUnacknowledged: a loosening is named in the revision that makes it.
func TestUnacknowledged(t *testing.T) {
	looser := []string{`tlp: {max: "GREEN", default: "GREEN"}`, `tlp: {max: "AMBER", default: "GREEN"}`, `["sighting","opinion"]`, `["sighting","opinion","note"]`}
	acknowledged := func(names ...string) *Agreement {
		list := ""
		for _, n := range names {
			list += fmt.Sprintf("  - %q\n", n)
		}
		return revision(t, "feed.yaml", append(looser, "tests:\n", "acknowledges:\n"+list+"tests:\n")...)
	}
	for _, tc := range []struct {
		name string
		now  *Agreement
		want []string
	}{
		{"nothing", revision(t, "feed.yaml", looser...), []string{"feedback select.types: +note", "feedback tlp.max: GREEN -> AMBER"}},
		{"one", acknowledged("feedback tlp.max: GREEN -> AMBER"), []string{"feedback select.types: +note"}},
		{"another ceiling", acknowledged("feedback tlp.max: GREEN -> RED", "feedback select.types: +note"), []string{"feedback tlp.max: GREEN -> AMBER"}},
		{"both", acknowledged("feedback tlp.max: GREEN -> AMBER", "feedback select.types: +note"), nil},
	} {
		got, err := Unacknowledged(revision(t, "feed.yaml"), tc.now)
		if err != nil || !slices.Equal(slices.Sorted(slices.Values(got)), tc.want) {
			t.Errorf("%s: got %q, %v, want %q", tc.name, got, err, tc.want)
		}
	}
	for _, tc := range []struct{ name, old, new, want string }{
		{"another name", `name: "FIS"`, `name: "FIS Europe"`, "parties.b.name: FIS -> FIS Europe"},
		{"no floor", `floor: "AMBER+STRICT"}`, `floor: "CLEAR"}`, "feed tlp.floor: AMBER+STRICT -> CLEAR"},
		{"another ground", "legitimate-interest/recital-49", "consent", "feed personal_data.ground: legitimate-interest/recital-49 -> consent"},
	} {
		got, err := Unacknowledged(revision(t, "feed.yaml"), revision(t, "feed.yaml", tc.old, tc.new))
		if err != nil || !slices.Contains(got, tc.want) {
			t.Errorf("%s: got %q, %v, want %q", tc.name, got, err, tc.want)
		}
	}
	if got, err := Unacknowledged(nil, revision(t, "feed.yaml")); got != nil || err != nil {
		t.Errorf("first revision: %q, %v", got, err)
	}
	d, err := Diff(revision(t, "feed.yaml"), acknowledged("feedback tlp.max: GREEN -> RED"))
	if err != nil || !slices.Equal(d.Idle, []string{"feedback tlp.max: GREEN -> RED"}) {
		t.Errorf("idle: %q, %v", d.Idle, err)
	}
}

// TestOrders: every order is of a term that there is, and no term is judged by that of
// a term around it by mistake: what has none must be acknowledged.
func TestOrders(t *testing.T) {
	for term := range orders {
		path := term
		if rest, ok := strings.CutPrefix(term, "parties."); ok {
			path = "parties.a." + rest
		}
		if what, _ := termAt(path); what != "" {
			t.Errorf("%s: %s", term, what)
		}
	}
	if got := orderOf("parties.keys")(reflect.Value{}, reflect.Value{}); got != looser {
		t.Errorf("an unknown order: got %d", got)
	}
}
