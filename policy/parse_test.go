package policy

import (
	"errors"
	"strings"
	"testing"
)

// TestParseAgreements: the agreements of testdata are good, for both parties, and their
// own tests pass.
func TestParseAgreements(t *testing.T) {
	ran := 0
	for file, text := range agreementTexts(t) {
		a := parsed(t, text)
		for _, us := range []OrgID{a.Parties.A.Org, a.Parties.B.Org} {
			s, err := Compile(us, []*Agreement{a})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range s.RunTests(a) {
				ran++
				if r.Text != "" {
					t.Errorf("%s: %s: %s: %s\n%s", file, r.Test.Name, r.Flow, r.Text, r.Got.Explain())
				}
			}
		}
	}
	if ran < 22 {
		t.Errorf("%d tests of agreements ran, want at least 22", ran)
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
		{"a key that is like no other", "", "x: 1", `f:19:5: unknown key "x"; known here: acs, actions, attribution, changes, channels, clauses, collections, direction, embargo, extensions, fields, granular, handling, iep, limits, name, onward, pap, personal_data, purposes, redaction, references, retention, select, statements, tlp`},
		{"not supported: granular override", "", "granular: {mode: \"override\"}", "f:19:22: flows[0].granular.mode is not supported yet (term 25); remove it, or wait for a version that has it"},
		{"not supported: IEP defaults", "", "iep: {accept: true, default: {attribution: \"may\"}}", "f:19:25: flows[0].iep.default is not supported yet (term 21); remove it, or wait for a version that has it"},
		{"not supported: a daily limit", "", "limits: {max_objects_per_day: 10}", "f:19:35: flows[0].limits.max_objects_per_day is not supported yet (term 47); remove it, or wait for a version that has it"},
		{"consent labels ignored", "", "attribution: {consent_labels: \"ignore\"}", `f:19:35: flows[0].attribution.consent_labels: "ignore" is not a value of this term; write honour`},
		{"special categories", "", "personal_data: {allow: [\"special\"]}", `f:19:29: flows[0].personal_data.allow[0]: "special" is never passed on; remove it`},
		{"personal data without a ground", "", "personal_data: {allow: [\"indirect\"]}", `f:19:29: flows[0].personal_data.allow[0] "indirect" can never pass in this direction as the terms are; add the ground, or the route to law enforcement, by which it may; or remove it`},
		{"a floor above the ceiling", "", "tlp: {floor: \"AMBER\"}", "f:19:18: flows[0].tlp.floor is above tlp.max, so nothing can pass; lower it, or raise tlp.max"},
		{"hops that go nowhere", "", "onward: {mode: \"clients\"}", "f:19:20: flows[0].onward.mode lets objects go on, and onward.max_hops is 1; add max_hops: 2, or write none"},
		{"hops of nothing", "", "onward: {max_hops: 2}", "f:19:24: flows[0].onward.max_hops lets objects go on, and onward.mode is none; remove it, or choose another onward.mode"},
		{"listed, and nobody is", "", "onward: {mode: \"listed\", max_hops: 2}", `f:19:5: flows[0].onward.to and onward.mode do not fit each other; name who is meant, and write mode: "listed"`},
		{"communities that are not asked", "", "onward: {communities: [\"community--x\"]}", `f:19:14: flows[0].onward.communities are named, and onward.mode is none; write mode: "community", or remove them`},
		{"redacted copies, and no redaction", "", "fields: {truncate_times: \"day\"}", "f:19:30: flows[0].fields.truncate_times asks for redacted copies, and redaction is not allowed; add redaction: {allow: true}"},
		{"codes that nobody accepts", "", "handling: {default: [\"H2\"]}", "f:19:26: flows[0].handling.default[0] H2 is put on everything, and the flow does not accept it; add it to handling.accept"},
		{"nothing selected", "select: {types: [\"*\"]}", "select: {types: [\"malware\"], not_types: [\"*\"]}", "f:17:34: flows[0].select.not_types takes away everything that select.types has; leave something to select"},
		{"no types", "select: {types: [\"*\"]}", "select: {types: []}", "f:17:14: flows[0].select.types is empty; name at least one"},
		{"no channels", "    channels: [\"poll\"]\n", "", "f:13:5: flows[0].channels is empty; name at least one"},
		{"no flows", plainText[strings.Index(plainText, "flows:"):], "flows: []\n", "f:12:1: flows is empty; name at least one"},
		{"a clause of no term", "", "clauses: {\"tlp.maxx\": \"1\"}", `f:19:15: flows.clauses: "tlp.maxx" is not a term; did you mean max?`},
		{"a duration", "", "retention: {max: \"1 year\"}", `f:19:22: flows[0].retention.max: "1 year" is not a duration; write it as "P30D" or "PT24H"`},
		{"a number in quotes", "revision: 1", "revision: \"1\"", `f:4:11: revision is the text "1", not a whole number; write digits, without quotes`},
		{"no number", "revision: 1", "revision: 0", "f:4:11: revision: 0 is out of range; write a number from 1 to 1e+09"},
		{"a truth value in quotes", "name: \"A\"}", "name: \"A\", le: \"true\"}", `f:9:77: parties.a.le is the text "true", not true or false; write true or false, without quotes`},
		{"a list that is none", "channels: [\"poll\"]", "channels: \"poll\"", `f:16:15: flows[0].channels is the text "poll", not a list; write it in brackets, as in ["a", "b"]`},
		{"a mapping that is none", "valid: {", "valid: [{", "f:8:1: \"parties:\" continues what is in brackets and is not indented; indent it"},
		{"the end before the beginning", "until: \"2027", "until: \"2025", "f:7:46: valid.until is not after valid.from; write a later time"},
		{"one organisation", string(orgB), string(orgA), "f:10:12: parties.b.org is parties.a.org too; name the other party"},
		{"law enforcement", "name: \"A\"}", "name: \"A\", kind: \"law-enforcement\"}", "f:9:79: parties.a.kind is law-enforcement, and le is not true; add le: true, by which the rules about personal data go"},
		{"a purpose allowed and denied", "purposes: {allow: [\"network-defence\"]}", "purposes: {allow: [\"network-defence\", \"x\"], deny: [\"x\"]}", `f:11:52: purposes.deny[0] "x" is allowed, too; keep it in one of the two`},
		{"a first revision that supersedes", "sha256:none", "sha256:" + strings.Repeat("0", 64), `f:5:13: supersedes does not fit revision 1; write "sha256:none" in revision 1, and the digest of the revision before in later ones`},
		{"review, and no date", "flows:", "suspension: {triggers: [\"review-overdue\"]}\nflows:", "f:12:25: suspension.triggers[0] asks for a date of review, and there is none; add valid.review_by, or remove it"},
		{"an emergency of one", "flows:", "consent: {emergency: {allowed: true}}\nflows:", "f:12:11: consent.emergency allows what nobody controls; add dual_control: true and the basis"},
		{"consents without end", "flows:", "consent: {approvers: [\"" + string(orgA) + "\"]}\nflows:", "f:12:11: consent.approvers may give consents of any length; add consent.max_ttl"},
		{"a key of both", plainText[strings.Index(plainText, "  a:"):strings.Index(plainText, "purposes:")], "  a: {org: \"" + string(orgA) + "\", name: \"A\", keys: [{key: \"" + base64Key(keyA) + "\"}]}\n" +
			"  b: {org: \"" + string(orgB) + "\", name: \"B\",\n    keys: [{key: \"" + base64Key(keyA) + "\"}]}\n", "f:11:12: parties.b.keys[0] is a key of party a, too; give each party its own"},
		{"a test of no flow", "flows:", "tests: [{name: \"x\", given: {flow: \"intl\"}, expect: {effect: \"permit\"}}]\nflows:", "f:12:35: tests[0].given.flow is not a flow; did you mean intel?"},
		{"a test of no rule", "flows:", "tests: [{name: \"x\", expect: {effect: \"withhold\", reason: \"tlp.mx\"}}]\nflows:", `f:12:58: tests[0].expect.reason: "tlp.mx" is not a rule; did you mean tlp.max?`},
		{"a test of no obligation", "flows:", "tests: [{name: \"x\", expect: {effect: \"permit\", obligations: [\"rout:x\"]}}]\nflows:", `f:12:62: tests[0].expect.obligations[0]: "rout:x" is not an obligation that anybody fulfils; did you mean route?`},
		{"a signature that is none", "flows:", "signatures: [{party: \"a\", alg: \"ed25519\", key: \"" + base64Key(keyA) + "\", value: \"c2VjcmV0LXNlY3JldA==\"}]\nflows:", `f:12:103: signatures[0].value: "c2VjcmV0"… is not base64 of the right length; copy it as entente agreement keygen or sign writes it`},
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
