package policy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Documents are YAML of which only the unambiguous part is allowed, so that no two
// programs read an agreement in two ways: one document in UTF-8; block mappings and
// lists by indentation, and flow ones; every text in quotes and on one line, with
// the escapes of JSON; plain numbers, true and false. There are no anchors,
// aliases, merge keys, tags, directives, block texts, nulls and repeated keys.

const (
	maxDocument = 1 << 20 // bytes
	maxDepth    = 20      // of lists and mappings in each other
)

// A node is a value in a document.
type node struct {
	kind   nodeKind
	at     place
	text   string // of a text, what it says; of a number and a truth value, as written
	items  []*node
	keys   []key          // of a mapping; items has their values
	index  map[string]int // of keys, by name
	inline bool           // a mapping or list in brackets
}

type key struct {
	name string
	at   place
}

// A place is a line and a column in characters, both from 1.
type place struct{ line, column int }

type nodeKind uint8

const (
	broken nodeKind = iota // its mistake is told already
	missing
	textNode
	numberNode
	truthNode
	listNode
	mappingNode
)

// kindText names what n is, for people.
func (n *node) kindText() string {
	switch n.kind {
	case textNode:
		return "the text " + excerpt(n.text)
	case numberNode:
		return "the number " + n.text
	case truthNode:
		return "the truth value " + n.text
	case listNode:
		return "a list"
	case mappingNode:
		return "a mapping"
	}
	return "empty"
}

// A reader reads a document.
type reader struct {
	file         string
	src          string // what is left
	line, column int
	mistakes     Mistakes
}

// giveUp is what ends reading where the structure is lost.
type giveUp struct{}

// readDocument reads text. The node is nil if its structure is lost; there may be
// mistakes even if it is not.
func readDocument(file string, text []byte) (root *node, mistakes Mistakes) {
	r := &reader{file: file, src: string(text), line: 1, column: 1}
	defer func() {
		if p := recover(); p != nil {
			if _, ours := p.(giveUp); !ours {
				panic(p)
			}
			root, mistakes = nil, r.mistakes
		}
	}()
	switch {
	case len(text) > maxDocument:
		r.stop("the document has more than %d bytes", "shorten it", maxDocument)
	case strings.HasPrefix(r.src, "\ufeff"):
		r.stop("the document begins with a byte order mark", "save it as UTF-8 without one")
	}
	r.characters()
	r.blank()
	if r.marker("---") {
		r.skip(3)
		r.blank()
	}
	root = r.block(1, 0)
	r.blank()
	if r.src != "" {
		r.stop("%s does not belong here", "check the indentation", excerpt(r.rest()))
	}
	return root, r.mistakes
}

// characters stops at what is not UTF-8, and at characters that are not seen or
// that make text look other than it is.
func (r *reader) characters() {
	src := r.src
	for r.src != "" {
		c, size := utf8.DecodeRuneInString(r.src)
		switch {
		case c == utf8.RuneError && size == 1:
			r.stop("not UTF-8", "save the document as UTF-8")
		case c == '\r' && !strings.HasPrefix(r.src, "\r\n"), hidden(c) && c != '\n' && c != '\r' && c != '\t':
			r.stop("there is the character %U", "remove it", c)
		}
		r.skip(size)
	}
	r.src, r.line, r.column = src, 1, 1
}

// hidden reports whether a character is a control or is not seen itself, as those
// that change the direction or the order of others.
func hidden(c rune) bool {
	return unicode.In(c, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || c >= 0x2060 && c <= 0x2069 || c == utf8.RuneError
}

// wrong notes a mistake.
func (r *reader) wrong(at place, what, instead string, args ...any) {
	if len(r.mistakes) < maxMistakes {
		r.mistakes = append(r.mistakes, Mistake{r.file, at.line, at.column, fmt.Sprintf(what, args...), instead})
	}
}

// stop notes a mistake here, and gives up.
func (r *reader) stop(what, instead string, args ...any) {
	if len(r.mistakes) >= maxMistakes {
		r.mistakes = r.mistakes[:maxMistakes-1]
	}
	r.wrong(r.place(), what, instead, args...)
	panic(giveUp{})
}

func (r *reader) place() place { return place{r.line, r.column} }

// rest is that of the line.
func (r *reader) rest() string {
	line, _, _ := strings.Cut(r.src, "\n")
	return strings.TrimSuffix(line, "\r")
}

// skip leaves n bytes behind.
func (r *reader) skip(n int) {
	for _, c := range r.src[:n] {
		r.column++
		if c == '\n' {
			r.line, r.column = r.line+1, 1
		}
	}
	r.src = r.src[n:]
}

// marker reports whether a line begins here with what separates documents.
func (r *reader) marker(m string) bool {
	return r.column == 1 && strings.HasPrefix(r.src, m) && (len(r.src) == 3 || strings.IndexByte(" \r\n", r.src[3]) >= 0)
}

// space leaves spaces and a comment behind, on this line.
func (r *reader) space() {
	n := len(r.src) - len(strings.TrimLeft(r.src, " "))
	begins := r.column == 1 || n > 0
	r.skip(n)
	if strings.HasPrefix(r.src, "\t") {
		r.stop("there is a tab", "use spaces")
	}
	if begins && strings.HasPrefix(r.src, "#") {
		r.skip(len(r.rest()))
	}
}

// ended reports whether nothing is left of the line.
func (r *reader) ended() bool { return r.src == "" || r.src[0] == '\n' || r.src[0] == '\r' }

// blank leaves spaces, comments and ends of lines behind.
func (r *reader) blank() {
	for r.space(); r.src != "" && r.ended(); r.space() {
		r.skip(len(r.src) - len(strings.TrimLeft(r.src, "\r\n")))
	}
}

// next finds the next value, and reports whether it is indented by at least
// least.
func (r *reader) next(least int) bool {
	r.blank()
	if r.marker("---") || r.marker("...") {
		r.stop("a second document begins here", "put everything into one")
	}
	return r.src != "" && r.column >= least
}

// block reads the value that begins on a line of its own, indented by at least
// least.
func (r *reader) block(least, depth int) *node {
	if !r.next(least) {
		return &node{kind: missing, at: r.place()}
	}
	return r.item(least, depth)
}

// item reads the value that begins here.
func (r *reader) item(least, depth int) *node {
	if depth > maxDepth {
		r.stop("nested too deeply", "nest fewer lists and mappings in each other")
	}
	switch {
	case r.dash():
		return r.list(depth)
	case r.atKey():
		return r.mapping(depth)
	}
	return r.inline(least, depth)
}

// dash reports whether an item of a list begins here.
func (r *reader) dash() bool {
	return strings.HasPrefix(r.src, "-") && (len(r.src) == 1 || strings.IndexByte(" \r\n", r.src[1]) >= 0)
}

// quotedText matches a text in quotes, beginsKey a key and its colon.
var (
	quotedText = regexp.MustCompile(`^(?:"(?:[^"\\\r\n]|\\[^\r\n])*"|'(?:[^'\r\n]|'')*')`)
	beginsKey  = regexp.MustCompile(`^(?:"(?:[^"\\\r\n]|\\[^\r\n])*"|'(?:[^'\r\n]|'')*'|[^\s"'{}\[\],#&*!|>%@` + "`" + `-][^\s{}\[\],"]*) *:(?:[ \r\n]|$)`)
)

// atKey reports whether a key and its colon begin here.
func (r *reader) atKey() bool { return beginsKey.MatchString(r.src[:min(len(r.src), 1000)]) }

// list reads items, each of which begins with "- " in this column.
func (r *reader) list(depth int) *node {
	n := &node{kind: listNode, at: r.place()}
	column := r.column
	for r.dash() {
		r.skip(1)
		r.space()
		if r.ended() {
			n.items = append(n.items, r.block(column+1, depth+1))
		} else {
			n.items = append(n.items, r.item(column+1, depth+1))
		}
		if !r.again(column) {
			break
		}
	}
	return n
}

// again reports whether a line begins in the column; in a later one nothing may.
func (r *reader) again(column int) bool {
	if !r.next(column) {
		return false
	}
	if r.column > column {
		r.stop("%s does not belong here", "check the indentation", excerpt(r.rest()))
	}
	return true
}

// mapping reads keys, each of which begins in this column, and their values.
func (r *reader) mapping(depth int) *node {
	n := &node{kind: mappingNode, at: r.place()}
	column := r.column
	for r.atKey() {
		k := r.key()
		r.space()
		r.skip(1) // the colon
		r.space()
		var v *node
		switch {
		case !r.ended():
			v = r.inline(column+1, depth+1)
		case r.next(column+1) || r.column == column && r.dash():
			v = r.item(column+1, depth+1)
		default:
			v = &node{kind: missing, at: k.at}
		}
		r.add(n, k, v)
		if !r.again(column) {
			break
		}
	}
	return n
}

// add adds a key and its value to a mapping.
func (r *reader) add(n *node, k key, v *node) {
	if i, ok := n.index[k.name]; ok {
		r.wrong(k.at, "the key %s is given twice, first in line %d", "keep one of them", excerpt(k.name), n.keys[i].at.line)
		return
	}
	if n.index == nil {
		n.index = map[string]int{}
	}
	n.index[k.name] = len(n.keys)
	n.keys, n.items = append(n.keys, k), append(n.items, v)
}

// inline reads a value that must end on the line on which it does.
func (r *reader) inline(least, depth int) *node {
	n := r.value(least, depth, false)
	r.space()
	if !r.ended() {
		r.stop("%s follows a value", "put each value on its own line", excerpt(r.rest()))
	}
	return n
}

var (
	plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	number   = regexp.MustCompile(`^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?$`)
)

// notKeys are what older YAML does not read as text.
var notKeys = []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null"}

// key reads a key up to its colon.
func (r *reader) key() key {
	k := key{at: r.place()}
	if c := r.src[0]; c == '"' || c == '\'' {
		k.name = r.quoted().text
		return k
	}
	n := strings.IndexAny(r.src, ": ,{}[]\"'\r\n")
	if n <= 0 {
		r.stop("%s is not a key", "write a name, a colon and a space", excerpt(r.rest()))
	}
	k.name = r.src[:n]
	if !plainKey.MatchString(k.name) || slices.Contains(notKeys, strings.ToLower(k.name)) {
		r.wrong(k.at, "the key %s is not in quotes", "put it in quotes if it is meant; merge keys are not allowed", excerpt(k.name))
	}
	r.skip(n)
	return k
}

// value reads a text, number, truth value, or a list or mapping in brackets, which
// goes on where it is indented by at least least.
func (r *reader) value(least, depth int, flow bool) *node {
	if depth > maxDepth {
		r.stop("nested too deeply", "nest fewer lists and mappings in each other")
	}
	switch c := r.src[0]; c {
	case '"', '\'':
		return r.quoted()
	case '{', '[':
		return r.brackets(least, depth)
	case '&', '*', '!':
		r.stop("anchors, aliases and tags are not allowed", "write the value itself, texts in quotes")
	case '|', '>':
		r.stop("block texts are not allowed", "write the text in quotes, on one line")
	}
	n := &node{at: r.place()}
	end := strings.IndexFunc(r.src, func(c rune) bool {
		return c == '\r' || c == '\n' || c == '#' || flow && strings.ContainsRune(",{}[]", c)
	})
	if end < 0 {
		end = len(r.src)
	}
	n.text = strings.TrimRight(r.src[:end], " ")
	switch {
	case number.MatchString(n.text) && n.text != "-0":
		n.kind = numberNode
	case n.text == "true" || n.text == "false":
		n.kind = truthNode
	case n.text == "":
		r.stop("a value is missing", "write one")
	case n.text == "null" || n.text == "~":
		r.wrong(n.at, "there is no value", "write one, or remove the key")
	default:
		r.wrong(n.at, "%s is not in quotes", "write "+excerpt(n.text), excerpt(n.text))
	}
	r.skip(len(n.text))
	return n
}

// quoted reads a text in quotes. In double quotes it has the escapes of JSON; in
// single quotes a single quote is written twice.
func (r *reader) quoted() *node {
	n := &node{kind: textNode, at: r.place()}
	raw := quotedText.FindString(r.src)
	if raw == "" {
		r.stop("the text has no closing quote on its line", "close it; a text is on one line")
	}
	if raw[0] == '\'' {
		n.text = strings.ReplaceAll(raw[1:len(raw)-1], "''", "'")
	} else if err := json.Unmarshal([]byte(raw), &n.text); err != nil {
		r.wrong(n.at, "the text %s cannot be read", `use no tabs, and only the escapes \" \\ \/ and \uXXXX`, excerpt(raw))
		n.kind = broken
	}
	if strings.ContainsFunc(n.text, hidden) {
		r.wrong(n.at, "the text %s has a character that is not seen", "remove it", excerpt(n.text))
		n.kind = broken
	}
	r.skip(len(raw))
	return n
}

// brackets reads a list or a mapping in brackets.
func (r *reader) brackets(least, depth int) *node {
	n := &node{kind: listNode, at: r.place(), inline: true}
	closing := "]"
	if r.src[0] == '{' {
		n.kind, closing = mappingNode, "}"
	}
	r.skip(1)
	for {
		r.inside(least, closing)
		if strings.HasPrefix(r.src, closing) {
			break
		}
		if n.kind == listNode {
			n.items = append(n.items, r.value(least, depth+1, true))
		} else {
			r.pair(n, least, depth)
		}
		r.inside(least, closing)
		if strings.HasPrefix(r.src, ",") {
			r.skip(1)
			continue
		}
		if !strings.HasPrefix(r.src, closing) {
			r.stop("%s is neither , nor %s", "separate the parts by commas, and close what is open", excerpt(r.rest()), closing)
		}
	}
	r.skip(1)
	return n
}

// pair reads a key and its value in brackets.
func (r *reader) pair(n *node, least, depth int) {
	quoted := r.src[0] == '"' || r.src[0] == '\''
	k := r.key()
	r.space()
	if !strings.HasPrefix(r.src, ":") || !quoted && len(r.src) > 1 && strings.IndexByte(" \r\n", r.src[1]) < 0 {
		r.stop("%s is not followed by a colon and a space", "write \"key: value\"", excerpt(k.name))
	}
	r.skip(1)
	r.inside(least, "}")
	if strings.IndexByte(",}", r.src[0]) >= 0 {
		r.add(n, k, &node{kind: missing, at: k.at})
		return
	}
	r.add(n, k, r.value(least, depth+1, true))
}

// inside finds what comes next in brackets.
func (r *reader) inside(least int, closing string) {
	line := r.line
	if !r.next(1) {
		r.stop("the document ends before %s", "close what is open", closing)
	}
	if r.line > line && r.column < least {
		r.stop("%s continues what is in brackets and is not indented", "indent it", excerpt(r.rest()))
	}
}
