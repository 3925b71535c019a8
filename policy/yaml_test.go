package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestReadDocument: what is allowed, as JSON; and what is not, with its mistake.
func TestReadDocument(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"block and flow", "a: \"x\" # c\nb:\n  - 'it''s'\n  - - 1\n    - -2.5\n  -\n    c: true\n", `{"a":"x","b":["it's",[1,-2.5],{"c":true}]}`},
		{"items in the column of their key", "a:\n- 1\n- b: 2\n  c: 3\nd: 4\n", `{"a":[1,{"b":2,"c":3}],"d":4}`},
		{"brackets over lines", "a: [1, # one\n  2,\n ]\nb: {c: {}, \"d\":false}\n", `{"a":[1,2],"b":{"c":{},"d":false}}`},
		{"JSON", `{"a":{"b":["\u00e9\"\\\/"]}}`, `{"a":{"b":["é\"\\/"]}}`},
		{"a beginning, and lines of Windows", "# c\r\n---\r\na: 1\r\n\r\n", `{"a":1}`},
		{"quoted keys", "\"a b\" : 1\n'no': 2\n", `{"a b":1,"no":2}`},

		{"a second document", "a: 1\n---\nb: 2", "2:1: a second document begins here; put everything into one"},
		{"an end", "a: 1\n...\n", "2:1: a second document begins here; put everything into one"},
		{"a directive", "%YAML 1.2\n", `1:1: "%YAML 1.2" is not in quotes; write "%YAML 1.2"`},
		{"an anchor", "a: &x 1", "1:4: anchors, aliases and tags are not allowed"},
		{"an alias", "a: [*x]", "1:5: anchors, aliases and tags are not allowed"},
		{"a tag", "a: !!str 1", "1:4: anchors, aliases and tags are not allowed"},
		{"a merge key", "<<: {a: 1}", `1:1: the key "<<" is not in quotes`},
		{"a block text", "a: |\n  x", "1:4: block texts are not allowed"},
		{"an explicit key", "? a\n: b", `1:1: "? a" is not in quotes`},
		{"a key twice", "a: 1\nb: {a: 1, a: 2}\n", `2:11: the key "a" is given twice, first in line 2`},
		{"a key twice in another spelling", "a: 1\n\"a\": 2\n", `2:1: the key "a" is given twice, first in line 1`},
		{"a key that YAML once read as true", "on: 1", `1:1: the key "on" is not in quotes`},
		{"nothing", "a: null", "1:4: there is no value"},
		{"hexadecimal", "a: 0x1F", `1:4: "0x1F" is not in quotes`},
		{"octal", "a: 017", `1:4: "017" is not in quotes`},
		{"an exponent", "a: 1e3", `1:4: "1e3" is not in quotes`},
		{"digits beyond what JSON keeps", "a: 1234567890123456", `1:4: "1234567890123456" is not in quotes`},
		{"minus nothing", "a: -0", `1:4: "-0" is not in quotes`},
		{"a date", "a: 2026-01-01", `1:4: "2026-01-01" is not in quotes`},
		{"a text over lines", "a: \"x\n  y\"", "1:4: the text has no closing quote on its line"},
		{"half a character", `a: "\ud800"`, "1:4: the text"},
		{"an escape that JSON has not", `a: "\x41"`, "1:4: the text"},
		{"an end of line in a text", `a: "\n"`, "1:4: the text"},
		{"a mark for Arabic letters", "a: \"\u061c\"", "1:5: there is the character U+061C"},
		{"a hyphen that is not seen", "a: \"x\u00ady\"", "1:6: there is the character U+00AD"},
		{"a tag that is not seen", "a: \"\U000e0041\"", "1:5: there is the character U+E0041"},
		{"a text that runs backwards", "a: \"\u202e\"", "1:5: there is the character U+202E"},
		{"a byte order mark", "\ufeffa: 1", "1:1: the document begins with a byte order mark"},
		{"not UTF-8", "a: \"\xff\"", "1:5: not UTF-8"},
		{"a tab", "\ta: 1", "1:1: there is a tab"},
		{"a comment that is none", "a: \"x\"#c", `1:7: "#c" follows a value`},
		{"indentation", "a:\n b: 1\n  c: 2", `3:3: "c: 2" does not belong here`},
		{"less indentation", "a:\n  b: 1\n c: 2", `3:2: "c: 2" does not belong here`},
		{"brackets that stay open", "a: [1,\n 2", "2:3: the document ends before ]"},
		{"brackets that are not indented", "a: [1,\n2]", `2:1: "2]" continues what is in brackets and is not indented`},
		{"no space after a key", "a: {b:1}", `1:6: "b" is not followed by a colon and a space`},
		{"nested too deeply", strings.Repeat("- ", 22) + "1", "1:43: nested too deeply"},
		{"brackets nested too deeply", "a: " + strings.Repeat("[", 22), "1:24: nested too deeply"},
		{"too long", strings.Repeat("#", maxDocument+1), "1:1: the document has more than 1048576 bytes"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			root, mistakes := readDocument("f", []byte(c.text))
			got := ""
			if err := mistakes.sorted(); err != nil {
				got = strings.TrimPrefix(err.Error(), "f:")
			} else {
				got = string(root.json(nil, ""))
			}
			if !strings.HasPrefix(got, c.want) || c.want[0] == '{' && got != c.want {
				t.Errorf("%q: got %s, want %s", c.text, got, c.want)
			}
		})
	}
}

// TestDefaults: a term that is absent and one that says its default are decided
// alike, and some defaults, as the table of terms says.
func TestDefaults(t *testing.T) {
	absent, filled := parsed(t, plainText), parsed(t, plainText)
	absent.Flows[0] = FlowTerms{
		Name: "intel", Direction: "a->b", Collections: []string{"intel"}, Channels: []string{"poll"}, Purposes: []string{"network-defence"}, Select: Select{Types: []string{"*"}},
	}
	absent.Parties.B = Party{Org: orgB, Name: "B"}
	for _, a := range []*Agreement{absent, filled} {
		a.Flows[0].TLP.Max, a.Flows[0].TLP.Red = "RED", "named"
	}
	var flows []*Flow
	for _, a := range []*Agreement{absent, filled} {
		s, err := Compile(orgA, []*Agreement{a})
		if err != nil {
			t.Fatal(err)
		}
		flows = append(flows, s.Flows()[0])
	}
	const within = noon + 1
	permitted := 0
	labels := modelLabelList()
	for i := range labels {
		l := &labels[i].label
		got, want := flows[1].Decide(l, nil, within, false), flows[0].Decide(l, nil, within, false)
		if got.Effect != want.Effect || got.PerObject != want.PerObject {
			t.Fatalf("%+v: %v with the defaults, and %v without", l, got, want)
		}
		if got.Effect == Permit {
			permitted++
		}
	}
	if permitted == 0 {
		t.Error("nothing is permitted")
	}
	if a := parsed(t, changed(t, "", "handling: {accept: []}")); len(a.Flows[0].Handling.Accept) != 0 {
		t.Error("an empty list is taken for an absent one")
	}
}

// TestDefaultsPinned has every default: a change of one changes what agreements mean
// that are signed already.
func TestDefaultsPinned(t *testing.T) {
	a := parsed(t, plainText)
	var got []string
	for path, v := range map[string]any{"": *a, "flows[0]": a.Flows[0], "parties.a": a.Parties.A} {
		values(reflect.ValueOf(v), path, &got)
	}
	got = slices.DeleteFunc(got, func(line string) bool { return a.says(line[:strings.IndexByte(line, '=')]) })
	slices.Sort(got)
	want := strings.Fields(pinnedDefaults)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const pinnedDefaults = `audit.evidence=hash-chain audit.log=full audit.mask=ids-hmac audit.share=never breach.contact=security breach.notify_within=PT24H
	compelled_disclosure.notify=notify flows[0].acs=withhold flows[0].actions.ai_training=must-not flows[0].actions.derived_products=permit
	flows[0].actions.encrypt_in_transit=must flows[0].actions.judicial_use=consent flows[0].actions.notify_affected=must-not
	flows[0].actions.permitted=internally-visible-actions flows[0].actions.unmodified_resale=must-not flows[0].attribution.consent_labels=honour
	flows[0].attribution.sightings=anonymise flows[0].attribution.source=disclose flows[0].attribution.victims=anonymise
	flows[0].changes.on_revoke=send-if-sent flows[0].changes.on_upgrade=withdraw+recall flows[0].changes.retroactive=none flows[0].embargo.lift=originator
	flows[0].extensions.unknown=withhold flows[0].granular.above=withhold flows[0].granular.mode=join flows[0].handling.accept=[H0]
	flows[0].handling.evaluation.missing=permit flows[0].onward.max_hops=1 flows[0].onward.mode=none flows[0].pap.default=AMBER flows[0].pap.max=CLEAR
	flows[0].personal_data.detectors=[ip,email,person,account,iban] flows[0].personal_data.special=withhold flows[0].redaction.derived_from=never
	flows[0].redaction.id_scope=mou flows[0].references.dangling=withhold flows[0].retention.after_termination=P30D flows[0].retention.max=P1Y
	flows[0].statements.unknown=carry flows[0].tlp.amber_client_depth=1 flows[0].tlp.default=AMBER+STRICT flows[0].tlp.floor=CLEAR flows[0].tlp.max=GREEN
	flows[0].tlp.red=never flows[0].tlp.v1_only_amber_strict=withhold parties.a.enforces=none parties.a.relation=partner parties.a.understands=[tlp1]
	reciprocity.on_breach=notify suspension.by=[a,b] suspension.effect=stop-new+hide-old valid.grace=P0D`

// values collects the texts, numbers and lists that are not zero, but for flows and
// parties.
func values(v reflect.Value, path string, lines *[]string) {
	for i := range v.NumField() {
		tag, f := v.Type().Field(i).Tag.Get("yaml"), v.Field(i)
		switch {
		case tag == "" || tag == "flows" || tag == "parties" || f.IsZero():
		case f.Kind() == reflect.Struct:
			values(f, join(path, tag), lines)
		default:
			*lines = append(*lines, fmt.Sprintf("%s=%s", join(path, tag), strings.ReplaceAll(fmt.Sprint(reflect.Indirect(f)), " ", ",")))
		}
	}
}
