package stix

import (
	"encoding/json"
	"strings"
	"testing"
)

// fuzzProjection is the projection that FuzzProject makes of its arguments.
func fuzzProjection(source *Object, strip string, flags byte) *Projection {
	p := &Projection{Strip: strings.Fields(strip), ID: ID(source.Type + "--" + projectCopy), Placeholder: flags&1 != 0}
	if flags&2 != 0 {
		p.CreatedBy = source.CreatedBy
	}
	if flags&4 != 0 {
		p.TruncateTimes = "day"
	}
	if flags&8 != 0 {
		p.DropLabels = func(l string) bool { return len(l)%2 == 0 }
	}
	return p
}

// FuzzProject: a copy is an object, the same each time, has all object markings,
// and tells nothing that the source has only in what was left out.
func FuzzProject(f *testing.F) {
	for i, tc := range projectTests {
		f.Add(thing(tc.kind, tc.have), tc.strip, byte(i))
	}
	for _, text := range objectSeeds() {
		f.Add(text, "", byte(2))
		f.Add(text, "labels.[0] name objects.0", byte(3))
	}
	f.Fuzz(func(t *testing.T, raw, strip string, flags byte) {
		source, err := Parse(raw)
		if err != nil || source.ID.UUID() == projectCopy {
			return
		}
		p := fuzzProjection(&source, strip, flags)
		got, err := Project(raw, p)
		if err != nil {
			if got != "" {
				t.Fatalf("%s with the error %v", got, err)
			}
			return
		}
		if again, err := Project(raw, p); err != nil || again != got {
			t.Fatalf("the second time %s, %v\nthe first time  %s", again, err, got)
		}
		copied, err := Parse(got)
		if err != nil || copied.ID != p.ID || copied.CreatedBy != p.CreatedBy && source.CreatedBy == p.CreatedBy {
			t.Fatalf("%s: %v", got, err)
		}
		if len(p.Strip) == 0 && flags&^byte(3) == 0 && source.CreatedBy == p.CreatedBy {
			if back := strings.Replace(got, string(p.ID), string(source.ID), 1); !Equal(back, source.Raw) {
				t.Fatalf("%s\nis not like %s", got, raw)
			}
		}
		keepsMarkings(t, source.Raw, got)
		silent(t, source.Raw, got, p)
	})
}

// keepsMarkings holds a copy to the object markings of its source, and its
// granular markings on texts to those that the source has on the same texts.
func keepsMarkings(t *testing.T, raw, got string) {
	t.Helper()
	var before, after Inspector
	var b, a Content
	if before.Inspect(raw, &b) != nil || after.Inspect(got, &a) != nil {
		return
	}
	if len(a.ObjectMarkings) != len(b.ObjectMarkings) {
		t.Fatalf("object markings %v, in the source %v", a.ObjectMarkings, b.ObjectMarkings)
	}
	known := map[string]bool{}
	for _, g := range b.Granular {
		for _, s := range g.Selectors {
			value, _ := before.Select(Selector(s))
			known[string(g.Marking)+value] = true
		}
	}
	for _, g := range a.Granular {
		for _, s := range g.Selectors {
			value, ok := after.Select(Selector(s))
			if !ok {
				t.Fatalf("%s selects nothing in %s", s, got)
			}
			text := strings.HasPrefix(value, `"`) && !strings.Contains(s, "created") && !timeNames[s] && s != "id"
			if text && !known[string(g.Marking)+value] {
				t.Fatalf("%s is marked %s in %s\nand not in %s", value, g.Marking, got, raw)
			}
		}
	}
}

// silent fails if the copy has a text or number that the source without the
// stripped parts has not. It removes them by other means than Project.
func silent(t *testing.T, raw, got string, p *Projection) {
	t.Helper()
	source, copied := tree(t, raw), tree(t, got)
	for _, selector := range p.Strip {
		prune(source, strings.Split(selector, "."))
	}
	known := map[string]bool{}
	scalars(source, func(s string) { known[s] = true })
	object := copied.(map[string]any)
	delete(object, granularName)
	for _, name := range []string{"id", "created_by_ref", "created", "modified"} {
		delete(object, name)
	}
	for _, name := range []string{"name", "description"} {
		if object[name] == Withheld {
			delete(object, name)
		}
	}
	if p.TruncateTimes != "" {
		for name := range timeNames {
			delete(object, name)
		}
		delete(object, "objects")
	}
	scalars(object, func(s string) {
		if !known[s] {
			t.Fatalf("%q is in the copy %s\nand stripped from %s", s, got, raw)
		}
	})
}

func tree(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// stripped stands for an element that was removed; indexes stay.
type stripped struct{}

func prune(v any, path []string) {
	switch v := v.(type) {
	case map[string]any:
		if len(path) == 1 {
			delete(v, path[0])
		} else {
			prune(v[path[0]], path[1:])
		}
	case []any:
		i := indexOf(path[0])
		if i < 0 || i >= len(v) {
			return
		}
		if len(path) == 1 {
			v[i] = stripped{}
		} else {
			prune(v[i], path[1:])
		}
	}
}

// scalars calls yield with all names, texts and numbers in v.
func scalars(v any, yield func(string)) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			yield(name)
			scalars(inner, yield)
		}
	case []any:
		for _, inner := range v {
			scalars(inner, yield)
		}
	case string:
		yield(v)
	case json.Number:
		yield(string(v))
	}
}
