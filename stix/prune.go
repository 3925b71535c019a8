package stix

import (
	"strconv"
	"strings"
)

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
