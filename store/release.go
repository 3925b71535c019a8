package store

import "fmt"

// A Label stands for what the sharing rules know about an entry. The store
// keeps it and filters by it, and does not know what it means. Zero is no label.
type Label uint32

// A LabelSet is a set of labels: l is in it if bit l%64 of word l/64 is set.
// Labels beyond its end are not in it.
type LabelSet []uint64

// Has reports whether l is in s.
func (s LabelSet) Has(l Label) bool {
	return int(l>>6) < len(s) && s[l>>6]&(1<<(l&63)) != 0
}

// With returns s with l in it; it changes s if there is room.
func (s LabelSet) With(l Label) LabelSet {
	for int(l>>6) >= len(s) {
		s = append(s, 0)
	}
	s[l>>6] |= 1 << (l & 63)
	return s
}

// A Relabel gives an entry of Batch.Log another label. If the entry is there and
// its label is not From, the Batch fails with ErrConflict; an entry that is not
// there is passed over. Two of one entry in one Batch follow on each other: From
// of the second is To of the first.
type Relabel struct {
	Added    Added
	From, To Label
}

// A Release changes a release log. The entries of a release log are entries of
// other logs, in an order and with Added values of its own; the bytes are kept
// once. Everything that reads a log reads a release log in the same way: all
// that Query says about what "the log" holds is about what this log holds.
//
// A log is of one kind, for good, from its first entry on: a release log if a
// Release added that, else a log of objects. Objects, Relabel and Delete on a
// release log, a Release of one (Of), and a Release that names a log of objects
// as Log are ErrInvalid, whether or not they would change anything. So is,
// whatever is stored, a Batch that uses one name in both ways.
//
// Deleting an entry of a log takes it out of all release logs in the same
// commit. Relabeling changes the label everywhere.
type Release struct {
	Log  LogID   // the release log; comes into being with its first entry
	Of   LogID   // a log of objects; may be Batch.Log, whose new objects are there already
	Drop []Added // entries of Of to withdraw; those that Log does not have are passed over
	Move []Move  // then entries of Log that become entries of Of, one after the other

	// Add has the entries of Of to append then, in this order; those that Of does
	// not have, or Log has already, are passed over. What one Release of a Batch
	// adds and a later one drops was never there and takes no Added.
	Add []Added
}

// A Move makes an entry of a release log, which was entry Was of From, entry Now of
// the Release's Of. It keeps its Added: whoever reads the release log notices
// nothing. The two objects must be the same bytes, else the Batch is ErrInvalid. A
// Move is passed over if one of the two is not there, if the release log does not
// have the first, and if it has the second already.
type Move struct {
	From LogID // a log of objects
	Was  Added
	Now  Added
}

// CheckReleases returns ErrInvalid if Commit must refuse releases whatever is
// stored.
func CheckReleases(releases []Release) error {
	logs := make(map[LogID]bool, len(releases))
	for i := range releases {
		logs[releases[i].Log] = true
	}
	for i := range releases {
		r := &releases[i]
		if err := CheckLog(r.Log); err != nil {
			return fmt.Errorf("release %d: %w", i, err)
		}
		if err := CheckLog(r.Of); err != nil {
			return fmt.Errorf("release %d to %q: %w", i, r.Log, err)
		}
		if logs[r.Of] {
			return fmt.Errorf("%w: release %d to %q: %q, of which it releases, is a release log in this batch", ErrInvalid, i, r.Log, r.Of)
		}
		for k := range r.Move {
			from := r.Move[k].From
			if err := CheckLog(from); err != nil {
				return fmt.Errorf("release %d to %q: move %d: %w", i, r.Log, k, err)
			}
			if logs[from] {
				return fmt.Errorf("%w: release %d to %q: move %d is from %q, a release log in this batch", ErrInvalid, i, r.Log, k, from)
			}
		}
	}
	return nil
}
