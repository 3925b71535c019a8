package config

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"entente/taxii/server"
)

func TestParseEverything(t *testing.T) {
	src, err := os.ReadFile("testdata/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse("testdata/good.yaml", src)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.APIRoots[0].Collections[0].Seed; !reflect.DeepEqual(got, []string{"a.json"}) {
		t.Errorf("seed = %q", got)
	}
	if got := c.Discovery.Description; got != "Two\nlines\n" {
		t.Errorf("description = %q", got)
	}
	want := Limits{1 << 20, 2 << 20, 5, 32, 10, 20, 32 << 20, 512 << 20, 9, 99, 5 * time.Second, 7 * time.Second, time.Minute}
	if c.Limits != want {
		t.Errorf("limits = %+v, want %+v", c.Limits, want)
	}
	if got := c.Path(c.Store.Path); got != "testdata/data/entente.db" {
		t.Errorf("store path = %q", got)
	}
	everyFieldSet(t, reflect.ValueOf(c).Elem(), "")
}

// everyFieldSet holds testdata/good.yaml to being complete: each key is in it.
func everyFieldSet(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	for i := range v.NumField() {
		f, tag := v.Field(i), v.Type().Field(i).Tag.Get("yaml")
		name := path + tag
		switch {
		case tag == "-":
		case f.IsZero():
			t.Errorf("%s is not in good.yaml", name)
		case f.Kind() == reflect.Pointer:
			everyFieldSet(t, f.Elem(), name+".")
		case f.Kind() == reflect.Struct:
			everyFieldSet(t, f, name+".")
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct:
			everyFieldSet(t, f.Index(0), name+"[0].")
		}
	}
}

func TestDefaults(t *testing.T) {
	c := &Config{APIRoots: []APIRoot{{Path: "hub"}}}
	c.Limits.PageMax = 50
	c.setDefaults()
	if c.Limits.PageDefault != 50 || c.Limits.BodiesMemory != 128<<20 || c.Discovery.Default != "hub" || c.Log.Level != "info" {
		t.Errorf("defaults = %+v", c)
	}
}

func TestMistakes(t *testing.T) {
	ar, err := txtar.ParseFile("testdata/mistakes.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(ar.Files) < 12 {
		t.Fatalf("found %d files, want at least 12", len(ar.Files))
	}
	for i := 0; i < len(ar.Files); i += 2 {
		in, want := ar.Files[i], ar.Files[i+1]
		t.Run(in.Name, func(t *testing.T) {
			_, err := Parse(in.Name, in.Data)
			list, ok := err.(Mistakes)
			if !ok {
				t.Fatalf("Parse = %v, want mistakes", err)
			}
			var got []string
			for _, line := range strings.Split(list.Lines(), "\n") {
				// What is missing altogether is checked in the first three cases.
				if in.Name != "empty.yaml" && in.Name != "anchor.yaml" && in.Name != "syntax.yaml" || !strings.Contains(line, "is missing") || strings.Contains(string(want.Data), line) {
					got = append(got, line)
				}
			}
			if g, w := strings.Join(got, "\n")+"\n", string(want.Data); g != w {
				t.Errorf("got\n%swant\n%s", g, w)
			}
		})
	}
}

func TestFind(t *testing.T) {
	roots := []APIRoot{
		{Path: "a", Collections: []Collection{{ID: "1", Alias: "x"}, {ID: "2"}}},
		{Path: "b", Collections: []Collection{{ID: "3", Alias: "x"}, {ID: "4", Alias: "y"}}},
	}
	for name, want := range map[string]string{"1": "1", "2": "2", "y": "4", "a/x": "1", "b/x": "3", "a/2": "2",
		"x": "!x is the alias of 2 collections; write root/x", "": "!there is no collection ", "a/": "!there is no collection a/", "b/2": "!there is no collection b/2"} {
		_, c, err := find(roots, name)
		got := ""
		if err != nil {
			got = "!" + err.Error()
		} else {
			got = c.ID
		}
		if got != want {
			t.Errorf("find(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestSecrets(t *testing.T) {
	h, err := server.HashPassword("analyst", strings.NewReader("0123456789abcdef"))
	if err != nil || !validPHC(h) {
		t.Fatalf("HashPassword = %q, %v", h, err)
	}
	for _, bad := range []string{"", "analyst", strings.Replace(h, "argon2id", "argon2i", 1), strings.Replace(h, "m=19456", "m=0", 1),
		strings.Replace(h, "m=19456", "m=262145", 1), h + "$", strings.Replace(h, "t=2", "t=50", 1), strings.Replace(h, "p=1", "p=32", 1), strings.Replace(h, "m=19456", "m=4", 1),
		strings.Replace(h, "p=1", "p=1x", 1), strings.Replace(h, "t=2,p=1", "p=1,t=2", 1)} {
		if validPHC(bad) {
			t.Errorf("validPHC(%q) = true", bad)
		}
	}
	a, b := NewSecret(), NewSecret()
	if len(a) != 32 || a == b {
		t.Errorf("NewSecret = %q, %q", a, b)
	}
	if !validTokenHash(HashToken(a)) || validTokenHash("sha256:zz") || validTokenHash(strings.ToUpper(HashToken(a))) {
		t.Error("token hashes are not told apart")
	}
}

func FuzzConfig(f *testing.F) {
	ar, err := txtar.ParseFile("testdata/mistakes.txtar")
	if err != nil || len(ar.Files) < 12 {
		f.Fatalf("%d seeds, %v", len(ar.Files), err)
	}
	for _, file := range ar.Files {
		f.Add(file.Data)
	}
	good, err := os.ReadFile("testdata/good.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("accounts:\n  - {name: a, collections: {x: reed}}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, parse := range []func() error{
			func() error { _, err := Parse("f", src); return err },
			func() error { _, m := ParseAccounts("f", src, nil); return m.sorted() },
		} {
			err := parse()
			if err == nil {
				continue
			}
			list, ok := err.(Mistakes)
			if !ok || len(list) == 0 {
				t.Fatalf("an error without a place: %v", err)
			}
			for _, m := range list {
				if m.Line < 1 || m.Column < 1 || m.What == "" || strings.Contains(m.Error(), "\n") {
					t.Fatalf("no place, or not one line: %q", m.Error())
				}
			}
		}
	})
}
