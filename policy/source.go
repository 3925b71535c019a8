package policy

// A source is where the terms of an agreement stand in its document.
type source struct {
	file      string
	positions map[string]Position // by path, such as "flows[0].tlp.max"
}

// position is that of the term at path, or of the nearest term around it; zero
// if the agreement was not parsed.
func (s *source) position(path string) Position {
	if s == nil {
		return Position{}
	}
	return s.positions[path]
}
