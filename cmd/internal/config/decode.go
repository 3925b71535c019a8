package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"entente/policy"
)

// A Size is a number of bytes: 32MiB, 64KiB, 1GiB, or just digits.
type Size int64

// maxFile is the most bytes of a configuration file; maxDepth its nesting.
const (
	maxFile  = 4 << 20
	maxDepth = 20
)

// decode reads one YAML document into the struct that into points to, whose
// yaml tags are the known keys. It goes on after a mistake.
func decode(file string, src []byte, into any) *doc {
	d := &doc{file: file, at: map[string]place{"": {1, 1}}}
	if len(src) > maxFile {
		d.add("", "split it or shorten it", "the file has more than %d bytes", maxFile)
		return d
	}
	f, err := parse(src)
	if err != nil {
		d.syntax(err)
		return d
	}
	var bodies []ast.Node
	for _, one := range f.Docs {
		if one.Body != nil && one.Body.Type() != ast.CommentType {
			bodies = append(bodies, one.Body)
		}
	}
	switch len(bodies) {
	case 0:
		d.add("", "see entente init for one to start from", "the file is empty")
	case 1:
		d.value(bodies[0], reflect.ValueOf(into).Elem(), "", 0)
	default:
		d.addAt(placeOf(bodies[1]), "put everything into one", "a second document begins here")
	}
	return d
}

// parse guards the program against a panic of the YAML parser.
func parse(src []byte) (f *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("not YAML: %v", r)
		}
	}()
	return parser.ParseBytes(src, 0, parser.AllowDuplicateMapKey())
}

func (d *doc) syntax(err error) {
	var y yaml.Error
	if errors.As(err, &y) && y.GetToken() != nil {
		p := y.GetToken().Position
		d.addAt(place{max(1, p.Line), max(1, p.Column)}, "", "not YAML: %s", y.GetMessage())
		return
	}
	d.add("", "", "not YAML: %s", strings.ReplaceAll(err.Error(), "\n", " "))
}

func placeOf(n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		n = m.Values[0].Key
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return place{max(1, t.Position.Line), max(1, t.Position.Column)}
	}
	return place{1, 1}
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	sizeType     = reflect.TypeFor[Size]()
)

// value stores n in v, which is settable, and remembers where path is.
func (d *doc) value(n ast.Node, v reflect.Value, path string, depth int) {
	if _, known := d.at[path]; !known || path == "" {
		d.at[path] = placeOf(n)
	}
	if depth > maxDepth {
		d.addAt(placeOf(n), "", "nested too deeply")
		return
	}
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		d.addAt(placeOf(n), "write the value itself", "anchors, aliases and tags are not used here")
		return
	case *ast.NullNode:
		d.addAt(placeOf(n), "write one, or remove the key", "%s has no value", path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path, depth)
	case reflect.Struct:
		d.mapping(n, path, depth, func(key string) (reflect.Value, func()) {
			if i, ok := fields(v.Type())[key]; ok {
				return v.Field(i), nil
			}
			return reflect.Value{}, nil
		}, keysOf(v.Type()), "%s.%s")
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		d.mapping(n, path, depth, func(key string) (reflect.Value, func()) {
			e := reflect.New(v.Type().Elem()).Elem()
			return e, func() { v.SetMapIndex(reflect.ValueOf(key), e) }
		}, nil, "%s[%s]")
	case reflect.Slice:
		seq, ok := n.(*ast.SequenceNode)
		if !ok {
			d.addAt(placeOf(n), "start each item with \"- \"", "%s is %s, not a list", path, kind(n))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values)))
		for i, e := range seq.Values {
			d.value(e, v.Index(i), fmt.Sprintf("%s[%d]", path, i), depth+1)
		}
	default:
		d.scalar(n, v, path)
	}
}

// mapping hands each key of n to slot, which says where its value goes; naming
// forms the path of the value.
func (d *doc) mapping(n ast.Node, path string, depth int, slot func(string) (reflect.Value, func()), known []string, naming string) {
	var pairs []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		pairs = m.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{m}
	default:
		what := path
		if what == "" {
			what = "the file"
		}
		d.addAt(placeOf(n), "write \"key: value\" lines", "%s is %s, not a mapping", what, kind(n))
		return
	}
	seen := map[string]int{}
	for _, p := range pairs {
		at := placeOf(p.Key)
		key, ok := p.Key.(*ast.StringNode)
		if !ok {
			d.addAt(at, "put it in quotes if it is meant", "the key %s is not text", clip(p.Key.String()))
			continue
		}
		if line, twice := seen[key.Value]; twice {
			d.addAt(at, "keep one of them", "the key %s is given twice, first in line %d", clip(key.Value), line)
			continue
		}
		seen[key.Value] = at.line
		sub := key.Value
		if path != "" {
			sub = fmt.Sprintf(naming, path, key.Value)
		}
		v, done := slot(key.Value)
		if !v.IsValid() {
			hint := policy.DidYouMean(key.Value, known)
			if hint == "" {
				hint = "known here: " + strings.Join(known, ", ")
			}
			d.addAt(at, hint, "unknown key %s", clip(key.Value))
			continue
		}
		d.at[sub] = at
		d.value(p.Value, v, sub, depth+1)
		if done == nil && (v.Kind() < reflect.Slice || v.Kind() == reflect.String) { // of a map, the key is what was chosen
			d.at[sub] = placeOf(p.Value)
		}
		if done != nil {
			done()
		}
	}
}

// scalar stores a string, number, truth value, duration or size.
func (d *doc) scalar(n ast.Node, v reflect.Value, path string) {
	wrong := func(want, example string) {
		d.addAt(placeOf(n), "write "+example, "%s is %s, not %s", path, kind(n), want)
	}
	text, isText := textOf(n)
	number, isNumber := n.(*ast.IntegerNode)
	switch {
	case v.Type() == durationType:
		t, err := time.ParseDuration(text)
		if !isText || err != nil || t < 0 {
			wrong("a duration", "a number with ms, s, m or h, as in 30s")
			return
		}
		v.SetInt(int64(t))
	case v.Type() == sizeType:
		if isNumber {
			text = number.Token.Value
		}
		s, err := ParseSize(text)
		if !isText && !isNumber || err != nil {
			wrong("a size", "a number with KiB, MiB or GiB, as in 32MiB")
			return
		}
		v.SetInt(int64(s))
	case v.Kind() == reflect.String:
		if !isText {
			wrong("text", "it in quotes")
			return
		}
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			wrong("true or false", "true or false")
			return
		}
		v.SetBool(b.Value)
	case v.Kind() == reflect.Int:
		i, err := int64(0), errors.New("no number")
		if isNumber {
			i, err = strconv.ParseInt(strings.ReplaceAll(number.Token.Value, "_", ""), 0, 64)
		}
		if err != nil {
			wrong("a whole number", "digits only")
			return
		}
		v.SetInt(i)
	default:
		d.addAt(placeOf(n), "", "%s: cannot hold %s", path, kind(n))
	}
}

func textOf(n ast.Node) (string, bool) {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value, true
	case *ast.LiteralNode:
		return s.Value.Value, true
	}
	return "", false
}

var sizePattern = regexp.MustCompile(`^([0-9]{1,12})(B|KiB|MiB|GiB)?$`)

// ParseSize reads a Size.
func ParseSize(text string) (Size, error) {
	m := sizePattern.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%q is not a size", text)
	}
	n, _ := strconv.ParseInt(m[1], 10, 64)
	shift := map[string]int{"KiB": 10, "MiB": 20, "GiB": 30}[m[2]]
	if n > (1<<62)>>shift {
		return 0, fmt.Errorf("%q is too large", text)
	}
	return Size(n << shift), nil
}

// kind names what n is, for people.
func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "the number " + clip(n.GetToken().Value)
	case *ast.BoolNode:
		return "the truth value " + clip(n.GetToken().Value)
	case *ast.NullNode:
		return "empty"
	}
	if text, ok := textOf(n); ok {
		return strconv.Quote(clip(text))
	}
	return "something else"
}

// clip keeps a quoted piece of the file short and on one line.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

func fields(t reflect.Type) map[string]int {
	m := map[string]int{}
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" && tag != "-" {
			m[tag] = i
		}
	}
	return m
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" && tag != "-" {
			keys = append(keys, tag)
		}
	}
	return keys
}
