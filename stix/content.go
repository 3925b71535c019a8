package stix

// A Content is what sharing rules look at inside an object besides its Header.
// Its strings may be slices of the object's text.
type Content struct {
	ObjectMarkings  []ID       // object_marking_refs, unique
	Granular        []Granular // granular_markings that have a marking_ref
	Refs            []ID       // every id in a property that ends in _ref or _refs, at any depth, created_by_ref included, unique; no marking refs
	Labels          []string   // repeats kept
	Confidence      int        // 0 to 100; -1 if absent
	Lang            string
	Relationship    string // relationship_type
	PatternType     string
	KillChainPhases []string // "kill_chain_name/phase_name"
	Extensions      []string // keys of extensions, names at the top that the standard does not define for the type, and x_ names at any depth; unique. See StandardExtension.
	Hosts           []string // of the URLs of external_references, lower case, unique; "" for a URL without one
	Names           []string // of all properties at the top
}

// A Granular is an element of granular_markings.
type Granular struct {
	Marking   ID
	Selectors []string
}
