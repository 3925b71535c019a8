package stix

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// A cutter makes one projection. It decides for each node of the tape whether
// it is left out or another text stands in its place, and then writes the rest.
type cutter struct {
	p      *Projection
	source *Object
	tape   tape
	drop   []bool         // by node: it and all in it is left out
	place  map[int]string // by node: the text in its place
	hidden map[int]bool   // nodes with Withheld in their place
	stack  []int          // the nodes on the way to the one that mark looks at
	out    []byte
}

func unredactable(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, ErrUnredactable)...)
}

func (c *cutter) project() error {
	switch c.source.Type {
	case "marking-definition", "extension-definition":
		return unredactable("a %s is known by its id", c.source.Type)
	}
	c.tape.build(c.source.Raw)
	c.drop = make([]bool, len(c.tape.nodes))
	c.place, c.hidden = map[int]string{}, map[int]bool{}
	if err := c.strip(); err != nil {
		return err
	}
	if err := c.translations(); err != nil {
		return err
	}
	c.filter()
	c.emptied(0)
	for _, rule := range []func() error{c.embedded, c.extended, c.complete, c.times} {
		if err := rule(); err != nil {
			return err
		}
	}
	c.identify()
	c.references()
	if err := c.markings(); err != nil {
		return err
	}
	c.write(0)
	return nil
}

// strip leaves out what the selectors of the projection select.
func (c *cutter) strip() error {
	wanted := new(branch)
	for _, text := range c.p.Strip {
		if _, err := ParseSelector(text); err != nil {
			return unredactable("%w", err)
		}
		components := strings.Split(text, ".")
		name := components[0]
		if untouchable[name] {
			return unredactable("%s: %s can only be withheld with the object", excerpt(text), name)
		}
		if !c.optional(name) {
			return unredactable("%s: whether %s needs it is not known", excerpt(text), c.source.Type)
		}
		b := wanted.at(components)
		b.selector, b.whole = text, c.whole(components)
	}
	c.mark(0, wanted)
	return wanted.unmet()
}

// whole is how many of the components select what must go if what they all
// select goes.
func (c *cutter) whole(components []string) int {
	if len(components) > 2 && components[0] == "objects" && c.source.Type == "observed-data" {
		if untouchable[components[2]] {
			return 2
		}
		return 2 + wholePart(components[2:])
	}
	return wholePart(components)
}

// wholePart is whole for components that begin with a property of a STIX object.
func wholePart(components []string) int {
	n := len(components)
	if n < 3 {
		return n
	}
	switch components[0] {
	case "extensions", "kill_chain_phases", "body_multipart", "values":
		return 2
	case "external_references":
		if components[2] == "source_name" {
			return 2
		}
	}
	return n
}

// A branch is a node of the tree of selectors.
type branch struct {
	next     map[string]*branch
	selector string // that ends here
	whole    int    // see cutter.whole; 0 if no selector ends here
	met      bool   // it selects something
	users    []int  // nodes of the selectors that end here
}

// at is the branch of the components, made if there is none.
func (b *branch) at(components []string) *branch {
	for _, component := range components {
		if b.next == nil {
			b.next = map[string]*branch{}
		}
		if b.next[component] == nil {
			b.next[component] = new(branch)
		}
		b = b.next[component]
	}
	return b
}

// unmet is an error about the first selector that selects nothing.
func (b *branch) unmet() error {
	var left []string
	var look func(b *branch)
	look = func(b *branch) {
		if b.whole > 0 && !b.met {
			left = append(left, b.selector)
		}
		for _, next := range b.next {
			look(next)
		}
	}
	look(b)
	if len(left) == 0 {
		return nil
	}
	return unredactable("%s: the selector selects nothing", excerpt(slices.Min(left)))
}

// mark leaves out what the selectors in b select in node n.
func (c *cutter) mark(n int, b *branch) {
	if b.whole > 0 {
		b.met = true
		c.drop[c.stack[b.whole-1]] = true
	}
	for part, next := range c.along(n, b) {
		c.stack = append(c.stack, part.node)
		c.mark(part.node, next)
		c.stack = c.stack[:len(c.stack)-1]
	}
}

// A part is a member of an object or an element of a list.
type part struct {
	node  int    // of the value
	name  string // of a member
	index int    // of an element among those that stay; -1 for a member
}

// along yields the parts of node n to which b branches.
func (c *cutter) along(n int, b *branch) iter.Seq2[part, *branch] {
	return func(yield func(part, *branch) bool) {
		t := &c.tape
		if len(b.next) == 0 {
			return
		}
		next := b.next
		var byIndex map[int]*branch
		if t.is(n, '[') {
			byIndex = make(map[int]*branch, len(next))
			for component, b := range next {
				byIndex[indexOf(component)] = b
			}
		}
		i, kept := 0, 0
		for name, value := range t.parts(n) {
			p, b := part{value, "", kept}, byIndex[i]
			if t.is(n, '{') {
				p = part{value, t.str(name), -1}
				b = next[p.name]
			}
			if b != nil && !yield(p, b) {
				return
			}
			if i++; !c.drop[value] {
				kept++
			}
		}
	}
}

// filter leaves out labels and external references that the projection's
// functions report.
func (c *cutter) filter() {
	t := &c.tape
	if labels := t.member(0, "labels"); c.p.DropLabels != nil && t.is(labels, '[') {
		for _, e := range t.parts(labels) {
			c.drop[e] = c.drop[e] || !t.is(e, '"') || c.p.DropLabels(t.str(e))
		}
	}
	references := t.member(0, "external_references")
	if !t.is(references, '[') {
		return
	}
	for _, e := range t.parts(references) {
		url := t.member(e, "url")
		if c.p.DropHost != nil && url >= 0 && c.p.DropHost(hostOf(t.str(url))) {
			c.drop[e] = true
		}
		c.drop[e] = c.drop[e] || c.without(e, []string{"description", "url", "external_id"})
	}
}

// emptied leaves out the lists and dictionaries in node n from which everything
// goes, and reports whether everything goes from n. What was empty stays.
func (c *cutter) emptied(n int) bool {
	had, left := false, false
	for _, value := range c.tape.parts(n) {
		had = true
		if !c.drop[value] {
			c.drop[value] = c.emptied(value)
		}
		left = left || !c.drop[value]
	}
	return had && !left
}

// translations holds the lists in language-content to cuts that are the same in
// all languages.
func (c *cutter) translations() error {
	t := &c.tape
	contents := t.member(0, "contents")
	if c.source.Type != "language-content" || !t.is(contents, '{') {
		return nil
	}
	lists := map[uint64]string{} // which elements stay, by the hash of the path in a language
	for _, language := range t.parts(contents) {
		if !c.drop[language] && !c.alike(language, 1, lists) {
			return unredactable("contents: a list would not have the same elements in all languages")
		}
	}
	return nil
}

// alike compares the lists in node n, whose path is h, with those in lists.
func (c *cutter) alike(n int, h uint64, lists map[uint64]string) bool {
	t := &c.tape
	var kept strings.Builder
	for name, value := range t.parts(n) {
		component := "[" + strconv.Itoa(kept.Len()) + "]"
		if name >= 0 {
			component = t.str(name)
		}
		kept.WriteByte("+-"[bit(c.drop[value])])
		if !c.drop[value] && !c.alike(value, t.scan.step(h, component), lists) {
			return false
		}
	}
	if !t.is(n, '[') {
		return true
	}
	before, there := lists[h]
	lists[h] = kept.String()
	return !there || before == kept.String() || !strings.Contains(before+kept.String(), "-")
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
