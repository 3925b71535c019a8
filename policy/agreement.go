package policy

import "entente/stix"

// An AgreementID is "mou--" and a UUID.
type AgreementID string

// An Agreement is one revision of a memorandum of understanding between two
// organisations, as its document says it. Every field says its default; what a
// term does at decision time is in the table of terms (see TermTable).
type Agreement struct {
	Schema     string      `yaml:"schema"` // "mou/1"
	ID         AgreementID `yaml:"id"`
	Title      string      `yaml:"title"`
	Revision   uint32      `yaml:"revision"`   // from 1, strictly increasing
	Supersedes string      `yaml:"supersedes"` // "sha256:…" of the revision before, "sha256:none" for the first
	Status     Status      `yaml:"status"`
	Valid      Validity    `yaml:"valid"`
	Legal      Legal       `yaml:"legal"`
	Parties    Parties     `yaml:"parties"`
	Purposes   Purposes    `yaml:"purposes"`
	Flows      []FlowTerms `yaml:"flows"`

	Reciprocity Reciprocity         `yaml:"reciprocity"`
	Consent     ConsentTerms        `yaml:"consent"`
	Suspension  Suspension          `yaml:"suspension"`
	Termination Termination         `yaml:"termination"`
	Audit       Audit               `yaml:"audit"`
	Breach      Breach              `yaml:"breach"`
	Compelled   CompelledDisclosure `yaml:"compelled_disclosure"`

	// Clauses cite the legal text: the path of a term ("valid", "consent.max_ttl")
	// and the clause that says it ("Article 7(2)"). Decisions quote them.
	Clauses map[string]string `yaml:"clauses"`

	Tests        []Test      `yaml:"tests"`
	Acknowledges []string    `yaml:"acknowledges"` // loosenings that the parties know of, as the diff with the revision before names them
	Signatures   []Signature `yaml:"signatures"`

	source *source // of the document, for positions; nil if it was not parsed
}

// A Status is the state of an agreement as its parties declare it.
type Status string

const (
	Draft      Status = "draft"
	Shadow     Status = "shadow" // evaluated and compared, never served
	Active     Status = "active"
	Suspended  Status = "suspended"
	Terminated Status = "terminated"
)

type Validity struct {
	From     string `yaml:"from"`  // RFC 3339, UTC; from this instant on
	Until    string `yaml:"until"` // up to, not including
	ReviewBy string `yaml:"review_by"`
	Grace    string `yaml:"grace"` // ISO 8601 duration after Until in which what was released may be read again; "P0D"
}

type Legal struct {
	Binding    bool   `yaml:"binding"`
	Law        string `yaml:"law"`
	CounselRef string `yaml:"counsel_ref"`
}

type Parties struct {
	A Party `yaml:"a"`
	B Party `yaml:"b"`
}

// A Party is one of the two organisations.
type Party struct {
	Org           OrgID       `yaml:"org"`
	Name          string      `yaml:"name"`
	Kind          string      `yaml:"kind"`     // what it is: "vendor", "law-enforcement", …
	Relation      string      `yaml:"relation"` // to the other party: "partner" (default), "client" (its client or constituent), "org" (a server of the same organisation), "public"
	LE            bool        `yaml:"le"`
	Commercial    bool        `yaml:"commercial"`
	Jurisdictions []string    `yaml:"jurisdictions"`
	Originates    []OrgID     `yaml:"originates"` // identities it speaks for
	Servers       []PeerURL   `yaml:"servers"`
	Enforces      string      `yaml:"enforces"`    // "none" (default), "markings", "sidecar"
	Understands   []string    `yaml:"understands"` // default ["tlp1"]
	Communities   []string    `yaml:"communities"`
	ClientsList   string      `yaml:"clients_list"`
	Contacts      Contacts    `yaml:"contacts"`
	Keys          []PublicKey `yaml:"keys"` // Ed25519 keys it signs with
}

type PeerURL struct {
	URL  string `yaml:"url"`
	SPKI string `yaml:"spki"`
}

type Contacts struct {
	Liaison  string `yaml:"liaison"`
	Security string `yaml:"security"`
	Privacy  string `yaml:"privacy"`
	Duty     string `yaml:"duty_24x7"`
}

type Purposes struct {
	Allow []string `yaml:"allow"`
	Deny  []string `yaml:"deny"`
}

// FlowTerms are the terms of one directed grant.
type FlowTerms struct {
	Name         string            `yaml:"name"`
	Direction    string            `yaml:"direction"`   // "a->b" or "b->a"
	Collections  []string          `yaml:"collections"` // ids or aliases
	Channels     []string          `yaml:"channels"`    // "push", "poll", "export"
	Select       Select            `yaml:"select"`
	Purposes     []string          `yaml:"purposes"`
	TLP          TLPTerms          `yaml:"tlp"`
	PAP          PAPTerms          `yaml:"pap"`
	Handling     HandlingTerms     `yaml:"handling"`
	IEP          IEPTerms          `yaml:"iep"`
	ACS          string            `yaml:"acs"` // "withhold" (default), "evaluate"
	Statements   StatementTerms    `yaml:"statements"`
	Granular     GranularTerms     `yaml:"granular"`
	Redaction    RedactionTerms    `yaml:"redaction"`
	PersonalData PersonalDataTerms `yaml:"personal_data"`
	Attribution  AttributionTerms  `yaml:"attribution"`
	Embargo      EmbargoTerms      `yaml:"embargo"`
	Onward       OnwardTerms       `yaml:"onward"`
	Actions      ActionTerms       `yaml:"actions"`
	Retention    RetentionTerms    `yaml:"retention"`
	Changes      ChangeTerms       `yaml:"changes"`
	References   ReferenceTerms    `yaml:"references"`
	Extensions   ExtensionTerms    `yaml:"extensions"`
	Fields       FieldTerms        `yaml:"fields"`
	Limits       LimitTerms        `yaml:"limits"`
	Clauses      map[string]string `yaml:"clauses"` // as Agreement.Clauses, paths within the flow ("tlp.max")
}

type Select struct {
	Types             []string `yaml:"types"` // required; ["*"] means all
	NotTypes          []string `yaml:"not_types"`
	RelationshipTypes []string `yaml:"relationship_types"` // of relationships; empty: all
	LabelsAny         []string `yaml:"labels_any"`
	MinConfidence     int      `yaml:"min_confidence"`
	Where             string   `yaml:"where"` // CEL, boolean; an error is no match
}

type TLPTerms struct {
	Max              string `yaml:"max"`     // "GREEN"
	Default          string `yaml:"default"` // "AMBER+STRICT"
	Floor            string `yaml:"floor"`   // "CLEAR"
	Red              string `yaml:"red"`     // "never" (default), "named"
	Community        string `yaml:"community"`
	AmberClientDepth *int   `yaml:"amber_client_depth"`   // 1
	V1OnlyStrict     string `yaml:"v1_only_amber_strict"` // "withhold"
	Dialect          string `yaml:"dialect"`              // informative
}

type PAPTerms struct {
	Max     string `yaml:"max"`     // what the recipient can honour down to; "CLEAR" cannot honour anything stricter
	Default string `yaml:"default"` // "AMBER"
}

type HandlingTerms struct {
	Accept     []string   `yaml:"accept"` // ["H0"]
	Default    []string   `yaml:"default"`
	Evaluation Evaluation `yaml:"evaluation"`
}

type Evaluation struct {
	MinSource      string `yaml:"min_source"`
	MinInformation string `yaml:"min_information"`
	Missing        string `yaml:"missing"` // "permit" (default), "withhold"
}

type IEPTerms struct {
	Accept  bool              `yaml:"accept"`
	Default map[string]string `yaml:"default"`
}

type StatementTerms struct {
	Known   map[stix.ID]string `yaml:"known"`   // marking id: "carry", "withhold"
	Unknown string             `yaml:"unknown"` // "carry" (default), "withhold"
}

type GranularTerms struct {
	Mode  string `yaml:"mode"`  // "join" (default), "override": the originator's looser granular marking wins
	Above string `yaml:"above"` // "withhold" (default), "redact"
}

type RedactionTerms struct {
	Allow       bool   `yaml:"allow"`
	Placeholder bool   `yaml:"placeholder"`
	IDScope     string `yaml:"id_scope"`     // "mou" (default), or a community id
	DerivedFrom string `yaml:"derived_from"` // "never"
}

type PersonalDataTerms struct {
	Allow     []string `yaml:"allow"` // classes: "indirect", "direct"
	Detectors []string `yaml:"detectors"`
	Ground    string   `yaml:"ground"`
	RouteTo   string   `yaml:"route_to"`
	Special   string   `yaml:"special"` // "withhold"
}

type AttributionTerms struct {
	Source        string `yaml:"source"`         // "disclose" (default), "anonymise", "ask"
	Victims       string `yaml:"victims"`        // "anonymise" (default), "disclose"
	Sightings     string `yaml:"sightings"`      // "anonymise" (default), "disclose"
	ConsentLabels string `yaml:"consent_labels"` // "honour" (default), "ignore" is refused
}

type EmbargoTerms struct {
	Until    string            `yaml:"until"`
	OnLabels map[string]string `yaml:"on_labels"`
	Lift     string            `yaml:"lift"` // "originator"
}

type OnwardTerms struct {
	Mode        string   `yaml:"mode"` // "none" (default), "consent", "clients", "community", "listed", "tlp"
	To          []OrgID  `yaml:"to"`
	MaxHops     *int     `yaml:"max_hops"` // 1
	Communities []string `yaml:"communities"`
}

type ActionTerms struct {
	EncryptInTransit string `yaml:"encrypt_in_transit"` // "must" (default), "may"
	Permitted        string `yaml:"permitted"`          // "internally-visible-actions"
	NotifyAffected   string `yaml:"notify_affected"`    // "must-not"
	UnmodifiedResale string `yaml:"unmodified_resale"`  // "must-not"
	DerivedProducts  string `yaml:"derived_products"`   // "permit"
	AITraining       string `yaml:"ai_training"`        // "must-not"
	JudicialUse      string `yaml:"judicial_use"`       // "consent"
}

type RetentionTerms struct {
	Max              string   `yaml:"max"`               // "P1Y"
	AfterTermination string   `yaml:"after_termination"` // "P30D"
	LegalHold        bool     `yaml:"legal_hold"`
	Residency        []string `yaml:"residency"` // empty: anywhere
}

type ChangeTerms struct {
	OnUpgrade   string `yaml:"on_upgrade"`  // "withdraw+recall"
	OnRevoke    string `yaml:"on_revoke"`   // "send-if-sent"
	Correction  string `yaml:"correction"`  // duration
	Retroactive string `yaml:"retroactive"` // "none" (default), "all", "from:<date>"
}

type ReferenceTerms struct {
	Dangling   string `yaml:"dangling"` // "withhold" (default), "permit-unheld"
	PruneLists bool   `yaml:"prune_lists"`
	Echo       bool   `yaml:"echo"`
}

type ExtensionTerms struct {
	Allow   []string `yaml:"allow"`
	Unknown string   `yaml:"unknown"` // "withhold" (default), "strip"
}

type FieldTerms struct {
	Strip         []string  `yaml:"strip"`
	LabelsAllow   *[]string `yaml:"labels_allow"`             // absent: "*" for own objects, none for relayed ones
	ExternalHosts *[]string `yaml:"external_reference_hosts"` // likewise
	TruncateTimes string    `yaml:"truncate_times"`           // "", "hour", "day"
}

type LimitTerms struct {
	MaxObjectsPerDay int    `yaml:"max_objects_per_day"` // 0: no limit
	MaxAge           string `yaml:"max_age"`             // of created, at release
}

type Reciprocity struct {
	Measure  string  `yaml:"measure"`
	MinRatio float64 `yaml:"min_ratio"`
	OnBreach string  `yaml:"on_breach"` // "notify"
}

type ConsentTerms struct {
	Approvers []OrgID   `yaml:"approvers"`
	MaxTTL    string    `yaml:"max_ttl"`
	Emergency Emergency `yaml:"emergency"`
}

type Emergency struct {
	Allowed     bool   `yaml:"allowed"`
	DualControl bool   `yaml:"dual_control"`
	Basis       string `yaml:"basis"`
}

type Suspension struct {
	By       []string `yaml:"by"`
	Triggers []string `yaml:"triggers"`
	Effect   string   `yaml:"effect"` // "stop-new", "stop-new+hide-old" (default)
}

type Termination struct {
	Notice   string   `yaml:"notice"`
	Survival []string `yaml:"survival"`
	Data     string   `yaml:"data"`
}

type Audit struct {
	Log        string `yaml:"log"`
	Share      string `yaml:"share"`
	Mask       string `yaml:"mask"`
	Evidence   string `yaml:"evidence"`
	Inspection bool   `yaml:"inspection"`
}

type Breach struct {
	NotifyWithin string `yaml:"notify_within"`
	Contact      string `yaml:"contact"`
}

type CompelledDisclosure struct {
	Notify string `yaml:"notify"`
}

// A Test is a decision that the parties expect. It runs when the agreement is
// loaded; one that fails keeps it from becoming active.
type Test struct {
	Name   string `yaml:"name"`
	Given  Given  `yaml:"given"`
	Expect Expect `yaml:"expect"`
}

// Given is a point of the decision domain; what is absent is the most ordinary value.
type Given struct {
	Flow     string `yaml:"flow"` // "" means every flow
	Type     string `yaml:"type"` // "" means one that the flow selects
	TLP      string `yaml:"tlp"`
	PD       string `yaml:"pd"`
	Kind     string `yaml:"kind"`
	Hop      int    `yaml:"hop"`
	Handling string `yaml:"handling"`
	Consent  bool   `yaml:"consent"`
	Embargo  bool   `yaml:"embargo"`
}

type Expect struct {
	Effect      string   `yaml:"effect"` // "permit", "redact", "withhold"
	Reason      string   `yaml:"reason"` // rule
	Obligations []string `yaml:"obligations"`
}

// A PublicKey is an Ed25519 key.
type PublicKey struct {
	Key string `yaml:"key"` // base64 of 32 bytes
	Use string `yaml:"use"` // "agreement", "consent"; "" means both
}

// A Signature is over the canonical form of the agreement without its signatures.
type Signature struct {
	Party string `yaml:"party" json:"party"` // "a" or "b"
	Key   string `yaml:"key" json:"key"`     // the public key, base64
	Alg   string `yaml:"alg" json:"alg"`     // "ed25519"
	Value string `yaml:"value" json:"value"` // base64
}
