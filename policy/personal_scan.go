package policy

import (
	"net/netip"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decode is raw with the escapes of JSON strings resolved, for scanText.
func decode(raw string) string {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw
	}
	b := make([]byte, 0, len(raw))
	for {
		i := strings.IndexByte(raw, '\\')
		if i < 0 || i+1 >= len(raw) {
			return string(append(b, raw...))
		}
		b = append(b, raw[:i]...)
		c := raw[i+1]
		raw = raw[i+2:]
		switch c {
		case 'b', 'f', 'n', 'r', 't':
			b = append(b, ' ')
		case 'u':
			b, raw = decodeRune(b, raw)
		default:
			b = append(b, c)
		}
	}
}

// decodeRune appends the character whose hexadecimal digits raw begins with.
func decodeRune(b []byte, raw string) ([]byte, string) {
	r, ok := hex4(raw)
	if !ok {
		return b, raw
	}
	raw = raw[4:]
	if utf16.IsSurrogate(r) && strings.HasPrefix(raw, `\u`) {
		if low, ok := hex4(raw[2:]); ok {
			r, raw = utf16.DecodeRune(r, low), raw[6:]
		}
	}
	return utf8.AppendRune(b, r), raw
}

func hex4(s string) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for i := range 4 {
		v := hexValue(s[i])
		if v > 15 {
			return 0, false
		}
		r = r<<4 | rune(v)
	}
	return r, true
}

func hexValue(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}

const (
	isDigit = 1 << iota
	isLetter
	isHex
	isLocal // in the local part of an e-mail address, or in a name of the DNS
	isHint  // there may be something where it stands
)

var charClass = func() (t [256]uint8) {
	for c := range 256 {
		b := byte(c)
		if '0' <= b && b <= '9' {
			t[c] |= isDigit | isHint
		}
		if 'a' <= b|0x20 && b|0x20 <= 'z' {
			t[c] |= isLetter
		}
		if hexValue(b) < 16 {
			t[c] |= isHex
		}
		if t[c]&(isDigit|isLetter) != 0 || b >= 0x80 || b == '-' || b == '_' {
			t[c] |= isLocal
		}
		if b == '@' || b == '+' || b == '.' || b == ':' {
			t[c] |= isHint
		}
	}
	return t
}()

const isWord = isDigit | isLetter

// scanText looks for addresses, telephone numbers and IBANs in a text, whole
// objects included.
func scanText(s string) (found PersonalData) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if charClass[c]&isHint == 0 {
			continue
		}
		switch c {
		case '@':
			if mailbox(s, i) {
				found |= Direct
			}
		case '+':
			if (i == 0 || charClass[s[i-1]]&isWord == 0) && telephone(s[i+1:]) {
				found |= Direct
			}
		case '.':
			if i > 0 && i+1 < len(s) && charClass[s[i+1]]&isLetter == 0 && found&Indirect == 0 && ipv4(s, i) {
				found |= Indirect
			}
		case ':':
			if i+1 < len(s) && found&Indirect == 0 && (s[i+1] == ':' || charClass[s[i+1]]&isHex != 0) {
				yes, last := hexAddress(s, i)
				if i = last; yes {
					found |= Indirect
				}
			}
		default: // a digit: of a word's first three characters the last, with a country's code before it?
			if i >= 2 && charClass[s[i-1]]&charClass[s[i-2]]&isLetter != 0 && (i == 2 || charClass[s[i-3]]&isWord == 0) && iban(s[i-2:]) {
				found |= Direct
			}
		}
	}
	return found
}

// mailbox reports whether the @ at i is that of an e-mail address; it may stand in
// brackets. Local part and domain are only looked at as far as they tell.
func mailbox(s string, i int) bool {
	before, after := i, i+1
	if before > 0 && s[before-1] == '[' && after < len(s) && s[after] == ']' {
		before, after = before-1, after+1
	}
	if before == 0 || charClass[s[before-1]]&isLocal == 0 && s[before-1] != '"' && s[before-1] != '+' {
		return false
	}
	const longest = 255
	label, dotted := 0, false
	for n := after; n < len(s) && n < after+longest; n++ {
		switch c := s[n]; {
		case charClass[c]&isLocal != 0:
			label++
			if dotted && label >= 2 && charClass[c]&isDigit == 0 {
				return true
			}
		case c == '.' && label > 0:
			dotted, label = true, 0
		case c == '[' || c == ']' || c == '\\': // a name that was made harmless
		default:
			return false
		}
	}
	return false
}

// telephone reports whether s begins with the digits of an international number
// (ITU-T E.164), with or without the usual separators.
func telephone(s string) bool {
	digits := 0
	for i := 0; i < len(s) && i < 30; i++ {
		switch c := s[i]; {
		case charClass[c]&isDigit != 0:
			if digits == 0 && c == '0' {
				return false
			}
			digits++
		case digits == 0:
			return false
		case c == ' ' || c == '-' || c == '.' || c == '/' || c == '(' || c == ')':
		default: // a letter that follows at once makes it something else
			return 8 <= digits && digits <= 15 && (charClass[c]&isLetter == 0 || charClass[s[i-1]]&isDigit == 0)
		}
	}
	return 8 <= digits && digits <= 15
}

// ipv4 reports whether the dot at i is the first of an address of IPv4, whose
// dots may be made harmless ("192[.]0[.]2[.]1") or stand in a regular expression.
func ipv4(s string, i int) bool {
	end := i // of the first number
	for end > 0 && (s[end-1] == '[' || s[end-1] == '\\' || s[end-1] == '(') {
		end--
	}
	start := end
	for start > 0 && end-start < 4 && charClass[s[start-1]]&isDigit != 0 {
		start--
	}
	if end == start || i-end > 2 || end-start > 3 || start > 0 && s[start-1] == '.' {
		return false
	}
	at := start
	for part := range 4 {
		value, n := 0, 0
		for ; n < 4 && at+n < len(s) && charClass[s[at+n]]&isDigit != 0; n++ {
			value = value*10 + int(s[at+n]-'0')
		}
		if n == 0 || n > 3 || value > 255 {
			return false
		}
		at += n
		if part < 3 {
			dot := separator(s[at:])
			if dot == 0 {
				return false
			}
			at += dot
		}
	}
	// A fifth number makes it something else, such as an object identifier.
	return at+1 >= len(s) || s[at] != '.' || charClass[s[at+1]]&isDigit == 0
}

// separator is the length of a dot between numbers; 0 if s does not begin with one.
func separator(s string) int {
	if len(s) > 0 && s[0] == '.' {
		return 1
	}
	for _, dot := range [...]string{"[.]", `\.`, "(.)", `[.`, `\\.`} {
		if strings.HasPrefix(s, dot) {
			return len(dot)
		}
	}
	return 0
}

// hexAddress reports whether the colon at i stands in an address of IPv6 or of a
// device. last is the last colon that was looked at.
func hexAddress(s string, i int) (yes bool, last int) {
	const longest = 64
	part := func(c byte) bool { return c == ':' || c == '.' || charClass[c]&isHex != 0 }
	start, end := i, i
	for start > 0 && i-start < longest && part(s[start-1]) {
		start--
	}
	for end < len(s) && end-i < longest && part(s[end]) {
		end++
	}
	last = start + strings.LastIndexByte(s[start:end], ':')
	if start > 0 && charClass[s[start-1]]&isWord != 0 || end < len(s) && charClass[s[end]]&isWord != 0 {
		return false, last
	}
	token := strings.TrimRight(s[start:end], ".")
	switch strings.Count(token, ":") {
	case 0, 1:
		return false, last
	case 5:
		if device(token) {
			return true, last
		}
	}
	a, err := netip.ParseAddr(token)
	return err == nil && a != netip.IPv6Unspecified(), last
}

// device reports whether a token is the address of a network interface.
func device(token string) bool {
	if len(token) != len("00:00:00:00:00:00") {
		return false
	}
	for i := 2; i < len(token); i += 3 {
		if token[i] != ':' {
			return false
		}
	}
	return strings.IndexByte(token, '.') < 0
}

// ibanLengths are the lengths of account numbers (ISO 13616) by country.
var ibanLengths = func() map[string]int {
	lengths := map[string]int{}
	const list = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22GE22GI23GL18" +
		"GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23" +
		"PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30"
	for i := 0; i < len(list); i += 4 {
		lengths[list[i:i+2]] = int(list[i+2]-'0')*10 + int(list[i+3]-'0')
	}
	return lengths
}()

// iban reports whether s begins with an account number whose checksum is right,
// written together or in groups of four. s begins a word.
func iban(s string) bool {
	if len(s) < 15 || charClass[s[1]]&isLetter == 0 || charClass[s[2]]&isDigit == 0 || charClass[s[3]]&isDigit == 0 {
		return false
	}
	country := [2]byte{s[0] &^ 0x20, s[1] &^ 0x20}
	want := ibanLengths[string(country[:])]
	if want == 0 {
		return false
	}
	var number [34]byte
	n, i := 0, 0
	for ; n < want && i < len(s); i++ {
		switch {
		case charClass[s[i]]&isWord != 0:
			number[n] = s[i]
			n++
		case s[i] == ' ' && n%4 == 0:
		default:
			return false
		}
	}
	if n < want || i < len(s) && charClass[s[i]]&isWord != 0 {
		return false
	}
	rest := 0
	for k := range want {
		c := number[(k+4)%want]
		if charClass[c]&isDigit != 0 {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c&^0x20-'A') + 10) % 97
		}
	}
	return rest == 1
}
