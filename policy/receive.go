package policy

import (
	"slices"
	"strings"

	"entente/stix"
)

// A Source is where objects of a collection come from.
type Source struct {
	From        OrgID       // the partner; "" for our own people
	Flows       []*Flow     // by which it may write to the collection (Set.In); of our own people none
	Channel     string      // "push" or "poll": by which objects come; "" is not held against flows
	Places      []string    // what the place where copies are kept is called: countries, regions
	Definitions Definitions // nil: none
}

// An Arrival is one object that comes, or is looked at again.
type Arrival struct {
	Object    *stix.Object
	Content   *stix.Content   // nil if the object could not be inspected
	Inspector *stix.Inspector // that inspected Object last; nil if Content is
	At        Instant
	Upstream  *Upstream // what is known of the way to the partner, verified; nil if nothing is
	Faults    []string  // rules that the object breaks beside others of its id (see Compare); sorted
}

// Upstream is the way of a copy to the partner that sent it.
type Upstream struct {
	Hops    uint8 // organisation boundaries crossed on it
	Terms   []Terms
	Floor   Level // what the copy counts as, at least
	Embargo Instant
}

// A Holding is a received copy as policy knows it.
type Holding struct {
	Label    *Label      // may be shared with other holdings; must not be changed
	Granular []PathLevel // what granular markings say; good as long as Arrival.Content
	Missing  []stix.ID   // marking definitions to wait for: when one comes, the label is another (Receiver.Again)
	Staged   bool        // the agreement is suspended or a shadow: to be kept apart and served to nobody
}

// A Refusal is why the agreements do not let a partner write an object. Reasons
// has what keeps it from the flow that comes nearest to taking it, at least one;
// their texts may be shown to the partner.
type Refusal struct {
	Reasons []Reason
}

// Text is the first reason's sentence.
func (r *Refusal) Text() string { return r.Reasons[0].Text }

// A Receiver makes labels for what comes from one source. It remembers what it
// found out: after a change among the definitions it must Forget. It must not be
// used concurrently.
type Receiver struct {
	set      *Set
	source   Source
	resolver *resolver
	labels   map[labelKey]*Label
	consents map[OrgID]string // AIS consent by creator
	marks    []stix.ID
	draft    Label  // what flows are asked about
	traits   Traits // likewise
}

// Receiver returns a Receiver for a source.
func (s *Set) Receiver(source Source) *Receiver {
	r := &Receiver{set: s, source: source}
	r.Forget()
	return r
}

// Forget drops what the Receiver remembers of definitions and identities.
func (r *Receiver) Forget() {
	r.resolver = newResolver(r.source.Definitions)
	r.labels, r.consents = map[labelKey]*Label{}, map[OrgID]string{}
}

// Receive labels an object that comes. It returns a Refusal, beside the Holding,
// if no flow lets the partner write it; our own people may write anything. A
// marking that cannot be resolved is no reason to refuse: its definition may come
// later. Where several flows would take the object, nothing tells by which it came:
// the terms of all of them bind.
func (r *Receiver) Receive(in *Arrival) (Holding, *Refusal) {
	p := r.look(in)
	h := Holding{Granular: p.granular, Missing: p.missing}
	var refusal *Refusal
	if r.source.From != "" {
		refusal = r.admit(in, &p)
		h.Staged = p.staged
	}
	h.Label = r.label(in, &p)
	return h, refusal
}

// Again labels an object that is held already, because a definition came or an
// object beside it did. Where the copy came from, and under which terms, stays
// as label says; what the object says is looked at anew. If label had faults,
// the flows by which the object came are asked again whether they carry it: one
// that was taken in doubt, and would not have been in the clear, has the rule that
// keeps it out as a fault.
func (r *Receiver) Again(in *Arrival, label *Label) (Holding, *Refusal) {
	p := r.look(in)
	h := Holding{Granular: p.granular, Missing: p.missing}
	l := *label
	p.fill(&l, in)
	if l.PAP == LevelNone {
		l.PAP = label.PAP
	}
	if l.Level != LevelNone && l.Level != LevelUnknown {
		l.Default = LevelNone
	} else if l.Default == LevelNone {
		l.Default = LevelAmberStrict
	}
	l.Embargo = max(l.Embargo, label.Embargo)
	var refusal *Refusal
	if len(label.Faults) > 0 && len(l.Faults) == 0 && label.Under != "" {
		refusal = r.carry(in, &p, label)
		if refusal != nil {
			l.Faults = []string{refusal.Reasons[0].Rule}
		}
	}
	h.Label = &l
	return h, refusal
}

// A labelKey has everything that labels from one source differ by.
type labelKey struct {
	kind       string
	creator    OrgID
	own, parts *marking // of the whole object, and of parts
	flows      uint64   // that take it, as bits
	personal   PersonalData
	lacks      Parts
	revoked    bool
	ais        string
	faults     string
	embargo    Instant
}

// A prospect is what was found out about an object.
type prospect struct {
	labelKey
	granular []PathLevel
	missing  []stix.ID
	staged   bool
}

// look finds out what the object says.
func (r *Receiver) look(in *Arrival) prospect {
	o, c := in.Object, in.Content
	p := prospect{labelKey: labelKey{kind: o.Type, creator: o.CreatedBy, own: nothing, parts: nothing, revoked: o.Revoked}}
	faults := in.Faults
	if c == nil {
		p.personal = Undetermined
		p.fault(faults, "schema")
		return p
	}
	p.own = r.resolver.all(c.ObjectMarkings)
	if len(c.Granular) > 0 {
		r.parts(&p, c)
	}
	p.missing = union(p.own.missing, p.parts.missing)
	if o.Type == "identity" {
		r.identity(&p, o, c)
	}
	p.ais = strictConsent(p.ais, r.consent(o.CreatedBy))
	p.personal = Personal(o, c, in.Inspector) | p.own.personal | p.parts.personal
	p.lacks = lacks(o.Type, c)
	switch {
	case len(c.ObjectMarkings) == 0 && slices.Contains(c.Names, "object_marking_refs"):
		p.fault(faults, "schema") // an empty list is not "unmarked" (STIX 2.1, section 2.3)
	case o.Type == "marking-definition" && r.forged(o):
		p.fault(faults, "marking.forged")
	default:
		p.fault(faults)
	}
	return p
}

// fault notes the rules that an object breaks.
func (p *prospect) fault(faults []string, more ...string) {
	if len(faults)+len(more) > 0 {
		p.faults = strings.Join(union(faults, more), " ")
	}
}

// parts reads granular markings. What they say of parts beside a level of TLP
// counts for the whole object.
func (r *Receiver) parts(p *prospect, c *stix.Content) {
	r.marks = r.marks[:0]
	p.granular = make([]PathLevel, len(c.Granular))
	for i := range c.Granular {
		g := &c.Granular[i]
		r.marks = append(r.marks, g.Marking)
		p.granular[i] = PathLevel{Level: r.resolver.one(g.Marking).level, Selectors: g.Selectors}
	}
	p.parts = r.resolver.all(r.marks)
}

// identity looks at an identity: what it consents to, and whether it is the one
// that sends it. Then it is its own creator, because it names the source.
func (r *Receiver) identity(p *prospect, o *stix.Object, c *stix.Content) {
	p.ais = consentOf(c.Labels)
	if p.creator == "" && r.set.Speaks(r.from(), o.ID) {
		p.creator = o.ID
	}
}

// from is who sends: the partner, or we.
func (r *Receiver) from() OrgID {
	if r.source.From == "" {
		return r.set.Us
	}
	return r.source.From
}

// forged reports whether a marking definition is not what its id stands for, or
// not what the source once said it is: markings do not change (STIX 2.1, section
// 3.6.1).
func (r *Receiver) forged(o *stix.Object) bool {
	if Forged(o.ID, o.Raw) {
		return true
	}
	if r.source.Definitions == nil || pinned[o.ID] != nil {
		return false
	}
	held, ok := r.source.Definitions.Marking(o.ID)
	return ok && !stix.Equal(held, o.Raw)
}

// consent is the AIS consent of a creator.
func (r *Receiver) consent(creator OrgID) string {
	if creator == "" || r.source.Definitions == nil {
		return ""
	}
	if ais, known := r.consents[creator]; known {
		return ais
	}
	labels, _ := r.source.Definitions.Identity(creator)
	ais := consentOf(labels)
	if len(r.consents) >= maxKnown {
		clear(r.consents)
	}
	r.consents[OrgID(strings.Clone(string(creator)))] = ais
	return ais
}

// aisConsents are the consents to name a source (CISA AIS 2.0), loosest first. What
// else begins like them counts as the last.
var aisConsents = []string{"", "ais-consent-everyone", "ais-consent-everyone-cisa-proprietary", "ais-consent-usg", "ais-consent-none"}

// consentOf is the strictest consent among labels; "" if there is none.
func consentOf(labels []string) (ais string) {
	for _, l := range labels {
		if strings.HasPrefix(l, "ais-consent-") {
			ais = strictConsent(ais, l)
		}
	}
	return ais
}

// strictConsent is the stricter of two consents.
func strictConsent(a, b string) string {
	rank := func(s string) int {
		i := slices.Index(aisConsents, s)
		if i < 0 {
			return len(aisConsents) - 1
		}
		return i
	}
	return aisConsents[max(rank(a), rank(b))]
}

// lacks are the parts that an object does not have.
func lacks(kind string, c *stix.Content) (p Parts) {
	if len(c.Labels) == 0 {
		p |= PartLabels
	}
	if len(c.Hosts) == 0 {
		p |= PartHosts
	}
	if !slices.ContainsFunc(c.Extensions, func(name string) bool { return !standard(kind, name) }) {
		p |= PartExtensions
	}
	if kind != "sighting" || !slices.Contains(c.Names, "where_sighted_refs") {
		p |= PartSighters
	}
	return p
}
