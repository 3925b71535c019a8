package release

import (
	"testing"
	"time"

	"entente/policy"
	"entente/store"
)

// What is released late comes in the order in which those of its copies came that
// the partner may have, also after a restart.
func TestOrderAfterRestart(t *testing.T) {
	first := agreement(other, "AMBER", func(a *policy.Agreement) { a.Flows[1].Onward.Mode = "none" })
	late := agreement(partner, "GREEN", nil)
	for _, restart := range []bool{false, true} {
		w := newWorld(t, first)
		x, y, z := object(idOf("indicator", 1), 0, clear1), object(idOf("indicator", 2), 0, clear1), object(idOf("indicator", 3), 0, clear1)
		w.send(other, x)
		w.now = w.now.Add(time.Minute)
		w.write(y, x, z)
		w.now = w.now.Add(time.Minute)
		if restart {
			w.restart(first)
		}
		if err := w.r.Activate(t.Context(), setOf(t, first, late), nil); err != nil {
			t.Fatal(err)
		}
		w.want(partner, "indicator-2@00", "indicator-1@00", "indicator-3@00")
		if _, err := w.r.Delete(t.Context(), intel, x.ID, &store.Query{Versions: store.Versions{All: true}}); err != nil {
			t.Fatal(err)
		}
		if docs, err := w.st.Documents(t.Context(), kindCame); err != nil || len(docs) > 0 {
			t.Errorf("what is deleted leaves documents: %v, %v", docs, err)
		}
	}
}
