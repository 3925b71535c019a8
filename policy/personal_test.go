package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"entente/stix/growthtest"
)

// sco is an observable with properties.
func sco(kind, properties string) string {
	return `{"type":"` + kind + `","spec_version":"2.1","id":"` + kind + `--0ffeb2a1-5d9b-4a7a-9f1e-1d2c3b4a5968"` + properties + `}`
}

// sdo is an object with versions.
func sdo(kind, properties string) string {
	return sco(kind, `,"created":"2025-12-01T10:20:30.400Z","modified":"2025-12-01T10:20:30.400Z"`+properties)
}

// TestPersonal has cases H of what is found; by type and by mention.
func TestPersonal(t *testing.T) {
	id := func(kind string) string { return kind + "--0ffeb2a1-5d9b-4a7a-9f1e-1d2c3b4a5968" }
	tests := []struct {
		name, raw string
		want      PersonalData
	}{
		{"H18 an address", sco("ipv4-addr", `,"value":"198.51.100.7"`), Indirect},
		{"H23 whatever its labels", sco("ipv4-addr", `,"value":"198.51.100.7","labels":["infrastructure"]`), Indirect},
		{"IPv6", sco("ipv6-addr", `,"value":"2001:db8::1"`), Indirect},
		{"a device", sco("mac-addr", `,"value":"d2:fb:49:24:37:18"`), Indirect},
		{"H20 a mailbox", sco("email-addr", `,"value":"mule"`), Direct},
		{"an account", sco("user-account", `,"user_id":"1001"`), Direct},
		{"a message", sco("email-message", `,"is_multipart":false`), Direct},
		{"a domain", sco("domain-name", `,"value":"c2.example"`), 0},
		{"a file", sco("file", `,"name":"setup.exe","hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e","SHA-256":"`+strings.Repeat("de89", 16)+`"}`), 0},
		{"H21 a payload", sco("artifact", `,"payload_bin":"AAAA"`), Undetermined},
		{"an artifact elsewhere", sco("artifact", `,"url":"https://a.example/f"`), 0},
		{"an individual", sdo("identity", `,"name":"J","identity_class":"individual"`), Direct},
		{"an organisation", sdo("identity", `,"name":"J","identity_class":"organization"`), 0},
		{"an organisation with a mailbox", sdo("identity", `,"name":"J","identity_class":"organization","contact_information":"desk@cert.example"`), Direct},
		{"who knows", sdo("identity", `,"name":"J"`), Undetermined},
		{"who knows, in so many words", sdo("identity", `,"name":"J","identity_class":"unknown"`), Undetermined},
		{"a lone actor", sdo("threat-actor", `,"name":"J","resource_level":"individual"`), Direct},
		{"an actor", sdo("threat-actor", `,"name":"J","resource_level":"government"`), 0},
		{"a note with authors", sdo("note", `,"content":"c","authors":["J"],"object_refs":["`+id("malware")+`"]`), Direct},
		{"a street", sdo("location", `,"country":"de","street_address":"1 Way"`), Undetermined},
		{"a country", sdo("location", `,"country":"de"`), 0},
		{"a type of somebody's own", sdo("x-passport", `,"number":"C01X00T47"`), Undetermined},
		{"a relationship to an address", sdo("relationship", `,"relationship_type":"indicates","source_ref":"`+id("indicator")+`","target_ref":"`+id("ipv4-addr")+`"`), Indirect},
		{"a sighting of nobody", sdo("sighting", `,"sighting_of_ref":"`+id("indicator")+`"`), 0},
		{"traffic of an address", sco("network-traffic", `,"protocols":["tcp"],"dst_ref":"`+id("ipv6-addr")+`"`), Indirect},
		{"observed accounts", sdo("observed-data", `,"first_observed":"2025-12-01T00:00:00Z","last_observed":"2025-12-01T00:00:00Z","number_observed":1,"object_refs":["`+id("user-account")+`"]`), Direct},
		{"embedded", sdo("observed-data", `,"first_observed":"2025-12-01T00:00:00Z","last_observed":"2025-12-01T00:00:00Z","number_observed":1,"objects":{"0":{"type":"user-account","user_id":"1"},"1":{"type":"domain-name","value":"a.example"}}`), Direct},
		{"embedded, of a type of somebody's own", sdo("observed-data", `,"first_observed":"2025-12-01T00:00:00Z","last_observed":"2025-12-01T00:00:00Z","number_observed":1,"objects":{"0":{"type":"x-person","value":"1"}}`), Undetermined},
		{"embedded, with a hidden type", sdo("observed-data", `,"first_observed":"2025-12-01T00:00:00Z","last_observed":"2025-12-01T00:00:00Z","number_observed":1,"objects":{"0":{"type":"\u0075ser-account","user_id":"1"}}`), Undetermined},
		{"embedded harmless", sdo("observed-data", `,"first_observed":"2025-12-01T00:00:00Z","last_observed":"2025-12-01T00:00:00Z","number_observed":1,"objects":{"0":{"type":"domain-name","value":"a.example"}}`), 0},
		{"a pattern for an address", pattern("stix", `[ipv4-addr:value = 'x']`), Indirect},
		{"a pattern for a mailbox", pattern("stix", `[email-message:subject = 'x']`), Direct},
		{"a pattern for something of somebody's own", pattern("stix", `[ x-passport:number = 'x']`), Undetermined},
		{"a pattern for a domain", pattern("stix", `[domain-name:value = 'prefix-x.example']`), 0},
		{"a pattern of another kind", pattern("snort", `alert tcp any any -> 198.51.100.7 80 (msg:x)`), Indirect},
		{"a pattern of another kind that mentions a type", pattern("yara", `rule ipv4-addr {}`), 0},
		{"a copyright", `{"type":"marking-definition","spec_version":"2.1","id":"` + mark(1) + `","created":"2025-12-01T00:00:00Z","definition_type":"statement","definition":{"statement":"(c) desk@cert.example"}}`, 0},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			a := arrival(t, tc.raw)
			if got := Personal(a.Object, a.Content, a.Inspector); got != tc.want {
				t.Errorf("Personal = %b, want %b", got, tc.want)
			}
		})
	}
}

func pattern(kind, text string) string {
	return sdo("indicator", fmt.Sprintf(`,"pattern_type":%q,"pattern":%q,"valid_from":"2025-12-01T00:00:00Z"`, kind, text))
}

// TestScanText has what stands in texts.
func TestScanText(t *testing.T) {
	tests := []struct {
		text string
		want PersonalData
	}{
		{"", 0},
		{"seen at 198.51.100.7.", Indirect},
		{"198.51.100.7", Indirect},
		{"http://198.51.100.7:8080/a", Indirect},
		{"v198.51.100.7", Indirect},
		{"198[.]51[.]100[.]7", Indirect},
		{"198.51.100[.]7", Indirect},
		{`198\.51\.100\.7`, Indirect},
		{"198.51.100.7/24", Indirect},
		{"198.51.100.256", 0},
		{"1198.51.100.7", 0},
		{"198.51.100", 0},
		{"1.3.6.1.4.1.311", 0},
		{"10.0.19041.1", 0},
		{"1..2.3.4", 0},
		{"2025-12-01T10:20:30.400Z", 0},
		{"2001:db8::1", Indirect},
		{"http://[2001:db8::1]/", Indirect},
		{"fe80:0:0:0:202:b3ff:fe1e:8329 and", Indirect},
		{"::ffff:198.51.100.7", Indirect},
		{"port:198.51.100.7", Indirect},
		{"10:20:198.51.100.7", Indirect},
		{"std::find(a)", 0},
		{"::", 0},
		{"a:b:c:d:e", 0},
		{"1:2:3:4:5:6:7:8:9", 0},
		{"3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C", 0},
		{"d2:fb:49:24:37:18", Indirect},
		{"d2:fb:49:24:37:1", 0},
		{"d2:fb:49:24:37:18:aa", 0},
		{"write to j.doe@bank.example, please", Direct},
		{"j.doe[@]bank[.]example", Direct},
		{"j@[198.51.100.7]", Indirect},
		{"jürgen@bücher.example", Direct},
		{"@mentions and @scope/pkg", 0},
		{"pkg@1.2.3", 0},
		{"a@b", 0},
		{"root@localhost:", 0},
		{"call +49 (30) 123 456-78 now", Direct},
		{"+4930123456789012", 0},
		{"+1 555", 0},
		{"+0100", 0},
		{"a+12345678", 0},
		{"+12345678", Direct},
		{"+12345678x", 0},
		{"DE89 3704 0044 0532 0130 00", Direct},
		{"DE89370400440532013000", Direct},
		{"de89370400440532013000", Direct},
		{"GB82 WEST 1234 5698 7654 32.", Direct},
		{"NO9386011117947", Direct},
		{"DE88370400440532013000", 0},
		{"XX89370400440532013000", 0},
		{"DE893704004405320130001", 0},
		{"xDE89370400440532013000", 0},
		{"DE89 37040044 0532 0130 00", Direct},
		{"DE89-3704-0044-0532-0130-00", 0},
		{"MZ90000300000004", 0},
	}
	for _, tc := range tests {
		if got := scanText(tc.text); got != tc.want {
			t.Errorf("scanText(%q) = %b, want %b", tc.text, got, tc.want)
		}
		for _, around := range []string{`{"a":"%s"}`, `["x","%s"]`, `-%s`} {
			if got := scanText(fmt.Sprintf(around, tc.text)); got != tc.want {
				t.Errorf("scanText(%q) = %b, want %b", fmt.Sprintf(around, tc.text), got, tc.want)
			}
		}
	}
}

// TestDecode: escapes hide nothing.
func TestDecode(t *testing.T) {
	tests := []struct{ raw, want string }{
		{`plain`, `plain`},
		{`j\u0040bank.example`, `j@bank.example`},
		{`a\nb\t\"c\\\/`, `a b "c\/`},
		{`\ud83d\ude00\u00FC`, "😀ü"},
		{`\ud83d x`, "\uFFFD x"},
		{`\u12`, `12`},
		{`\`, `\`},
	}
	for _, tc := range tests {
		if got := decode(tc.raw); got != tc.want {
			t.Errorf("decode(%q) = %q, want %q", tc.raw, got, tc.want)
		}
	}
	a := arrival(t, sdo("report", `,"name":"n\n198.51.100.7","published":"2025-12-01T00:00:00Z","object_refs":["malware--0ffeb2a1-5d9b-4a7a-9f1e-1d2c3b4a5968"],"description":"j\u0040bank.example"`))
	if got := Personal(a.Object, a.Content, a.Inspector); got != Direct|Indirect {
		t.Errorf("Personal = %b", got)
	}
}

// TestScanTextIsLinear scans the worst of texts.
func TestScanTextIsLinear(t *testing.T) {
	scan := func(piece string, size int) {
		text := strings.Repeat(piece, size/len(piece))
		scanText(decode(text))
		inside(text)
	}
	for _, piece := range []string{"a", "@", "a@", "a@a.", "a@" + strings.Repeat("a", 250), ":", "a:", "::", ":a.", ".", "1.", "1.1.1.", "[.]", "+", "+1", "+1(", "DE12 ", "DE12", `\u0041`, "x-", "[x-"} {
		if ratio := growthtest.Growth(time.Now, func() { scan(piece, 1<<17) }, func() { scan(piece, 1<<20) }); ratio > growthtest.Linear {
			t.Errorf("%.10q: eight times the text costs %.0f times as much", piece, ratio)
		}
	}
}

func BenchmarkScanText(b *testing.B) {
	text := strings.Repeat(indicatorOf(orgA, `,"name":"Beacon of a loader","description":"It asks c2.example for more, over HTTP on port 8080."`), 10)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		scanText(text)
	}
}

// BenchmarkReceive labels an object that has been inspected.
func BenchmarkReceive(b *testing.B) {
	defs := defined(map[string]string{mark(1): iep(`,"tlp":"amber"`), mark(2): handling(`,"handling":["H1"]`)})
	text := `,"name":"Beacon of a loader","description":"It asks c2.example for more, over HTTP on port 8080.","labels":["malicious-activity"]`
	for _, c := range []struct{ name, more string }{
		{"marked", marked(v2Green)},
		{"unmarked", ""},
		{"custom", marked(v2Green, mark(1), mark(2))},
		{"granular", marked(v2Green) + `,"granular_markings":[{"marking_ref":"` + v2Amber + `","selectors":["name"]}]`},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := fromA(b, defs, takeAll)
			a := arrival(b, indicatorOf(orgA, text+c.more))
			b.SetBytes(int64(len(a.Object.Raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, refusal := r.Receive(a); refusal != nil {
					b.Fatal(refusal)
				}
			}
		})
	}
}

// TestReceiveIsShort: an object with markings that everybody knows costs no memory.
func TestReceiveIsShort(t *testing.T) {
	r := fromA(t, nil, takeAll)
	a := arrival(t, indicatorOf(orgA, marked(v2Green)))
	if n := testing.AllocsPerRun(100, func() { r.Receive(a) }); n > 0 {
		t.Errorf("Receive allocates %v times", n)
	}
	one, _ := r.Receive(a)
	b := arrival(t, strings.Replace(a.Object.Raw, "c2.example", "c3.example", 1))
	if two, _ := r.Receive(b); one.Label != two.Label {
		t.Error("two labels for what is alike")
	}
}
