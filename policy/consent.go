package policy

import "entente/stix"

// A Consent is an originator's permission to pass objects on that its terms
// alone would keep. It lifts, for the recipient, objects, purpose and time that
// it names: the audience of TLP, the originator's own onward terms (mode and
// hops), H2 and H3, the embargo, and an attribution that has to be asked for. It
// lifts nothing else: no integrity, no state of an agreement, no ceiling of the
// agreement by which the recipient would get the object, no rule about personal
// data, and no other party's terms.
type Consent struct {
	ID        string    `json:"id"`     // "consent--" and a UUID
	By        OrgID     `json:"by"`     // who gives it: the originator
	Holder    OrgID     `json:"holder"` // who may pass the objects on
	Recipient OrgID     `json:"recipient"`
	Objects   []stix.ID `json:"objects"` // all versions
	Purpose   string    `json:"purpose"`
	From      Instant   `json:"from"`
	Until     Instant   `json:"until"` // not including
	Key       string    `json:"key"`
	Signature string    `json:"signature"` // Ed25519 over the canonical form without it, base64
}
