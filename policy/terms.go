package policy

import (
	"reflect"
	"slices"
	"strings"
)

// A Term is a row of the table of all terms of agreements: what they are and how
// each is held.
type Term struct {
	Number  int      `json:"number"`            // from 1
	Paths   []string `json:"paths,omitempty"`   // of the keys it is written with; what is under them is part of it
	Default string   `json:"default,omitempty"` // "" if there is none to speak of
	Held    Hold     `json:"held"`
	By      string   `json:"by,omitempty"`      // the stages or rules that enforce it, the obligation, or who else sees to it
	Effect  string   `json:"effect"`            // one sentence
	Refused []string `json:"refused,omitempty"` // values that are not kept in this version, so that a document with one is refused
}

// A Hold is how a term is held.
type Hold string

const (
	Enforced    Hold = "enforced"    // by this program
	Obliged     Hold = "obligation"  // told to the recipient, or carried out by people, who answer for it
	Informative Hold = "informative" // no effect; or it allows what this version makes no use of
)

// TermTable is the table of all terms, by number. Every key of an agreement is in one
// row, so none is silently ignored.
func TermTable() []Term { return slices.Clone(terms) }

// terms: stages and rules are those of decisions; "release" is the keeper of
// release logs, "receive" what takes objects in, "load" Parse, Next and RunTests.
var terms = []Term{
	{1, []string{"status"}, "", Enforced, "agreement.state", "Only an active agreement grants.", nil},
	{2, []string{"valid.from", "valid.until", "valid.grace"}, "grace P0D", Enforced, "agreement.state", "Outside its time it grants nothing; in its time of grace what was released can be read again.", nil},
	{3, []string{"valid.review_by"}, "none", Enforced, "agreement.state", "Overdue, it suspends the agreement if suspension.triggers has review-overdue.", nil},
	{4, []string{"schema", "id", "title", "revision", "supersedes", "signatures", "acknowledges"}, "", Enforced, "load", "A revision counts if both parties signed it and it follows the one before.", nil},
	{5, []string{"parties.org", "parties.name", "parties.originates"}, "originates nothing", Enforced, "echo, receive", "Whose objects a party may send as the originator's own.", nil},
	{6, []string{"parties.enforces"}, "none", Enforced, "label.not-in-bytes", "What does not enforce our terms gets only what its bytes say.", nil},
	{7, []string{"parties.understands"}, "tlp1", Enforced, "label.not-understood", "A restriction goes only to who can read it.", nil},
	{8, []string{"parties.kind", "parties.relation", "parties.le", "parties.commercial", "parties.jurisdictions", "parties.communities", "parties.clients_list", "parties.servers", "parties.contacts", "parties.keys"},
		"relation partner", Enforced, "tlp.audience, onward, personal data, acs, resale, encrypt; keys by load; clients_list and contacts are for people", "What a recipient is to the sender.", nil},
	{9, []string{"purposes", "flows.purposes"}, "", Enforced, "purpose; obligation purpose", "Nothing is shared without a purpose that everybody allows.", nil},
	{10, []string{"flows.name", "flows.direction", "flows.collections", "flows.channels"}, "", Enforced, "release, receive", "A flow grants only what it names; a partner sees no other collections.", nil},
	{11, []string{"flows.select"}, "", Enforced, "no-grant", "What is not selected is not granted.", nil},
	{12, []string{"flows.tlp.max"}, "GREEN", Enforced, "tlp.max", "Nothing above it passes.", nil},
	{13, []string{"flows.tlp.default"}, "AMBER+STRICT", Enforced, "label, label.not-in-bytes", "The level of objects without one.", nil},
	{14, []string{"flows.tlp.floor"}, "CLEAR", Enforced, "label", "The least level that objects count as.", nil},
	{15, []string{"flows.tlp.red"}, "never", Enforced, "tlp.max, tlp.audience", "RED goes to named persons only.", nil},
	{16, []string{"flows.tlp.community"}, "nobody", Enforced, "tlp.audience", "Whom GREEN reaches.", nil},
	{17, []string{"flows.tlp.amber_client_depth", "flows.tlp.v1_only_amber_strict", "flows.tlp.dialect"}, "1, withhold", Enforced, "tlp.audience, label.not-understood; dialect is informative", "How many client hops AMBER may travel.", nil},
	{18, []string{"flows.pap"}, "CLEAR, AMBER", Enforced, "pap; obligation pap", "What the recipient cannot honour is not sent to it.", nil},
	{19, []string{"flows.handling.accept", "flows.handling.default"}, "H0, none", Enforced, "handling.accept, handling.H0, handling.H2, handling.H3", "Only codes that the recipient accepts are sent.", nil},
	{20, []string{"flows.handling.evaluation"}, "off", Enforced, "quality; obligation evaluation", "The worst evaluation that passes.", nil},
	{21, []string{"flows.iep"}, "not accepted", Enforced, "iep.accept, iep.window", "Whether objects with an Information Exchange Policy are sent.", []string{"flows.iep.default: *"}},
	{22, []string{"flows.acs"}, "withhold", Enforced, "acs", "Whether access control specifications are evaluated.", nil},
	{23, []string{"flows.statements"}, "carry", Enforced, "statement; obligation display", "What statements keep an object back.", nil},
	{24, nil, "withhold", Enforced, "marking.unresolved", "What has a marking that is not known is withheld. No term changes that.", nil},
	{25, []string{"flows.granular"}, "join, withhold", Enforced, "granular", "What becomes of parts that are marked above what the recipient may see.", []string{"flows.granular.mode: override"}},
	{26, []string{"flows.redaction"}, "not allowed", Enforced, "every rule that redacts; release", "Whether copies without some parts are made.", nil},
	{27, []string{"flows.personal_data"}, "none", Enforced, "pd.indirect, pd.direct, pd.special, pd.undetermined; obligations route, log-ground", "Which personal data passes; all detectors run, whichever are named.", nil},
	{28, []string{"flows.attribution.source"}, "disclose", Enforced, "attribution.source, attribution.ask", "Whether the source is named.", nil},
	{29, []string{"flows.attribution.victims", "flows.attribution.sightings"}, "anonymise", Enforced, "attribution.sightings", "Whether it is told who saw something, and who was hit.", nil},
	{30, []string{"flows.attribution.consent_labels"}, "honour", Enforced, "attribution.source; obligation proprietary", "Consent labels of AIS are honoured.", nil},
	{31, []string{"flows.embargo"}, "none", Enforced, "embargo", "Until it ends, not even the existence of an object is told.", nil},
	{32, []string{"flows.onward.mode", "flows.onward.to", "flows.onward.communities"}, "none", Enforced, "onward.none, onward.consent, onward.clients, onward.community, onward.listed, onward.tlp", "To whom the recipient may pass objects on.", nil},
	{33, []string{"flows.onward.max_hops"}, "1", Enforced, "onward.hops", "How many borders of organisations an object may cross.", nil},
	{34, []string{"consent"}, "no approvers", Enforced, "consents: see CheckConsent; an emergency override is allowed and does not exist in this version", "Who may permit what the terms would keep, and for how long.", nil},
	{35, []string{"flows.actions.encrypt_in_transit"}, "must", Enforced, "encrypt; obligation encrypt-in-transit", "Nothing goes over a clear channel.", nil},
	{36, []string{"flows.actions.permitted", "flows.actions.notify_affected", "flows.actions.judicial_use"}, "internally-visible-actions, must-not, consent", Obliged, "permitted-actions, notify-affected, judicial-use", "What the recipient may do with an object.", nil},
	{37, []string{"flows.actions.unmodified_resale", "flows.actions.derived_products", "flows.actions.ai_training"}, "must-not, permit, must-not", Obliged, "resale (also a rule), derived-products, ai-training", "What the recipient may make of an object.", nil},
	{38, []string{"flows.retention"}, "P1Y, P30D", Enforced, "release deletes our own copies; residency; obligation retention", "How long and where copies are kept.", nil},
	{39, []string{"flows.changes.on_upgrade"}, "withdraw+recall", Enforced, "release", "What is marked too high for the recipient leaves its view; people recall what it has copied.", nil},
	{40, []string{"flows.changes.on_revoke", "flows.changes.correction"}, "send-if-sent", Enforced, "release; correction is for people", "Revocations go only to who got the object.", nil},
	{41, []string{"flows.changes.retroactive"}, "none", Enforced, "release", "Whether a new grant opens what was here before it.", nil},
	{42, []string{"flows.references.dangling", "flows.references.prune_lists"}, "withhold, false", Enforced, "reference.hidden; lists are not pruned in this version, the object is withheld", "What mentions what is hidden is hidden.", nil},
	{43, []string{"flows.references.echo"}, "false", Enforced, "echo", "Whether the recipient's own objects come back to it.", nil},
	{44, []string{"flows.extensions"}, "those of the standard", Enforced, "extension.unknown", "Which extensions pass.", nil},
	{45, []string{"flows.fields.strip"}, "none", Enforced, "fields.strip", "Properties that are always left out.", nil},
	{46, []string{"flows.fields.labels_allow", "flows.fields.external_reference_hosts", "flows.fields.truncate_times"}, "all of own objects, none of others", Enforced, "fields.labels, fields.hosts, fields.times", "Which labels, references and times are told.", nil},
	{47, []string{"flows.limits"}, "none", Enforced, "limits.max_age", "How old objects may be.", []string{"flows.limits.max_objects_per_day: *"}},
	{48, []string{"reciprocity"}, "notify", Informative, "", "Measured by people; it never changes what is visible.", nil},
	{49, []string{"suspension", "termination"}, "stop-new+hide-old", Enforced, "agreement.state; who suspends and terminates, and what is then deleted, is for people, by a signed revision", "What suspension and the end of the agreement mean.", nil},
	{50, []string{"audit"}, "full, never, ids-hmac", Obliged, "people, with the release logs", "What is kept and shown as evidence.", nil},
	{51, []string{"breach", "compelled_disclosure"}, "PT24H, notify", Obliged, "breach-notification, compelled-disclosure", "Whom the recipient tells, and how soon.", nil},
	{52, []string{"legal", "clauses", "flows.clauses"}, "", Informative, "", "The agreement in law; clauses are quoted by explanations.", nil},
	{53, []string{"tests"}, "none", Enforced, "load", "Decisions that the parties expect; a revision whose tests fail does not count.", nil},
}

// covers reports whether the row is about the term at path.
func (t *Term) covers(path string) bool {
	return slices.ContainsFunc(t.Paths, func(p string) bool { return path == p || strings.HasPrefix(path, p+".") })
}

// unsupported finds values that this version does not keep: see Term.Refused.
func (v *validator) unsupported() {
	for i := range terms {
		for _, refused := range terms[i].Refused {
			term, value, _ := strings.Cut(strings.TrimPrefix(refused, "flows."), ": ")
			for j := range v.Flows {
				path := flowPath(j, term)
				if n := v.source.node(path); n != nil && (value == n.text || value == "*" && n.says()) {
					v.wrong(path, "remove it, or wait for a version that has it", "is not supported yet (term %d)", terms[i].Number)
				}
			}
		}
	}
}

// says reports whether n is anything but nothing, none and zero.
func (n *node) says() bool {
	return len(n.items) > 0 || n.text != "" && n.text != "0" && n.text != "false"
}

// termAt says what is wrong with the path of a term, such as "flows.tlp.max"; "" if
// there is such a term.
func termAt(path string) (what, instead string) {
	t := reflect.TypeFor[Agreement]()
	for name := range strings.SplitSeq(path, ".") {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() == reflect.Map {
			return "", ""
		}
		keys := keysOf(t)
		i, ok := keys[name]
		if !ok {
			return "is not a term", nearest(name, sortedKeys(keys))
		}
		t = t.Field(i).Type
	}
	return "", ""
}
