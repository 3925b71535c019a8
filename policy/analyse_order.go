package policy

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// A verdict is which way a term went.
type verdict uint8

const (
	same     verdict = iota // it is no matter for what is shared
	tighter                 // lets out less, or binds more
	looser                  // lets out more, or binds less; or nobody can tell
	sideways                // both: some of it is looser
)

// An order says which way a term went from one value to another. It is asked only if
// they differ.
type order func(was, now reflect.Value) verdict

// orders are those of terms, by path. A term that has none, or that an order does not
// know, counts as looser: doubt is said aloud.
var orders = map[string]order{
	"title": quiet, "schema": quiet, "revision": quiet, "supersedes": quiet, "legal": quiet, "clauses": quiet, "tests": quiet,
	"acknowledges": quiet, "signatures": quiet, "reciprocity": quiet, "termination.notice": quiet,
	"parties.contacts": quiet, "parties.clients_list": quiet, "flows.clauses": quiet, "flows.name": quiet,
	"flows.tlp.dialect": quiet, "flows.personal_data.detectors": quiet,

	"status":     rising("terminated", "draft", "shadow", "suspended", "active"),
	"valid.from": earlier, "valid.until": reversed(earlier), "valid.review_by": reversed(earlier), "valid.grace": lasting(""),
	"parties.relation": rising("public", "partner", "client", "org"), "parties.enforces": rising("none", "markings", "sidecar"),
	"parties.originates": growing, "parties.understands": growing, "parties.communities": growing, "parties.commercial": rising("true", "false"),
	"purposes.allow": growing, "purposes.deny": reversed(growing),
	"consent.approvers": growing, "consent.max_ttl": lasting(""),
	"suspension.triggers": reversed(growing), "suspension.effect": rising("stop-new+hide-old", "stop-new"), "termination.survival": reversed(growing),

	"flows.collections": growing, "flows.channels": growing, "flows.purposes": growing,
	"flows.select.types": growing, "flows.select.not_types": reversed(growing), "flows.select.relationship_types": filter, "flows.select.labels_any": filter,
	"flows.select.min_confidence": reversed(counting), "flows.select.where": top(""),
	"flows.tlp.max": rising(givenLevels...), "flows.tlp.default": reversed(rising(givenLevels...)),
	"flows.tlp.red": rising("never", "named"), "flows.tlp.amber_client_depth": counting, "flows.tlp.v1_only_amber_strict": rising("withhold", "permit"),
	"flows.pap.max": rising(givenLevels...), "flows.pap.default": reversed(rising(givenLevels...)),
	"flows.handling.accept": growing, "flows.handling.default": reversed(growing), "flows.handling.evaluation.min_source": rising("A", "B", "C", "X", ""),
	"flows.handling.evaluation.min_information": rising("1", "2", "3", "4", ""), "flows.handling.evaluation.missing": rising("withhold", "permit"),
	"flows.iep.accept": rising("false", "true"), "flows.acs": rising("withhold", "evaluate"), "flows.statements.unknown": rising("withhold", "carry"),
	"flows.granular.mode": rising("join", "override"), "flows.granular.above": rising("withhold", "redact"), "flows.redaction.allow": rising("false", "true"),
	"flows.personal_data.allow": growing,
	"flows.attribution.source":  top("disclose"), "flows.attribution.victims": rising("anonymise", "disclose"), "flows.attribution.sightings": rising("anonymise", "disclose"),
	"flows.embargo.until": earlier, "flows.onward.mode": modes, "flows.onward.to": growing, "flows.onward.max_hops": counting,
	"flows.actions.encrypt_in_transit": rising("must", "may"),
	"flows.actions.permitted":          rising("none", "contact-for-instruction", "internally-visible-actions", "externally-visible-indirect-actions", "externally-visible-direct-actions"),
	"flows.actions.notify_affected":    rising("must-not", "may"), "flows.actions.unmodified_resale": bottom("must-not"),
	"flows.actions.derived_products": bottom("must-not"), "flows.actions.ai_training": bottom("must-not"), "flows.actions.judicial_use": bottom("must-not"),
	"flows.retention.max": lasting(""), "flows.retention.after_termination": lasting(""), "flows.retention.legal_hold": rising("false", "true"), "flows.retention.residency": filter,
	"flows.changes.retroactive": bottom("none"), "flows.references.dangling": rising("withhold", "permit-unheld"), "flows.references.echo": rising("false", "true"),
	"flows.extensions.allow": growing, "flows.extensions.unknown": rising("withhold", "strip"), "flows.fields.strip": reversed(growing),
	"flows.fields.truncate_times": rising("day", "hour", ""), "flows.limits.max_age": lasting("none"),
}

// orderOf is the order of the term, or of the nearest term around it.
func orderOf(term string) order {
	for {
		if o, ok := orders[term]; ok {
			return o
		}
		i := strings.LastIndexByte(term, '.')
		if i < 0 {
			return func(_, _ reflect.Value) verdict { return looser }
		}
		term = term[:i]
	}
}

func quiet(_, _ reflect.Value) verdict { return same }

// rising is the order of values of which each lets out more than those before.
func rising(values ...string) order {
	return func(was, now reflect.Value) verdict {
		i, j := slices.Index(values, valueText(was)), slices.Index(values, valueText(now))
		if i < 0 || j < 0 {
			return looser
		}
		return toward(cmp.Compare(j, i))
	}
}

// bottom is the order of a term with one value that lets out least; of the others
// nothing is known. top has one that lets out most.
func bottom(least string) order {
	return func(_, now reflect.Value) verdict {
		if valueText(now) == least {
			return tighter
		}
		return looser
	}
}

func top(most string) order {
	return func(was, _ reflect.Value) verdict {
		if valueText(was) == most {
			return tighter
		}
		return looser
	}
}

// modes is the order of onward modes.
func modes(was, now reflect.Value) verdict {
	if was.String() == "listed" {
		return bottom("none")(was, now)
	}
	return rising("none", "consent", "clients", "community", "tlp")(was, now)
}

// growing is the order of lists that let out more the more they have.
func growing(was, now reflect.Value) verdict {
	more, less := len(missingFrom(now, was)) > 0, len(missingFrom(was, now)) > 0
	switch {
	case more && less:
		return sideways
	case more:
		return looser
	case less:
		return tighter
	}
	return same // another order, or twice
}

// filter is the order of lists of what passes, of which an empty one lets all pass.
func filter(was, now reflect.Value) verdict {
	switch {
	case was.Len() == 0:
		return tighter
	case now.Len() == 0:
		return looser
	}
	return growing(was, now)
}

// reversed is the order the other way round.
func reversed(o order) order {
	return func(was, now reflect.Value) verdict { return o(now, was) }
}

// counting is the order of numbers.
func counting(was, now reflect.Value) verdict {
	a, b := reflect.Indirect(was), reflect.Indirect(now)
	if !a.IsValid() || !b.IsValid() {
		return looser
	}
	return toward(cmp.Compare(b.Int(), a.Int()))
}

// earlier is the order of instants from which on something is let out; none is long
// ago.
func earlier(was, now reflect.Value) verdict {
	at := func(v reflect.Value) (Instant, error) {
		if v.String() == "" {
			return 0, nil
		}
		return ParseInstant(v.String())
	}
	i, err := at(was)
	j, err2 := at(now)
	if err != nil || err2 != nil {
		return looser
	}
	return toward(cmp.Compare(i, j))
}

// lasting is the order of durations; no text is no time at all, or, with "none", no
// limit.
func lasting(empty string) order {
	return func(was, now reflect.Value) verdict {
		a, b := was.String(), now.String()
		switch {
		case a == "" || b == "":
			if (a == "") == (empty == "none") {
				return tighter
			}
			return looser
		case longer(a, b):
			return tighter
		case longer(b, a):
			return looser
		}
		return same
	}
}

func toward(sign int) verdict {
	switch {
	case sign > 0:
		return looser
	case sign < 0:
		return tighter
	}
	return same
}

// missingFrom are the items of list that other does not have.
func missingFrom(list, other reflect.Value) []string {
	var items []string
	for i := range list.Len() {
		item := valueText(list.Index(i))
		found := false
		for j := range other.Len() {
			found = found || valueText(other.Index(j)) == item
		}
		if !found {
			items = append(items, item)
		}
	}
	return items
}

// valueText is a value as text.
func valueText(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	return fmt.Sprint(v.Interface())
}
