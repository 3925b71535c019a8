package policy

// A Rule is something that a decision can turn on. Its name is stable: agreements'
// tests, explanations and logs use it.
type Rule struct {
	Name     string
	Stage    Stage
	Term     string // the term of a flow behind it, such as "tlp.max"; "" if no single one is
	Sentence string // what it holds, for people
}

// Rules returns all rules, in order of stages. The faults that a label can have
// are among them.
func Rules() []Rule { return append([]Rule(nil), rules[:]...) }

// A rule is an index into the table.
type rule uint8

const (
	ruleFault rule = iota
	ruleSchema
	ruleUnresolved
	ruleCycle
	ruleSelector
	ruleForged
	ruleConflict
	ruleForeignVersion
	ruleState
	ruleSelect
	rulePurpose
	ruleUnlabelled
	ruleCeiling
	ruleAudience
	ruleEcho
	ruleNone
	ruleConsent
	ruleClients
	ruleCommunity
	ruleListed
	ruleTLPMode
	ruleHops
	ruleResidency
	ruleAccept
	ruleH0
	ruleH2
	ruleH3
	ruleQuality
	ruleIEP
	ruleResale
	ruleACS
	rulePAP
	ruleStatement
	ruleEncrypt
	ruleIEPWindow
	ruleEmbargo
	ruleAge
	ruleIndirect
	ruleDirect
	ruleSpecial
	ruleUndetermined
	ruleSource
	ruleAsk
	ruleAttribution
	ruleSighters
	ruleGranular
	ruleExtension
	ruleStrip
	ruleLabels
	ruleHosts
	ruleTimes
	ruleReference
	ruleNotUnderstood
	ruleNotInBytes
	ruleObligation
	ruleError
	ruleCount
)

var rules = [ruleCount]Rule{
	ruleFault:          {"fault", StageIntegrity, "", "A holding with a fault is withheld from everyone."},
	ruleSchema:         {"schema", StageIntegrity, "", "An object that breaks the standard's rules about markings is withheld from everyone."},
	ruleUnresolved:     {"marking.unresolved", StageIntegrity, "", "A marking that cannot be read counts as stricter than all that can."},
	ruleCycle:          {"marking.cycle", StageIntegrity, "", "A marking that marks itself, directly or not, means nothing."},
	ruleSelector:       {"marking.selector", StageIntegrity, "", "A granular marking must select something that is there."},
	ruleForged:         {"marking.forged", StageIntegrity, "", "A well-known marking means what its id says, whatever its content."},
	ruleConflict:       {"representation.conflict", StageIntegrity, "", "One version of an object has one content."},
	ruleForeignVersion: {"version.foreign", StageIntegrity, "", "Only its creator may make a new version of an object, or revoke it."},

	ruleState:   {"agreement.state", StageGrant, "status", "Only an agreement in force grants anything."},
	ruleSelect:  {"no-grant", StageGrant, "select", "Only what a flow selects is granted."},
	rulePurpose: {"purpose", StageGrant, "purposes", "At least one purpose must be allowed by the flow, the markings and every holder before us."},

	ruleUnlabelled: {"label.none", StageLabel, "tlp.default", "An object without a marking of TLP and without a default has no label."},
	ruleCeiling:    {"tlp.max", StageCeiling, "tlp.max", "Nothing above the flow's ceiling passes; RED passes only to named persons."},

	ruleAudience: {"tlp.audience", StageAudience, "tlp", "TLP says how far from the source an object may go, and to whom."},
	ruleEcho:     {"echo", StageAudience, "references.echo", "Nothing goes back to where it came from."},

	ruleNone:      {"onward.none", StageUpstream, "onward.mode", "What was received under onward: none stays in the organisation."},
	ruleConsent:   {"onward.consent", StageUpstream, "onward.mode", "What was received under onward: consent needs the originator's consent."},
	ruleClients:   {"onward.clients", StageUpstream, "onward.mode", "What was received under onward: clients goes to clients only."},
	ruleCommunity: {"onward.community", StageUpstream, "onward.communities", "What was received under onward: community goes to its members only."},
	ruleListed:    {"onward.listed", StageUpstream, "onward.to", "What was received under onward: listed goes to the listed only."},
	ruleTLPMode:   {"onward.tlp", StageUpstream, "onward.mode", "What was received under onward: tlp goes to the public only if it is CLEAR."},
	ruleHops:      {"onward.hops", StageUpstream, "onward.max_hops", "An object crosses at most as many borders of organisations as its terms say."},
	ruleResidency: {"residency", StageUpstream, "retention.residency", "Copies are kept only where the terms allow."},

	ruleAccept:    {"handling.accept", StageCodes, "handling.accept", "A flow carries only handling codes that its recipient accepts."},
	ruleH0:        {"handling.H0", StageCodes, "purposes", "H0 limits use to preventing and combating crime."},
	ruleH2:        {"handling.H2", StageCodes, "handling.default", "H2 needs the provider's permission for every further recipient."},
	ruleH3:        {"handling.H3", StageCodes, "handling.default", "H3 is a restriction in words: nothing goes further until the provider says so."},
	ruleQuality:   {"quality", StageCodes, "handling.evaluation", "Source and information must be evaluated at least as well as the flow asks."},
	ruleIEP:       {"iep.accept", StageCodes, "iep.accept", "An Information Exchange Policy binds only recipients that accept such policies."},
	ruleResale:    {"resale", StageCodes, "actions.unmodified_resale", "What must not be resold does not go to a commercial recipient that resells."},
	ruleACS:       {"acs", StageCodes, "acs", "An access control specification is obeyed where it is evaluated, and withheld elsewhere."},
	rulePAP:       {"pap", StageCodes, "pap.max", "What the recipient cannot honour is not sent to it."},
	ruleStatement: {"statement", StageCodes, "statements", "A statement can bar an object from a flow."},
	ruleEncrypt:   {"encrypt", StageCodes, "actions.encrypt_in_transit", "What must be encrypted in transit does not go over a clear channel."},

	ruleIEPWindow: {"iep.window", StageTime, "iep", "An Information Exchange Policy permits only from its start to its end."},
	ruleEmbargo:   {"embargo", StageTime, "embargo", "Before an embargo ends, not even the object's existence is told."},
	ruleAge:       {"limits.max_age", StageTime, "limits.max_age", "An object older than the limit is not released."},

	ruleIndirect:     {"pd.indirect", StagePersonal, "personal_data", "Addresses and pseudonyms of persons pass only where the agreement and the law's default allow it."},
	ruleDirect:       {"pd.direct", StagePersonal, "personal_data", "Names, accounts and addresses of persons pass only where the agreement and the law's default allow it."},
	ruleSpecial:      {"pd.special", StagePersonal, "personal_data.special", "Special categories of personal data are never passed on."},
	ruleUndetermined: {"pd.undetermined", StagePersonal, "personal_data", "What may be personal data counts as direct personal data."},

	ruleSource:      {"attribution.source", StageSource, "attribution.source", "The source must not be named."},
	ruleAsk:         {"attribution.ask", StageSource, "attribution.source", "The source is named only with its consent."},
	ruleAttribution: {"attribution.conflict", StageSource, "attribution.source", "A source that must be named and must not be named cannot be shared."},
	ruleSighters:    {"attribution.sightings", StageSource, "attribution.sightings", "Who saw something is not told."},

	ruleGranular:  {"granular", StageGranular, "granular.above", "Parts marked above what the recipient may see are left out, or the whole is withheld."},
	ruleExtension: {"extension.unknown", StageGranular, "extensions", "Extensions pass only if the agreement names them."},
	ruleStrip:     {"fields.strip", StageGranular, "fields.strip", "Some properties are always left out."},
	ruleLabels:    {"fields.labels", StageGranular, "fields.labels_allow", "Labels pass only if the agreement allows them."},
	ruleHosts:     {"fields.hosts", StageGranular, "fields.external_reference_hosts", "References pass only to hosts that the agreement allows."},
	ruleTimes:     {"fields.times", StageGranular, "fields.truncate_times", "Times are told only as exactly as the agreement says."},

	ruleReference: {"reference.hidden", StageClosure, "references.dangling", "An object is visible only if everything that it mentions is."},

	ruleNotUnderstood: {"label.not-understood", StageLabelBytes, "", "A recipient gets only restrictions that it can read."},
	ruleNotInBytes:    {"label.not-in-bytes", StageLabelBytes, "tlp.default", "A label that is not in the object's bytes must be agreed with the recipient."},

	ruleObligation: {"obligation.unknown", StageObligations, "", "An obligation that nobody can fulfil bars the object."},
	ruleError:      {"error", StageObligations, "", "A decision that fails withholds."},
}

// faultRule is the rule with the name, if labels can have it as a fault.
func faultRule(name string) rule {
	for r := ruleFault; r <= ruleForeignVersion; r++ {
		if rules[r].Name == name {
			return r
		}
	}
	return ruleFault
}

var stageNames = [...]string{
	StageIntegrity: "integrity", StageGrant: "grant", StageLabel: "label", StageCeiling: "ceiling", StageAudience: "audience",
	StageUpstream: "upstream terms", StageCodes: "codes", StageTime: "time", StagePersonal: "personal data", StageSource: "source",
	StageGranular: "parts", StageClosure: "references", StageLabelBytes: "label in the bytes", StageObligations: "obligations",
}

// String is the stage's name.
func (s Stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return "unknown"
}

// String is "withhold", "redact" or "permit".
func (e Effect) String() string {
	switch e {
	case Permit:
		return "permit"
	case Redact:
		return "redact"
	}
	return "withhold"
}
