package taxiitest

import "strings"

// rowGroups are the ids of all rules, "<group>-<number>": T-<section of TAXII
// 2.1>, or T-ACC and T-CTY for the media types, T-H for HTTP, T-B for appendix B.
var rowGroups = []struct{ group, numbers string }{
	{"T-1.6.7", "01 02"},
	{"T-2", "01 02 03 04 05 06 07"},
	{"T-3.8", "01 02 03"},
	{"T-8.2.1", "01 02 04 05 06 07"},
	{"T-3.1", "01 02 03 04 05 06 07 08 09 10 11"},
	{"T-3.2", "01 02 03 04 05"},
	{"T-H", "01 02 03 04 05 06 07 08 09 10"},
	{"T-ACC", "01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21"},
	{"T-CTY", "01 02 03 04 05 06 07 08"},
	{"T-3.3", "01 02 03 04"},
	{"T-3.4", "01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22"},
	{"T-3.4.1", "01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19"},
	{"T-3.5", "01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16"},
	{"T-3.6", "01"},
	{"T-3.6.1", "01 02 03 04 05"},
	{"T-3.7", "01 02 03 04 05"},
	{"T-3.9", "01 02"},
	{"T-4.1", "01 02"},
	{"T-4.1.1", "01 02 03 04 05"},
	{"T-4.2", "01 02 03"},
	{"T-4.2.1", "01 02 03 04 05"},
	{"T-4.3", "01 02 03 04"},
	{"T-4.3.1", "01 02 03 04 05 06 07 08"},
	{"T-5.1", "01 02"},
	{"T-5.1.1", "01 02"},
	{"T-5.2", "01 02 03"},
	{"T-5.2.1", "01 02 03 04 05 06"},
	{"T-5.3", "01 02 03 04 05"},
	{"T-5.3.1", "01 02 03 04 05"},
	{"T-5.4", "01 02 03 04"},
	{"T-5.5", "01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18"},
	{"T-5.6", "01 02 03 04 05 06 07"},
	{"T-5.7", "01 02 03 04 05 06 07 08 09 10"},
	{"T-5.8", "01 02 03 04 05 06"},
	{"T-7.1", "01 02 03 04 05"},
	{"T-8.2.2", "01 02 03 04 05 06 07 08 09 10"},
	{"T-1.6.9", "01 02 03 04"},
	{"T-8.3.1", "01"},
	{"T-B", "01 02 03"},
	{"T-8.1", "01"},
	{"T-6", "01"},
	{"T-1.6.8", "01"},
	{"T-1.6.11", "01"},
}

// Rows returns the ids of all rules for servers.
func Rows() []string {
	var ids []string
	for _, g := range rowGroups {
		for n := range strings.FieldsSeq(g.numbers) {
			ids = append(ids, g.group+"-"+n)
		}
	}
	return ids
}

// notBlackBox says why no case covers a rule.
var notBlackBox = map[string]string{
	"T-3.6-01":    "says only that HTTP's own codes are used; every case checks some",
	"T-3.6.1-05":  "covered as far as error_id is sent; whether it is in the log cannot be seen from outside",
	"T-3.9-01":    "about DNS records of a domain, not about a server",
	"T-3.9-02":    "about DNS records of a domain, not about a server",
	"T-4.1-02":    "a permission; nothing to fail",
	"T-4.2-02":    "a rule for configurations: a server that answers cannot break it visibly",
	"T-4.2-03":    "a permission; needs two API roots with different accounts",
	"T-4.3-02":    "takes 24 hours, or a clock that the tester sets",
	"T-4.3.1-02":  "a pending status cannot be brought about from outside",
	"T-5.1.1-01":  "needs an API root without collections",
	"T-5.2.1-03":  "a rule for configurations: a doubled alias cannot be seen",
	"T-5.4-04":    "needs two accounts of one collection that may see different objects",
	"T-5.5-16":    "a server that completes at once shows no pending status",
	"T-5.5-17":    "needs the server to be killed; the part about visibility is covered by every case that posts",
	"T-5.7-06":    "needs a second collection with the same object",
	"T-7.1-01":    "a permission; nothing to fail",
	"T-7.1-04":    "a matter of judgement",
	"T-8.2.1-04":  "a permission; nothing to fail",
	"T-8.2.2-04":  "needs a TLS client that can send 0-RTT data",
	"T-8.2.2-07":  "a permission of the operator; nothing to fail",
	"T-8.2.2-08":  "a permission; nothing to fail",
	"T-8.2.2-09":  "a permission; see T-5.4-04",
	"T-1.6.9-03":  "a rule for configurations",
	"T-1.6.9-04":  "about what is stored and logged",
	"T-8.3.1-01":  "needs client certificates of the server's authority",
	"T-B-03":      "a rule for clients",
	"T-8.1-01":    "the sum of all other rules",
	"T-1.6.11-01": "about the operator's retention",
	"T-H-08":      "needs overload, which a test must not cause on a live server",
	"T-H-09":      "needs CORS to be switched on with a known origin",
	"T-3.5-12":    "needs a restart of the server between two pages",
}
