package stix

import (
	"strconv"
	"strings"
)

// sameNumber reports whether two JSON numbers have exactly the same value. No
// digit is ever rounded. -0 is 0. (Exponents of 18 digits and more are only
// compared as written.)
func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	x, okX := splitNumber(a)
	y, okY := splitNumber(b)
	return okX && okY && x == y
}

// A decimal is ±0.digits × 10^exponent. digits has no zero at either end; the
// zero decimal is zero.
type decimal struct {
	minus    bool
	digits   string
	exponent int64
}

// splitNumber takes a valid JSON number apart. ok is false if its exponent is
// beyond reach.
func splitNumber(text string) (d decimal, ok bool) {
	text, d.minus = strings.CutPrefix(text, "-")
	mantissa, power := text, "0"
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa, power = text[:i], text[i+1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	all := whole + fraction
	d.digits = strings.TrimLeft(all, "0")
	point := len(whole) - (len(all) - len(d.digits))
	d.digits = strings.TrimRight(d.digits, "0")
	if d.digits == "" {
		return decimal{}, true
	}
	power, minus := strings.CutPrefix(power, "-")
	power = strings.TrimLeft(strings.TrimPrefix(power, "+"), "0")
	if len(power) >= 18 {
		return decimal{}, false
	}
	if power != "" {
		d.exponent, _ = strconv.ParseInt(power, 10, 64)
	}
	if minus {
		d.exponent = -d.exponent
	}
	d.exponent += int64(point)
	return d, true
}
