package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"entente/policy"
)

// plainMOU is an agreement with partner that shares the first collection up to a
// ceiling both ways.
func plainMOU(partner int, ceiling string) mou {
	flow := func(out bool) mouFlow {
		return mouFlow{out: out, colls: []int{0}, ceiling: ceiling, normal: "AMBER+STRICT", types: []string{"*"}, embargo: -9, onward: "tlp", hops: 2, channels: []string{"push", "poll"}}
	}
	return mou{partner: partner, status: policy.Active, from: -9, until: 99, grace: "P0D", relation: "partner", reads: []string{"tlp1", "tlp2"}, flows: []mouFlow{flow(true), flow(false)}}
}

// markedIndicator is one of the n-th id with a version and a level.
func markedIndicator(n, version int, level, more string) string {
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012d","created":%q,"modified":%q,"object_marking_refs":[%q]%s}`,
		n, versions[0], versions[version], level, more)
}

// statement is a marking definition.
func statement(text, more string) string {
	return fmt.Sprintf(`{"type":"marking-definition","spec_version":"2.1","id":%q,"created":%q,"definition_type":"statement","definition":{"statement":%q}%s}`,
		poolID("marking-definition"), versions[0], text, more)
}

// domain is an observable, which has no version, with a level.
func domain(defanged, level, more string) string {
	return fmt.Sprintf(`{"type":"domain-name","spec_version":"2.1","id":%q,"object_marking_refs":[%q],"value":"example.com","defanged":%s%s}`, poolID("domain-name"), level, defanged, more)
}

const (
	green = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
	amber = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
)

// TestNonInterferenceCases are stories with a name.
func TestNonInterferenceCases(t *testing.T) {
	ask := func(path string) act { return act{what: "ask", method: "GET", path: pathTo(0) + path} }
	own := func(objects ...string) act { return act{what: "own", objects: objects} }
	post := func(objects ...string) act { return act{what: "post", objects: objects} }
	everything := []act{ask("objects/?match[version]=all"), ask("manifest/?match[version]=all"), {what: "ask", method: "GET", path: "/hub/status/{status}/"}}
	waits := func(n int) string { return markedIndicator(n, 0, poolID("marking-definition"), "") }
	seen := func(n int) string { return markedIndicator(n, 0, green, "") }
	hidden := markedIndicator(9, 1, red, "")
	by1 := fmt.Sprintf(`,"created_by_ref":%q`, orgOf(1))
	ended := plainMOU(1, "AMBER+STRICT")
	ended.until = 1
	giver := plainMOU(2, "AMBER+STRICT")
	giver.flows = giver.flows[1:]
	keeper := plainMOU(1, "AMBER+STRICT")
	keeper.flows[1].onward = "none"
	writer, leaver := plainMOU(0, "GREEN"), plainMOU(0, "GREEN")
	writer.flows = writer.flows[1:]
	leaver.until, leaver.grace = 1, "PT1H"
	for _, c := range []struct {
		name string
		acts []act
	}{
		{"a hidden object in the middle of paging", []act{own(seen(1), seen(2), seen(3)), ask("objects/?limit=1"), own(hidden), ask("objects/?limit=1&next={next}"), own(seen(4), markedIndicator(8, 0, red, "")), ask("objects/?limit=1&next={next}")}},
		{"I5 the same bytes", []act{own(seen(1), hidden), post(hidden)}},
		{"I6 other bytes", []act{own(seen(1), hidden), post(markedIndicator(9, 1, green, `,"name":"mine"`))}},
		{"I7 an older version", []act{own(hidden), post(markedIndicator(9, 0, green, ""))}},
		{"I7 a newer version", []act{own(hidden), post(markedIndicator(9, 2, green, ""))}},
		{"a newer version of what is revoked", []act{own(markedIndicator(9, 1, red, `,"revoked":true`)), post(markedIndicator(9, 2, green, ""))}},
		{"another's newer version", []act{own(markedIndicator(9, 1, red, fmt.Sprintf(`,"created_by_ref":%q`, ourselves))), post(markedIndicator(9, 2, green, ""))}},
		{"I9 length and headers", []act{own(seen(1), seen(2)), ask("objects/"), own(hidden), ask("objects/")}},
		{"I11 others write hidden objects", []act{own(seen(1)), ask("objects/?limit=1"), {what: "partner", who: 1, objects: []string{hidden, markedIndicator(7, 0, red, "")}}, ask("objects/?limit=1&next={next}")}},
		{"the partner's copy is deleted with the hidden one", []act{own(hidden), post(markedIndicator(9, 1, green, `,"name":"mine"`)), {what: "delete", path: member(hidden, "id") + "/"}}},
		{"our own write of what was there, hidden, from another", []act{{what: "partner", who: 1, objects: []string{markedIndicator(9, 0, green, "")}}, own(seen(1), markedIndicator(9, 0, green, ""), seen(2))}},
		{"a marking of ours that is hidden says nothing of a post", []act{
			own(statement("one", `,"object_marking_refs":["`+red+`"]`)),
			post(markedIndicator(9, 0, poolID("marking-definition"), ""))}},
		{"the partner's newer version has to leave the collection", []act{post(markedIndicator(9, 2, green, `,"name":"mine"`)), own(seen(1), hidden), post(markedIndicator(9, 0, green, ""))}},
		{"the partner's copy has to leave the collection while there is no agreement", []act{post(markedIndicator(9, 0, green, by1+`,"name":"mine"`)), {what: "revise", mous: []mou{plainMOU(1, "AMBER+STRICT")}},
			{what: "partner", who: 1, objects: []string{markedIndicator(9, 0, amber, by1)}}, {what: "revise", mous: []mou{plainMOU(0, "GREEN"), plainMOU(1, "AMBER+STRICT")}}, own(seen(1))}},
		{"two versions at once, of which a third hides the older", []act{{what: "partner", who: 1, objects: []string{markedIndicator(9, 0, amber, ""), markedIndicator(9, 1, green, "")}}, {what: "partner", who: 2, objects: []string{markedIndicator(9, 0, amber, "")}}}},
		{"what an agreement newly shares and has to go at once", []act{{what: "revise", mous: []mou{plainMOU(1, "AMBER+STRICT")}}, {what: "partner", who: 1, objects: []string{seen(1)}}, {what: "clock", hours: 2}, {what: "revise", mous: []mou{plainMOU(0, "GREEN"), ended}}, own(seen(1))}},
		{"what was seen as its own and not as ours does not stay when its own has to go", []act{{what: "revise", mous: []mou{writer}}, post(seen(1)), own(seen(1)), {what: "clock", hours: 1, wait: time.Millisecond}, {what: "revise", mous: []mou{leaver}}}},
		{"which of two contents without a version is the newer", []act{{what: "revise", mous: []mou{plainMOU(0, "GREEN"), keeper}}, {what: "partner", who: 1, objects: []string{domain("true", green, "")}}, own(seen(1)), own(domain("false", amber, ""), domain("true", green, ""))}},
		{"which is the newer, if one mentions what nobody holds", []act{{what: "revise", mous: []mou{plainMOU(0, "GREEN"), keeper}}, {what: "partner", who: 1, objects: []string{domain("true", green, "")}}, own(seen(1)), own(domain("false", green, `,"x_ref":"`+member(hidden, "id")+`"`), domain("true", green, ""))}},
		{"the partner's marking has to leave the collection", []act{post(statement("mine", "")), {what: "partner", who: 1, objects: []string{statement("theirs", by1)}}}},
		{"a revocation that another sends, too, of what the partner has sent", []act{{what: "revise", mous: []mou{plainMOU(0, "GREEN"), keeper}}, own(markedIndicator(9, 0, green, `,"revoked":true`)), post(markedIndicator(9, 0, green, `,"name":"mine"`)),
			{what: "partner", who: 1, objects: []string{markedIndicator(9, 0, green, `,"revoked":true`)}}}},
		{"late releases of what another has sent in another order", []act{{what: "revise", mous: []mou{plainMOU(0, "GREEN"), keeper}}, {what: "partner", who: 1, objects: []string{waits(1), waits(2)}}, own(waits(2)), own(waits(1)), own(statement("one", `,"object_marking_refs":["`+green+`"]`))}},
		{"an older version that is stricter and comes late", []act{{what: "partner", who: 1, objects: []string{markedIndicator(9, 2, green, "")}}, {what: "partner", who: 1, objects: []string{markedIndicator(9, 0, amber, "")}}}},
		{"a revocation of what the partner has sent, too, and is kept apart", []act{own(markedIndicator(9, 0, red, "")), post(markedIndicator(9, 0, green, `,"name":"mine"`)), own(markedIndicator(9, 2, green, `,"revoked":true`))}},
		{"a copy that is as bound as a hidden one which contradicts it", []act{{what: "revise", mous: []mou{plainMOU(0, "GREEN"), plainMOU(1, "AMBER+STRICT"), giver}}, {what: "partner", who: 1, objects: []string{seen(9)}}, {what: "partner", who: 2, objects: []string{markedIndicator(9, 0, amber, "")}}}},
		{"E1 and E19: what mentions a hidden id, and one that nobody holds", []act{own(hidden,
			markedIndicator(1, 0, green, `,"x_ref":"`+member(hidden, "id")+`"`), markedIndicator(2, 0, green, `,"x_ref":"indicator--00000000-0000-4000-8000-000000000099"`))}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &story{partners: 3, mous: []mou{plainMOU(0, "GREEN"), plainMOU(1, "AMBER+STRICT"), plainMOU(2, "AMBER+STRICT")}, acts: append(c.acts, everything...)}
			if err := interferes(s, &mutant{}, new(tally)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestHiddenIsAbsent: I1, I2 and I4.
func TestHiddenIsAbsent(t *testing.T) {
	var objects []string
	for n := range 100 {
		level := red
		if n%10 == 3 {
			level = green
		}
		objects = append(objects, markedIndicator(n, 0, level, ""))
	}
	s := &story{partners: 2, mous: []mou{plainMOU(0, "GREEN"), plainMOU(1, "GREEN")}, acts: []act{{what: "own", objects: objects}}}
	p := newPlayer(s, []bool{true, true, true}, &mutant{})
	if _, err := p.act(0, func(int) bool { return true }); err != nil {
		t.Fatal(err)
	}
	ask := func(account, method, path string) string {
		p.rand.Seed([32]byte{9})
		return text(p.do(account, method, pathTo(0)+path, ""))
	}
	page := p.do("partner0", "GET", pathTo(0)+"objects/?limit=10", "")
	if n := len(objectsOf(page.Body.Bytes())); n != 10 || strings.Contains(page.Body.String(), `"next"`) {
		t.Errorf("I1: the page has %d objects and %s, want all 10 and no next", n, page.Body)
	}
	if _, err := p.learn(p.do("partner0", "GET", pathTo(0)+"objects/?limit=3", "")); err != nil || p.next == "" {
		t.Fatalf("no next: %v", err)
	}
	if got, want := ask("partner1", "GET", "objects/?next="+p.next), ask("partner1", "GET", "objects/?next=garbage"); got != want {
		t.Errorf("I2: another's token is answered\n%s\nand garbage\n%s", got, want)
	}
	for _, path := range []string{"objects/%s/", "objects/%s/versions/", "objects/%s/?match[version]=all", "objects/?match[id]=%s", "manifest/?match[id]=%s", "objects/%s/?added_after=2020-01-01T00:00:00Z"} {
		for _, method := range []string{"GET", "HEAD", "DELETE"} {
			if method == "DELETE" && !strings.HasSuffix(path, "%s/") {
				continue
			}
			hidden := ask("partner0", method, fmt.Sprintf(path, member(objects[0], "id")))
			absent := ask("partner0", method, fmt.Sprintf(path, "indicator--99999999-9999-4999-8999-999999999999"))
			if hidden != absent {
				t.Errorf("I4: %s %s of a hidden id is answered\n%s\nof an absent one\n%s", method, path, hidden, absent)
			}
		}
	}
	if code := p.do("partner0", "GET", pathTo(0)+"objects/"+member(objects[0], "id")+"/", "").Code; code != http.StatusNotFound {
		t.Errorf("a hidden object is answered %d, want 404", code)
	}
}
