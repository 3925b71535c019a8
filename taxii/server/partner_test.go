package server

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"entente/policy"
	"entente/taxii"
)

// hubOf is a server with a partner that reads intel up to GREEN, and sends
// indicators to sightings up to AMBER; labels are embargoed for an hour.
func hubOf(t *testing.T) *player {
	t.Helper()
	out := mouFlow{out: true, colls: []int{0}, ceiling: "GREEN", normal: "AMBER+STRICT", types: []string{"*"}, embargo: 1, onward: "tlp", hops: 2, channels: []string{"poll"}}
	in := mouFlow{colls: []int{1}, ceiling: "AMBER", normal: "AMBER+STRICT", types: []string{"indicator"}, embargo: -9, onward: "none", hops: 1, channels: []string{"push"}}
	s := &story{partners: 1, mous: []mou{{partner: 0, status: policy.Active, from: -9, until: 99, grace: "P0D", suspension: "stop-new+hide-old",
		relation: "partner", reads: []string{"tlp1", "tlp2"}, flows: []mouFlow{out, in}}}}
	return newPlayer(s, []bool{true, true, true}, &mutant{})
}

const (
	markGreen = `"object_marking_refs":["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"]`
	markAmber = `"object_marking_refs":["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"]`
	markRed   = `"object_marking_refs":["marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"]`
)

func indicator(n, more string) string {
	return `{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-00000000000` + n + `","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z",` +
		`"pattern":"[domain-name:value = 'a.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z",` + more + `}`
}

func body(w *httptest.ResponseRecorder, into any) {
	_ = json.Unmarshal(w.Body.Bytes(), into) // what is not there fails the test
}

func TestPartnerReads(t *testing.T) {
	p := hubOf(t)
	green, amber, soon := indicator("1", markGreen), indicator("2", markAmber), indicator("3", markGreen+`,"labels":["operation"]`)
	if w := p.do("own", "POST", pathTo(0)+"objects/", `{"objects":[`+green+","+amber+","+soon+`]}`); w.Code != 202 {
		t.Fatalf("POST: %d %s", w.Code, w.Body)
	}
	var d taxii.Discovery
	body(p.do("partner0", "GET", "/taxii2/", ""), &d)
	if !slices.Equal(d.APIRoots, []string{"https://taxii.example.com/hub/"}) {
		t.Errorf("discovery: %+v", d)
	}
	var c taxii.Collections
	body(p.do("partner0", "GET", "/hub/collections/", ""), &c)
	if len(c.Collections) != 2 || !c.Collections[1].CanRead || c.Collections[1].CanWrite || c.Collections[0].CanRead || !c.Collections[0].CanWrite {
		t.Errorf("collections: %+v", c.Collections)
	}
	poll := func(want string) {
		t.Helper()
		if got := p.do("partner0", "GET", pathTo(0)+"objects/", "").Body.String(); got != `{"objects":[`+want+`]}` {
			t.Errorf("polled %s, want %s", got, want)
		}
	}
	poll(green)
	hidden := p.do("partner0", "GET", pathTo(0)+"objects/indicator--00000000-0000-4000-8000-000000000002/", "")
	absent := p.do("partner0", "GET", pathTo(0)+"objects/indicator--00000000-0000-4000-8000-000000000009/", "")
	if hidden.Code != 404 || absent.Code != 404 {
		t.Errorf("hidden: %d, absent: %d; want 404 both", hidden.Code, absent.Code)
	}
	p.now = p.now.Add(time.Hour)
	poll(green + "," + soon)
	late := p.do("partner0", "GET", pathTo(0)+"objects/?added_after=2026-01-01T12:59:59.000000Z", "")
	name := taxii.HeaderAddedFirst
	added := late.Result().Header[name] // not as net/http would spell it
	if len(added) != 1 || !strings.HasPrefix(added[0], "2026-01-01T13:00:00") {
		t.Errorf("F11: what was under an embargo has date_added %q, want that of its release", added)
	}
	if w := p.do("partner0", "DELETE", pathTo(0)+"objects/indicator--00000000-0000-4000-8000-000000000001/", ""); w.Code != 403 {
		t.Errorf("a partner deletes: %d, want 403", w.Code)
	}
	p.now = p.now.Add(99 * time.Hour)
	if w := p.do("partner0", "GET", pathTo(0)+"objects/", ""); w.Code != 404 {
		t.Errorf("the agreement has ended: %d, want 404", w.Code)
	}
}

func TestPartnerWrites(t *testing.T) {
	p := hubOf(t)
	red, note := indicator("2", markRed), strings.ReplaceAll(indicator("3", markGreen+`,"content":"x","object_refs":["indicator--00000000-0000-4000-8000-000000000001"]`), "indicator--00000000-0000-4000-8000-000000000003", "note--00000000-0000-4000-8000-000000000003")
	note = strings.Replace(note, `"type":"indicator"`, `"type":"note"`, 1)
	w := p.do("partner0", "POST", pathTo(1)+"objects/", `{"objects":[`+indicator("1", markAmber)+","+red+","+note+`]}`)
	var st taxii.Status
	body(w, &st)
	if w.Code != 202 || st.SuccessCount != 1 || st.FailureCount != 2 || len(st.Failures) != 2 {
		t.Fatalf("POST: %d %s", w.Code, w.Body)
	}
	for i, rule := range []string{"tlp.max: ", "no-grant: "} {
		if !strings.HasPrefix(st.Failures[i].Message, rule) {
			t.Errorf("refusal %d: %q, want it to name the rule %s", i, st.Failures[i].Message, rule)
		}
	}
	if again := p.do("partner0", "GET", "/hub/status/"+st.ID+"/", ""); again.Code != 200 || again.Body.String() != w.Body.String() {
		t.Errorf("status: %d %s, want %s", again.Code, again.Body, w.Body)
	}
	if w := p.do("partner0", "GET", pathTo(1)+"objects/", ""); w.Code != 403 {
		t.Errorf("a partner that only writes reads: %d, want 403", w.Code)
	}
	if w := p.do("partner0", "POST", pathTo(0)+"objects/", `{"objects":[`+indicator("1", markGreen)+`]}`); w.Code != 403 {
		t.Errorf("a partner that only reads writes: %d, want 403", w.Code)
	}
	if w := p.do("own", "GET", pathTo(1)+"objects/", ""); w.Body.String() != `{"objects":[`+indicator("1", markAmber)+`]}` {
		t.Errorf("our own people see %s", w.Body)
	}
}
