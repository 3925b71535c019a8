package policy

import (
	"encoding/base64"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"entente/stix"
)

// A check says what is wrong with a text, and what to write; "" if nothing is.
type check func(text string) (what, instead string)

// maxText is the most bytes of a text.
const maxText = 4096

// checkText checks the text of a term. Only terms that mean something when they
// are empty may be.
func checkText(term, text string) (what, instead string) {
	switch {
	case len(text) > maxText:
		return "is too long", "shorten it"
	case text == "" && !slices.Contains(mayBeEmpty, term):
		return "says nothing", "write it, or remove the key"
	}
	check := checks[term]
	if party := partyTerm(term); party != "" {
		check = partyChecks[party]
	}
	if text == "" || check == nil {
		return "", ""
	}
	return check(text)
}

// partyTerm is the term of a party, of either; "" if it is none.
func partyTerm(term string) string {
	if rest, ok := strings.CutPrefix(term, "parties.a."); ok {
		return rest
	}
	rest, _ := strings.CutPrefix(term, "parties.b.")
	if rest == term {
		return ""
	}
	return rest
}

var mayBeEmpty = strings.Fields(`flows.select.where flows.personal_data.ground flows.personal_data.route_to flows.embargo.until
	flows.fields.truncate_times flows.changes.correction flows.limits.max_age flows.tlp.community flows.tlp.dialect
	tests.given.flow tests.given.type tests.given.tlp tests.given.pd tests.given.kind tests.given.handling tests.expect.reason
	parties.a.keys.use parties.b.keys.use`)

// one of the values.
func one(values ...string) check {
	return func(text string) (string, string) {
		if slices.Contains(values, text) {
			return "", ""
		}
		return "is not a value of this term", "write " + strings.Join(values, ", ")
	}
}

// form is a text that matches a pattern.
func form(pattern, what, instead string) check {
	p := regexp.MustCompile("^(?:" + pattern + ")$")
	return func(text string) (string, string) {
		if p.MatchString(text) {
			return "", ""
		}
		return what, instead
	}
}

const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

var (
	identityText  = form("identity--"+uuid, "is not the id of an organisation", "write identity-- and a UUID in lower case")
	markingText   = form("marking-definition--"+uuid, "is not the id of a marking", "write marking-definition-- and a UUID in lower case")
	communityText = form("community--[a-z0-9-]{1,100}", "is not the id of a community", `write "community--" and a name of a-z, 0-9 and -`)
	slugText      = form("[a-z0-9]+(?:[-_.][a-z0-9]+)*", "is not a name", "use a-z, 0-9 and - in between")
	territoryText = form("[A-Z]{2,20}", "is not a country or a group of countries", `write capitals, as in "DE" or "EU"`)
	revisionText  = form("sha256:(?:none|[0-9a-f]{64})", "is not the digest of a revision", `write "sha256:" and 64 hex digits, of the first revision "sha256:none"`)
	pinText       = form("sha256/[A-Za-z0-9+/]{43}=", "is not the hash of a public key", `write "sha256/" and base64 of 32 bytes`)
	handlingText  = one(codeNames[:]...)
	strictText    = one("permit", "may", "consent", "must-not")
	yesNoText     = one("may", "must-not")
	durationText  = check(func(text string) (string, string) {
		if _, err := ParsePeriod(text); err != nil {
			return "is not a duration", `write it as "P30D" or "PT24H"`
		}
		return "", ""
	})
	instantText = check(func(text string) (string, string) {
		if _, err := ParseInstant(text); err != nil {
			return "is not a time", `write it as "2026-03-01T00:00:00Z"`
		}
		return "", ""
	})
	levelText = check(func(text string) (string, string) {
		if _, ok := ParseLevel(text); !ok {
			return "is not a level", "write CLEAR, GREEN, AMBER, AMBER+STRICT or RED"
		}
		return "", ""
	})
)

// checks are those of single texts, by term. Of terms that are not here any text is
// good, or they are checked when the agreement is compiled.
var checks = map[string]check{
	"schema":     one("mou/1"),
	"id":         form("mou--"+uuid, "is not the id of an agreement", "write mou-- and a UUID in lower case"),
	"supersedes": revisionText,
	"status":     one(string(Draft), string(Shadow), string(Active), string(Suspended), string(Terminated)),

	"valid.from": instantText, "valid.until": instantText, "valid.review_by": instantText, "valid.grace": durationText,

	"purposes.allow": slugText, "purposes.deny": slugText,

	"flows.name": slugText, "flows.direction": one("a->b", "b->a"), "flows.channels": one("push", "poll", "export"), "flows.purposes": slugText,
	"flows.select.types": objectType, "flows.select.not_types": objectType,

	"flows.tlp.max": levelText, "flows.tlp.default": levelText, "flows.tlp.floor": levelText,
	"flows.tlp.red": one("never", "named"), "flows.tlp.community": communityText, "flows.tlp.v1_only_amber_strict": one("withhold", "permit"),
	"flows.pap.max": one("CLEAR", "GREEN", "AMBER", "RED"), "flows.pap.default": one("CLEAR", "GREEN", "AMBER", "RED"),
	"flows.handling.accept": handlingText, "flows.handling.default": handlingText,
	"flows.handling.evaluation.min_source":      one(strings.Split(sourceGrades, "")...),
	"flows.handling.evaluation.min_information": one(strings.Split(informationGrades, "")...),
	"flows.handling.evaluation.missing":         one("permit", "withhold"),

	"flows.acs":              one("withhold", "evaluate"),
	"flows.statements.known": one("carry", "withhold"), "flows.statements.unknown": one("carry", "withhold"),
	"flows.granular.mode": one("join", "override"), "flows.granular.above": one("withhold", "redact"),
	"flows.redaction.id_scope": idScope, "flows.redaction.derived_from": one("never"),

	"flows.personal_data.allow": personalClass, "flows.personal_data.detectors": one(detectors...), "flows.personal_data.special": one("withhold"),
	"flows.attribution.source":  one("disclose", "anonymise", "ask"),
	"flows.attribution.victims": one("anonymise", "disclose"), "flows.attribution.sightings": one("anonymise", "disclose"),
	"flows.attribution.consent_labels": one("honour"),
	"flows.embargo.until":              instantText, "flows.embargo.on_labels": instantText, "flows.embargo.lift": one("originator"),
	"flows.onward.mode": one("none", "consent", "clients", "community", "listed", "tlp"), "flows.onward.to": identityText, "flows.onward.communities": communityText,

	"flows.actions.encrypt_in_transit": one("must", "may"), "flows.actions.permitted": one(actions...),
	"flows.actions.notify_affected": strictText, "flows.actions.derived_products": strictText, "flows.actions.ai_training": strictText,
	"flows.actions.judicial_use": strictText, "flows.actions.unmodified_resale": yesNoText,
	"flows.retention.max": durationText, "flows.retention.after_termination": durationText, "flows.retention.residency": territoryText,
	"flows.changes.on_upgrade": one("withdraw+recall"), "flows.changes.on_revoke": one("send-if-sent"),
	"flows.changes.correction": durationText, "flows.changes.retroactive": retroactiveText,
	"flows.references.dangling": one("withhold", "permit-unheld"),
	"flows.extensions.allow":    extensionText, "flows.extensions.unknown": one("withhold", "strip"),
	"flows.fields.strip": selectorText, "flows.fields.truncate_times": one("hour", "day"), "flows.limits.max_age": durationText,

	"reciprocity.on_breach": one("notify"),
	"consent.approvers":     identityText, "consent.max_ttl": durationText,
	"suspension.by": one("a", "b"), "suspension.triggers": one("breach-unreported", "key-compromise", "review-overdue"),
	"suspension.effect":  one("stop-new", "stop-new+hide-old"),
	"termination.notice": durationText, "termination.survival": survivor, "termination.data": slugText,
	"audit.log": one("full"), "audit.share": one("never", "monthly", "quarterly", "yearly"), "audit.mask": one("ids-hmac"), "audit.evidence": one("hash-chain"),
	"breach.notify_within": durationText, "breach.contact": one("liaison", "security", "privacy", "duty_24x7"),
	"compelled_disclosure.notify": one("notify", "before-if-lawful"),

	"tests.given.tlp": levelText, "tests.given.kind": one("origin", "named", "org", "client", "community", "partner", "public"),
	"tests.given.pd": one("none", "indirect", "direct", "special", "unknown"), "tests.given.handling": handlingText,
	"tests.expect.effect": one("permit", "redact", "withhold"), "tests.expect.reason": ruleName, "tests.expect.obligations": obligationName,

	"signatures.party": one("a", "b"), "signatures.alg": one("ed25519"), "signatures.key": base64Of(32), "signatures.value": base64Of(64),
}

// partyChecks are those of terms of a party.
var partyChecks = map[string]check{
	"org": identityText, "kind": slugText, "relation": one("partner", "client", "org", "public"), "jurisdictions": territoryText, "originates": identityText,
	"servers.url": serverURL, "servers.spki": pinText, "enforces": one("none", "markings", "sidecar"),
	"understands": one("tlp1", "tlp2", "iep2", "handling"), "communities": communityText,
	"keys.key": base64Of(32), "keys.use": one("agreement", "consent"),
}

// keyChecks are those of keys of maps.
var keyChecks = map[string]check{
	"flows.statements.known": markingText,
	"clauses":                func(path string) (string, string) { return termAt(path) },
	"flows.clauses":          func(path string) (string, string) { return termAt("flows." + path) },
}

// ranges are those of numbers.
var ranges = map[string][2]float64{
	"revision": {1, 1e9}, "flows.select.min_confidence": {0, 100}, "flows.tlp.amber_client_depth": {0, 100}, "flows.onward.max_hops": {0, 100},
	"flows.limits.max_objects_per_day": {0, 1e9}, "reciprocity.min_ratio": {0, 1e6}, "tests.given.hop": {0, 100},
}

var detectors = []string{"ip", "email", "person", "account", "iban"}

// base64Of is n bytes in base64. The text itself is not told.
func base64Of(n int) check {
	return func(text string) (string, string) {
		if b, err := base64.StdEncoding.Strict().DecodeString(text); err != nil || len(b) != n {
			return "is not base64 of the right length", "copy it as entente agreement keygen or sign writes it"
		}
		return "", ""
	}
}

func objectType(text string) (string, string) {
	if text == "*" || slices.Contains(stix.Types(), text) {
		return "", ""
	}
	if _, err := stix.ParseID(text + "--00000000-0000-4000-8000-000000000000"); err != nil {
		return "is not a type of objects", `write it as in "indicator", or "*" for all`
	}
	if hint := DidYouMean(text, stix.Types()); hint != "" && !strings.HasPrefix(text, "x-") {
		return "is not a type of the standard", hint + " types of your own begin with x-"
	}
	return "", ""
}

func serverURL(text string) (string, string) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" || u.RawQuery != "" {
		return "is not the URL of a server", `write it as "https://taxii.example/taxii2/"`
	}
	return "", ""
}

func idScope(text string) (string, string) {
	if text == "mou" {
		return "", ""
	}
	if what, _ := communityText(text); what != "" {
		return "is not a scope of ids", `write "mou", or the id of a community`
	}
	return "", ""
}

func personalClass(text string) (string, string) {
	switch text {
	case "indirect", "direct":
		return "", ""
	case "special":
		return "is never passed on", "remove it"
	}
	return "is not a class of personal data that can be allowed", `write "indirect" or "direct"`
}

func retroactiveText(text string) (string, string) {
	if text == "none" || text == "all" {
		return "", ""
	}
	if from, ok := strings.CutPrefix(text, "from:"); ok {
		if len(from) == len(time.DateOnly) {
			from += "T00:00:00Z"
		}
		if _, err := ParseInstant(from); err == nil {
			return "", ""
		}
	}
	return "is not a value of this term", `write none, all, or as in "from:2026-03-01T00:00:00Z"`
}

func extensionText(text string) (string, string) {
	if text == "*" || strings.HasPrefix(text, "x_") {
		return "", ""
	}
	if id, err := stix.ParseID(text); err == nil && id.Type() == "extension-definition" {
		return "", ""
	}
	return "is not an extension", `write the id of an extension-definition, a property that begins with x_, or "*"`
}

func selectorText(text string) (string, string) {
	if _, err := stix.ParseSelector(text); err != nil {
		return "is not a selector", `write it as in "external_references" or "labels.[0]"`
	}
	return "", ""
}

func ruleName(text string) (string, string) {
	names := make([]string, 0, len(rules))
	for i := range rules {
		if rules[i].Name == text {
			return "", ""
		}
		names = append(names, rules[i].Name)
	}
	return "is not a rule", nearest(text, names)
}

func obligationName(text string) (string, string) {
	name, _, _ := strings.Cut(text, ":")
	if _, ok := obligationNames[name]; ok {
		return "", ""
	}
	names := make([]string, 0, len(obligationNames))
	for n := range obligationNames {
		names = append(names, n)
	}
	slices.Sort(names)
	return "is not an obligation that anybody fulfils", nearest(name, names)
}

// survivor is a term of flows that outlives the agreement.
func survivor(text string) (string, string) {
	flow, actions := keysOf(reflect.TypeFor[FlowTerms]()), keysOf(reflect.TypeFor[ActionTerms]())
	known := append(sortedKeys(flow), sortedKeys(actions)...)
	if slices.Contains(known, text) {
		return "", ""
	}
	return "is not a term of flows", nearest(text, known)
}
