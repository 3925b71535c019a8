package policy

import "slices"

// A Kind is what a recipient is to the organisation that sends. Kinds order by
// what they may get.
type Kind uint8

const (
	KindPublic    Kind = iota // no agreement binds it
	KindPartner               // has an agreement
	KindCommunity             // a partner who is a member of the community that the label refers to
	KindClient                // client or constituent of the sender
	KindOrg                   // a server of the same organisation
	KindNamed                 // a person whom the originator named
)

var kindNames = [...]string{KindPublic: "public", KindPartner: "partner", KindCommunity: "community", KindClient: "client", KindOrg: "org", KindNamed: "named"}

// String is the kind as agreements' tests write it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[KindPublic]
}

// phrase is the kind in a sentence.
func (k Kind) phrase() string {
	switch k {
	case KindPartner:
		return "a partner"
	case KindCommunity:
		return "a member of the community"
	case KindClient:
		return "a client"
	case KindOrg:
		return "a server of the same organisation"
	case KindNamed:
		return "a named person"
	}
	return "the public"
}

// parseKind reads the name of a kind.
func parseKind(text string) (Kind, bool) {
	i := slices.Index(kindNames[:], text)
	return Kind(max(i, 0)), i >= 0
}

// reaches reports whether TLP lets an object labelled l go to a recipient of kind
// k at hop, the number of borders of organisations from the originator, this one
// included. At hop 1 the originator itself sends, whom TLP does not bind but for
// RED. depth is how many client hops AMBER may travel.
func (l Level) reaches(k Kind, hop, depth int) bool {
	if hop <= 1 {
		switch l {
		case LevelClear:
			return true
		case LevelGreen, LevelAmber, LevelAmberStrict:
			return k != KindPublic
		}
		return l == LevelRed && k == KindNamed
	}
	switch l {
	case LevelClear:
		return true
	case LevelGreen:
		return k >= KindCommunity
	case LevelAmber:
		return k >= KindOrg || k == KindClient && hop-1 <= depth
	case LevelAmberStrict:
		return k >= KindOrg
	}
	return false
}

// codes is a set of handling codes: bit n is Hn.
type codes uint8

const (
	codeH0 codes = 1 << iota
	codeH1
	codeH2
	codeH3
	codeUnknown codes = 1 << 7
)

var codeNames = [...]string{"H0", "H1", "H2", "H3"}

// with returns c and the codes in names; what is no code is codeUnknown.
func (c codes) with(names []string) codes {
	for _, n := range names {
		switch n {
		case "H0":
			c |= codeH0
		case "H1":
			c |= codeH1
		case "H2":
			c |= codeH2
		case "H3":
			c |= codeH3
		default:
			c |= codeUnknown
		}
	}
	return c
}
