package taxii

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"entente/stix"
)

// A Param is a set of query parameters (TAXII 2.1, section 3.4).
type Param uint8

const (
	ParamAddedAfter Param = 1 << iota
	ParamLimit
	ParamNext
	ParamID
	ParamType
	ParamVersion
	ParamSpecVersion
	paramUnknownMatch
)

// What the endpoints take (TAXII 2.1, section 5).
const (
	ParamsPaging   = ParamAddedAfter | ParamLimit | ParamNext
	ParamsObjects  = ParamsPaging | ParamID | ParamType | ParamVersion | ParamSpecVersion // objects and manifest
	ParamsObject   = ParamsPaging | ParamVersion | ParamSpecVersion
	ParamsVersions = ParamsPaging | ParamSpecVersion
	ParamsDelete   = ParamVersion | ParamSpecVersion
)

// maxLimit is the greatest TAXII integer (TAXII 2.1, section 2).
const maxLimit = 1<<53 - 1

// maxValues is the most values of one parameter: what each costs is multiplied
// by the entries of a collection.
const maxValues = 1000

// A Query is the parsed query string of a request. The zero Query selects
// everything, subject to the defaults of TAXII 2.1, section 3.4. It may be
// parsed into again: its slices are kept.
type Query struct {
	Given Param  // the parameters that were there
	Limit int    // 1 to 2^53-1; 0 if not given
	Next  string // "" if not given
	Filter
}

// A Filter is what selects objects: everything of a Query but paging.
type Filter struct {
	AddedAfter   int64 // µs since the Unix epoch, rounded down; only objects added later
	Types        []string
	IDs          []stix.ID
	SpecVersions []string

	// match[version]; all zero means "last"
	All, First, Last bool
	Exact            []stix.Timestamp
}

// Reset empties q and keeps its slices.
func (q *Query) Reset() {
	f := &q.Filter
	*q = Query{Filter: Filter{
		Types: f.Types[:0], IDs: f.IDs[:0], SpecVersions: f.SpecVersions[:0], Exact: f.Exact[:0],
	}}
}

// Parse reads the raw query string of a request to an endpoint that takes the
// parameters allowed. Others are ignored, and so are unknown ones; what is
// malformed or repeated is an Error with status 400 that names it.
func (q *Query) Parse(raw string, allowed Param) *Error {
	q.Reset()
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		if strings.IndexByte(pair, ';') >= 0 {
			return badParam("query", `";" separates nothing; write "&" or %%3B`)
		}
		rawKey, rawValue, _ := strings.Cut(pair, "=")
		key, err := unescape(rawKey)
		if err != nil {
			return badParam("query", "%v", err)
		}
		value, err := unescape(rawValue)
		if err != nil {
			return badParam(key, "%v", err)
		}
		if bad := q.set(key, value, allowed); bad != nil {
			return bad
		}
	}
	return nil
}

// unescape undoes percent-encoding; it allocates only if there is any.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s, nil
	}
	return url.QueryUnescape(s)
}

func badParam(name, format string, args ...any) *Error {
	e := Errorf(http.StatusBadRequest, format, args...)
	if len(name) > 40 {
		name = name[:40]
	}
	e.Description = "parameter " + strings.ToValidUTF8(name, "?") + ": " + strings.ToValidUTF8(e.Description, "?")
	return e
}

// set takes one parameter.
func (q *Query) set(key, value string, allowed Param) *Error {
	p := paramOf(key)
	if p == paramUnknownMatch && !strings.HasSuffix(key, "]") {
		return badParam(key, `wants the form match[field]`)
	}
	if p == paramUnknownMatch {
		q.Given |= p
	}
	if p&allowed == 0 {
		return nil
	}
	if q.Given&p != 0 {
		return badParam(key, "is there twice; several values go into one, with commas")
	}
	q.Given |= p
	switch p {
	case ParamAddedAfter:
		after, err := stix.ParseTimestamp(value)
		if err != nil {
			return badParam(key, "%.40q is not a timestamp such as 2024-01-31T12:00:00.000000Z, with at most %d fraction digits", value, stix.MaxFraction)
		}
		q.AddedAfter, _ = after.Micros()
	case ParamLimit:
		return q.setLimit(value)
	case ParamNext:
		q.Next = value
	case ParamVersion:
		return q.setVersion(value)
	default:
		return q.setList(p, key, value)
	}
	return nil
}

func paramOf(key string) Param {
	switch key {
	case "added_after":
		return ParamAddedAfter
	case "limit":
		return ParamLimit
	case "next":
		return ParamNext
	case "match[id]":
		return ParamID
	case "match[type]":
		return ParamType
	case "match[version]":
		return ParamVersion
	case "match[spec_version]":
		return ParamSpecVersion
	}
	if strings.HasPrefix(key, "match[") {
		return paramUnknownMatch
	}
	return 0
}

// UnknownMatch reports whether the query had a match[field] that TAXII 2.1 does
// not define; servers may ignore it (section 3.4).
func (q *Query) UnknownMatch() bool { return q.Given&paramUnknownMatch != 0 }

func (q *Query) setLimit(value string) *Error {
	n := 0
	for i := 0; i < len(value); i++ {
		c := value[i] - '0'
		if c > 9 || n > (maxLimit-int(c))/10 {
			n = 0
			break
		}
		n = n*10 + int(c)
	}
	if n == 0 {
		return badParam("limit", "%.40q is not a positive integer below 2^53", value)
	}
	q.Limit = n
	return nil
}

// setList reads the comma-separated values of match[id], [type] or
// [spec_version]. One that is there twice selects no more than once.
func (q *Query) setList(p Param, key, value string) *Error {
	if strings.Count(value, ",") >= maxValues {
		return badParam(key, "has more than %d values", maxValues)
	}
	for more := true; more; {
		var item string
		item, value, more = strings.Cut(value, ",")
		if item == "" || strings.ContainsFunc(item, notVisible) {
			return badParam(key, "%.80q is not a value; values are separated by single commas without spaces", item)
		}
		switch p {
		case ParamID:
			q.IDs = append(q.IDs, stix.ID(item))
		case ParamType:
			q.Types = append(q.Types, item)
		default:
			if !isSpecVersion(item) {
				return badParam(key, "%.40q is not a version such as 2.1", item)
			}
			q.SpecVersions = append(q.SpecVersions, item)
		}
	}
	q.IDs, q.Types, q.SpecVersions = distinct(q.IDs), distinct(q.Types), distinct(q.SpecVersions)
	return nil
}

// distinct sorts values and keeps one of each.
func distinct[S ~string](values []S) []S {
	slices.Sort(values)
	return slices.Compact(values)
}

func notVisible(r rune) bool { return r <= ' ' || r == 0x7f || r == '\uFFFD' }

// isSpecVersion reports whether s is n.m (TAXII 2.1, section 3.4.1).
func isSpecVersion(s string) bool {
	major, minor, ok := strings.Cut(s, ".")
	return ok && allDigits(major) && allDigits(minor)
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return s != "" && len(s) <= 9
}

// setVersion reads match[version]: "all" alone, or any of "first", "last" and
// timestamps, none twice (TAXII 2.1, section 3.4.1).
func (q *Query) setVersion(value string) *Error {
	const name = "match[version]"
	if strings.Count(value, ",") >= maxValues {
		return badParam(name, "has more than %d values", maxValues)
	}
	for more := true; more; {
		var item string
		item, value, more = strings.Cut(value, ",")
		var keyword *bool
		switch item {
		case "all":
			keyword = &q.All
		case "first":
			keyword = &q.First
		case "last":
			keyword = &q.Last
		}
		if keyword != nil {
			if *keyword {
				return badParam(name, "%s is there twice", item)
			}
			*keyword = true
			continue
		}
		exact, err := stix.ParseTimestamp(item)
		if err != nil {
			return badParam(name, "%.40q is neither all, first, last nor a timestamp with at most %d fraction digits", item, stix.MaxFraction)
		}
		if slices.Contains(q.Exact, exact) {
			return badParam(name, "%.40s is there twice", item)
		}
		q.Exact = append(q.Exact, exact)
	}
	if q.All && (q.First || q.Last || len(q.Exact) > 0) {
		return badParam(name, "all stands alone")
	}
	return nil
}
