package stix

import (
	"bytes"
	"encoding/json"
)

// Equal reports whether two accepted objects are exact duplicates: the same
// JSON values, whatever the order of members and the spelling of numbers and
// strings. Numbers compare exactly, timestamps as text. A default of STIX 2.1
// counts the same written or left out: revoked and defanged false, spec_version
// "2.1" of an SCO (STIX 2.1, section 3.6). Text that is not JSON equals only
// itself.
func Equal(a, b string) bool {
	if a == b {
		return true
	}
	x, okX := decode(a)
	y, okY := decode(b)
	return okX && okY && sameValue(x, y)
}

func decode(text string) (map[string]any, bool) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var m map[string]any
	if d.Decode(&m) != nil {
		return nil, false
	}
	for _, name := range []string{"revoked", "defanged"} {
		if m[name] == false {
			delete(m, name)
		}
	}
	if kind, _ := m["type"].(string); classOf(kind) == observable && m["spec_version"] == "2.1" {
		delete(m, "spec_version")
	}
	return m, true
}

func sameValue(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for name, v := range x {
			w, ok := y[name]
			if !ok || !sameValue(v, w) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !sameValue(x[i], y[i]) {
				return false
			}
		}
		return true
	case json.Number:
		y, ok := b.(json.Number)
		return ok && sameNumber(string(x), string(y))
	}
	return a == b
}
