// Package archtest fails when a package imports what its layer may not, when a
// file or a function has grown too long, and when the clock is read outside cmd.
package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "entente/"

// A layer says what a package may import: of this module, and of the modules
// that only some packages may know. Everything else from outside is allowed.
type layer struct {
	ours    []string
	outside []string
}

// layers has every package. One that is not here fails the test.
var layers = map[string]layer{
	"stix":                  {},
	"stix/growthtest":       {},
	"stix/stixtest":         {ours: []string{"stix"}},
	"policy":                {ours: []string{"stix"}, outside: []string{"cel.dev/cel-go"}},
	"policy/release":        {ours: []string{"stix", "policy", "store"}},
	"store":                 {ours: []string{"stix"}},
	"store/mem":             {ours: []string{"stix", "store"}},
	"store/fault":           {ours: []string{"stix", "store"}},
	"store/bolt":            {ours: []string{"stix", "store"}, outside: []string{"go.etcd.io/bbolt"}},
	"store/storetest":       {ours: []string{"stix", "stix/stixtest", "store", "store/mem"}},
	"taxii":                 {ours: []string{"stix"}},
	"taxii/client":          {ours: []string{"stix", "taxii"}},
	"taxii/server":          {ours: []string{"stix", "policy", "policy/release", "store", "taxii"}, outside: []string{"github.com/labstack/echo/v4"}},
	"taxii/taxiitest":       {ours: []string{"stix", "stix/stixtest", "taxii", "taxii/client"}},
	"cmd/entente":           {ours: []string{"*"}},
	"cmd/internal/bench":    {ours: []string{"*"}, outside: []string{"go.etcd.io/bbolt"}},
	"cmd/internal/archtest": {},
	"cmd/internal/config":   {ours: []string{"policy", "taxii/server"}},
	"cmd/internal/load":     {ours: []string{"stix", "store"}},
	"cmd/internal/wire":     {ours: []string{"cmd/internal/config", "cmd/internal/load", "stix", "policy", "policy/release", "store", "store/bolt", "taxii/server"}},
	"examples/quickstart":   {},
}

// guarded are the modules that only layers which name them may import.
var guarded = []string{"go.etcd.io/bbolt", "github.com/labstack/echo/v4", "cel.dev/cel-go"}

// Limits of size, in lines. longer has the exceptions: "file" or "file:function".
const (
	maxFile     = 600
	maxFunction = 80
	maxTest     = 120 // a function of a test, which may be one table of cases
)

var longer = map[string]string{}

func TestLayers(t *testing.T) {
	seen := map[string]bool{}
	each(t, func(file string, f *ast.File, _ *token.FileSet, _ int) {
		pkg := path.Dir(file)
		may, ok := layers[pkg]
		if !ok {
			t.Errorf("%s: package %s is not in the table of layers", file, pkg)
			return
		}
		seen[pkg] = true
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		for _, imp := range f.Imports {
			p, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if dep, ours := strings.CutPrefix(p, module); ours && !slices.Contains(may.ours, dep) && !slices.Contains(may.ours, "*") {
				t.Errorf("%s must not import %s", file, dep)
			}
			for _, g := range guarded {
				if (p == g || strings.HasPrefix(p, g+"/")) && !slices.Contains(may.outside, g) {
					t.Errorf("%s must not import %s", file, p)
				}
			}
		}
	})
	for pkg := range layers {
		if !seen[pkg] {
			t.Errorf("%s is in the table of layers, and there is no such package", pkg)
		}
	}
}

func TestSizes(t *testing.T) {
	used := map[string]bool{}
	check := func(name string, lines, most int) {
		if lines <= most {
			return
		}
		if _, ok := longer[name]; ok {
			used[name] = true
			return
		}
		t.Errorf("%s has %d lines, more than %d", name, lines, most)
	}
	each(t, func(file string, f *ast.File, set *token.FileSet, lines int) {
		check(file, lines, maxFile)
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
				n := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line + 1
				most := maxFunction
				if forTests(file) {
					most = maxTest
				}
				check(fmt.Sprintf("%s:%s", file, fn.Name.Name), n, most)
			}
		}
	})
	for name := range longer {
		if !used[name] {
			t.Errorf("%s is excused from the limits of size and does not need it", name)
		}
	}
}

// TestClock: time comes in from outside everywhere but in cmd and in tests.
func TestClock(t *testing.T) {
	found := 0
	each(t, func(file string, f *ast.File, set *token.FileSet, _ int) {
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok || x.Name != "time" || !slices.Contains([]string{"Now", "Since", "Until"}, sel.Sel.Name) {
				return true
			}
			found++
			if !strings.HasPrefix(file, "cmd/") && !forTests(file) {
				t.Errorf("%s reads the clock; let the time come in", set.Position(sel.Pos()))
			}
			return true
		})
	})
	if found == 0 {
		t.Error("found no use of the clock at all; this test looks at the wrong files")
	}
}

// forTests reports whether a file is for tests: these may read the clock.
func forTests(file string) bool {
	pkg := path.Dir(file)
	return strings.HasSuffix(file, "_test.go") || strings.HasSuffix(pkg, "test")
}

// each parses the module's files itself rather than run "go list": the go
// command repeats a test's result until a file changes that the test opened.
func each(t *testing.T, visit func(file string, f *ast.File, set *token.FileSet, lines int)) {
	t.Helper()
	root := os.DirFS("../../..")
	n := 0
	err := fs.WalkDir(root, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != "." || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") {
			return nil
		}
		src, err := fs.ReadFile(root, file)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, file, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		n++
		visit(file, f, set, strings.Count(string(src), "\n"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 30 {
		t.Fatalf("found %d files, want at least 30", n)
	}
}
