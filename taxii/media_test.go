package taxii

import (
	"strings"
	"testing"
)

func TestNegotiate(t *testing.T) {
	for _, tc := range []struct {
		id          string
		accept      []string
		want        int // status
		strictToo   bool
		strictValue int
	}{
		{id: "T-ACC-01", accept: []string{"application/taxii+json;version=2.1"}, want: 200},
		{id: "T-ACC-02", accept: []string{"application/taxii+json"}, want: 200},
		{id: "T-ACC-03", accept: []string{"application/taxii+json; version=2.1"}, want: 200},
		{id: "T-ACC-04", accept: []string{`Application/TAXII+JSON; Version="2.1"`}, want: 200},
		{id: "T-ACC-05", accept: []string{"application/taxii+json;version=2.1;q=0.5"}, want: 200},
		{id: "T-ACC-06", accept: []string{"application/taxii+json;version=2.1;charset=utf-8"}, want: 200},
		{id: "T-ACC-07", accept: []string{"application/taxii+json;version=2.1,application/stix+json;version=2.1"}, want: 200},
		{id: "T-ACC-08", accept: []string{"application/taxii+json;version=9.9, application/taxii+json;version=2.1;q=0.1"}, want: 200},
		{id: "T-ACC-09", accept: []string{"text/html", "application/taxii+json;version=2.1"}, want: 200},
		{id: "T-ACC-10", accept: nil, want: 200, strictValue: 406},
		{id: "T-ACC-10", accept: []string{""}, want: 200, strictValue: 406},
		{id: "T-ACC-11", accept: []string{"*/*"}, want: 200, strictValue: 406},
		{id: "T-ACC-12", accept: []string{"application/*"}, want: 200, strictValue: 406},
		{id: "T-ACC-13", accept: []string{"application/json, text/plain, */*"}, want: 200, strictValue: 406},
		{id: "T-ACC-14", accept: []string{"application/json"}, want: 406},
		{id: "T-ACC-15", accept: []string{"text/html"}, want: 406},
		{id: "T-ACC-16", accept: []string{"application/taxii+json;version=2.0"}, want: 406},
		{id: "T-ACC-17", accept: []string{"application/taxii+json;version=9.9"}, want: 406},
		{id: "T-ACC-17", accept: []string{"application/taxii+json;version=abc"}, want: 406},
		{id: "T-ACC-18", accept: []string{"application/vnd.oasis.taxii+json; version=2.0"}, want: 406},
		{id: "T-ACC-19", accept: []string{"application/taxii+json;version=2.1;q=0"}, want: 406},
		{id: "T-ACC-20", accept: []string{"application/taxii+json;version=2.1;q=0, */*"}, want: 406},
		{id: "T-ACC-21", accept: []string{"application/taxii+json;version"}, want: 406},
		{id: "T-ACC-21", accept: []string{";;;"}, want: 406},
		{id: "quoted comma", accept: []string{`text/html;x="a,b", */*;q=0.1`}, want: 200, strictValue: 406},
		{id: "collection's media type", accept: []string{"application/stix+json;version=2.1"}, want: 200, strictValue: 406},
		{id: "q=NaN", accept: []string{"application/taxii+json;q=NaN"}, want: 406},
	} {
		strict := tc.want
		if tc.strictValue != 0 {
			strict = tc.strictValue
		}
		if got := status(Negotiate(tc.accept, false)); got != tc.want {
			t.Errorf("%s Negotiate(%q) = %d, want %d", tc.id, tc.accept, got, tc.want)
		}
		if got := status(Negotiate(tc.accept, true)); got != strict {
			t.Errorf("%s Negotiate(%q, strict) = %d, want %d", tc.id, tc.accept, got, strict)
		}
	}
	if e := Negotiate([]string{"application/vnd.oasis.taxii+json; version=2.0"}, false); !strings.Contains(e.Description, "2.1") {
		t.Errorf("the 406 says %q, not which version to choose", e.Description)
	}
}

// status is that of e; nil is a success.
func status(e *Error) int {
	if e == nil {
		return 200
	}
	return e.Status
}

func TestCheckContentType(t *testing.T) {
	for _, tc := range []struct {
		id     string
		values []string
		want   int
		stix   int // with application/stix+json accepted
	}{
		{"T-CTY-01", []string{"application/taxii+json;version=2.1"}, 200, 200},
		{"T-CTY-01", []string{"Application/Taxii+JSON; version=2.1"}, 200, 200},
		{"T-CTY-02", []string{"application/taxii+json"}, 200, 200},
		{"T-CTY-03", []string{"application/taxii+json;version=2.1;charset=utf-8"}, 200, 200},
		{"T-CTY-04", []string{"application/taxii+json;version=2.0"}, 415, 415},
		{"T-CTY-04", []string{"application/taxii+json;version=9.9"}, 415, 415},
		{"T-CTY-05", nil, 415, 415},
		{"T-CTY-06", []string{"application/json"}, 415, 415},
		{"T-CTY-06", []string{"application/x-www-form-urlencoded"}, 415, 415},
		{"T-CTY-07", []string{"application/stix+json; version=2.1"}, 415, 200},
		{"T-CTY-07", []string{"application/stix+json;version=2.0"}, 415, 415},
		{"T-CTY-07", []string{"application/vnd.oasis.stix+json; version=2.1"}, 415, 415},
		{"two", []string{"application/taxii+json", "text/plain"}, 415, 415},
		{"broken", []string{"application/taxii+json;version"}, 415, 415},
	} {
		if got := status(CheckContentType(tc.values, false)); got != tc.want {
			t.Errorf("%s CheckContentType(%q) = %d, want %d", tc.id, tc.values, got, tc.want)
		}
		if got := status(CheckContentType(tc.values, true)); got != tc.stix {
			t.Errorf("%s CheckContentType(%q, stix) = %d, want %d", tc.id, tc.values, got, tc.stix)
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	for value, want := range map[string]bool{
		"gzip, deflate": true, "GZIP": true, "x-gzip": true, "gzip;q=0.5": true, "br, gzip ; q=1": true,
		"": false, "identity": false, "gzip;q=0": false, "gzip; q=0.000": false, "br": false, "gzipped": false, "gzip;q": false, "gzip;q=x": false,
	} {
		if got := AcceptsGzip([]string{value}); got != want {
			t.Errorf("AcceptsGzip(%q) = %v, want %v", value, got, want)
		}
	}
}

func FuzzAccept(f *testing.F) {
	for _, seed := range []string{MediaType, "*/*", `a/b;c="d,e";q=0.1`, "application/taxii+json;version", `"`, `"\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		if Negotiate([]string{accept}, true) == nil && Negotiate([]string{accept}, false) != nil {
			t.Errorf("%q passes only when strict", accept)
		}
		// Naming the type as well never makes an acceptable header unacceptable,
		// unless a quotation that does not end swallows it.
		if Negotiate([]string{accept, MediaType}, false) != nil && !strings.Contains(strings.ToLower(accept), "taxii+json") {
			t.Errorf("%q and %s are refused", accept, MediaType)
		}
		AcceptsGzip([]string{accept})
	})
}

func FuzzContentType(f *testing.F) {
	for _, seed := range []string{MediaType, "application/stix+json;version=2.1", `application/taxii+json;version="2.1"`, ";"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if CheckContentType([]string{value}, false) == nil && !strings.Contains(strings.ToLower(value), typeTAXII) {
			t.Errorf("%q passes for TAXII", value)
		}
		if CheckContentType([]string{value}, false) == nil && CheckContentType([]string{value}, true) != nil {
			t.Errorf("%q is refused by the lenient check only", value)
		}
	})
}
