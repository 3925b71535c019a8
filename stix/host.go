package stix

import "strings"

// hostOf is the host of an absolute URL, in lower case, without port and final
// dot; an IPv6 address keeps its brackets. It is "" if there is none, and if
// readers of URLs may differ about which it is: a backslash, a percent sign, a
// space, a control character or a second @ in what stands before the path.
func hostOf(url string) string {
	colon := strings.IndexByte(url, ':')
	if colon < 1 || !isScheme(url[:colon]) || !strings.HasPrefix(url[colon:], "://") {
		return ""
	}
	host := url[colon+len("://"):]
	if end := strings.IndexAny(host, "/?#"); end >= 0 {
		host = host[:end]
	}
	for i := range len(host) {
		if c := host[i]; c <= ' ' || c == 0x7f || c == '\\' || c == '%' {
			return ""
		}
	}
	if at := strings.IndexByte(host, '@'); at >= 0 {
		if host = host[at+1:]; strings.IndexByte(host, '@') >= 0 {
			return ""
		}
	}
	port := host
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return ""
		}
		host, port = host[:end+1], host[end+1:]
	} else if i := strings.IndexByte(host, ':'); i >= 0 {
		host, port = host[:i], host[i:]
	} else {
		port = ""
	}
	if port != "" && (port[0] != ':' || !digits(port[1:])) {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// isScheme reports whether s is the scheme of a URL (RFC 3986, section 3.1).
func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || c-'0' > 9 && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}
