package stix

import (
	"encoding/json"
	"strconv"
	"strings"
)

// markings makes the selectors of granular_markings select in the copy what they
// select in the source, and leaves out those whose target goes.
func (c *cutter) markings() error {
	t := &c.tape
	list := t.member(0, granularName)
	if list < 0 {
		return nil
	}
	all := new(branch)
	for _, entry := range t.parts(list) {
		for _, selector := range t.parts(t.member(entry, "selectors")) {
			text := t.str(selector)
			if Selector(granularName).Covers(Selector(text)) {
				return unredactable("%s: a selector selects granular markings", granularName)
			}
			b := all.at(strings.Split(text, "."))
			b.users = append(b.users, selector)
		}
	}
	c.follow(0, all, "", false)
	c.drop[list] = c.emptiedMarkings(list)
	return nil
}

// follow moves the selectors that end in b or beyond to the path that node n has
// in the copy; gone says that it is not there.
func (c *cutter) follow(n int, b *branch, path string, gone bool) {
	for _, user := range b.users {
		c.drop[user] = gone
		if !gone && c.tape.str(user) != path {
			quoted, _ := json.Marshal(path) // a string always can be
			c.place[user] = string(quoted)
		}
	}
	for part, next := range c.along(n, b) {
		component := part.name
		if part.index >= 0 {
			component = "[" + strconv.Itoa(part.index) + "]"
		}
		if path != "" {
			component = path + "." + component
		}
		c.follow(part.node, next, component, gone || c.drop[part.node] || c.hidden[part.node])
	}
}

// emptiedMarkings leaves out the entries without selectors, and reports whether
// all entries go.
func (c *cutter) emptiedMarkings(list int) bool {
	left := false
	for _, entry := range c.tape.parts(list) {
		selectors := c.tape.member(entry, "selectors")
		c.drop[entry] = c.emptied(selectors)
		left = left || !c.drop[entry]
	}
	return !left
}
