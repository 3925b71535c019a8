package stix

import (
	"hash/maphash"
	"slices"
)

// keys finds names that are twice in one object. It holds the names of all
// objects that are open, the innermost last. A level of few names is searched
// name by name, which is quickest; a level of many is sorted by a seeded hash
// when it is closed, so that no choice of names makes it slow.
type keys struct {
	names  []key
	sorted []hashed
	seed   *maphash.Seed
}

type key struct {
	print uint64 // fingerprint of name
	name  string
}

// few is the most names of one level that are compared one by one.
const few = 24

// A level is an open object in keys.
type level struct {
	from int    // index of its first name
	seen uint64 // a bit for each fingerprint that is there
}

type hashed struct {
	hash  uint64
	index int
}

func (k *keys) open() level { return level{from: len(k.names)} }

// add enters name into l, the innermost level. It reports whether l has it
// already; of a level with many names only close can tell.
func (k *keys) add(l *level, name string) bool {
	p := fingerprint(name)
	bit := uint64(1) << (p * 0x9e3779b97f4a7c15 >> 58)
	double := false
	if l.seen&bit != 0 && len(k.names)-l.from <= few {
		for i := l.from; i < len(k.names); i++ {
			if k.names[i].print == p && k.names[i].name == name {
				double = true
			}
		}
	}
	l.seen |= bit
	k.names = append(k.names, key{p, name})
	return double
}

// fingerprint mixes the length of name with its first and last bytes.
func fingerprint(name string) uint64 {
	n := len(name)
	if n >= 8 {
		return load8(name, 0) ^ load8(name, n-8)<<1 ^ uint64(n)<<56
	}
	p := uint64(n)
	for i := range n {
		p = p<<8 | uint64(name[i])
	}
	return p
}

// close leaves l, the innermost level. Of a level with many names it returns
// one that was there twice.
func (k *keys) close(l level) (name string, double bool) {
	if len(k.names)-l.from > few {
		name, double = k.search(k.names[l.from:])
	}
	k.names = k.names[:l.from]
	return name, double
}

// search returns a name that is twice in names.
func (k *keys) search(names []key) (string, bool) {
	seed := k.seeded()
	k.sorted = k.sorted[:0]
	for i := range names {
		k.sorted = append(k.sorted, hashed{maphash.String(seed, names[i].name), i})
	}
	slices.SortFunc(k.sorted, func(a, b hashed) int {
		if a.hash != b.hash {
			if a.hash < b.hash {
				return -1
			}
			return 1
		}
		return a.index - b.index
	})
	first, found := len(names), false
	for i := 1; i < len(k.sorted); i++ {
		a, b := k.sorted[i-1], k.sorted[i]
		if a.hash == b.hash && names[a.index].name == names[b.index].name && b.index < first {
			first, found = b.index, true
		}
	}
	if !found {
		return "", false
	}
	return names[first].name, true
}

// seeded is a random seed, which a sender cannot know.
func (k *keys) seeded() maphash.Seed {
	if k.seed == nil {
		seed := maphash.MakeSeed()
		k.seed = &seed
	}
	return *k.seed
}

// cut forgets all but the first n names, after a text was broken off.
func (k *keys) cut(n int) {
	k.names = k.names[:n]
}
