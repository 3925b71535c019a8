package policy

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// testKey is a key that is always the same.
func testKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func base64Key(k ed25519.PrivateKey) string { return base64.StdEncoding.EncodeToString(public(k)) }

var (
	keyA, keyB, keyC = testKey(1), testKey(2), testKey(3)
	pinnedKeys       = Trust{orgA: {public(keyA)}, orgB: {public(keyB)}}
)

func parsed(t testing.TB, text string) *Agreement {
	t.Helper()
	a, err := Parse("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// signedBy is text with the signatures of a and b.
func signedBy(t testing.TB, text string, a, b ed25519.PrivateKey) string {
	t.Helper()
	for party, key := range map[string]ed25519.PrivateKey{"a": a, "b": b} {
		if key == nil {
			continue
		}
		s, err := parsed(t, text).Sign(party, key)
		if err != nil {
			t.Fatal(err)
		}
		with, err := AddSignature([]byte(text), s)
		if err != nil {
			t.Fatal(err)
		}
		text = string(with)
	}
	return text
}

// successor is the revision after a, of the plain agreement with changes.
func successor(a *Agreement, changes ...string) string {
	all := append([]string{"revision: 1\n", fmt.Sprintf("revision: %d\n", a.Revision+1), "sha256:none", a.Digest()}, changes...)
	return strings.NewReplacer(all...).Replace(plainText)
}

// TestCanonicalAgreement pins the form: a change of it would make all signatures void.
func TestCanonicalAgreement(t *testing.T) {
	const want = `{"flows":[{"channels":["poll"],"collections":["intel"],"direction":"a->b","name":"intel","purposes":["network-defence"],"select":{"types":["*"]}}],` +
		`"id":"mou--11111111-1111-4111-8111-111111111111","parties":{"a":{"name":"A","org":"identity--aaaaaaaa-0000-4000-8000-000000000001"},` +
		`"b":{"name":"B","org":"identity--bbbbbbbb-0000-4000-8000-000000000002"}},"purposes":{"allow":["network-defence"]},"revision":1,` +
		`"schema":"mou/1","status":"active","supersedes":"sha256:none","title":"A - B","valid":{"from":"2026-01-01T00:00:00Z","until":"2027-01-01T00:00:00Z"}}`
	if got := string(parsed(t, plainText).Canonical()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := parsed(t, plainText).Digest(), "sha256:e474554d9623c48e9c6b0f1185f8a6bcef87a182f289df2e8e811df7f56762b5"; got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	other := strings.Replace(plainText, "title: \"A - B\"", "# about us\ntitle:   'A - B'", 1)
	if parsed(t, other).Digest() != parsed(t, plainText).Digest() {
		t.Error("layout and comments change the digest")
	}
	if (&Agreement{}).Digest() != "" {
		t.Error("an agreement without a document has a digest")
	}
}

func TestVerify(t *testing.T) {
	good := signedBy(t, plainText, keyA, keyB)
	cases := []struct{ name, text, want string }{
		{"both have signed", good, ""},
		{"one has not", signedBy(t, plainText, keyA, nil), "party b (B) has not signed revision 1"},
		{"by a key that is not pinned", signedBy(t, plainText, keyA, keyC), "is by a key that is not known to be its own"},
		{"each by the other's key", signedBy(t, plainText, keyB, keyA), "is by a key that is not known to be its own"},
		{"changed after signing", strings.Replace(good, "A - B", "A - C", 1), "which was changed after it was signed"},
		{"a default written out", strings.Replace(good, `    purposes:`, "    tlp: {max: \"GREEN\"}\n    purposes:", 1), "which was changed after it was signed"},
		{"the signature of the other", strings.NewReplacer(`party: "a"`, `party: "b"`, `party: "b"`, `party: "a"`).Replace(good), "not known to be its own"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { wantError(t, parsed(t, c.text).Verify(pinnedKeys), c.want) })
	}
	wantError(t, parsed(t, good).Verify(nil), "is by a key that is not known to be its own")
}

// wantError expects an error that wraps ErrInvalid and has a text, or none; and that
// no signature is in it.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("got %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, ErrInvalid)):
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err == nil {
		return
	}
	for word := range strings.FieldsSeq(err.Error()) {
		if len(word) >= 43 && !strings.Contains(word, "--") && !strings.HasPrefix(word, "sha256:") {
			t.Errorf("the error tells %s", word)
		}
	}
}

func TestNext(t *testing.T) {
	first := parsed(t, signedBy(t, plainText, keyA, keyB))
	second := parsed(t, signedBy(t, successor(first, "name: \"A\"}", `name: "A", keys: [{key: "`+base64Key(keyC)+`"}]}`), keyA, keyB))
	ofThird := successor(second)
	cases := []struct {
		name    string
		current *Agreement
		text    string
		want    string
	}{
		{"the first", nil, plainText, ""},
		{"the next", first, successor(first), ""},
		{"F6: one that was superseded", second, plainText, "revision 2 is in force, and revision 1 does not come after it"},
		{"another of the same number", second, successor(first, "A - B", "A and B"), "revision 2 is in force, and revision 2 does not come after it"},
		{"F7: on top of something else", second, strings.Replace(successor(first), "revision: 2", "revision: 3", 1), "revision 3 supersedes sha256:"},
		{"on top of nothing", second, strings.Replace(ofThird, second.Digest(), "sha256:"+strings.Repeat("0", 64), 1), "and in force is revision 2, " + second.Digest()},
		{"another agreement", first, strings.Replace(successor(first), "mou--1", "mou--2", 1), "is another agreement"},
		{"other parties", first, strings.Replace(successor(first), string(orgB), string(orgC), 1), "has other parties"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, Next(c.current, parsed(t, signedBy(t, c.text, keyA, keyB)), pinnedKeys), c.want)
		})
	}
	if err := Next(first, parsed(t, signedBy(t, plainText, keyA, keyB)), pinnedKeys); !errors.Is(err, ErrInForce) {
		t.Errorf("the same again: %v", err)
	}
	wantError(t, Next(&Agreement{ID: first.ID}, second, pinnedKeys), "was not read from a document")
}

// TestNextKeys: who vouches for the keys of a later revision.
func TestNextKeys(t *testing.T) {
	first := parsed(t, signedBy(t, plainText, keyA, keyB))
	names := func(use string) string {
		return `name: "A", keys: [{key: "` + base64Key(keyC) + `"` + use + `}]}`
	}
	cases := []struct {
		name    string
		keys    string // of party a, in revision 2
		by      ed25519.PrivateKey
		trust   Trust
		want    string // of revision 3
		alsoOwn string // keys of party a in revision 3
	}{
		{"F5: not signed", names(""), nil, pinnedKeys, "party a (A) has not signed revision 3", ""},
		{"a key that the revision before names", names(""), keyC, pinnedKeys, "", ""},
		{"the pinned key", names(""), keyA, pinnedKeys, "", ""},
		{"a key for consents only", names(`, use: "consent"`), keyC, pinnedKeys, "not known to be its own", ""},
		{"a key for agreements only", names(`, use: "agreement"`), keyC, pinnedKeys, "", ""},
		{"a key that only the new revision names", `name: "A"}`, keyC, pinnedKeys, "not known to be its own", names("")},
		{"a key that is pinned now", `name: "A"}`, keyC, Trust{orgA: {public(keyC)}, orgB: {public(keyB)}}, "", ""},
		{"a key that is no longer pinned", `name: "A"}`, keyA, Trust{orgB: {public(keyB)}}, "not known to be its own", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			second := parsed(t, signedBy(t, successor(first, `name: "A"}`, c.keys), keyA, keyB))
			if err := Next(first, second, pinnedKeys); err != nil {
				t.Fatal(err)
			}
			text := successor(second)
			if c.alsoOwn != "" {
				text = successor(second, `name: "A"}`, c.alsoOwn)
			}
			wantError(t, Next(second, parsed(t, signedBy(t, text, c.by, keyB)), c.trust), c.want)
		})
	}
}

func TestAddKeys(t *testing.T) {
	trust := Trust{}
	line := fmt.Sprintf("ed25519 %s %s", base64Key(keyA), orgA)
	if err := trust.AddKeys("k", []byte("# our own\n\n"+line+" # by hand\r\n")); err != nil || !bytes.Equal(trust[orgA][0], public(keyA)) {
		t.Errorf("%v: %v", trust, err)
	}
	cases := []struct{ name, text, want string }{
		{"another kind", "rsa x y", "k:1:1: is not a public key"},
		{"no organisation", "ed25519 " + base64Key(keyA), "k:1:1: is not a public key"},
		{"half a key", "\ned25519 " + base64Key(keyA)[:20] + " " + string(orgA), "k:2:9: "},
		{"what is no organisation", "ed25519 " + base64Key(keyA) + " me", `k:1:54: "me" is not the id of an organisation`},
		{"nothing", "# nothing\n", "k:1:1: there is no key"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { wantError(t, Trust{}.AddKeys("k", []byte(c.text)), c.want) })
	}
}
