package policy

import "slices"

// source is stage 9: may the source be named, may those who saw it?
func (e *evaluation) source() {
	f, l := e.f, e.l
	e.sighters()
	if l.Creator == "" && l.AIS == "" {
		return // nobody is named
	}
	iep := ""
	if l.IEP != nil && e.hop > 1 {
		iep = l.IEP.Attribution
	}
	r, path := e.anonymises(iep)
	switch {
	case !e.anonymous:
	case iep == "must":
		if e.hit(ruleAttribution, Withhold) {
			e.say(ruleAttribution, Withhold, path, "the object's policy wants its source named, and another term forbids it")
		}
	case l.Type == "identity":
		if e.hit(r, Withhold) {
			e.say(r, Withhold, path, "the source must not be told, and this is an identity that it wrote")
		}
	default:
		effect := e.redacted()
		e.d.Profile.Anonymise = true
		if e.hit(r, effect) {
			e.say(r, effect, path, "the source must not be told")
		}
	}
	if f.Terms.Attribution.Source == "ask" && !e.lift(e.originator) && e.bar(ruleAsk, Withhold, e.originator) {
		e.say(ruleAsk, Withhold, "", "the source has to be asked, and there is no consent in force")
	}
}

// anonymises finds out whether a term hides the source.
func (e *evaluation) anonymises(iep string) (r rule, path string) {
	l := e.l
	path = "/"
	switch s := e.f.Terms.Attribution.Source; s {
	case "", "disclose", "ask":
	default: // anonymise
		e.anonymous, path = true, ""
	}
	for t := range e.terms {
		e.anonymous = e.anonymous || t.Anonymous
	}
	e.anonymous = e.anonymous || iep == "must-not" || l.ACS != nil && l.ACS.Anonymise || e.unconsented()
	return ruleSource, path
}

// unconsented reports whether the consent label of the creator's identity (CISA
// AIS) forbids to tell the recipient who it is.
func (e *evaluation) unconsented() bool {
	switch e.l.AIS {
	case "", "ais-consent-everyone", "ais-consent-everyone-cisa-proprietary":
		return false
	case "ais-consent-usg":
		return e.f.to.Kind != "us-federal"
	}
	return true
}

// sighters leaves out who saw something.
func (e *evaluation) sighters() {
	a := &e.f.Terms.Attribution
	if e.l.Lacks&PartSighters != 0 || e.l.Type != "sighting" || a.Sightings == "disclose" && a.Victims == "disclose" {
		return
	}
	e.d.PerObject = true
	c := e.content()
	if c == nil || !slices.Contains(c.Names, "where_sighted_refs") {
		return
	}
	effect := e.redacted()
	e.strip("where_sighted_refs")
	if e.object(ruleSighters, effect) {
		e.say(ruleSighters, effect, "", "the object says who saw it")
	}
}

// strip leaves a part out, if anything may be left out.
func (e *evaluation) strip(selector string) {
	if e.f.Terms.Redaction.Allow {
		e.d.Profile.Strip = append(e.d.Profile.Strip, selector)
	}
}

// granular is stage 10: parts marked above what the recipient may see.
func (e *evaluation) granular() {
	l := e.l
	if l.Granular == LevelNone {
		return
	}
	only := e.d.OnlyConsent
	visible := e.visible(l.Granular)
	e.d.OnlyConsent = only // without a consent parts are left out, not everything
	if visible {
		e.goes = l.Granular
		return
	}
	effect := Withhold
	if e.f.Terms.Granular.Above == "redact" {
		effect = e.redacted()
	}
	if e.bar(ruleGranular, effect, e.widener(l.Granular.join(e.level))) {
		e.say(ruleGranular, effect, "", "parts of the object are %s", l.Granular)
	}
	if effect == Withhold {
		return
	}
	e.d.PerObject = true
	if e.t == nil {
		return
	}
	found := false
	for i := range e.t.Granular {
		p := &e.t.Granular[i]
		if e.visible(p.Level) {
			e.goes = e.goes.join(p.Level)
			continue
		}
		found = true
		for _, s := range p.Selectors {
			e.strip(s)
			if slices.Contains(kept, s) && e.object(ruleGranular, Withhold) {
				e.say(ruleGranular, Withhold, "", "%s is %s and cannot be left out", s, p.Level)
			}
		}
	}
	if !found && e.object(ruleGranular, Withhold) {
		e.say(ruleGranular, Withhold, "", "the label says that parts are %s, and the object does not say which", l.Granular)
	}
}

// kept are properties without which an object is none or says too little about
// its markings.
var kept = []string{"type", "id", "spec_version", "created", "modified", "object_marking_refs", "granular_markings"}

// visible reports whether parts of a level pass the ceiling and the audience.
func (e *evaluation) visible(l Level) bool {
	l = l.join(e.level)
	return e.below(l) && e.reaches(l)
}

// parts is about extensions, properties, labels, references and times.
func (e *evaluation) parts() {
	e.extensions()
	e.properties()
	e.labels()
	e.hosts()
	if t := e.f.Terms.Fields.TruncateTimes; t != "" {
		effect := e.redacted()
		e.d.Profile.TruncateTimes = t
		if e.hit(ruleTimes, effect) {
			e.say(ruleTimes, effect, "", "times are told to the %s only", t)
		}
	}
}

// extensions leaves out what the agreement does not name.
func (e *evaluation) extensions() {
	x := &e.f.Terms.Extensions
	if e.l.Lacks&PartExtensions != 0 || slices.Contains(x.Allow, "*") {
		return
	}
	e.d.PerObject = true
	c := e.content()
	if c == nil {
		return
	}
	for _, name := range c.Extensions {
		if slices.Contains(x.Allow, name) || standard(e.l.Type, name) {
			continue
		}
		effect := Withhold
		if x.Unknown == "strip" {
			effect = e.redacted()
			e.strip(extensionPath(c.Names, name))
		}
		if e.object(ruleExtension, effect) {
			e.say(ruleExtension, effect, "", "the agreement does not name the extension %.80q", name)
		}
	}
}

// extensionPath is the selector of an extension: a property at the top, or an
// entry of extensions.
func extensionPath(names []string, name string) string {
	if slices.Contains(names, name) {
		return name
	}
	return "extensions." + name
}

// properties leaves out what the flow always leaves out.
func (e *evaluation) properties() {
	strip := e.f.Terms.Fields.Strip
	if len(strip) == 0 {
		return
	}
	e.d.PerObject = true
	c := e.content()
	if c == nil {
		return
	}
	for _, s := range strip {
		if !slices.Contains(c.Names, topName(s)) {
			continue
		}
		effect := e.redacted()
		e.strip(s)
		if e.object(ruleStrip, effect) {
			e.say(ruleStrip, effect, "", "the flow leaves %s out", s)
		}
	}
}

// labels leaves out labels that do not pass.
func (e *evaluation) labels() {
	allow := e.f.labels
	if e.relayed() {
		allow = e.f.relayed.labels
	}
	if e.l.Lacks&PartLabels != 0 || allow.all() {
		return
	}
	e.d.PerObject = true
	c := e.content()
	if c == nil {
		return
	}
	for _, label := range c.Labels {
		if allow.match(label) {
			continue
		}
		effect := e.redacted()
		if effect == Redact {
			e.d.Profile.DropLabels = append(e.d.Profile.DropLabels, label)
		}
		if e.object(ruleLabels, effect) {
			e.say(ruleLabels, effect, "", "the label %.80q is none that may be told", label)
		}
	}
}

// hosts leaves out references to hosts that do not pass.
func (e *evaluation) hosts() {
	allow := e.f.hosts
	if e.relayed() {
		allow = e.f.relayed.hosts
	}
	if e.l.Lacks&PartHosts != 0 || allow.all() {
		return
	}
	e.d.PerObject = true
	c := e.content()
	if c == nil {
		return
	}
	for _, host := range c.Hosts {
		if allow.match(host) {
			continue
		}
		effect := e.redacted()
		if effect == Redact {
			e.d.Profile.DropHosts = append(e.d.Profile.DropHosts, host)
		}
		if e.object(ruleHosts, effect) {
			e.say(ruleHosts, effect, "", "the host %.80q of a reference is none that may be told", host)
		}
	}
}

// relayed reports whether the object is somebody else's.
func (e *evaluation) relayed() bool { return e.l.From != "" || e.hop > 1 }

// bytes is stage 12: does the recipient read the label, or did it agree to it?
func (e *evaluation) bytes() {
	f, l := e.f, e.l
	understood := e.understood()
	written := l.Level.join(e.goes)
	switch {
	case written == LevelNone || e.level.join(e.goes) <= LevelClear:
	case !understood && !f.sidecar:
		if e.hit(ruleNotUnderstood, Withhold) {
			e.say(ruleNotUnderstood, Withhold, "/parties", "the recipient does not read the markings by which the object, or a part of it, is %s", written)
		}
	case written == LevelAmberStrict && f.reads&TLP2 == 0 && f.Terms.TLP.V1OnlyStrict != "permit":
		if e.hit(ruleNotUnderstood, Withhold) {
			e.say(ruleNotUnderstood, Withhold, "tlp.v1_only_amber_strict", "the recipient reads TLP 1 only, which has no AMBER+STRICT")
		}
	}
	if !f.sidecar && (l.IEP != nil && !f.readsIEP || (l.Coded || codes(0).with(l.Handling)&^codeH0 != 0) && !f.readsH) {
		if e.hit(ruleNotUnderstood, Withhold) {
			e.say(ruleNotUnderstood, Withhold, "/parties", "the recipient does not read the policy or the handling codes that the object carries")
		}
	}
	read := f.floor
	switch {
	case l.Level != LevelNone && understood:
		read = read.join(l.Level)
	case l.Level == LevelNone && f.normalAgreed:
		read = read.join(f.normal)
	}
	if e.level > read && e.level > LevelClear && !f.sidecar && (l.Level == LevelNone || understood) {
		if e.hit(ruleNotInBytes, Withhold) {
			e.say(ruleNotInBytes, Withhold, "", "the object counts as %s, and the recipient would take it as %s", e.level, read)
		}
	}
}

// understood reports whether the recipient reads every form of the label that the
// bytes carry.
func (e *evaluation) understood() bool {
	l := e.l
	if l.IEP != nil && !e.f.readsIEP || l.Editions&^e.f.reads != 0 {
		return false
	}
	return l.IEP != nil || l.Editions != 0
}
