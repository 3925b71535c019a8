// Package stix reads STIX 2.0 and 2.1 objects without changing them.
//
// An [Object] is the text a producer sent plus a [Header]: the few properties
// that storage, filters and sharing rules look at. Nothing in this module
// re-encodes an object, because every copy of a version must carry the same
// properties and values (STIX 2.1, section 3.6). What is shown with less in it is
// another object: see [Project].
package stix

// MaxObjectSize is the most bytes one object may have, 8 MiB.
const MaxObjectSize = 8 << 20

// An ID is a STIX identifier, "<type>--<UUID>" (STIX 2.1, section 2.9). Two
// identifiers are equal when their bytes are; case is never folded.
type ID string

// A Header is the part of an object that the server understands. Its strings
// are slices of Object.Raw: reading a header allocates nothing.
type Header struct {
	Type        string
	ID          ID
	SpecVersion string // "2.0" or "2.1"; see the package function that detects it for objects which name none
	Created     string // as written; "" if absent
	Modified    string // as written; "" if absent
	CreatedBy   ID     // created_by_ref; "" if absent
	Markings    []ID   // object_marking_refs and every granular marking_ref, in order of appearance, repeats kept
	Revoked     bool
}

// VersionText is the text that names this version to TAXII clients: modified,
// else created, as written; "" if the object has neither and the server must
// choose (TAXII 2.1, section 3.4.1).
func (h *Header) VersionText() string {
	if h.Modified != "" {
		return h.Modified
	}
	return h.Created
}

// Version is VersionText in canonical form; "" if the object has neither
// modified nor created.
func (h *Header) Version() Timestamp { return canonical(h.VersionText()) }

// An Object is one STIX object: a JSON object in UTF-8, no byte changed since
// it arrived. The zero Object is no object.
type Object struct {
	Header
	Raw string // 2 to MaxObjectSize bytes, no white space around it
}
