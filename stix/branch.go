package stix

import (
	"iter"
	"slices"
)

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
