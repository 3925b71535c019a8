package policy

import "entente/stix"

// A Label is everything about a holding that a decision can depend on, but for
// what changes with nearly every object (see Traits). There are few: they are
// interned, and decided once. Lists are sorted and unique. The zero Label is
// withheld from everyone, because its Level is none and its Flow has no default.
type Label struct {
	Type string `json:"type"`

	// Where the copy came from.
	From       OrgID       `json:"from,omitempty"`       // "": it was written here
	Creator    OrgID       `json:"creator,omitempty"`    // created_by_ref; of an identity without one that From speaks for, the identity itself
	Originator bool        `json:"originator,omitempty"` // From speaks for Creator; true if it was written here
	Under      AgreementID `json:"under,omitempty"`      // received under; "" if it was written here
	Revision   uint32      `json:"revision,omitempty"`
	Hops       uint8       `json:"hops,omitempty"`  // organisation boundaries crossed to get here; 0: written here; UnknownHops
	Terms      []Terms     `json:"terms,omitempty"` // of each hop, as far as they are known

	// What the markings say, the object's and the granular ones joined apart.
	Level       Level     `json:"level"`                 // join of the markings of the TLP family in object_marking_refs and IEP; none if there is none
	Default     Level     `json:"default,omitempty"`     // assumed because Level is none: the default of the flow it came by, or of self
	Floor       Level     `json:"floor,omitempty"`       // at least, for policy: what other copies and versions, or holders before us, make of it
	Granular    Level     `json:"granular,omitempty"`    // join of the granular markings; none if there are none
	Editions    Editions  `json:"editions,omitempty"`    // forms of TLP in the bytes
	Communities []string  `json:"communities,omitempty"` // that GREEN refers to; empty: the flow's
	Faults      []string  `json:"faults,omitempty"`      // rules of stage integrity and unresolved markings: withheld from everyone
	Handling    []string  `json:"handling,omitempty"`    // "H0" to "H3"
	Source      string    `json:"source,omitempty"`      // evaluation, "A" to "X"
	Information string    `json:"information,omitempty"` // evaluation, "1" to "4"
	PAP         Level     `json:"pap,omitempty"`
	IEP         *IEP      `json:"iep,omitempty"`
	ACS         *ACS      `json:"acs,omitempty"`
	Purposes    []string  `json:"purposes,omitempty"` // that the markings allow; empty: any
	Statements  []stix.ID `json:"statements,omitempty"`
	Judicial    string    `json:"judicial,omitempty"` // use in court, where a marking limits it: "consent", "must-not"
	Coded       bool      `json:"coded,omitempty"`    // handling markings restrict by more than H0: for recipients that read them
	AIS         string    `json:"ais,omitempty"`      // consent label of the creator's identity
	Embargo     Instant   `json:"embargo,omitempty"`  // from markings and upstream terms; the latest

	Personal PersonalData `json:"personal,omitempty"` // classes found
	Revoked  bool         `json:"revoked,omitempty"`
	Lacks    Parts        `json:"lacks,omitempty"` // that the object is known not to have
}

// Parts are parts of an object that flows have terms about. A label says which
// are missing, so that what is not known counts as there and is looked for.
type Parts uint8

const (
	PartLabels     Parts = 1 << iota // labels
	PartHosts                        // external_references with a URL
	PartExtensions                   // extensions and properties that the standard does not define
	PartSighters                     // where_sighted_refs
)

// UnknownHops is the Hops of a copy whose way is not known: three or more.
const UnknownHops = 255

// Editions are forms of TLP that an object's bytes carry.
type Editions uint8

const (
	TLP1 Editions = 1 << iota
	TLP2
	TLPOther // known by an alias only
)

// PersonalData is a set of classes of personal data.
type PersonalData uint8

const (
	Indirect     PersonalData = 1 << iota // addresses of devices, pseudonyms
	Direct                                // names, e-mail addresses, accounts
	Special                               // GDPR, Article 9
	Undetermined                          // may be personal: counts as direct
)

// Terms bind the holder of a copy when it passes it on.
type Terms struct {
	By          OrgID       `json:"by,omitempty"` // who set them; "" if that is hidden
	Under       AgreementID `json:"under,omitempty"`
	Revision    uint32      `json:"revision,omitempty"`
	Flow        string      `json:"flow,omitempty"`
	Mode        string      `json:"mode"` // onward mode
	To          []OrgID     `json:"to,omitempty"`
	MaxHops     int         `json:"max_hops"`
	Communities []string    `json:"communities,omitempty"`
	Floor       Level       `json:"floor,omitempty"`
	Handling    []string    `json:"handling,omitempty"` // default codes of the flow
	ClientDepth int         `json:"client_depth,omitempty"`
	Anonymous   bool        `json:"anonymous,omitempty"` // the source must not be told
	Resale      bool        `json:"resale,omitempty"`    // unmodified resale is allowed
	Purposes    []string    `json:"purposes,omitempty"`
	Personal    []string    `json:"personal,omitempty"` // classes that may be passed on
	Encrypt     bool        `json:"encrypt,omitempty"`
	Judicial    string      `json:"judicial,omitempty"`
	Permitted   string      `json:"permitted,omitempty"`
	Notify      string      `json:"notify,omitempty"`
	AI          string      `json:"ai,omitempty"`
	Retention   string      `json:"retention,omitempty"`
}

// IEP is an Information Exchange Policy (FIRST IEP 2.0) that an object carries.
type IEP struct {
	Start       Instant `json:"start,omitempty"`
	End         Instant `json:"end,omitempty"` // Never if it has none
	Encrypt     bool    `json:"encrypt,omitempty"`
	Actions     string  `json:"actions,omitempty"`
	Notify      string  `json:"notify,omitempty"`
	Attribution string  `json:"attribution,omitempty"` // "may", "must", "must-not"
	Resale      string  `json:"resale,omitempty"`
}

// ACS is what an access control specification (ISA 3.0) says, as far as it is
// evaluated.
type ACS struct {
	Permit        bool     `json:"permit,omitempty"` // by its default and its rules
	Onward        bool     `json:"onward,omitempty"` // further sharing is allowed
	Organizations []string `json:"organizations,omitempty"`
	Nationalities []string `json:"nationalities,omitempty"` // empty: any
	Anonymise     bool     `json:"anonymise,omitempty"`     // naming the source is not permitted
	CUI           bool     `json:"cui,omitempty"`
}

// Traits are what a decision may need to know of one object besides its label.
type Traits struct {
	Header   *stix.Header
	Content  *stix.Content
	Granular []PathLevel
	Consents []*Consent // that name the object, verified, in force or not
}

// A PathLevel is the level that a granular marking gives to paths.
type PathLevel struct {
	Level     Level
	Selectors []string
}
