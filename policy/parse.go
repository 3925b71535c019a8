package policy

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Parse reads the document of an agreement and checks all that can be checked
// without other revisions and the clock: every key and value, what belongs
// together, and that every term is one that is kept (see TermTable). Absent terms have
// their defaults, but for those that a default cannot say (see FieldTerms).
// Signatures are not verified: see Next. The error is Mistakes, all of them.
func Parse(file string, text []byte) (*Agreement, error) {
	root, mistakes := readDocument(file, text)
	d := &decoder{source: &source{file: file, root: root, positions: map[string]Position{}, nodes: map[string]*node{}}, mistakes: mistakes}
	a := &Agreement{source: d.source}
	switch {
	case root == nil:
		return nil, mistakes.sorted()
	case root.kind == missing:
		d.wrong(place{1, 1}, "the document is empty", `begin with schema: "mou/1"`)
	default:
		d.value(root, reflect.ValueOf(a).Elem(), "", "")
	}
	if len(d.mistakes) == 0 || root.kind == mappingNode {
		a.applyDefaults()
		d.mistakes = append(d.mistakes, a.validate()...)
	}
	if err := d.mistakes.sorted(); err != nil {
		return nil, err
	}
	return a, nil
}

// maxItems is how many a list may have.
const maxItems = 1000

// A decoder stores the values of a document in an agreement.
type decoder struct {
	*source
	mistakes Mistakes
}

func (d *decoder) wrong(at place, what, instead string) {
	if len(d.mistakes) < maxMistakes {
		d.mistakes = append(d.mistakes, Mistake{d.file, at.line, at.column, what, instead})
	}
}

// value stores n in v. Its path is that in the document, its term the path without
// indices, by which checks are found.
func (d *decoder) value(n *node, v reflect.Value, path, term string) {
	switch n.kind {
	case broken:
		return
	case missing:
		d.wrong(n.at, path+" has no value", "write one, or remove the key")
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path, term)
	case reflect.Struct, reflect.Map:
		d.mapping(n, v, path, term)
	case reflect.Slice:
		if n.kind != listNode {
			d.wrong(n.at, fmt.Sprintf("%s is %s, not a list", path, n.kindText()), `write it in brackets, as in ["a", "b"]`)
			return
		}
		if len(n.items) > maxItems {
			d.wrong(n.at, fmt.Sprintf("%s has more than %d items", path, maxItems), "make it shorter")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
		for i, item := range n.items {
			at := fmt.Sprintf("%s[%d]", path, i)
			d.note(at, item, item.at)
			d.value(item, v.Index(i), at, term)
		}
	default:
		d.scalar(n, v, path, term)
	}
}

// mapping stores the keys of n in the fields or the map v.
func (d *decoder) mapping(n *node, v reflect.Value, path, term string) {
	if n.kind != mappingNode {
		d.wrong(n.at, fmt.Sprintf("%s is %s, not a mapping", cmp.Or(path, "the document"), n.kindText()), `write "key: value"`)
		return
	}
	known := keysOf(v.Type())
	if v.Kind() == reflect.Map {
		v.Set(reflect.MakeMap(v.Type()))
	}
	for i, k := range n.keys {
		sub, subTerm := join(path, k.name), join(term, k.name)
		at := n.items[i].at
		if n.items[i].kind >= listNode {
			at = k.at
		}
		if v.Kind() == reflect.Map {
			d.note(sub, n.items[i], at)
			d.key(k, term)
			e := reflect.New(v.Type().Elem()).Elem()
			d.value(n.items[i], e, sub, term)
			v.SetMapIndex(reflect.ValueOf(k.name).Convert(v.Type().Key()), e)
			continue
		}
		field, ok := known[k.name]
		if !ok {
			d.wrong(k.at, "unknown key "+excerpt(k.name), nearest(k.name, sortedKeys(known)))
			continue
		}
		d.note(sub, n.items[i], at)
		d.value(n.items[i], v.Field(field), sub, subTerm)
	}
}

// key checks a key of a map.
func (d *decoder) key(k key, term string) {
	if check := keyChecks[term]; check != nil {
		if what, instead := check(k.name); what != "" {
			d.wrong(k.at, fmt.Sprintf("%s: %s %s", term, excerpt(k.name), what), instead)
		}
	}
}

// scalar stores a text, number or truth value.
func (d *decoder) scalar(n *node, v reflect.Value, path, term string) {
	not := func(what, instead string) {
		d.wrong(n.at, fmt.Sprintf("%s is %s, not %s", path, n.kindText(), what), instead)
	}
	switch v.Kind() {
	case reflect.String:
		if n.kind != textNode {
			not("a text", "write it in quotes")
			return
		}
		v.SetString(n.text)
		if what, instead := checkText(term, n.text); what != "" {
			shown := excerpt(n.text)
			if strings.HasPrefix(term, "signatures.") {
				shown = fmt.Sprintf("%.8q…", n.text)
			}
			d.wrong(n.at, fmt.Sprintf("%s: %s %s", path, shown, what), instead)
		}
	case reflect.Bool:
		if n.kind != truthNode {
			not("true or false", "write true or false, without quotes")
			return
		}
		v.SetBool(n.text == "true")
	case reflect.Float64:
		f, err := strconv.ParseFloat(n.text, 64)
		if n.kind != numberNode || err != nil {
			not("a number", "write digits, without quotes")
			return
		}
		v.SetFloat(f)
		d.inRange(n, path, term, f)
	default: // int, uint32
		i, err := strconv.ParseInt(n.text, 10, 32)
		if n.kind != numberNode || err != nil {
			not("a whole number", "write digits, without quotes")
			return
		}
		if v.CanUint() {
			v.SetUint(uint64(max(i, 0)))
		} else {
			v.SetInt(i)
		}
		d.inRange(n, path, term, float64(i))
	}
}

// inRange checks a number.
func (d *decoder) inRange(n *node, path, term string, f float64) {
	if r, ok := ranges[term]; ok && (f < r[0] || f > r[1]) {
		d.wrong(n.at, fmt.Sprintf("%s: %s is out of range", path, n.text), fmt.Sprintf("write a number from %v to %v", r[0], r[1]))
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// keysOf are the keys of a struct and its fields.
func keysOf(t reflect.Type) map[string]int {
	if t.Kind() != reflect.Struct {
		return nil
	}
	keys := map[string]int{}
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" {
			keys[tag] = i
		}
	}
	return keys
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// flowPath is the path of a term of flow i.
func flowPath(i int, term string) string {
	return strings.TrimSuffix(fmt.Sprintf("flows[%d].%s", i, term), ".")
}
