package stix

// Beyond is how many elements of the last envelope are no STIX objects and, for
// MaxErrors, not among the items.
func (s *Scanner) Beyond() int {
	if s.MaxErrors <= 0 {
		return 0
	}
	return max(0, s.refused-s.MaxErrors)
}

// Forget lets go of the last text and of all that points into it, and of memory
// that only an unusual text needs. The items are not valid any more.
func (s *Scanner) Forget() {
	const usual = 4096 // items, markings, names, nodes
	c := &s.scan
	clear(s.items)
	if cap(s.items) > usual {
		s.items = nil
	}
	s.begin("")
	s.draft, s.spare = draft{}, ObjectError{}
	c.marks = forget(c.marks, usual)
	c.keys.names = forget(c.keys.names, usual)
	c.keys.sorted = forget(c.keys.sorted, usual)
	c.paths = forget(c.paths, usual)
	c.tape.nodes = forget(c.tape.nodes, usual)
	c.tape.text = ""
	if t := c.tape.scan; t != nil {
		t.clear("")
		t.keys.names = forget(t.keys.names, usual)
		t.keys.sorted = forget(t.keys.sorted, usual)
	}
	if len(c.there) > usual {
		c.there = nil
	}
}

// forget empties list, and drops it if it is larger than usual.
func forget[T any](list []T, usual int) []T {
	if cap(list) > usual {
		return nil
	}
	clear(list[:cap(list)])
	return list[:0]
}

// room asks Room before the n-th item, counted from 0, and for some more with it.
func (s *Scanner) room(n int) bool {
	if n < s.granted || s.Room == nil {
		return true
	}
	s.granted = n + n/4
	s.noRoom = s.Room(s.granted)
	return s.noRoom == nil
}

// refuse counts e and makes an error of it; of those beyond MaxErrors, which are
// not kept, always the same.
func (s *Scanner) refuse(e ObjectError) *ObjectError {
	s.refused++
	if s.Beyond() > 0 {
		s.spare = e
		return &s.spare
	}
	kept := e
	return &kept
}
