package policy

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseAgreements(t *testing.T) {
	files, _ := filepath.Glob("testdata/agreements/*.yaml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a, err := Parse(filepath.Base(file), text)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		s, err := Compile(a.Parties.A.Org, []*Agreement{a})
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		for _, r := range s.RunTests(a) {
			if r.Text != "" {
				t.Errorf("%s: %s: %s: %s\n%s", file, r.Test.Name, r.Flow, r.Text, r.Got.Explain())
			}
		}
	}
}

// plainText is an agreement in force that says no more than it must.
const plainText = `schema: "mou/1"
id: "mou--11111111-1111-4111-8111-111111111111"
title: "A - B"
revision: 1
supersedes: "sha256:none"
status: "active"
valid: {from: "2026-01-01T00:00:00Z", until: "2027-01-01T00:00:00Z"}
parties:
  a: {org: "identity--aaaaaaaa-0000-4000-8000-000000000001", name: "A"}
  b: {org: "identity--bbbbbbbb-0000-4000-8000-000000000002", name: "B"}
purposes: {allow: ["network-defence"]}
flows:
  - name: "intel"
    direction: "a->b"
    collections: ["intel"]
    channels: ["poll"]
    select: {types: ["*"]}
    purposes: ["network-defence"]
`

// TestParseMistakes changes the plain agreement, or adds terms to its flow, and
// looks for what Parse says.
func TestParseMistakes(t *testing.T) {
	cases := []struct{ name, old, new, want string }{
		{"J1: an unknown key", "", "onwards: {mode: \"none\"}", `f:19:5: unknown key "onwards"; did you mean onward?`},
		{"J2: a country that is no text", "name: \"A\"}", "name: \"A\", jurisdictions: [NO]}", `f:9:89: "NO" is not in quotes; write "NO"`},
		{"J3: an alias", "title: \"A - B\"", "title: &a \"A\"", "f:3:8: anchors, aliases and tags are not allowed; write the value itself, texts in quotes"},
		{"J5: an obligation that nobody fulfils", "", "personal_data: {route_to: \"xyz\"}", "f:19:31: flows[0].personal_data.route_to names a body that nobody can route to; write national-unit, national-unit-of-address or the id of an organisation"},
		{"a merge key", "", "<<: {a: 1}", `f:19:5: the key "<<" is not in quotes; put it in quotes if it is meant; merge keys are not allowed`},
		{"a key twice", "", "channels: [\"push\"]", `f:19:5: the key "channels" is given twice, first in line 16; keep one of them`},
		{"no purpose of the agreement", "purposes: [\"network-defence\"]\n", "purposes: [\"marketing\"]\n", `f:18:16: flows[0].purposes[0] "marketing" is not a purpose of the agreement; add it to purposes.allow, or remove it`},
		{"RED and nobody named", "", "tlp: {max: \"RED\"}", `f:19:16: flows[0].tlp.max is RED, which goes to named persons only, and tlp.red is not named; add red: "named", or write AMBER+STRICT`},
		{"somebody named and no RED", "", "tlp: {red: \"named\"}", `f:19:16: flows[0].tlp.red is named, and tlp.max keeps RED out; write max: "RED", or remove it`},
		{"term 45: a required property", "", "redaction: {allow: true}\n    fields: {strip: [\"source_ref\"]}", `f:20:22: flows[0].fields.strip[0] "source_ref" is a property without which relationship cannot be; remove it, or do not select such objects`},
		{"an expression", "", "select2: 1", `f:19:5: unknown key "select2"; did you mean select?`},
		{"where", "{types: [\"*\"]}", "{types: [\"*\"], where: \"o.typ == 'x'\"}", "f:17:35: flows[0].select.where 1:2: undeclared reference to 'o.typ' (did you mean 'o.tlp' or 'o.type'?); see the documentation of select.where"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("f", []byte(changed(t, c.old, c.new)))
			if err == nil || err.Error() != c.want || !errors.Is(err, ErrInvalid) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// changed is the plain agreement with old replaced, or with a term added to its flow.
func changed(t testing.TB, old, new string) string {
	t.Helper()
	if old == "" {
		return plainText + "    " + new + "\n"
	}
	if !strings.Contains(plainText, old) {
		t.Fatalf("there is no %q", old)
	}
	return strings.Replace(plainText, old, new, 1)
}
