package policy

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// A TermChange is a term that a revision words otherwise.
type TermChange struct {
	Flow     string   `json:"flow,omitempty"` // "" for the agreement's own
	Term     string   `json:"term"`           // path in the flow or the agreement; "" for the flow as a whole
	Change   string   `json:"change"`         // what became of it: "GREEN -> AMBER", "+url -file", "new flow"
	Loosened bool     `json:"loosened"`       // lets out more or binds less, or nobody can tell
	Name     string   `json:"name,omitempty"` // of the loosening, to be acknowledged; "" if it is none
	Known    bool     `json:"acknowledged"`   // the new revision acknowledges it
	Position Position `json:"position"`       // in the new document, or in the old if it is gone
}

// A termWalk compares two revisions term by term.
type termWalk struct {
	was, now *Agreement
	flow     string // "" for the agreement's own terms
	at       string // of the flow in the new document, "flows[1]."
	changes  []TermChange
}

func termChanges(was, now *Agreement) []TermChange {
	w := &termWalk{was: was, now: now}
	w.walk(reflect.ValueOf(*was), reflect.ValueOf(*now), "", "")
	for i := range now.Flows {
		f := &now.Flows[i]
		w.flow, w.at = f.Name, flowPath(i, "")
		old := was.flowNamed(f.Name)
		if old == nil || old.Direction != f.Direction {
			w.add("", "new flow", looser)
			continue
		}
		w.walk(reflect.ValueOf(*old), reflect.ValueOf(*f), "flows", "")
		w.agreed(old, i)
	}
	for i := range was.Flows {
		if f := now.flowNamed(was.Flows[i].Name); f == nil || f.Direction != was.Flows[i].Direction {
			w.flow, w.at = was.Flows[i].Name, ""
			w.add("", "flow is gone", tighter)
			w.changes[len(w.changes)-1].Position = was.source.position(flowPath(i, "name"))
		}
	}
	return w.changes
}

// flowNamed is the flow with the name; nil if there is none.
func (a *Agreement) flowNamed(name string) *FlowTerms {
	for i := range a.Flows {
		if a.Flows[i].Name == name {
			return &a.Flows[i]
		}
	}
	return nil
}

// walk compares two structs. term is that of the table of orders, path that in the
// flow or the agreement.
func (w *termWalk) walk(was, now reflect.Value, term, path string) {
	for i := range was.NumField() {
		field := was.Type().Field(i)
		name := field.Tag.Get("yaml")
		if name == "" || name == "flows" {
			continue
		}
		a, b := was.Field(i), now.Field(i)
		t, p := join(term, name), join(path, name)
		switch {
		case reflect.DeepEqual(a.Interface(), b.Interface()):
		case a.Kind() == reflect.Struct && path == "parties":
			w.walk(a, b, term, p) // either party
		case a.Kind() == reflect.Struct:
			w.walk(a, b, t, p)
		case a.Kind() == reflect.Map:
			w.entries(a, b, t, p)
		case a.Kind() == reflect.Slice && a.Type().Elem().Kind() == reflect.String:
			w.add(p, items(a, b), orderOf(t)(a, b))
		case a.Kind() == reflect.Slice || a.Kind() == reflect.Pointer && a.Type().Elem().Kind() == reflect.Slice:
			w.add(p, "another list", orderOf(t)(a, b))
		default:
			w.add(p, or(valueText(a))+" -> "+or(valueText(b)), orderOf(t)(a, b))
		}
	}
}

// entries compares maps of texts, key by key.
func (w *termWalk) entries(was, now reflect.Value, term, path string) {
	o := orderOf(term)
	if term == "flows.embargo.on_labels" {
		o = earlier
	}
	var keys []string
	for _, m := range []reflect.Value{was, now} {
		for _, k := range m.MapKeys() {
			keys = append(keys, k.String())
		}
	}
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		key := reflect.ValueOf(k).Convert(was.Type().Key())
		a, b := was.MapIndex(key), now.MapIndex(key)
		if !a.IsValid() {
			a = reflect.Zero(was.Type().Elem())
		}
		if !b.IsValid() {
			b = reflect.Zero(was.Type().Elem())
		}
		if a.String() != b.String() {
			w.add(path+"."+k, or(a.String())+" -> "+or(b.String()), o(a, b))
		}
	}
}

// agreed notes a default level that is now written, and so agreed, and was not.
func (w *termWalk) agreed(old *FlowTerms, i int) {
	j := slices.IndexFunc(w.was.Flows, func(f FlowTerms) bool { return f.Name == old.Name })
	level := w.now.Flows[i].TLP.Default
	if w.now.says(flowPath(i, "tlp.default")) && !w.was.says(flowPath(j, "tlp.default")) {
		w.add("tlp.default", level+" is agreed to, and was assumed", looser)
	}
}

func (w *termWalk) add(path, change string, v verdict) {
	if v == same {
		return
	}
	c := TermChange{Flow: w.flow, Term: path, Change: change, Loosened: v != tighter, Position: w.now.source.position(w.at + cmp.Or(path, "name"))}
	if c.Loosened {
		c.Name = strings.TrimSpace(w.flow+" "+path) + ": " + change
		c.Known = slices.Contains(w.now.Acknowledges, c.Name)
	}
	w.changes = append(w.changes, c)
}

// items is "+added -removed".
func items(was, now reflect.Value) string {
	var all []string
	for _, s := range missingFrom(now, was) {
		all = append(all, "+"+s)
	}
	for _, s := range missingFrom(was, now) {
		all = append(all, "-"+s)
	}
	return strings.Join(all, " ")
}

// or is the text, or "nothing".
func or(text string) string { return cmp.Or(text, "nothing") }
