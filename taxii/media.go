package taxii

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

const (
	typeTAXII = "application/taxii+json"
	typeSTIX  = "application/stix+json"
	version21 = "2.1"
)

// Negotiate checks the values of all Accept lines of a request (TAXII 2.1,
// section 3.1; RFC 9110, section 12.5.1): nil if [MediaType] is an acceptable
// answer, else an Error with status 406. The most specific media range that
// covers MediaType decides. A missing Accept is taken for "*/*", and
// application/stix+json, which one client sends when it asks for an object, for
// application/taxii+json; with strict set, neither these nor wildcards do.
func Negotiate(accept []string, strict bool) *Error {
	if len(accept) == 1 && accept[0] == MediaType {
		return nil
	}
	named, best, ok := false, 0, false
	for _, line := range accept {
		for line != "" {
			var element string
			element, line = cutElement(line)
			if element = strings.TrimSpace(element); element == "" {
				continue
			}
			named = true
			rank, q := rangeRank(element, strict)
			if rank > best {
				best, ok = rank, q
			} else if rank == best && rank > 0 {
				ok = ok || q
			}
		}
	}
	if ok || !named && !strict {
		return nil
	}
	return Errorf(http.StatusNotAcceptable, "this is a TAXII 2.1 server: set the client to TAXII 2.1, or send Accept: %s", MediaType)
}

// cutElement cuts list at its first comma that is not inside a quoted string.
func cutElement(list string) (element, rest string) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch {
		case list[i] == '\\' && quoted:
			i++
		case list[i] == '"':
			quoted = !quoted
		case list[i] == ',' && !quoted:
			return list[:i], list[i+1:]
		}
	}
	return list, ""
}

// rangeRank says how specifically a media range names MediaType: 0 not at all,
// 1 "*/*", 2 "application/*", 3 STIX, 4 without version, 5 exactly; ok is
// whether its weight is above zero.
func rangeRank(element string, strict bool) (rank int, ok bool) {
	media, params, err := mime.ParseMediaType(element)
	if err != nil {
		return 0, false
	}
	version, versioned := params["version"]
	switch {
	case media == typeTAXII && !versioned:
		rank = 4
	case media == typeTAXII && version == version21:
		rank = 5
	case strict:
		return 0, false
	case media == "*/*":
		rank = 1
	case media == "application/*":
		rank = 2
	case media == typeSTIX && (!versioned || version == version21):
		rank = 3
	default:
		return 0, false
	}
	weight, given := params["q"]
	if !given {
		return rank, true
	}
	q, err := strconv.ParseFloat(weight, 64)
	return rank, err == nil && q > 0 && q <= 1
}

// CheckContentType checks the Content-Type lines of a request with objects: nil
// for the media type of TAXII 2.1 with or without version, whatever else it
// says, and with acceptSTIX for application/stix+json;version=2.1, which one
// exporter sends; else an Error with status 415.
func CheckContentType(values []string, acceptSTIX bool) *Error {
	if len(values) == 1 {
		if values[0] == MediaType {
			return nil
		}
		media, params, err := mime.ParseMediaType(values[0])
		version, versioned := params["version"]
		switch {
		case err != nil:
		case media == typeTAXII && (!versioned || version == version21):
			return nil
		case acceptSTIX && media == typeSTIX && version == version21:
			return nil
		}
	}
	return Errorf(http.StatusUnsupportedMediaType, "send the objects as Content-Type: %s", MediaType)
}

// AcceptsGzip reports whether the values of all Accept-Encoding lines allow gzip.
func AcceptsGzip(values []string) bool {
	for _, line := range values {
		for line != "" {
			var element string
			element, line = cutElement(line)
			coding, weight, _ := strings.Cut(element, ";")
			coding = strings.TrimSpace(coding)
			if strings.EqualFold(coding, "gzip") || strings.EqualFold(coding, "x-gzip") {
				return !zeroWeight(weight)
			}
		}
	}
	return false
}

// zeroWeight reports whether the parameter text weight is "q=0" or no weight at all.
func zeroWeight(weight string) bool {
	name, value, found := strings.Cut(strings.TrimSpace(weight), "=")
	if !found {
		return name != ""
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return err != nil || q <= 0
}
