package bolt

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"entente/stix"
	"entente/store"
)

// A version is what orders an entry among the versions of its object: the
// instant, and of equal instants the seq.
type version struct {
	us    int64  // µs, rounded down; of an object without version its Added
	frac  string // what fraction returns
	seq   uint32
	flags uint8
}

// compare orders versions by instant alone.
func (v *version) compare(w *version) int {
	return cmp.Or(cmp.Compare(v.us, w.us), strings.Compare(v.frac, w.frac))
}

// version reads the version of an entry that is not deleted.
func (l *logIndex) version(seq uint32) (version, error) {
	o, at := l.origin(seq)
	ref := &o.dir[o.locate(at, 0)]
	b, err := l.m.view(ref.place)
	if err != nil {
		return version{}, err
	}
	v := l.versionIn(ref, b, at-ref.first, seq)
	if v.flags&flagFine != 0 {
		v.frac, err = l.fraction(seq)
	}
	return v, err
}

// versionIn reads the version of entry seq, which is slot i of the chunk in b, but
// for what is finer than a µs.
func (l *logIndex) versionIn(ref *chunkRef, b []byte, i, seq uint32) version {
	v := version{seq: seq, flags: b[ref.cols[colFlags]+i]}
	us := b[ref.cols[colVersion]+8*i:]
	if v.flags&flagNoVersion != 0 {
		if l.rel != nil {
			v.us = l.rel.addedAt(seq)
			return v
		}
		us = b[ref.cols[colAdded]+8*i:]
	}
	v.us = int64(binary.LittleEndian.Uint64(us))
	return v
}

// fraction reads from its object what a version has beyond a whole µs.
func (l *logIndex) fraction(seq uint32) (string, error) {
	c, i, err := l.slotAt(seq)
	if err != nil {
		return "", err
	}
	o, err := stix.Parse(string(c.object(i)))
	return fraction(o.Version()), err
}

// A history is what a commit must know about an object that has entries: those
// in the log and those of the commit before it.
type history struct {
	latest    uint32    // the entry added last
	count     int       // versions
	versions  []version // of entries with a version, by instant
	loose     []loose   // entries without, by hash
	revoked   *version  // the oldest that is revoked; nil if none is
	byCreator creator   // of the newest version; valid if known
	known     bool
}

// A loose entry has no version: what names it is its content.
type loose struct {
	hash int64 // contentHash
	seq  uint32
}

func compareLoose(a, b loose) int {
	return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.seq, b.seq))
}

type creator struct {
	created   stix.Timestamp
	createdBy stix.ID
}

func creatorOf(o *stix.Object) creator {
	h := stix.Header{Created: o.Created}
	return creator{created: h.Version(), createdBy: o.CreatedBy}
}

// history reads what the log has of the object whose latest entry is seq.
func (l *logIndex) history(seq uint32) (*history, error) {
	h := &history{latest: seq}
	for _, seq := range l.chain(seq) {
		h.count++
		v, err := l.version(seq)
		if err != nil {
			return nil, err
		}
		if v.flags&flagNoVersion == 0 {
			h.versions = append(h.versions, v)
			continue
		}
		hash, err := l.column(seq, colVersion)
		if err != nil {
			return nil, err
		}
		h.loose = append(h.loose, loose{hash: int64(binary.LittleEndian.Uint64(hash)), seq: seq})
	}
	slices.SortFunc(h.versions, func(a, b version) int { return a.compare(&b) })
	slices.SortFunc(h.loose, compareLoose)
	if i := slices.IndexFunc(h.versions, func(v version) bool { return v.flags&flagRevoked != 0 }); i >= 0 {
		first := h.versions[i]
		h.revoked = &first
	}
	return h, nil
}

// add records a new entry.
func (h *history) add(v version, o *stix.Object) {
	if h.include(v) {
		h.byCreator, h.known = creatorOf(o), true
	}
}

// include is add without the creator; it reports whether v is the newest version.
func (h *history) include(v version) (newest bool) {
	h.latest = v.seq
	h.count++
	if v.flags&flagNoVersion != 0 {
		e := loose{hash: v.us, seq: v.seq}
		i, _ := slices.BinarySearchFunc(h.loose, e, compareLoose)
		h.loose = slices.Insert(h.loose, i, e)
		return false
	}
	if v.flags&flagRevoked != 0 && (h.revoked == nil || v.compare(h.revoked) < 0) {
		h.revoked = &v
	}
	i, _ := h.search(&v)
	h.versions = slices.Insert(h.versions, i, v)
	return i == len(h.versions)-1
}

func (h *history) search(v *version) (int, bool) {
	return slices.BinarySearchFunc(h.versions, v, func(a version, b *version) int { return a.compare(b) })
}

// outcome tries the rules of store.Outcome on o, whose version is v. object
// returns the bytes of an entry. The seq is that of the Duplicate or of the
// entry that Differs.
func (h *history) outcome(o *stix.Object, v *version, object func(uint32) (string, error)) (store.Outcome, uint32, error) {
	if v.flags&flagNoVersion != 0 {
		at, _ := slices.BinarySearchFunc(h.loose, loose{hash: v.us}, compareLoose)
		for _, e := range h.loose[at:] {
			if e.hash != v.us {
				break // nearly always after one entry: see contentHash
			}
			raw, err := object(e.seq)
			if err != nil || stix.Equal(raw, o.Raw) {
				return store.Duplicate, e.seq, err
			}
		}
		return h.room(), 0, nil
	}
	at, found := h.search(v)
	if found {
		seq := h.versions[at].seq
		raw, err := object(seq)
		if err != nil || stix.Equal(raw, o.Raw) {
			return store.Duplicate, seq, err
		}
		return store.Differs, seq, nil
	}
	if o.Modified != "" && len(h.versions) > 0 {
		if err := h.learnCreator(object); err != nil {
			return 0, 0, err
		}
		if h.byCreator != creatorOf(o) {
			return store.Foreign, 0, nil
		}
	}
	if !o.Revoked && h.revoked != nil && h.revoked.compare(v) < 0 {
		return store.AfterRevoked, 0, nil
	}
	return h.room(), 0, nil
}

func (h *history) room() store.Outcome {
	if h.count >= store.MaxVersions {
		return store.TooMany
	}
	return store.Stored
}

// learnCreator reads who made the newest version.
func (h *history) learnCreator(object func(uint32) (string, error)) error {
	if h.known {
		return nil
	}
	raw, err := object(h.versions[len(h.versions)-1].seq)
	if err != nil {
		return err
	}
	o, err := stix.Parse(strings.Clone(raw))
	if err != nil {
		return err
	}
	h.byCreator, h.known = creatorOf(&o), true
	return nil
}
