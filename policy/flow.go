package policy

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Flow is one flow of an agreement revision, compiled. It does not change and
// may be used concurrently.
type Flow struct {
	Name      string
	Agreement *Agreement
	Terms     *FlowTerms
	From, To  OrgID

	set      *Set
	index    int
	calendar *calendar
	retained Instant // after the end of the agreement, until when its recipient may keep copies
	from, to *Party

	kind    Kind // of the recipient, but for communities
	exact   bool // kind holds for communities too: the recipient is made up
	named   bool // goes to a named person
	sidecar bool // the recipient reads our provenance

	max, normal, floor Level
	normalAgreed       bool // the recipient agreed to tlp.default in so many words
	reads              Editions
	readsIEP, readsH   bool
	papMax, papNormal  Level
	accept             codes
	minSource, minInfo byte
	purposes           []string
	crime              uint64 // bits of purposes that H0 allows
	where              *where
	embargo            Instant
	operations         []operation
	maxAge             Period
	since              Instant
	personal           PersonalData // classes that may pass
	clear              bool         // the only channel is not encrypted
	bad                string       // an obligation of the flow that nobody fulfils
	labels, hosts      patterns     // that pass; of relayed objects, those are named apart
	relayed            relayed
}

// relayed has the terms whose default differs for objects of others.
type relayed struct{ labels, hosts patterns }

// An operation is a label under an embargo.
type operation struct {
	label string
	until Instant
}

// flow compiles flow i of the agreement.
func (c *compiler) flow(s *Set, cal *calendar, i int) *Flow {
	a := c.agreement
	t := &a.Flows[i]
	f := &Flow{Name: t.Name, Agreement: a, Terms: t, set: s, index: i, calendar: cal, from: &a.Parties.A, to: &a.Parties.B}
	path := func(term string) string { return fmt.Sprintf("flows[%d].%s", i, term) }
	switch t.Direction {
	case "a->b":
	case "b->a":
		f.from, f.to = f.to, f.from
	default:
		c.wrong(path("direction"), "%.40q is not a direction; write a->b or b->a", t.Direction)
	}
	f.From, f.To = f.from.Org, f.to.Org
	f.retained = c.period(path("retention.after_termination"), t.Retention.AfterTermination).After(cal.until)
	c.recipient(f)
	c.labelling(f, path)
	c.selection(f, path)
	c.restrictions(f, path)
	return f
}

// recipient compiles what the other party says of itself.
func (c *compiler) recipient(f *Flow) {
	switch f.to.Relation {
	case "", "partner":
		f.kind = KindPartner
	case "client":
		f.kind = KindClient
	case "org":
		f.kind = KindOrg
	case "public":
		f.kind = KindPublic
	default:
		path := "parties.b.relation"
		if f.to == &c.agreement.Parties.A {
			path = "parties.a.relation"
		}
		c.wrong(path, "%.40q is none of partner, client, org and public", f.to.Relation)
	}
	f.sidecar = f.to.Enforces == "sidecar"
	understands := f.to.Understands
	if understands == nil {
		understands = []string{"tlp1"}
	}
	for _, u := range understands {
		switch u {
		case "tlp1":
			f.reads |= TLP1
		case "tlp2":
			f.reads |= TLP2
		case "iep2":
			f.readsIEP = true
		case "handling":
			f.readsH = true
		}
	}
}

// labelling compiles the terms about labels and codes.
func (c *compiler) labelling(f *Flow, path func(string) string) {
	t := f.Terms
	f.max = c.level(path("tlp.max"), t.TLP.Max, LevelGreen)
	f.normal = c.level(path("tlp.default"), t.TLP.Default, LevelAmberStrict)
	f.floor = c.level(path("tlp.floor"), t.TLP.Floor, LevelClear)
	f.normalAgreed = t.TLP.Default != "" && c.agreement.says(path("tlp.default"))
	f.named = t.TLP.Red == "named"
	f.papMax = c.level(path("pap.max"), t.PAP.Max, LevelClear)
	f.papNormal = c.level(path("pap.default"), t.PAP.Default, LevelAmber)
	f.accept = codes(0).with(t.Handling.Accept)
	if t.Handling.Accept == nil {
		f.accept = codeH0
	}
	if f.accept&codeUnknown != 0 {
		c.wrong(path("handling.accept"), "has a code that is none of H0, H1, H2 and H3")
		f.accept = 0
	}
	f.minSource = c.grade(path("handling.evaluation.min_source"), t.Handling.Evaluation.MinSource, sourceGrades)
	f.minInfo = c.grade(path("handling.evaluation.min_information"), t.Handling.Evaluation.MinInformation, informationGrades)
}

// Grades of the 4x4 evaluation, best first (Europol Regulation, article 29).
const (
	sourceGrades      = "ABCX"
	informationGrades = "1234"
)

// grade is the rank of a grade, from 1; 0 for no text.
func (c *compiler) grade(path, text, grades string) byte {
	r := rank(text, grades)
	if r == 0 && text != "" {
		c.wrong(path, "%.10q is none of %s", text, strings.Join(strings.Split(grades, ""), ", "))
	}
	return r
}

// rank is 1 for the first of grades; 0 for what is none of them.
func rank(text, grades string) byte {
	if len(text) != 1 {
		return 0
	}
	return byte(strings.IndexByte(grades, text[0]) + 1)
}

// crimePurposes are what H0 allows: preventing and combating crime.
var crimePurposes = []string{"crime-prevention", "botnet-disruption", "victim-remediation", "fraud-prevention", "law-enforcement", "incident-response", "network-defence"}

// selection compiles what the flow selects and for what.
func (c *compiler) selection(f *Flow, path func(string) string) {
	t, all := f.Terms, &c.agreement.Purposes
	for _, p := range t.Purposes {
		if slices.Contains(all.Allow, p) && !slices.Contains(all.Deny, p) {
			f.purposes = append(f.purposes, p)
		}
	}
	slices.Sort(f.purposes)
	f.purposes = slices.Compact(f.purposes)
	if len(f.purposes) > 64 {
		c.wrong(path("purposes"), "are more than 64")
		f.purposes = nil
	}
	for i, p := range f.purposes {
		if slices.Contains(crimePurposes, p) {
			f.crime |= 1 << i
		}
	}
	if t.Select.Where != "" {
		w, err := compileWhere(t.Select.Where)
		if err != nil {
			c.wrong(path("select.where"), "%v", err)
		}
		f.where = w
	}
}

// restrictions compiles the terms about time, persons, parts and channels.
func (c *compiler) restrictions(f *Flow, path func(string) string) {
	t := f.Terms
	f.embargo = c.instant(path("embargo.until"), t.Embargo.Until, 0)
	for label, until := range t.Embargo.OnLabels {
		f.operations = append(f.operations, operation{label, c.instant(path("embargo.on_labels."+label), until, Never)})
	}
	slices.SortFunc(f.operations, func(a, b operation) int { return strings.Compare(a.label, b.label) })
	f.maxAge = c.period(path("limits.max_age"), t.Limits.MaxAge)
	f.since = c.since(path("changes.retroactive"), t.Changes.Retroactive)
	f.personal = f.passes()
	f.clear = t.Actions.EncryptInTransit != "may" && len(t.Channels) == 1 && t.Channels[0] == "push" && slices.ContainsFunc(f.to.Servers, unencrypted)
	f.labels, f.hosts = everything, everything
	if t.Fields.LabelsAllow != nil {
		f.labels = patterns(*t.Fields.LabelsAllow)
		f.relayed.labels = f.labels
	}
	if t.Fields.ExternalHosts != nil {
		f.hosts = patterns(*t.Fields.ExternalHosts)
		f.relayed.hosts = f.hosts
	}
	f.bad = badObligation(f)
}

// since reads changes.retroactive.
func (c *compiler) since(path, text string) Instant {
	switch text {
	case "", "none":
		return Never
	case "all":
		return 0
	}
	from, ok := strings.CutPrefix(text, "from:")
	if !ok {
		c.wrong(path, "%.40q is none of none, all and \"from:\" with a time", text)
		return Never
	}
	if len(from) == len(time.DateOnly) {
		from += "T00:00:00Z"
	}
	return c.instant(path, from, Never)
}

// unencrypted reports whether a peer is reached in the clear and over a network.
func unencrypted(p PeerURL) bool {
	u, err := url.Parse(p.URL)
	if err != nil {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	loopback := err == nil && ip.IsLoopback() || u.Hostname() == "localhost"
	return u.Scheme != "https" && !loopback
}

// Onward are the terms that bind whoever gets something by the flow when it passes
// that on.
func (f *Flow) Onward() Terms {
	t := f.Terms
	o := Terms{
		By: f.From, Under: f.Agreement.ID, Revision: f.Agreement.Revision, Flow: f.Name,
		Mode: t.Onward.Mode, To: t.Onward.To, MaxHops: 1, Communities: t.Onward.Communities, Floor: f.floor, Handling: t.Handling.Default,
		ClientDepth: 1, Anonymous: t.Attribution.Source != "" && t.Attribution.Source != "disclose", Resale: t.Actions.UnmodifiedResale == "may", Purposes: f.purposes,
		Personal: t.PersonalData.Allow, Encrypt: t.Actions.EncryptInTransit != "may", Judicial: t.Actions.JudicialUse,
		Permitted: t.Actions.Permitted, Notify: t.Actions.NotifyAffected, AI: t.Actions.AITraining, Retention: t.Retention.Max,
	}
	if len(o.Purposes) == 0 {
		o.Purposes = noPurpose
	}
	if t.Onward.MaxHops != nil {
		o.MaxHops = *t.Onward.MaxHops
	}
	if t.TLP.AmberClientDepth != nil {
		o.ClientDepth = *t.TLP.AmberClientDepth
	}
	if t.TLP.Community != "" && len(o.Communities) == 0 {
		o.Communities = []string{t.TLP.Community}
	}
	return o
}

// Key names the flow among all: the agreement's id, "/" and the flow's name. It
// is the same in every revision.
func (f *Flow) Key() string { return string(f.Agreement.ID) + "/" + f.Name }

// Impersonal is the flow as seen with a credential that is not bound to a named
// person: RED does not pass.
func (f *Flow) Impersonal() *Flow {
	g := *f
	g.named = false
	return &g
}

// Dangling reports whether ids that were never held may be mentioned; otherwise
// they count as withheld.
func (f *Flow) Dangling() bool { return f.Terms.References.Dangling == "permit-unheld" }

// PruneLists reports whether a withheld id may be left out of a list, in a new
// object.
func (f *Flow) PruneLists() bool { return f.Terms.References.PruneLists && f.Terms.Redaction.Allow }

// Retroactive is the instant since when an object must have been here to be
// released by the flow: 0 if it does not matter, Never if only what arrives after
// this revision came into force is released.
func (f *Flow) Retroactive() Instant { return f.since }

// Echo reports whether the partner's own objects go back to it.
func (f *Flow) Echo() bool { return f.Terms.References.Echo }

// patterns are names with "*" for any characters.
type patterns []string

var everything = patterns{"*"}

// match reports whether one of the patterns is name's.
func (p patterns) match(name string) bool {
	for _, pattern := range p {
		if glob(pattern, name) {
			return true
		}
	}
	return false
}

// all reports whether everything matches.
func (p patterns) all() bool { return slices.Contains(p, "*") }

// glob matches name with a pattern in time linear in both but for the number of
// stars: the leftmost place of each piece is the right one.
func glob(pattern, name string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, first)
	for ok {
		var piece string
		piece, rest, star = strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(name, piece)
		}
		var i int
		if i = strings.Index(name, piece); i < 0 {
			return false
		}
		name = name[i+len(piece):]
	}
	return false
}
