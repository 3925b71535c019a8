package stix

import "strings"

// isStandard reports whether STIX 2.0 or 2.1 defines the property for objects
// of the type, or for all. Of a type that is not in the standard it can tell
// nothing, so only names that begin with x_ are not standard there.
func isStandard(kind, name string) bool {
	properties, known := typeProperties[kind]
	if !known {
		return !strings.HasPrefix(name, "x_")
	}
	return commonProperties[name] || properties[name]
}

// StandardExtension reports whether the standard itself defines the extension
// for objects of the type: "archive-ext" of a file (STIX 2.1, section 6), and
// of observed-data, which may hold one.
func StandardExtension(kind, name string) bool {
	return standardExtensions[name] != "" && (standardExtensions[name] == kind || kind == "observed-data")
}

var standardExtensions = map[string]string{
	"archive-ext": "file", "ntfs-ext": "file", "pdf-ext": "file", "raster-image-ext": "file", "windows-pebinary-ext": "file",
	"http-request-ext": "network-traffic", "icmp-ext": "network-traffic", "socket-ext": "network-traffic", "tcp-ext": "network-traffic",
	"windows-process-ext": "process", "windows-service-ext": "process",
	"unix-account-ext": "user-account",
}

// commonProperties are those of STIX 2.1, section 3.2, of whatever class: rules
// have their own say about each of them.
var commonProperties = words("type spec_version id created_by_ref created modified revoked labels confidence lang " +
	"external_references object_marking_refs granular_markings defanged extensions")

// typeProperties are the names that each type of STIX 2.0 and 2.1 adds. Observables
// have their names of 2.0 too, for observed-data that holds them.
var typeProperties = map[string]map[string]bool{
	"attack-pattern":   words("name description aliases kill_chain_phases"),
	"campaign":         words("name description aliases first_seen last_seen objective"),
	"course-of-action": words("name description action"),
	"grouping":         words("name description context object_refs"),
	"identity":         words("name description roles identity_class sectors contact_information"),
	"incident":         words("name description"),
	"indicator":        words("name description indicator_types pattern pattern_type pattern_version valid_from valid_until kill_chain_phases"),
	"infrastructure":   words("name description infrastructure_types aliases kill_chain_phases first_seen last_seen"),
	"intrusion-set":    words("name description aliases first_seen last_seen goals resource_level primary_motivation secondary_motivations"),
	"location":         words("name description latitude longitude precision region country administrative_area city street_address postal_code"),
	"malware": words("name description malware_types is_family aliases kill_chain_phases first_seen last_seen operating_system_refs " +
		"architecture_execution_envs implementation_languages capabilities sample_refs"),
	"malware-analysis": words("product version host_vm_ref operating_system_ref installed_software_refs configuration_version modules " +
		"analysis_engine_version analysis_definition_version submitted analysis_started analysis_ended result_name result analysis_sco_refs sample_ref"),
	"note":          words("abstract content authors object_refs"),
	"observed-data": words("first_observed last_observed number_observed objects object_refs"),
	"opinion":       words("explanation authors opinion object_refs"),
	"report":        words("name description report_types published object_refs"),
	"threat-actor": words("name description threat_actor_types aliases first_seen last_seen roles goals sophistication resource_level " +
		"primary_motivation secondary_motivations personal_motivations"),
	"tool":                 words("name description tool_types aliases kill_chain_phases tool_version"),
	"vulnerability":        words("name description"),
	"relationship":         words("relationship_type description source_ref target_ref start_time stop_time"),
	"sighting":             words("description first_seen last_seen count sighting_of_ref observed_data_refs where_sighted_refs summary"),
	"language-content":     words("object_ref object_modified contents"),
	"extension-definition": words("name description schema version extension_types extension_properties"),
	"marking-definition":   words("name definition_type definition"),

	"artifact":          words("mime_type payload_bin url hashes encryption_algorithm decryption_key"),
	"autonomous-system": words("number name rir"),
	"directory":         words("path path_enc ctime mtime atime accessed contains_refs"),
	"domain-name":       words("value resolves_to_refs"),
	"email-addr":        words("value display_name belongs_to_ref"),
	"email-message": words("is_multipart date content_type from_ref sender_ref to_refs cc_refs bcc_refs message_id subject received_lines " +
		"additional_header_fields body body_multipart raw_email_ref"),
	"file": words("hashes size name name_enc magic_number_hex mime_type ctime mtime atime accessed parent_directory_ref contains_refs " +
		"content_ref is_encrypted encryption_algorithm decryption_key"),
	"ipv4-addr": words("value resolves_to_refs belongs_to_refs"),
	"ipv6-addr": words("value resolves_to_refs belongs_to_refs"),
	"mac-addr":  words("value"),
	"mutex":     words("name"),
	"network-traffic": words("start end is_active src_ref dst_ref src_port dst_port protocols src_byte_count dst_byte_count src_packets " +
		"dst_packets ipfix src_payload_ref dst_payload_ref encapsulates_refs encapsulated_by_ref"),
	"process": words("is_hidden pid created_time name cwd arguments command_line environment_variables opened_connection_refs " +
		"creator_user_ref image_ref binary_ref parent_ref child_refs"),
	"software": words("name cpe swid languages vendor version"),
	"url":      words("value"),
	"user-account": words("user_id credential account_login account_type display_name is_service_account is_privileged can_escalate_privs " +
		"is_disabled account_created account_expires credential_last_changed password_last_changed account_first_login account_last_login"),
	"windows-registry-key": words("key values modified_time creator_user_ref number_of_subkeys"),
	"x509-certificate": words("is_self_signed hashes version serial_number signature_algorithm issuer validity_not_before validity_not_after " +
		"subject subject_public_key_algorithm subject_public_key_modulus subject_public_key_exponent x509_v3_extensions"),
}

// words is the set of the names in list.
func words(list string) map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(list) {
		set[name] = true
	}
	return set
}
