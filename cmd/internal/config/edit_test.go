package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"entente/taxii/server"
)

const accountsBefore = `# who may log in
accounts:
  # the analysts
  - name: analyst
    collections: {intel: read} # for now

  # partners
  - name: partner
    collections:
      intel: read
# the end
`

func TestEdit(t *testing.T) {
	token := HashToken("x")
	for _, tc := range []struct {
		name, before, want string
		edit               func(e *Edit) error
	}{
		{"add", accountsBefore, strings.Replace(accountsBefore, "# the end\n", "# the end\n  - name: \"new\"\n    tokens:\n      - "+token+"\n", 1),
			func(e *Edit) error { return e.Put(Account{Name: "new", Tokens: []string{token}}, nil) }},
		{"replace keeps the comments around", accountsBefore, strings.Replace(accountsBefore,
			"  - name: analyst\n    collections: {intel: read} # for now\n", "  - name: \"analyst\"\n    collections:\n      intel: write\n", 1),
			func(e *Edit) error {
				return e.Put(Account{Name: "analyst", Collections: map[string]Right{"intel": RightWrite}}, nil)
			}},
		{"replace the last", accountsBefore, strings.Replace(accountsBefore,
			"  - name: partner\n    collections:\n      intel: read\n", "  - name: \"partner\"\n", 1),
			func(e *Edit) error { return e.Put(Account{Name: "partner"}, nil) }},
		{"remove", accountsBefore, strings.Replace(accountsBefore, "  # the analysts\n  - name: analyst\n    collections: {intel: read} # for now\n\n", "", 1),
			func(e *Edit) error { return e.Remove(0, nil) }},
		{"remove the only one and add again", "accounts:\n  - name: a\n", "accounts:\n  - name: \"b\"\n",
			func(e *Edit) error {
				if err := e.Remove(0, nil); err != nil {
					return err
				}
				return e.Put(Account{Name: "b"}, nil)
			}},
		{"no file", "", "accounts:\n  - name: \"b\"\n", func(e *Edit) error { return e.Put(Account{Name: "b"}, nil) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "accounts.yaml")
			if tc.before != "" {
				if err := os.WriteFile(file, []byte(tc.before), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			e, err := OpenEdit(file, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := tc.edit(e); err != nil {
				t.Fatal(err)
			}
			if err := e.Save(); err != nil {
				t.Fatal(err)
			}
			got, _ := os.ReadFile(file)
			if string(got) != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
			if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v, want 0600", info.Mode())
			}
		})
	}
}

// TestPutKeepsEverything: an edit of one field keeps all others.
func TestPutKeepsEverything(t *testing.T) {
	hash, err := server.HashPassword("x", strings.NewReader("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	all := Account{
		Name: "a", Password: hash, Tokens: []string{HashToken("x")}, Collections: map[string]Right{"intel": RightRead},
		Partner: "identity--5b0d8f0e-7a52-4a0c-9d53-7c1f3f1c2a10", Person: true, EscapeNonASCII: true, EmptyObjectsList: true, NoDatesOnEmpty: true,
	}
	v := reflect.ValueOf(all)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("this test does not know the field %s", v.Type().Field(i).Name)
		}
	}
	ours, partners := all, all
	ours.Partner, ours.Person, partners.Collections = "", false, nil
	for _, want := range []Account{ours, partners} {
		e, err := OpenEdit(filepath.Join(t.TempDir(), "accounts.yaml"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Put(want, nil); err != nil {
			t.Fatal(err)
		}
		if got := e.Accounts.Accounts[0]; !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
	}
}

// TestWriteFileKeepsOwner: a server that runs as somebody else can still read
// what root has edited.
func TestWriteFileKeepsOwner(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(file, 12345, 23456); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if after.Mode() != before.Mode() || owner(after) != owner(before) {
		t.Errorf("mode %v, owner %s; want %v, %s", after.Mode(), owner(after), before.Mode(), owner(before))
	}
}

// owner is the user and group ids as text; "" where files have none.
func owner(info os.FileInfo) string {
	v := reflect.Indirect(reflect.ValueOf(info.Sys()))
	if v.Kind() != reflect.Struct || !v.FieldByName("Uid").IsValid() {
		return ""
	}
	return fmt.Sprint(v.FieldByName("Uid"), ":", v.FieldByName("Gid"))
}

func TestEditRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	for before, want := range map[string]string{
		"accounts: [{name: a}]\n":               "write the accounts as lines",
		"accounts:\n  - name: a\n  - name: a\n": "accounts.yaml:3:11: accounts[1].name: a is taken",
		"accounts:\n  - nam: a\n":               "did you mean name?",
	} {
		if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenEdit(file, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("OpenEdit(%q) = %v, want %q", before, err, want)
		}
	}
	if err := os.WriteFile(file, []byte("accounts:\n  - name: a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := OpenEdit(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Put(Account{Name: "b\n", Password: "plain"}, nil); err == nil {
		t.Error("Put took an account that is not valid")
	}
}
