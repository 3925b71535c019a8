package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"entente/stix"
	"entente/taxii"
)

// A Position is how far a reader of a collection got. Store it together with
// the objects of the page it came with; the zero Position is the start.
type Position struct {
	AddedAfter string `json:"added_after,omitempty"` // date_added of the last object seen, with all its digits; "" if the server never said
	Next       string `json:"next,omitempty"`        // continuation token, while a run of pages is under way
	Since      string `json:"since,omitempty"`       // added_after of that run's requests
}

// A Page is one answer of an objects endpoint.
type Page struct {
	Items       []stix.Item // what was sent, in order: STIX objects, and what is none with the reason
	First, Last string      // date_added of the first and last, six digits; "" if the server gave none or nonsense
	More        bool
	To          Position // where to go on; after the last page: where to look for news
	next        string
}

// Text is an item as the server sent it, not a byte changed.
func Text(it stix.Item) string {
	if it.Err != nil {
		return it.Err.Raw
	}
	return it.Object.Raw
}

// added reads an X-TAXII-Date-Added header. Servers exist that send
// "undefined" or another date format; a reader must not resume from that.
func added(h http.Header, name string) string {
	t, _ := Micros(h.Get(name))
	return t
}

// readPage reads an envelope (TAXII 2.1, section 3.7). No objects, an empty
// list and null all mean none.
func readPage(resp *response, limit int) (Page, error) {
	if err := checkType(resp); err != nil {
		return Page{}, err
	}
	p := Page{First: added(resp.header, taxii.HeaderAddedFirst), Last: added(resp.header, taxii.HeaderAddedLast)}
	scanner := stix.Scanner{MaxObjects: limit}
	rest := resp.body
	items, scanErr := scanner.Envelope(resp.body)
	if len(items) > 0 && scanErr == nil {
		last := items[len(items)-1]
		p.Items = items
		rest = rest[:items[0].Offset] + rest[last.Offset+int64(len(Text(last))):]
	}
	var next text
	err := readMembers(rest, func(key string, value json.RawMessage) error {
		switch key {
		case "objects":
			if v := strings.Join(strings.Fields(string(value)), ""); v != "[]" && v != "null" {
				return scanErr
			}
		case "more":
			return json.Unmarshal(value, &p.More)
		case "next":
			return json.Unmarshal(value, &next)
		}
		return nil
	})
	if err != nil {
		return Page{}, fmt.Errorf("envelope: %w", err)
	}
	if p.More {
		p.next = string(next)
	}
	return p, nil
}

// readMembers calls f with each member of a JSON object. A name counts only if
// it is spelled exactly, and may be there once.
func readMembers(body string, f func(key string, value json.RawMessage) error) error {
	dec := json.NewDecoder(strings.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	seen := make(map[string]bool)
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if seen[key] {
			return fmt.Errorf("%q is there twice", printable(key))
		}
		seen[key] = true
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return fmt.Errorf("%q: %w", printable(key), err)
		}
		if err := f(key, value); err != nil {
			return fmt.Errorf("%q: %w", printable(key), err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("text after the JSON object")
	}
	return nil
}

// text is a string that some servers send as a number or null.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	if b = bytes.TrimSpace(b); string(b) == "null" {
		*t = ""
		return nil
	}
	*t = text(b)
	return nil
}
