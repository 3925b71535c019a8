package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAddSignature(t *testing.T) {
	a := Signature{Party: "a", Key: base64Key(keyA), Alg: "ed25519", Value: strings.Repeat("A", 86) + "=="}
	block := func(s Signature) string {
		return "  - {party: \"" + s.Party + "\", key: \"" + s.Key + "\", alg: \"ed25519\",\n     value: \"" + s.Value + "\"}\n"
	}
	b := Signature{Party: "b", Key: base64Key(keyB), Alg: "ed25519", Value: strings.Repeat("B", 85) + "A" + "=="}
	both := "signatures:\n" + block(a) + block(b)
	old := a
	old.Value = strings.Repeat("C", 85) + "A" + "=="
	cases := []struct{ name, text, want string }{
		{"the first", plainText + "# the end\n", plainText + "# the end\nsignatures:\n" + block(a)},
		{"no end of the last line", strings.TrimSuffix(plainText, "\n"), plainText + "signatures:\n" + block(a)},
		{"the second", plainText + "signatures:\n" + block(b), plainText + both},
		{"a new one", plainText + "signatures:\n" + block(old) + block(b), plainText + both},
		{"none so far", plainText + "signatures: []\n", plainText + "signatures:\n" + block(a)},
		{"in the middle", "signatures:\n" + block(b) + "\n# about\n" + plainText, both + "\n# about\n" + plainText},
		{"on one line", plainText + "signatures: [{party: \"b\", key: \"" + b.Key + "\", alg: \"ed25519\", value: \"" + b.Value + "\"}]\n# end\n", plainText + both + "# end\n"},
		{"items in the first column", plainText + "signatures:\n" + strings.ReplaceAll(block(b), "  - ", "- "), plainText + both},
		{"lines as in Windows", strings.ReplaceAll(plainText, "\n", "\r\n"), strings.ReplaceAll(plainText+"signatures:\n"+block(a), "\n", "\r\n")},
		{"a comment between signatures", plainText + "signatures:\n" + block(old) + "  # theirs\n" + block(b), plainText + both},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := AddSignature([]byte(c.text), a)
			if err != nil || string(got) != c.want {
				t.Errorf("%v, got\n%s\nwant\n%s", err, got, c.want)
			}
		})
	}
	_, err := AddSignature(parsed(t, plainText).Canonical(), a)
	wantError(t, err, "in braces")
	_, err = AddSignature([]byte(" "+strings.ReplaceAll(strings.TrimSuffix(plainText, "\n"), "\n", "\n ")), a)
	wantError(t, err, "indented")
	_, err = AddSignature([]byte("nonsense"), a)
	wantError(t, err, "is not in quotes")
	_, err = AddSignature([]byte(plainText), Signature{Party: "c"})
	wantError(t, err, "cannot be put")
}

// TestAddSignatureToAgreements signs the documents of testdata.
func TestAddSignatureToAgreements(t *testing.T) {
	for name, text := range agreementTexts(t) {
		with := signedBy(t, text, keyA, keyB)
		if !strings.HasPrefix(with, strings.TrimSuffix(text, "\n")) {
			t.Errorf("%s is changed", name)
		}
	}
}

// agreementTexts are the documents of testdata, by file.
func agreementTexts(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/agreements/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("found %d agreements, want at least 4; %v", len(files), err)
	}
	texts := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(file)] = string(text)
	}
	return texts
}
