package policy

import (
	"reflect"
	"strings"
	"testing"
)

// TestTermsCoverEveryKey: no key of an agreement is in no row, or in two.
func TestTermsCoverEveryKey(t *testing.T) {
	var keys []string
	leaves(reflect.TypeFor[Agreement](), "", &keys)
	if len(keys) < 150 {
		t.Fatalf("%d keys only", len(keys))
	}
	used := map[string]bool{}
	for _, key := range keys {
		for _, p := range []string{"parties.a", "parties.b"} {
			if rest, ok := strings.CutPrefix(key, p); ok {
				key = "parties" + rest
			}
		}
		rows := 0
		for i := range terms {
			if terms[i].covers(key) {
				rows++
				for _, p := range terms[i].Paths {
					used[p] = used[p] || key == p || strings.HasPrefix(key, p+".")
				}
			}
		}
		if rows != 1 {
			t.Errorf("%s is in %d rows of the table of terms", key, rows)
		}
	}
	for i, row := range terms {
		if row.Number != i+1 {
			t.Errorf("row %d has number %d", i+1, row.Number)
		}
		for _, p := range row.Paths {
			if !used[p] {
				t.Errorf("term %d: there is no key %s", row.Number, p)
			}
		}
	}
}

// leaves collects the paths of keys that hold no others.
func leaves(typ reflect.Type, path string, keys *[]string) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		*keys = append(*keys, path)
		return
	}
	for i := range typ.NumField() {
		if tag := typ.Field(i).Tag.Get("yaml"); tag != "" {
			leaves(typ.Field(i).Type, join(path, tag), keys)
		}
	}
}

// TestChecksHaveTerms: a check of a term that does not exist checks nothing.
func TestChecksHaveTerms(t *testing.T) {
	var paths []string
	for term := range checks {
		paths = append(paths, term)
	}
	for term := range partyChecks {
		paths = append(paths, "parties.a."+term)
	}
	for term := range keyChecks {
		paths = append(paths, term)
	}
	for term := range ranges {
		paths = append(paths, term)
	}
	for _, path := range append(paths, mayBeEmpty...) {
		if what, instead := termAt(path); what != "" {
			t.Errorf("%s %s; %s", path, what, instead)
		}
	}
}

// TestTermsNameRules: what is said to enforce a term exists.
func TestTermsNameRules(t *testing.T) {
	named := 0
	for _, row := range terms {
		for _, word := range strings.FieldsFunc(row.By, func(c rune) bool { return c == ',' || c == ';' || c == ' ' }) {
			if word = strings.TrimRight(word, "."); !strings.Contains(word, ".") {
				continue
			}
			named++
			if what, _ := ruleName(word); what != "" {
				t.Errorf("term %d: there is no rule %s", row.Number, word)
			}
		}
	}
	if named < 40 {
		t.Errorf("%d rules are named", named)
	}
}
