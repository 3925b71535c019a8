package policy

// A Decision is what the flow does with a holding. The zero Decision withholds.
type Decision struct {
	Effect Effect

	// PerObject: another object with the same Label may be decided otherwise,
	// because the flow looks at Traits. Decided without Traits, Effect is then the
	// most that any such object can get.
	PerObject bool

	// OnlyConsent: the decision was made without Traits, and without a consent that
	// names the object it is Withhold. Where no consent is known, no object has to
	// be looked at.
	OnlyConsent bool

	// Until is the first instant after that of the decision at which it may come
	// out otherwise; Never if time changes nothing.
	Until Instant

	Profile Profile // if Effect is Redact; without Traits only what holds for every object with the label

	// Only if asked for:
	Obligations []Obligation // if Effect is not Withhold; sorted, unique
	Reasons     []Reason     // everything that took part, in order of stages
}

// A Reason is a rule that took part in a decision.
type Reason struct {
	Stage     Stage
	Rule      string // such as "tlp.max", "onward.none", "marking.unresolved"
	Effect    Effect // what the rule came to
	Term      string // path of the term in the agreement; "" if no term is behind it
	Agreement AgreementID
	Revision  uint32
	Flow      string
	Clause    string   // of the legal text; "" if the agreement cites none
	Position  Position // of the term in the agreement's document
	Text      string   // one sentence for people: what was found and what is allowed
}

// An Obligation binds somebody to something.
type Obligation struct {
	Name string // such as "purpose", "judicial-use", "route", "pap"
	Arg  string
	By   Enforcer
}

// An Enforcer is who fulfils an obligation.
type Enforcer uint8

const (
	Recipient Enforcer = iota // told to it
	Server                    // we do it
)

// A Profile says what a redacted copy leaves out.
type Profile struct {
	Strip         []string `json:"strip,omitempty"` // selectors, sorted, unique
	Placeholder   bool     `json:"placeholder,omitempty"`
	Anonymise     bool     `json:"anonymise,omitempty"` // no created_by_ref
	Scope         string   `json:"scope"`               // of the copy's id
	TruncateTimes string   `json:"truncate_times,omitempty"`
	DropLabels    []string `json:"drop_labels,omitempty"`
	DropHosts     []string `json:"drop_hosts,omitempty"`
}

// A Position is a place in a document; the zero Position is none.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line"` // from 1
	Column int    `json:"column"`
}
