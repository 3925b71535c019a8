package stix

import (
	"fmt"
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
