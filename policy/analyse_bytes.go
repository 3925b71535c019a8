package policy

import (
	"fmt"
	"slices"
	"strings"
)

// inexpressible notes the terms that a recipient which does not enforce them will
// lose: what it holds is what the bytes of objects say, or nothing.
func (l *linter) inexpressible() {
	f := l.flow
	if f.sidecar {
		return
	}
	t, who := f.Terms, f.to.Name
	if who == "" {
		who = string(f.To)
	}
	if f.to.Enforces != "markings" {
		l.remark("inexpressible", Warning, "/"+f.partyPath()+".enforces", `write enforces: "markings" if it honours TLP, or send only what the public may have`,
			"%s enforces nothing: once it has an object, no term of this flow holds", who)
		return
	}
	if lost := f.unbound(); len(lost) > 0 {
		l.remark("inexpressible", Warning, "onward.mode", fmt.Sprintf(`have objects marked %s, or require enforces: "sidecar"`, f.markedAs()),
			"%s holds only what markings say, and onward: %s is not in the marking of objects that are %s", who, f.Onward().Mode, levelList(lost))
	}
	lost := f.belowFloor()
	if len(lost) > 0 {
		l.remark("inexpressible", Warning, "tlp.floor", fmt.Sprintf(`have objects marked %s at the source, or require enforces: "sidecar"`, f.floor),
			"the floor %s is not in the bytes: %s takes objects marked %s for what they say", f.floor, who, levelList(lost))
	}
	if f.normalAgreed && f.normal > LevelClear {
		l.remark("inexpressible", Note, "tlp.default", `have every object marked at the source, or require enforces: "sidecar"`,
			"%s holds objects without a marking to TLP:%s by contract alone", who, f.normal)
	}
	if codes(0).with(t.Handling.Default)&^codeH0 != 0 {
		l.remark("inexpressible", Warning, "handling.default", "put the codes into the objects, or require enforces: \"sidecar\"",
			"%s does not see the codes %s, which are in no object", who, strings.Join(t.Handling.Default, ", "))
	}
	var held []string
	for _, term := range []struct {
		what string
		used bool
	}{
		{"for what an object may be used", true},
		{"how long copies are kept", f.writes("retention")},
		{"how often it is passed on", f.Onward().MaxHops > 1},
		{"that an operation is under an embargo", len(t.Embargo.OnLabels) > 0 || t.Embargo.Until != ""},
	} {
		if term.used {
			held = append(held, term.what)
		}
	}
	l.remark("inexpressible", Note, "purposes", `see that its people know, or require enforces: "sidecar"`,
		"no marking says %s: %s is bound to it by contract alone", orList(held), who)
}

// partyPath is the recipient's in the document.
func (f *Flow) partyPath() string {
	if f.to == &f.Agreement.Parties.A {
		return "parties.a"
	}
	return "parties.b"
}

// writes reports whether the document has the term of the flow itself.
func (f *Flow) writes(path string) bool {
	term, _ := f.cite(path)
	return f.Agreement.says(term)
}

// unbound are the levels of objects whose marking lets a recipient pass them on
// further than the onward terms do.
func (f *Flow) unbound() []Level {
	o := f.Onward()
	holds := LevelAmberStrict
	switch o.Mode {
	case "clients":
		holds = LevelAmber
	case "tlp":
		return nil
	case "community": // which one, no marking says
	}
	return slices.DeleteFunc(f.passable(), func(l Level) bool { return l >= holds || o.Mode == "community" && l == LevelAmber })
}

// markedAs is the level that says what the onward mode does.
func (f *Flow) markedAs() Level {
	switch f.Onward().Mode {
	case "clients", "community":
		return LevelAmber
	}
	return LevelAmberStrict
}

// belowFloor are the levels of objects that pass and count as more than they say.
func (f *Flow) belowFloor() []Level {
	return slices.DeleteFunc(f.passable(), func(l Level) bool { return l >= f.floor })
}

// levelList is "CLEAR or GREEN".
func levelList(levels []Level) string {
	names := make([]string, len(levels))
	for i, l := range levels {
		names[i] = l.String()
	}
	return orList(names)
}

// orList is "a, b or c".
func orList(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " or " + names[n-1]
	}
	return strings.Join(names, "")
}
