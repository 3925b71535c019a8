package policy

import (
	"os"
	"testing"
	"time"
)

// The finite model: everything that labels, recipients and agreements can say
// about levels, hops, onward modes, codes, consent, embargo and personal data.
var (
	modelKinds    = []string{"origin", "named", "org", "client", "community", "partner", "public"}
	modelStatuses = []string{"draft", "shadow", "pending", "active", "suspended", "expired", "terminated"}
	modelModes    = []string{"none", "consent", "clients", "community", "listed", "tlp", "unknown"}
	modelCodes    = []string{"H0", "H1", "H2", "H3"}
	modelPersonal = []PersonalData{0, Indirect, Direct, Special, Undetermined}
)

const (
	modelLevels = int(LevelUnknown) // clear to unknown
	modelHops   = 3
	modelLabels = modelLevels * modelHops * 7 * 4 * 2 * 2 * 5
)

// modelLabel is label i of the model. The level changes slowest but for the hop.
type modelLabel struct {
	label                        Label
	level, hop, mode, code, rest int
}

func modelLabelList() []modelLabel {
	list := make([]modelLabel, 0, modelLabels)
	for hop := 1; hop <= modelHops; hop++ {
		for level := LevelClear; level <= LevelUnknown; level++ {
			for m, mode := range modelModes {
				for c, code := range modelCodes {
					for rest := range 2 * 2 * len(modelPersonal) {
						terms := []Terms{{By: orgC, Mode: mode, MaxHops: 9, ClientDepth: 1, Personal: []string{"indirect", "direct"}}}
						if rest&1 != 0 {
							terms[0].To = []OrgID{orgB}
						}
						if mode == "unknown" {
							terms = nil
						}
						l := relayedLabel(level, hop, terms...)
						l.Handling = []string{code}
						if rest&2 != 0 {
							l.Embargo = noon + 1
						}
						l.Personal = modelPersonal[rest/4]
						list = append(list, modelLabel{l, int(level), hop, m, c, rest})
					}
				}
			}
		}
	}
	return list
}

// modelFlow is a flow of the model.
type modelFlow struct {
	flow    *Flow
	kind    string
	status  string
	ceiling Level
	data    int // of personal data nothing, indirect, direct too
}

func modelFlows(t testing.TB) []modelFlow {
	var list []modelFlow
	for _, status := range modelStatuses {
		for ceiling := LevelClear; ceiling <= LevelRed; ceiling++ {
			for data := range 3 {
				base := flowOf(t, func(a *Agreement, f *FlowTerms) { modelTerms(a, f, status, ceiling, data) })
				for _, kind := range modelKinds {
					k, ok := parseKind(kind)
					if !ok { // origin
						k = KindPartner
					}
					f := base.as(k)
					if !ok {
						to := *f.to
						to.Originates = []OrgID{orgA, orgB, orgC}
						f.to = &to
					}
					list = append(list, modelFlow{f, kind, status, ceiling, data})
				}
			}
		}
	}
	return list
}

func modelTerms(a *Agreement, f *FlowTerms, status string, ceiling Level, data int) {
	switch status {
	case "pending":
		a.Valid.From = "2026-06-01T00:00:00Z"
	case "expired":
		a.Valid.Until = "2025-06-01T00:00:00Z"
	default:
		a.Status = Status(status)
	}
	a.Parties.B.Enforces = "sidecar"
	f.TLP = TLPTerms{Max: ceiling.String(), Default: "AMBER", Red: "named"}
	f.Handling.Accept = modelCodes
	f.PersonalData = PersonalDataTerms{Ground: "legitimate-interest", Allow: [][]string{nil, {"indirect"}, {"indirect", "direct"}}[data]}
}

// TestModel holds every tuple of the model, 14,817,600 of them, to the guardrails,
// and the whole to be monotone: a stricter label, one more hop or the lack of a
// consent never lets out more. With -short, outside CI, it takes agreements that are
// active only.
func TestModel(t *testing.T) {
	labels, flows := modelLabelList(), modelFlows(t)
	if len(labels) != modelLabels || len(labels)*len(flows)*2 != 14_817_600 {
		t.Fatalf("%d labels and %d flows", len(labels), len(flows))
	}
	began := time.Now()
	permits, bad := 0, 0
	perLevel := len(labels) / modelHops / modelLevels
	effects := [2][]Effect{make([]Effect, len(labels)), make([]Effect, len(labels))}
	for i := range flows {
		f := &flows[i]
		if f.status != "active" && testing.Short() && os.Getenv("CI") == "" {
			continue
		}
		for c, q := range []question{{consent: noConsent}, {consent: fullConsent}} {
			for j := range labels {
				e := f.flow.decide(&labels[j].label, nil, noon, q).Effect
				effects[c][j] = e
				if e == Withhold {
					continue
				}
				permits++
				if why := f.guardrail(&labels[j]); why != "" {
					bad++
					if bad < 4 {
						t.Errorf("permits %s: %+v to %s, ceiling %s", why, labels[j].label, f.kind, f.ceiling)
					}
				}
			}
		}
		bad += monotone(t, f, labels, effects, perLevel)
		if bad > 10 {
			t.Fatal("and so on")
		}
	}
	if permits == 0 {
		t.Error("nothing is permitted at all")
	}
	t.Logf("%d permits, %s", permits, time.Since(began).Round(time.Millisecond))
}

// guardrail says what must never be permitted; "" if that is not it.
func (f *modelFlow) guardrail(l *modelLabel) string {
	level := Level(l.level)
	switch {
	case f.status != "active":
		return "under an agreement that is " + f.status
	case level == LevelUnknown:
		return "an unknown label"
	case level > f.ceiling:
		return "above the ceiling"
	case f.kind == "public" && level != LevelClear:
		return "what is not CLEAR to the public"
	case f.kind == "public" && l.label.Personal != 0:
		return "personal data to the public"
	case f.kind == "origin":
		return "an echo"
	case level == LevelRed && f.kind != "named":
		return "RED to what is no person"
	case l.label.Personal == Special:
		return "special categories"
	case l.label.Personal == Undetermined && f.data < 2, l.label.Personal == Direct && f.data < 2, l.label.Personal == Indirect && f.data < 1:
		return "personal data that is not allowed"
	}
	return ""
}

// monotone compares neighbours and counts violations.
func monotone(t *testing.T, f *modelFlow, labels []modelLabel, effects [2][]Effect, perLevel int) (bad int) {
	report := func(what string, j, k int) {
		bad++
		if bad < 4 {
			t.Errorf("%s lets out more: %+v, and %+v less; to %s", what, labels[j].label, labels[k].label, f.kind)
		}
	}
	for j := range labels {
		l := &labels[j]
		for c := range effects {
			if l.level < modelLevels && effects[c][j+perLevel] > effects[c][j] {
				report("a stricter label", j+perLevel, j)
			}
			if k := j + perLevel*modelLevels; l.hop < modelHops && effects[c][k] > effects[c][j] {
				report("one more hop", k, j)
			}
		}
		if effects[0][j] > effects[1][j] {
			report("the lack of a consent", j, j)
		}
	}
	return bad
}
