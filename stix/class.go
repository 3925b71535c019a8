package stix

// A class is a group of object types that share rules about their common
// properties (STIX 2.1, section 3.2).
type class uint8

const (
	unknown    class = iota // a type that is not in the standard
	domain                  // SDO or SRO: has versions
	observable              // SCO: needs no created and no modified
	meta                    // language-content and extension-definition: new in 2.1, have versions
	marking                 // marking-definition: has created, cannot be versioned
	bundle                  // not a STIX object
)

func classOf(name string) class {
	switch name {
	case "attack-pattern", "campaign", "course-of-action", "grouping", "identity", "incident", "indicator",
		"infrastructure", "intrusion-set", "location", "malware", "malware-analysis", "note", "observed-data",
		"opinion", "report", "threat-actor", "tool", "vulnerability", "relationship", "sighting":
		return domain
	case "artifact", "autonomous-system", "directory", "domain-name", "email-addr", "email-message", "file",
		"ipv4-addr", "ipv6-addr", "mac-addr", "mutex", "network-traffic", "process", "software", "url",
		"user-account", "windows-registry-key", "x509-certificate":
		return observable
	case "language-content", "extension-definition":
		return meta
	case "marking-definition":
		return marking
	case "bundle":
		return bundle
	}
	return unknown
}
