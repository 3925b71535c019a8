package policy

import (
	"strings"

	"entente/stix"
)

// Personal finds the classes of personal data in an object that in has inspected
// last and c describes. It does not guess innocence: an address is indirect
// personal data whosever it is, and what may hold anything is Undetermined.
//
// Direct are e-mail addresses, accounts, individuals, authors, telephone numbers
// in international form and IBANs with the right checksum; Indirect are addresses
// of the Internet and of devices. They are found by the type of the object, of what
// it mentions (an observable's id can be inverted, so it counts as the observable),
// of what it embeds and of what its pattern is about; and in every text that it
// has. Undetermined are payloads, street addresses, identities that do not say
// what they are and objects of types that the standard does not define. Not found
// are names of persons in prose and in paths, telephone numbers in national form,
// and special categories. Marking and extension definitions are terms, not
// content, and have none.
//
// Time is linear in the size of the object.
func Personal(o *stix.Object, c *stix.Content, in *stix.Inspector) PersonalData {
	if o.Type == "marking-definition" || o.Type == "extension-definition" {
		return 0
	}
	found := byType(o.Type, c, in)
	if found&Undetermined != 0 && o.Type == "artifact" {
		return found // a payload is not looked into
	}
	for _, ref := range c.Refs {
		found |= observable(ref.Type())
	}
	if found&(Direct|Indirect) == Direct|Indirect {
		return found
	}
	return found | scanText(decode(o.Raw))
}

// observable is the class of an observable of a type, or of an id of one.
func observable(kind string) PersonalData {
	switch kind {
	case "ipv4-addr", "ipv6-addr", "mac-addr":
		return Indirect
	case "email-addr", "email-message", "user-account":
		return Direct
	}
	return 0
}

// byType is what the type of an object and its properties say.
func byType(kind string, c *stix.Content, in *stix.Inspector) PersonalData {
	has := func(property string) bool {
		for _, name := range c.Names {
			if name == property {
				return true
			}
		}
		return false
	}
	switch kind {
	case "ipv4-addr", "ipv6-addr", "mac-addr", "email-addr", "email-message", "user-account":
		return observable(kind)
	case "identity":
		return byIdentity(in.String("identity_class"))
	case "threat-actor":
		if in.String("resource_level") == "individual" {
			return Direct
		}
	case "note", "opinion":
		if has("authors") {
			return Direct
		}
	case "artifact":
		if has("payload_bin") {
			return Undetermined
		}
	case "location":
		if has("street_address") {
			return Undetermined
		}
	case "observed-data":
		embedded, _ := in.Member("objects")
		return inside(embedded)
	case "indicator":
		if c.PatternType == "stix" || c.PatternType == "" {
			return inside(in.String("pattern"))
		}
	case "attack-pattern", "campaign", "course-of-action", "grouping", "incident", "infrastructure", "intrusion-set", "malware",
		"malware-analysis", "report", "tool", "vulnerability", "relationship", "sighting", "autonomous-system",
		"directory", "domain-name", "file", "mutex", "network-traffic", "process", "software", "url", "windows-registry-key",
		"x509-certificate", "language-content":
	default:
		return Undetermined
	}
	return 0
}

// byIdentity is what the class of an identity says.
func byIdentity(class string) PersonalData {
	switch class {
	case "individual":
		return Direct
	case "group", "system", "organization", "class":
		return 0
	}
	return Undetermined
}

// inside looks for types of observables in a pattern, or in the JSON of embedded
// objects. A mention counts, wherever it stands.
func inside(text string) (found PersonalData) {
	if text == "" {
		return 0
	}
	for _, kind := range [...]string{"ipv4-addr", "ipv6-addr", "mac-addr", "email-addr", "email-message", "user-account"} {
		if class := observable(kind); found&class == 0 && strings.Contains(text, kind) {
			found |= class
		}
	}
	if strings.Contains(text, "payload_bin") || strings.Contains(text, `\u`) || custom(text) {
		found |= Undetermined // of names with escapes nothing is known
	}
	return found
}

// custom reports whether a type begins with x-, as those do that the standard
// does not define.
func custom(text string) bool {
	for {
		i := strings.Index(text, "x-")
		if i < 0 {
			return false
		}
		if i == 0 || strings.IndexByte(" \t\r\n\"[(", text[i-1]) >= 0 {
			return true
		}
		text = text[i+2:]
	}
}
