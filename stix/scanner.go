package stix

import "fmt"

// Default limits of a Scanner.
const (
	defaultMaxObjects = 100_000
	defaultMaxDepth   = 64
	freeItems         = 64 // see Scanner.Room
)

// A Scanner takes envelopes apart. The zero Scanner is ready to use; one that
// is used again allocates nothing for objects without faults. A Scanner must
// not be used concurrently.
type Scanner struct {
	MaxObjects int // most elements of one envelope; 0 means 100,000
	MaxDepth   int // most levels of objects and lists in one STIX object, itself included; 0 means 64

	// Strict refuses objects for every MUST that Lint knows.
	Strict bool

	// MaxErrors bounds what an envelope of faults costs: elements that are no STIX
	// objects are items up to this many; Beyond counts the others. 0 means no bound.
	MaxErrors int

	// Room, if set, is asked before Envelope takes memory for items beyond the
	// first 64; items is how many there may be then. Its error ends Envelope.
	Room func(items int) error

	scan    scan
	draft   draft
	items   []Item
	granted int         // items that need no asking of Room
	refused int         // elements of the envelope that are no STIX objects
	spare   ObjectError // of those that are no items
	noRoom  error       // from Room
}

// An Item is one element of an envelope. Either Err is nil and Object is a
// STIX object, or Err says why it is none and Object is the zero Object.
type Item struct {
	Object Object
	Err    *ObjectError
	Offset int64 // bytes before it
}

// Parse reads text as one STIX object. White space around it is cut off. The
// error is a *SyntaxError or an *ObjectError; both wrap ErrInvalid.
func Parse(text string) (Object, error) {
	var s Scanner
	return s.Object(text)
}

// Object is Parse with the limits and the memory of s: Markings of the object
// are valid until the next call.
func (s *Scanner) Object(text string) (Object, error) {
	s.begin(text)
	i := s.scan.space(0)
	var item Item
	end := s.element(i, 0, &item)
	if end < 0 {
		return Object{}, s.syntaxError()
	}
	if end = s.scan.space(end); end < len(text) {
		s.scan.unexpected(end, "expected nothing after the object")
		return Object{}, s.syntaxError()
	}
	if item.Err != nil {
		return Object{}, item.Err
	}
	return item.Object, nil
}

// Envelope splits the text of an envelope (TAXII 2.1, section 3.7) or of a
// bundle (STIX 2.1, section 8) into its elements and checks each of them.
// Members other than "objects" are ignored. The items and what they hold are
// slices of text and of s: they are valid until the next call.
//
// The error is a *SyntaxError, or what Room returned. A *SyntaxError makes the
// whole text unusable: broken JSON anywhere, invalid UTF-8, a name twice in the
// envelope, no list "objects", an empty one, or a limit exceeded.
func (s *Scanner) Envelope(text string) ([]Item, error) {
	s.begin(text)
	if s.envelope() < 0 {
		if s.noRoom != nil {
			return nil, s.noRoom
		}
		return nil, s.syntaxError()
	}
	return s.items, nil
}

func (s *Scanner) begin(text string) {
	c := &s.scan
	c.clear(text)
	c.marks = c.marks[:0]
	c.keys.cut(0)
	s.items, s.granted, s.refused, s.noRoom = s.items[:0], freeItems, 0, nil
	s.deepen()
}

// deepen allows the next value all levels.
func (s *Scanner) deepen() {
	s.scan.depth = s.MaxDepth
	if s.scan.depth <= 0 {
		s.scan.depth = defaultMaxDepth
	}
}

func (s *Scanner) syntaxError() error {
	c := &s.scan
	line, column := place(c.text, c.bad.at, 0, 0)
	return &SyntaxError{Offset: int64(c.bad.at), Line: line + 1, Column: column + 1, Reason: c.bad.reason}
}

// envelope reads the whole text.
func (s *Scanner) envelope() int {
	c := &s.scan
	i := c.space(0)
	if i >= len(c.text) {
		return c.end()
	}
	if c.text[i] != '{' {
		return c.unexpected(i, "an envelope is a JSON object")
	}
	mark := c.keys.open()
	found := false
	i = c.space(i + 1)
	for first := true; ; first = false {
		if first && i < len(c.text) && c.text[i] == '}' {
			break
		}
		var name string
		if name, i = c.key(i, &mark); i < 0 {
			return i
		}
		if name == "objects" && !found {
			found = true
			i = s.objects(i)
		} else {
			s.deepen()
			i = c.value(i)
		}
		if i < 0 {
			return i
		}
		if c.besides() < 0 {
			return failed
		}
		var last bool
		if i, last = c.after(i, '}'); i < 0 {
			return i
		} else if last {
			break
		}
	}
	c.close(mark, i)
	if c.besides() < 0 {
		return failed
	}
	if i = c.space(i + 1); i < len(c.text) {
		return c.unexpected(i, "expected nothing after the envelope")
	}
	if !found {
		return c.fail(0, "an envelope needs a list named \"objects\"")
	}
	return i
}

// objects reads the list of STIX objects into s.items.
func (s *Scanner) objects(i int) int {
	c := &s.scan
	if i >= len(c.text) {
		return c.end()
	}
	if c.text[i] != '[' {
		return c.fail(i, "\"objects\" is not a list")
	}
	from := i
	i = c.space(i + 1)
	if i < len(c.text) && c.text[i] == ']' {
		return c.fail(from, "\"objects\" is an empty list")
	}
	most := s.MaxObjects
	if most <= 0 {
		most = defaultMaxObjects
	}
	for index := 0; ; index++ {
		if index >= most {
			return c.fail(i, fmt.Sprintf("more than %d objects", most))
		}
		n := len(s.items)
		if !s.room(n) {
			return failed
		}
		s.items = append(s.items, Item{})
		if i = s.element(i, index, &s.items[n]); i < 0 {
			return i
		}
		if s.items[n].Err == &s.spare {
			s.items = s.items[:n]
		}
		var last bool
		if i, last = c.after(i, ']'); last {
			if i < 0 {
				return i
			}
			c.odd, c.grave = fault{}, fault{}
			return i + 1
		}
	}
}

// besides fails if there is a grave fault in the envelope beside its objects.
func (s *scan) besides() int {
	if s.grave.reason == "" {
		return 0
	}
	if s.grave.property == "" {
		return s.fail(s.grave.at, "the envelope "+s.grave.reason)
	}
	return s.fail(s.grave.at, excerpt(s.grave.property)+" "+s.grave.reason)
}

// clear forgets what was found out about an earlier text.
func (s *scan) clear(text string) {
	s.text, s.bad, s.odd, s.grave, s.ended = text, fault{}, fault{}, fault{}, false
}

// element reads the index-th element, which should be a STIX object, into
// item, which is zero.
func (s *Scanner) element(i, index int, item *Item) int {
	c := &s.scan
	s.deepen()
	if i >= len(c.text) {
		return c.end()
	}
	item.Offset = int64(i)
	if c.text[i] == '{' {
		d := &s.draft
		end := c.stixObject(i, d)
		if end >= 0 {
			s.judge(d, index, item)
		}
		return end
	}
	end := c.value(i)
	if end >= 0 {
		item.Err = s.refuse(ObjectError{Index: index, Reason: "is not a JSON object", Raw: c.text[i:end]})
	}
	return end
}

// judge makes an item of an object that was read.
func (s *Scanner) judge(d *draft, index int, item *Item) {
	c := &s.scan
	c.check(d)
	raw := c.text[d.start:d.end]
	if c.odd.reason == "" {
		item.Object.Header, item.Object.Raw = d.Header, raw
		if !s.Strict || s.strict(&item.Object) {
			return
		}
		item.Object = Object{}
	}
	item.Err = s.refuse(ObjectError{
		Index: index, ID: d.ID, Version: d.VersionText(), Property: c.odd.property, Reason: c.odd.reason, Raw: raw,
	})
}

// strict notes the first MUST that an accepted object breaks.
func (s *Scanner) strict(o *Object) bool {
	for _, f := range s.lint(o) {
		if f.Must {
			s.scan.note(0, f.Property, f.Reason+" (STIX 2.1, section "+f.Section+")")
			return false
		}
	}
	return true
}
