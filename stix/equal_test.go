package stix

import (
	"strings"
	"testing"
)

func TestEqual(t *testing.T) {
	const sco = `{"type":"url","id":"url--1","value":"x"}`
	cases := []struct {
		name string
		a, b string
		want bool
	}{
		{"T-5.5-06 order of members", `{"a":1,"b":[{"c":1,"d":2}]}`, `{"b":[{"d":2,"c":1}],"a":1}`, true},
		{"order of a list", `{"a":[1,2]}`, `{"a":[2,1]}`, false},
		{"a list that goes on", `{"a":[1,2]}`, `{"a":[1,2,3]}`, false},
		{"white space", `{"a": [ 1 , 2 ] }`, `{"a":[1,2]}`, true},
		{"T-5.5-06 revoked false", `{"a":1,"revoked":false}`, `{"a":1}`, true},
		{"revoked true", `{"a":1,"revoked":true}`, `{"a":1}`, false},
		{"revoked in an inner object", `{"a":{"revoked":false}}`, `{"a":{}}`, false},
		{"T-5.5-06 defanged false", sco, sco[:len(sco)-1] + `,"defanged":false}`, true},
		{"T-5.5-06 spec_version of an SCO", sco, sco[:len(sco)-1] + `,"spec_version":"2.1"}`, true},
		{"spec_version 2.0 of an SCO", sco, sco[:len(sco)-1] + `,"spec_version":"2.0"}`, false},
		{"spec_version of an SDO", `{"type":"tool"}`, `{"type":"tool","spec_version":"2.1"}`, false},
		{"1.0 and 1", `{"a":1.0}`, `{"a":1}`, true},
		{"1e2 and 100", `{"a":1e2}`, `{"a":100}`, true},
		{"0.1e1 and 10E-1", `{"a":0.1e1}`, `{"a":10E-1}`, true},
		{"-0 and 0", `{"a":-0}`, `{"a":0.0e7}`, true},
		{"-1 and 1", `{"a":-1}`, `{"a":1}`, false},
		{"integers that float64 confuses", `{"a":12345678901234567}`, `{"a":12345678901234568}`, false},
		{"fractions that float64 confuses", `{"a":0.10000000000000000001}`, `{"a":0.1}`, false},
		{"a huge exponent", `{"a":1e999999999999}`, `{"a":10e999999999998}`, true},
		{"exponents beyond reach", `{"a":1e99999999999999999999999}`, `{"a":2e99999999999999999999999}`, false},
		{"a number and a string", `{"a":1}`, `{"a":"1"}`, false},
		{"escapes", `{"\u0061":"\u00e9\/"}`, `{"a":"é/"}`, true},
		{"timestamps are text", `{"a":"2020-01-01T00:00:00Z"}`, `{"a":"2020-01-01T00:00:00.000Z"}`, false},
		{"null and nothing", `{"a":null}`, `{}`, false},
		{"not JSON", `{"a":`, `{"a"`, false},
		{"not JSON, the same", `{"a":`, `{"a":`, true},
	}
	for _, tc := range cases {
		if got := Equal(tc.a, tc.b); got != tc.want {
			t.Errorf("%s: Equal(%s, %s) = %v, want %v", tc.name, tc.a, tc.b, got, tc.want)
		}
		if got := Equal(tc.b, tc.a); got != tc.want {
			t.Errorf("%s: the other way round: %v, want %v", tc.name, got, tc.want)
		}
	}
}

// TestEqualHostile is about time: nothing here may take more than linear time,
// about.
func TestEqualHostile(t *testing.T) {
	deep := strings.Repeat(`{"b":1,"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	deeper := strings.Repeat(`{"b":1,"a":`, 5000) + "2" + strings.Repeat("}", 5000)
	if Equal(deep, deeper) {
		t.Error("deep objects that differ inside are equal")
	}
	if Equal(`{"a":`+strings.Repeat("[", 1<<20), `{"a":`+strings.Repeat("[", 1<<20)+"1") {
		t.Error("brackets that are never closed are equal")
	}
}
