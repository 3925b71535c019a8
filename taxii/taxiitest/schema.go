package taxiitest

import (
	"encoding/json"
	"strconv"
	"strings"
)

// A property of a resource: its name and type, "!" in front if required.
// Types: s string, t timestamp, b boolean, i integer, u identifier, l list of
// strings, o object, raw objects as they are (*), or the name of a resource
// whose list it is.
type schema map[string]string

// schemas are the tables of sections 3 to 5.
var schemas = map[string]schema{
	"discovery":   {"title": "!s", "description": "s", "contact": "s", "default": "s", "api_roots": "l"},
	"api-root":    {"title": "!s", "description": "s", "versions": "!l", "max_content_length": "!i"},
	"collections": {"collections": "collection"},
	"collection":  {"id": "!u", "title": "!s", "description": "s", "alias": "s", "can_read": "!b", "can_write": "!b", "media_types": "l"},
	"manifest":    {"more": "b", "next": "s", "objects": "manifest-record"},
	"versions":    {"more": "b", "next": "s", "versions": "l"},
	"envelope":    {"more": "b", "next": "s", "objects": "*"},
	"error": {"title": "!s", "description": "s", "error_id": "s", "error_code": "s", "http_status": "s", "external_details": "s",
		"details": "o"},
	"status": {"id": "!u", "status": "!s", "request_timestamp": "t", "total_count": "!i", "success_count": "!i", "successes": "status-detail",
		"failure_count": "!i", "failures": "status-detail", "pending_count": "!i", "pendings": "status-detail"},
	"manifest-record": {"id": "!s", "date_added": "!t", "version": "!s", "media_type": "s"},
	"status-detail":   {"id": "!s", "version": "!s", "message": "s"},
}

// seeResource holds a resource to its table.
func (d *audit) seeResource(a *answer, kind string, s schema, obj map[string]json.RawMessage) {
	for name, typ := range s {
		if strings.HasPrefix(typ, "!") {
			_, ok := obj[name]
			rule := "T-3.8-03"
			if kind == "error" {
				rule = "T-3.6.1-01"
			}
			d.hold(rule, ok, "%s: %s without %s", a, kind, name)
		}
	}
	for name, raw := range obj {
		typ, known := s[name]
		if strings.HasPrefix(name, "x_") {
			d.hold("T-7.1-02", customName.MatchString(name), "%s: %s has the custom property %q", a, kind, name)
			continue
		}
		rule := "T-3.8-01"
		if kind == "error" {
			rule = "T-3.6.1-01"
		}
		d.hold(rule, known, "%s: %s has the property %q", a, kind, name)
		if known {
			d.seeValue(a, kind+"."+name, strings.TrimPrefix(typ, "!"), raw)
		}
	}
	if kind == "status" {
		d.seeStatus(a, obj)
	}
}

func (d *audit) seeValue(a *answer, name, typ string, raw json.RawMessage) {
	v := string(raw)
	isString := strings.HasPrefix(v, `"`)
	var s string
	if isString {
		_ = json.Unmarshal(raw, &s)
	}
	wrong := func(ok bool) { d.hold("T-8.2.1-06", ok, "%s: %s is %s", a, name, shorten(v, 60)) }
	switch typ {
	case "s":
		wrong(isString)
	case "t":
		d.hold("T-2-05", isString && t6.MatchString(s), "%s: %s is %s", a, name, v)
	case "u":
		d.hold("T-2-02", isString && uuid4.MatchString(s), "%s: %s is %s", a, name, v)
	case "b":
		d.hold("T-2-01", v == "true" || v == "false", "%s: %s is %s", a, name, v)
	case "i":
		n, err := strconv.ParseInt(v, 10, 64)
		d.hold("T-2-03", integer.MatchString(v) && err == nil && n >= 0 && n < 1<<53, "%s: %s is %s", a, name, v)
	case "o":
		wrong(strings.HasPrefix(v, "{"))
	default:
		d.seeList(a, name, typ, raw)
	}
}

func (d *audit) seeList(a *answer, name, typ string, raw json.RawMessage) {
	var items []json.RawMessage
	err := json.Unmarshal(raw, &items)
	d.hold("T-8.2.1-06", err == nil, "%s: %s is no list", a, name)
	d.hold("T-2-04", err != nil || len(items) > 0, "%s: %s is an empty list", a, name)
	for i, item := range items {
		if typ == "l" {
			d.hold("T-8.2.1-06", strings.HasPrefix(string(item), `"`), "%s: %s holds %s", a, name, shorten(string(item), 40))
			continue
		}
		var obj map[string]json.RawMessage
		if err := json.Unmarshal(item, &obj); err != nil || obj == nil {
			d.hold("T-8.2.1-06", false, "%s: %s[%d] is no object", a, name, i)
			continue
		}
		if typ != "*" {
			d.seeResource(a, typ, schemas[typ], obj)
		}
	}
}

// seeStatus checks what the parts of a status say of each other.
func (d *audit) seeStatus(a *answer, obj map[string]json.RawMessage) {
	state := string(obj["status"])
	d.hold("T-4.3.1-01", state == `"complete"` || state == `"pending"`, "%s: status is %s", a, state)
	count := map[string]int{}
	for _, name := range []string{"total", "success", "failure", "pending"} {
		n := 0
		_ = json.Unmarshal(obj[name+"_count"], &n)
		count[name] = n
	}
	sum := count["success"] + count["failure"] + count["pending"]
	d.hold("T-4.3.1-03", sum == count["total"] && (state != `"complete"` || count["pending"] == 0), "%s: counts %v", a, count)
	for list, of := range map[string]string{"successes": "success", "failures": "failure", "pendings": "pending"} {
		raw, ok := obj[list]
		if !ok {
			continue
		}
		var items []struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(raw, &items)
		d.hold("T-4.3.1-04", len(items) == count[of], "%s: %d %s, %s_count is %d", a, len(items), list, of, count[of])
		for i, it := range items {
			if list == "failures" {
				d.hold("T-4.3.1-08", it.Message != "", "%s: failures[%d] has no message", a, i)
			}
		}
	}
}
