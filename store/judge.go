package store

import "entente/stix"

// Judge tries the rules of Outcome on o in a log that has these versions of the
// object. It also returns the index of the version that makes it a Duplicate or
// Differs, else -1.
func Judge(o *stix.Object, versions []*stix.Object) (Outcome, int) {
	v := o.Version()
	for i, e := range versions {
		if e.Version() != v {
			continue
		}
		if stix.Equal(e.Raw, o.Raw) {
			return Duplicate, i
		}
		if v != "" {
			return Differs, i
		}
	}
	switch {
	case v == "":
	case o.Modified != "" && foreign(o, versions):
		return Foreign, -1
	case !o.Revoked && afterRevoked(v, versions):
		return AfterRevoked, -1
	}
	if len(versions) >= MaxVersions {
		return TooMany, -1
	}
	return Stored, -1
}

// foreign reports whether o cannot be by the creator of the newest version.
func foreign(o *stix.Object, versions []*stix.Object) bool {
	var newest *stix.Object
	for _, e := range versions {
		if v := e.Version(); v != "" && (newest == nil || v > newest.Version()) {
			newest = e
		}
	}
	return newest != nil && (created(newest) != created(o) || newest.CreatedBy != o.CreatedBy)
}

// created is o's created as an instant, "" if absent.
func created(o *stix.Object) stix.Timestamp {
	h := stix.Header{Created: o.Created}
	return h.Version()
}

// afterRevoked reports whether a version before v is revoked.
func afterRevoked(v stix.Timestamp, versions []*stix.Object) bool {
	for _, e := range versions {
		if e.Revoked && e.Version() != "" && e.Version() < v {
			return true
		}
	}
	return false
}
