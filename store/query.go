package store

import "entente/stix"

// A Query selects entries of one log (TAXII 2.1, section 3.4.1). Conditions of
// different fields all hold; of the values of one field, any.
//
// Versions are chosen last, after everything else, in this order:
//
//  1. Types, IDs;
//  2. SpecVersions: those listed, or, if empty, of each object only entries of
//     the newest spec version that the log holds of it (whatever After says);
//  3. After;
//  4. Versions, among the versions of each object (each ID) that are left. A
//     version is the instant that Row.Version names, for objects without
//     modified and created that of Added; versions order by it, of equal ones
//     the later Added is newer;
//  5. Gate;
//  6. From, Limit and MaxBytes, which page through the result.
type Query struct {
	After        Added // only entries with a greater Added (added_after)
	Types        []string
	IDs          []stix.ID
	SpecVersions []string
	Versions     Versions
	Gate         LabelSet // only entries whose label is in it; nil: all. It changes nothing about which versions are chosen.

	From  Added // paging: only entries with a greater Added; changes nothing about which versions are chosen
	Limit int   // 1 or more
	Want  Want

	// MaxBytes bounds what a page costs in memory: with WantObjects or
	// WantDeflated it ends with the entry that brings its objects to this many
	// bytes, and More tells whether something is left. Zero means no bound.
	MaxBytes int

	// Take is called once, if it is not nil and the page is not empty, when the page has
	// everything but Objects. It gets what Objects would be, in pieces of the store's
	// own memory, and returns how many bytes of them, from the first on, need no copy:
	// Objects then has the rest. If it fails, Read returns its error. The pieces must not
	// be changed and are valid until it returns; until then writers may have to wait, so
	// it must neither wait nor use the store. It goes with WantObjects alone.
	Take func(objects [][]byte) (int, error)
}

// Versions says which versions of an object to take; the zero Versions means
// the last. Several conditions are a union.
type Versions struct {
	All   bool
	First bool
	Last  bool
	Exact []stix.Timestamp // canonical; compared as instants with what Row.Version names
}

// OnlyLast reports whether v selects the last version and nothing else.
func (v *Versions) OnlyLast() bool { return !v.All && !v.First && len(v.Exact) == 0 }

// Want says which parts of a Page to fill.
type Want uint8

const (
	WantObjects  Want = 1 << iota // Page.Objects
	WantDeflated                  // Page.Parts, instead of Page.Objects: not both
	WantRows                      // Page.Rows
	WantSource                    // with WantRows: Row.Label, Row.Of and Row.At
)

// A Page is what Read found. N, First, Last and More are always set. Callers
// may reuse a Page: its buffers grow and are kept.
type Page struct {
	N           int   // entries, 0 to Query.Limit; at least 1 if the query selects any
	First, Last Added // of the first and last entry; 0 if N is 0
	More        bool  // the query selects further entries after Last

	Objects []byte // the objects, byte for byte, joined by ","
	Parts   []Part // the same, in parts that may be compressed; a "," goes between two parts
	Rows    []Row
}

// A Row describes one entry of a Page.
type Row struct {
	Added       Added
	ID          stix.ID
	Version     string // modified, else created, as written; else Added as a TAXII timestamp
	SpecVersion string
	End         int // of the object's bytes in Page.Objects; 0 without WantObjects

	Label Label
	Of    LogID // the log of objects that has the entry: for a release log that which it was released from
	At    Added // the entry's Added in Of
}

// A Part is a run of one or more objects joined by ",": either Plain, or a
// Deflate fragment of Size bytes.
type Part struct {
	Plain   []byte
	Deflate []byte // raw DEFLATE (RFC 1951) blocks on a byte boundary, none of them final; nil if Plain
	Size    int    // bytes before compression
	CRC32   uint32 // IEEE, of the bytes before compression; 0 if Plain
}

// Reset empties p and keeps its buffers.
func (p *Page) Reset() {
	*p = Page{Objects: p.Objects[:0], Parts: p.Parts[:0], Rows: p.Rows[:0]}
}

// Object returns the bytes of the i-th object of a Page that was read with
// WantObjects and WantRows.
func (p *Page) Object(i int) []byte {
	start := 0
	if i > 0 {
		start = p.Rows[i-1].End + 1
	}
	return p.Objects[start:p.Rows[i].End]
}
