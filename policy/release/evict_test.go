package release

import (
	"slices"
	"testing"
	"time"

	"entente/policy"
	"entente/store"
)

// What a partner relayed stays where the partner saw it, when the originator sends
// something else and it has to leave the collection.
func TestEvictedStaysInPlace(t *testing.T) {
	list := []*policy.Agreement{agreement(partner, "GREEN", nil), agreement(other, "AMBER", nil), agreement(third, "GREEN", nil)}
	w := newWorld(t, list...)
	by := `"created_by_ref":"` + string(other) + `"`
	w.write(object(string(other), 0, clear1, `"name":"other","identity_class":"organization"`))
	relayed := object(idOf("indicator", 1), 0, clear1, by, `"name":"changed on the way"`)
	w.send(partner, relayed)
	w.send(third, relayed, object(idOf("indicator", 2), 0, clear1))
	was, wasThird := w.rows(partner), w.rows(third)
	w.now = w.now.Add(time.Minute)
	w.send(other, object(idOf("indicator", 1), 0, amber1, by))
	for _, when := range []string{"afterwards", "after a restart"} {
		if got := w.rows(partner); !slices.Equal(got, was) {
			t.Errorf("%s the one who relayed it sees %v, want %v", when, got, was)
		}
		if got := w.rows(third); !slices.Equal(got, wasThird) {
			t.Errorf("%s another who relayed it sees %v, want %v", when, got, wasThird)
		}
		w.restart(list...)
	}
}

// rows are the entries that p polls, without where they are from.
func (w *world) rows(p policy.OrgID) []store.Row {
	w.t.Helper()
	w.sees(p)
	a := w.r.Access(p, false, intel, w.now)
	var page store.Page
	q := store.Query{Versions: store.Versions{All: true}, Limit: 1000, Want: store.WantRows, Gate: a.Gate}
	if err := w.st.Read(w.t.Context(), a.Log, &q, &page); err != nil {
		w.t.Fatal(err)
	}
	return page.Rows
}
