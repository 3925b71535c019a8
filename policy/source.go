package policy

import "strings"

// A source is what is kept of the document of an agreement.
type source struct {
	file      string
	root      *node
	positions map[string]Position // by path, such as "flows[0].tlp.max"
	nodes     map[string]*node    // by path
}

// position is that of the term at path, or of the nearest term around it; zero
// if there is none, or the agreement was not parsed.
func (s *source) position(path string) Position {
	if s == nil {
		return Position{}
	}
	for {
		if p, ok := s.positions[path]; ok {
			return p
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return Position{}
		}
		path = path[:i]
	}
}

// note remembers where n is.
func (s *source) note(path string, n *node, at place) {
	s.positions[path], s.nodes[path] = Position{s.file, at.line, at.column}, n
}

// node is the value at path; nil if it is not written.
func (s *source) node(path string) *node { return s.nodes[path] }
