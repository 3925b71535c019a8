package taxiitest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"entente/taxii"
)

// An audit looks at every answer of a run: many rules hold for all of them. The
// cases of auditCases, which run last, say what it has found.
type audit struct {
	seen     map[string]int      // how many things were held to a rule
	found    map[string][]string // what broke it
	errorIDs map[string]bool
}

func (d *audit) init() {
	d.seen, d.found, d.errorIDs = map[string]int{}, map[string][]string{}, map[string]bool{}
}

// hold counts one check of a rule, and its failure.
func (d *audit) hold(id string, ok bool, format string, args ...any) {
	d.seen[id]++
	if !ok && len(d.found[id]) < 5 {
		d.found[id] = append(d.found[id], fmt.Sprintf(format, args...))
	}
}

var (
	t6         = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)
	uuid4      = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	urlSafe    = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	integer    = regexp.MustCompile(`^-?\d{1,16}$`)
	customName = regexp.MustCompile(`^x_[a-z0-9_]{1,248}$`)
)

// resourceOf says which resource a 2xx answer must be, "" if none.
func (e *Env) resourceOf(a *answer) string {
	path, _, _ := strings.Cut(a.req.path, "?")
	below, inRoot := strings.CutPrefix(path, e.root)
	parts := strings.Split(strings.Trim(below, "/"), "/")
	switch {
	case a.req.method == http.MethodPost && strings.HasSuffix(path, "/objects/"):
		return "status"
	case a.req.method != http.MethodGet && a.req.method != http.MethodHead:
		return ""
	case path == "/taxii2/":
		return "discovery"
	case e.root == "" || !inRoot:
		return ""
	case below == "":
		return "api-root"
	case parts[0] == "status" && len(parts) == 2:
		return "status"
	case parts[0] != "collections" || len(parts) > 5:
		return ""
	}
	switch len(parts) {
	case 1:
		return "collections"
	case 2:
		return "collection"
	case 3:
		return map[string]string{"manifest": "manifest", "objects": "envelope"}[parts[2]]
	case 4:
		return map[string]string{"objects": "envelope"}[parts[2]]
	}
	return map[string]string{"versions": "versions"}[parts[4]]
}

// see holds one answer to the rules for all answers.
func (d *audit) see(e *Env, a *answer) {
	if a.req.noType || a.req.method == http.MethodOptions {
		return
	}
	kind := ""
	if a.status < 300 {
		kind = e.resourceOf(a)
	}
	d.seeHeaders(e, a, kind)
	if a.body == "" || a.req.method == http.MethodHead {
		return
	}
	obj, err := parseStrict(a.body)
	d.hold("T-1.6.7-01", err == nil, "%s: %v", a, err)
	if err != nil {
		return
	}
	if a.status >= 400 {
		kind = "error"
		d.seeError(a, obj)
	}
	if s, ok := schemas[kind]; ok {
		d.seeResource(a, kind, s, obj)
	}
	if slices.Contains([]string{"envelope", "manifest", "versions"}, kind) {
		d.seePage(a, kind, obj)
	}
}

func (d *audit) seeHeaders(e *Env, a *answer, kind string) {
	if a.status < 300 || a.status >= 400 {
		d.hold("T-3.1-04", a.header.Get("Content-Type") == taxii.MediaType, "%s: Content-Type %q", a, a.header.Get("Content-Type"))
	}
	date, err := http.ParseTime(a.header.Get("Date"))
	skew := e.c.Now().Sub(date)
	d.hold("T-H-04", err == nil && skew < 5*time.Second && skew > -5*time.Second, "%s: Date %q", a, a.header.Get("Date"))
	first, last := a.header[http.CanonicalHeaderKey(taxii.HeaderAddedFirst)], a.header[http.CanonicalHeaderKey(taxii.HeaderAddedLast)]
	dated := kind == "envelope" || kind == "manifest" || kind == "versions"
	for _, v := range append(first, last...) {
		d.hold("T-3.2-05", t6.MatchString(v), "%s: X-TAXII-Date-Added header %q", a, v)
	}
	if dated && !isEmptyBody(a) {
		d.hold("T-3.2-01", len(first) == 1, "%s: %d %s headers", a, len(first), taxii.HeaderAddedFirst)
		d.hold("T-3.2-02", len(last) == 1, "%s: %d %s headers", a, len(last), taxii.HeaderAddedLast)
		if len(first) == 1 && len(last) == 1 {
			d.hold("T-3.2-03", first[0] <= last[0], "%s: First %s is after Last %s", a, first[0], last[0])
		}
	}
	if !dated {
		d.hold("T-3.2-04", len(first)+len(last) == 0, "%s: X-TAXII-Date-Added headers", a)
	}
	if a.status == http.StatusUnauthorized {
		challenges := a.header.Values("WWW-Authenticate")
		d.hold("T-1.6.9-01", len(challenges) > 0, "%s: no WWW-Authenticate", a)
		for _, c := range challenges {
			scheme, _, _ := strings.Cut(c, " ")
			d.hold("T-1.6.9-02", slices.Contains(schemes, strings.ToLower(strings.TrimSuffix(scheme, ","))), "%s: challenge %q", a, c)
		}
	}
}

// schemes are IANA's authentication schemes.
var schemes = []string{"basic", "bearer", "concealed", "digest", "dpop", "gnap", "hoba", "mutual", "negotiate", "oauth", "privatetoken", "scram-sha-1", "scram-sha-256", "vapid"}

func isEmptyBody(a *answer) bool {
	return a.req.method != http.MethodHead && !strings.Contains(a.body, `"objects"`) && !strings.Contains(a.body, `"versions"`)
}

func (d *audit) seeError(a *answer, obj map[string]json.RawMessage) {
	if raw, ok := obj["http_status"]; ok {
		d.hold("T-3.6.1-02", string(raw) == fmt.Sprintf("%q", fmt.Sprint(a.status)), "%s: http_status %s", a, raw)
	}
	if raw, ok := obj["details"]; ok {
		d.hold("T-3.6.1-03", strings.HasPrefix(string(raw), "{"), "%s: details %s", a, raw)
	}
	if raw, ok := obj["error_id"]; ok {
		d.hold("T-3.6.1-05", !d.errorIDs[string(raw)], "%s: error_id %s was there before", a, raw)
		d.errorIDs[string(raw)] = true
	}
}

func (d *audit) seePage(a *answer, kind string, obj map[string]json.RawMessage) {
	more := string(obj["more"]) == "true"
	next, hasNext := obj["next"]
	list := obj["objects"]
	if kind == "versions" {
		list = obj["versions"]
	}
	if more {
		d.hold("T-3.5-02", hasNext && strings.HasPrefix(string(next), `"`), "%s: more without next", a)
		d.hold("T-3.5-09", len(list) > 2, "%s: more, and nothing on the page", a)
		var s string
		_ = json.Unmarshal(next, &s)
		short := len(s) < 512 || len(a.req.path) > 300 // a token may carry a long query
		d.hold("T-3.5-15", short && urlSafe.MatchString(s), "%s: next %q is not URL-safe or too long", a, shorten(s, 40))
	} else {
		d.hold("T-3.5-03", !hasNext, "%s: next without more", a)
	}
}

// parseStrict reads a body that must be one I-JSON object (RFC 7493).
func parseStrict(body string) (map[string]json.RawMessage, error) {
	if !utf8.ValidString(body) || strings.HasPrefix(body, "\ufeff") {
		return nil, errors.New("the body is not UTF-8, or starts with a byte order mark")
	}
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	if err := strictValue(dec); err != nil {
		return nil, fmt.Errorf("the body is not JSON: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("the body is more than one JSON value")
	}
	var obj map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &obj); err != nil || obj == nil {
		return nil, fmt.Errorf("the body is no JSON object: %v", err)
	}
	return obj, nil
}

// strictValue reads one value and refuses names that are there twice.
func strictValue(dec *json.Decoder) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') && t != json.Delim('[') {
		return nil
	}
	names := map[string]bool{}
	for dec.More() {
		if t == json.Delim('{') {
			k, err := dec.Token()
			if err != nil {
				return err
			}
			name, _ := k.(string)
			if names[name] {
				return fmt.Errorf("name %q twice", name)
			}
			names[name] = true
		}
		if err := strictValue(dec); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

// auditCase is the case of a rule that the audit has watched all along.
func auditCase(id, title string, level Level, section string, also ...string) Case {
	return Case{ID: id, Also: also, Title: title, Level: level, Section: section, Run: func(_ context.Context, e *Env) error {
		if f := e.audit.found[id]; len(f) > 0 {
			return errors.New(strings.Join(f, "; "))
		}
		if e.audit.seen[id] == 0 {
			return skip("nothing came by that the rule is about")
		}
		return nil
	}}
}

var auditCases = []Case{
	auditCase("T-1.6.7-01", "every body is one JSON object in UTF-8, without doubled names", MUST, "1.6.7"),
	auditCase("T-2-01", "booleans are true or false", MUST, "2"),
	auditCase("T-2-02", "identifiers are UUIDs of version 4", MUST, "2"),
	auditCase("T-2-03", "integers are plain and in range", MUST, "2"),
	auditCase("T-2-04", "no list is empty", MUST, "2"),
	auditCase("T-2-05", "timestamps have six digits and a Z", MUST, "2"),
	auditCase("T-3.8-01", "property names are those of the standard, or custom", MUST, "3.8"),
	auditCase("T-3.8-03", "required properties are there", MUST, "3.8", "T-4.1.1-01", "T-4.2.1-01", "T-5.2.1-01", "T-3.1-02"),
	auditCase("T-8.2.1-06", "properties have the type of their table", MUST, "8.2.1", "T-8.2.1-05"),
	auditCase("T-3.1-04", "every answer has the media type, written exactly", MUST, "3.1"),
	auditCase("T-3.2-01", "answers with objects have X-TAXII-Date-Added-First", MUST, "3.2"),
	auditCase("T-3.2-02", "answers with objects have X-TAXII-Date-Added-Last", MUST, "3.2"),
	auditCase("T-3.2-03", "First is not after Last", REC, "3.2"),
	auditCase("T-3.2-04", "other answers have neither header", REC, "3.2"),
	auditCase("T-3.2-05", "the headers are TAXII timestamps wherever they are", REC, "3.2"),
	auditCase("T-3.5-02", "next always comes with more", REC, "3.5", "A-01"),
	auditCase("T-3.5-03", "no next when nothing remains", REC, "3.7"),
	auditCase("T-3.5-09", "no empty page promises more", REC, "3.5"),
	auditCase("T-3.5-15", "next is URL-safe and short", REC, "3.5"),
	auditCase("T-3.6.1-01", "error messages have a title and no foreign properties", MUST, "3.6.1"),
	auditCase("T-3.6.1-02", "http_status is the status, as a string", MUST, "3.6.1"),
	auditCase("T-3.6.1-03", "details is an object", MAY, "3.6.1"),
	auditCase("T-3.6.1-05", "each error_id is new", REC, "3.6.1"),
	auditCase("T-4.3.1-01", "status is complete or pending", MUST, "4.3.1"),
	auditCase("T-4.3.1-03", "the counts of a status add up", MUST, "4.3.1"),
	auditCase("T-4.3.1-04", "the lists of a status are as long as their counts", REC, "4.3.1"),
	auditCase("T-4.3.1-08", "failures say why", REC, "4.3.1"),
	auditCase("T-7.1-02", "custom property names are well formed", MUST, "7.1.1", "T-7.1-03"),
	auditCase("T-H-04", "Date is there and right", SHOULD, "3.4"),
	auditCase("T-1.6.9-01", "401 comes with WWW-Authenticate", MUST, "1.6.9"),
	auditCase("T-1.6.9-02", "challenges name registered schemes", MUST, "1.6.9"),
}
