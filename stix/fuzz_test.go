package stix

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// seeds adds texts to f, and fails if they are fewer than wanted.
func seeds(f *testing.F, least int, texts ...string) {
	f.Helper()
	if len(texts) < least {
		f.Fatalf("%d seeds, want at least %d", len(texts), least)
	}
	for _, text := range texts {
		f.Add(text)
	}
}

// syntaxOK is what the scanner should think of a text, by other means.
func syntaxOK(text string) bool {
	return json.Valid([]byte(text)) && utf8.ValidString(text) && deepest(text) <= defaultMaxDepth
}

// deepest counts the levels of a valid JSON text.
func deepest(text string) int {
	depth, most := 0, 0
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return most
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			most = max(most, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// double reports whether an object anywhere in the next value has a name twice.
func double(d *json.Decoder) bool {
	token, err := d.Token()
	if err != nil {
		return false
	}
	found := false
	switch token {
	case json.Delim('{'):
		names := map[any]bool{}
		for d.More() {
			name, _ := d.Token()
			found = found || names[name]
			names[name] = true
			found = double(d) || found
		}
		_, _ = d.Token()
	case json.Delim('['):
		for d.More() {
			found = double(d) || found
		}
		_, _ = d.Token()
	}
	return found
}

func hasDouble(text string) bool {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return double(d)
}

var unit16 = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`)

// hasHalf reports whether a valid JSON text has an escaped half of a surrogate
// pair.
func hasHalf(text string) bool {
	high := -1 // end of the last high surrogate
	for _, m := range unit16.FindAllStringIndex(text, -1) {
		escape := strings.ToLower(text[m[0]:m[1]])
		isHigh := len(escape) == 6 && escape[2] == 'd' && strings.IndexByte("89ab", escape[3]) >= 0
		isLow := len(escape) == 6 && escape[2] == 'd' && strings.IndexByte("cdef", escape[3]) >= 0
		if isLow != (high == m[0]) {
			return true
		}
		high = -1
		if isHigh {
			if !strings.HasPrefix(text[m[1]:], `\u`) {
				return true
			}
			high = m[1]
		}
	}
	return high >= 0
}

func FuzzParse(f *testing.F) {
	texts := append(objectSeeds(), jsonSeeds()...)
	seeds(f, 40, texts...)
	f.Fuzz(func(t *testing.T, text string) {
		o, err := Parse(text)
		var broken *SyntaxError
		if got, want := !errors.As(err, &broken), syntaxOK(text); got != want {
			t.Fatalf("grammar accepted: %v, want %v (%v)", got, want, err)
		}
		if err != nil {
			if !errors.Is(err, ErrInvalid) || len(err.Error()) > 1000 {
				t.Fatalf("error %v", err)
			}
			return
		}
		if o.Raw != strings.Trim(text, " \t\r\n") {
			t.Fatalf("Raw = %q", o.Raw)
		}
		if hasDouble(text) || hasHalf(text) {
			t.Fatal("accepted with a name twice or half a surrogate pair")
		}
		var m map[string]any
		if json.Unmarshal([]byte(text), &m) != nil || m["type"] != o.Type || m["id"] != string(o.ID) || o.ID.Type() != o.Type {
			t.Fatalf("header %+v", o.Header)
		}
		for name, got := range map[string]string{"created": o.Created, "modified": o.Modified, "created_by_ref": string(o.CreatedBy)} {
			if want, _ := m[name].(string); got != want {
				t.Fatalf("%s = %q, want %q", name, got, want)
			}
		}
		if !sameMarkings(m, o.Markings) || o.Revoked != (m["revoked"] == true) {
			t.Fatalf("header %+v", o.Header)
		}
	})
}

// sameMarkings compares as sets; tables of cases have the order.
func sameMarkings(m map[string]any, got []ID) bool {
	want := 0
	has := func(ref any) bool {
		want++
		for _, id := range got {
			if ref == string(id) {
				return true
			}
		}
		return false
	}
	refs, _ := m["object_marking_refs"].([]any)
	for _, ref := range refs {
		if !has(ref) {
			return false
		}
	}
	granular, _ := m["granular_markings"].([]any)
	for _, g := range granular {
		if ref, ok := g.(map[string]any)["marking_ref"]; ok && !has(ref) {
			return false
		}
	}
	return want == len(got)
}

func FuzzEnvelope(f *testing.F) {
	texts := jsonSeeds()
	for _, object := range objectSeeds() {
		texts = append(texts, `{"objects":[`+object+`,`+object+`]}`, `{"id":"bundle--x","objects": [ `+object+` ] ,"type":"bundle"}`)
	}
	seeds(f, 40, texts...)
	var s Scanner
	f.Fuzz(func(t *testing.T, text string) {
		items, err := s.Envelope(text)
		if want := envelopeOK(text); (err == nil) != want {
			t.Fatalf("Envelope: %v; want success: %v", err, want)
		}
		if err != nil {
			return
		}
		var e struct {
			Objects []json.RawMessage `json:"objects"`
		}
		objects, _ := exactObjects(text)
		if err := json.Unmarshal(objects, &e.Objects); err != nil || len(e.Objects) != len(items) {
			t.Fatalf("%d items, want %d (%v)", len(items), len(e.Objects), err)
		}
		for i, item := range items {
			want := string(e.Objects[i])
			if got := text[item.Offset:][:len(want)]; got != want {
				t.Fatalf("item %d at %d: %q, want %q", i, item.Offset, got, want)
			}
			o, err := Parse(want)
			if (item.Err == nil) != (err == nil) || item.Err == nil && (item.Object.Raw != want || o.ID != item.Object.ID) {
				t.Fatalf("item %d: %v, alone %v", i, item.Err, err)
			}
			if item.Err != nil && (item.Object.Raw != "" || item.Err.Raw != want) {
				t.Fatalf("item %d: refused, but has an object or other text", i)
			}
		}
	})
}

// exactObjects is the value of the member named exactly "objects".
func exactObjects(text string) (json.RawMessage, bool) {
	var m map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &m) != nil {
		return nil, false
	}
	v, ok := m["objects"]
	return v, ok
}

// envelopeOK is what Envelope should think of a text, by other means.
func envelopeOK(text string) bool {
	if !json.Valid([]byte(text)) || !utf8.ValidString(text) {
		return false
	}
	objects, ok := exactObjects(text)
	var elements []json.RawMessage
	if !ok || json.Unmarshal(objects, &elements) != nil || len(elements) == 0 {
		return false
	}
	for _, element := range elements {
		if deepest(string(element)) > defaultMaxDepth {
			return false
		}
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if _, err := d.Token(); err != nil {
		return false
	}
	names := map[string]bool{}
	for d.More() {
		token, _ := d.Token()
		name := token.(string)
		var value json.RawMessage
		if d.Decode(&value) != nil || names[name] {
			return false
		}
		names[name] = true
		if name != "objects" && (hasDouble(string(value)) || hasHalf(string(value)) || deepest(string(value)) > defaultMaxDepth) {
			return false
		}
	}
	return !hasHalf(namesOf(text))
}

// namesOf is the text without the values of its members.
func namesOf(text string) string {
	d := json.NewDecoder(strings.NewReader(text))
	_, _ = d.Token()
	var b strings.Builder
	for d.More() {
		from := d.InputOffset()
		_, _ = d.Token()
		b.WriteString(text[from:d.InputOffset()] + " ")
		var value json.RawMessage
		_ = d.Decode(&value)
	}
	return b.String()
}

// readAll reads a stream to its end or error, with blocks of a few bytes if
// unit is small, and checks that reading can go on after each item.
func readAll(r *Reader, unit int) (items []Item, places []Position, err error) {
	r.unit = unit
	for {
		item, err := r.Next()
		if err != nil {
			return items, places, err
		}
		items = append(items, item)
		places = append(places, r.Position())
	}
}

func FuzzReader(f *testing.F) {
	texts := jsonSeeds()
	for _, object := range objectSeeds() {
		texts = append(texts, `{"objects":[`+object+`,`+object+`],"more":true}`+"\n"+object, "\ufeff"+object+"\n{broken\n"+object, `[`+object+` , 42]`)
	}
	for i, text := range texts {
		f.Add(text, uint8(i))
	}
	if len(texts) < 40 {
		f.Fatalf("%d seeds, want at least 40", len(texts))
	}
	f.Fuzz(func(t *testing.T, text string, chunk uint8) {
		items, places, end := readAll(NewReader(strings.NewReader(text)), 0)
		again, placesToo, endToo := readAll(NewReader(&chunks{text, int(chunk%7) + 1}), int(chunk%5)+1)
		same(t, "in chunks", again, items, endToo, end)
		for i := range places {
			if i < len(placesToo) && places[i] != placesToo[i] {
				t.Fatalf("after item %d: %+v, in chunks %+v", i, places[i], placesToo[i])
			}
			if i < 3 {
				rest, _, endToo := readAll(NewReaderAt(strings.NewReader(text[places[i].Offset:]), places[i]), 3)
				same(t, "resumed", rest, items[i+1:], endToo, end)
			}
		}
		var s Scanner
		if want, err := s.Envelope(text); err == nil && isContainer(text) {
			same(t, "against Scanner", items, want, end, io.EOF)
		}
	})
}

// isContainer reports whether nothing in an envelope says that it is a STIX
// object with a list "objects".
func isContainer(text string) bool {
	var m map[string]any
	_ = json.Unmarshal([]byte(text), &m)
	kind, hasKind := m["type"]
	_, hasID := m["id"]
	return (!hasKind || kind == "bundle") && !hasID
}

func same(t *testing.T, how string, got, want []Item, gotEnd, wantEnd error) {
	t.Helper()
	// A reader that goes on forgets which names an envelope had before.
	if (gotEnd == io.EOF) != (wantEnd == io.EOF) && how != "resumed" || len(got) != len(want) {
		t.Fatalf("%s: %d items and %v, want %d and %v", how, len(got), gotEnd, len(want), wantEnd)
	}
	if gotEnd != io.EOF && wantEnd != io.EOF && gotEnd.Error() != wantEnd.Error() && how != "resumed" {
		t.Fatalf("%s: %v, want %v", how, gotEnd, wantEnd)
	}
	for i := range got {
		g, w := got[i], want[i]
		if g.Offset != w.Offset || g.Object.Raw != w.Object.Raw || g.Object.ID != w.Object.ID || len(g.Object.Markings) != len(w.Object.Markings) {
			t.Fatalf("%s: item %d is %+v, want %+v", how, i, g, w)
		}
		if (g.Err == nil) != (w.Err == nil) || g.Err != nil && g.Err.Error() != w.Err.Error() {
			t.Fatalf("%s: item %d is refused for %v, want %v", how, i, g.Err, w.Err)
		}
	}
}

// chunks is a stream that comes n bytes at a time.
type chunks struct {
	text string
	n    int
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.text == "" {
		return 0, io.EOF
	}
	n := copy(p, c.text[:min(c.n, len(c.text))])
	c.text = c.text[n:]
	return n, nil
}

var timestampForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`)

func FuzzTimestamp(f *testing.F) {
	seeds(f, 10, "2016-05-12T08:17:27Z", "2016-05-12T08:17:27.000Z", "2016-12-31T23:59:60.5Z", "2016-02-30T00:00:00Z", "2016-05-12T08:17:27.123456789012Z",
		"2016-05-12t08:17:27Z", "2016-05-12T08:17:27+00:00", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2016-05-12T24:00:00Z", "2016-05-12T8:17:27Z",
		"2016-05-12T08:17:27."+strings.Repeat("1", MaxFraction)+"Z", "2016-05-12T08:17:27."+strings.Repeat("1", MaxFraction+1)+"Z")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseTimestamp(text)
		plain := strings.Replace(text, "23:59:60", "23:59:59", 1)
		want, wantErr := time.Parse(time.RFC3339Nano, plain)
		if ok := timestampForm.MatchString(text) && wantErr == nil && len(text) <= timestampLen; (err == nil) != ok {
			t.Fatalf("ParseTimestamp(%q) = %v, want success: %v", text, err, ok)
		}
		if err != nil {
			return
		}
		us, exact := got.Micros()
		if plain == text {
			if us != want.Truncate(time.Microsecond).UnixMicro() {
				t.Fatalf("Micros of %q = %d, want %d", text, us, want.UnixMicro())
			}
			if again, err := ParseTimestamp(FormatMicros(us)); exact && want.Year() > 0 && (err != nil || again != got) {
				t.Fatalf("%q → %d → %q", got, us, again)
			}
		}
	})
}

func FuzzEqual(f *testing.F) {
	texts := objectSeeds()
	for i := range texts {
		f.Add(texts[i], texts[(i+1)%len(texts)])
	}
	if len(texts) < 8 {
		f.Fatalf("%d seeds, want at least 8", len(texts))
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if !Equal(a, a) {
			t.Fatal("not equal to itself")
		}
		if Equal(a, b) != Equal(b, a) {
			t.Fatal("not the same both ways")
		}
		if _, err := Parse(a); err != nil {
			return
		}
		d := json.NewDecoder(strings.NewReader(a))
		d.UseNumber()
		var m map[string]any
		var again bytes.Buffer
		e := json.NewEncoder(&again)
		if d.Decode(&m) != nil || e.Encode(m) != nil {
			t.Fatal("accepted, but not JSON")
		}
		if !Equal(a, again.String()) {
			t.Fatalf("not equal to %s", again.String())
		}
		m["x_other"] = 1
		again.Reset()
		if _, there := m["x_other"]; there && e.Encode(m) == nil && Equal(a, again.String()) && !strings.Contains(a, "x_other") {
			t.Fatal("equal to an object with one more property")
		}
	})
}

func objectSeeds() []string {
	const times = `"created":"2024-01-01T00:00:00.000Z","modified":"2024-01-02T00:00:00.5Z"`
	return []string{
		`{"type":"ipv4-addr","id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4","value":"198.51.100.3"}`,
		`{"type":"tool","spec_version":"2.1","id":"tool--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1",` + times + `,"name":"x","revoked":true}`,
		` {"type":"tool","id":"tool--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1",` + times + `,"name":"\u00e9\ud83d\ude00 é☂","n":[1.0,-2e10,null,true,{}]} `,
		`{"id":"tool--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1","type":"tool",` + times + `,"labels":["a","b"],"granular_markings":[{"marking_ref":"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9","selectors":["labels.[1]","created"]},{"lang":"de","selectors":["labels"]}],"object_marking_refs":["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"]}`,
		`{"type":"marking-definition","id":"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9","created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","definition":{"tlp":"white"}}`,
		`{"type":"marking-definition","id":"marking-definition--d4f0f6d5-6c9f-4b9b-8f55-2f0c3f0c8d04","created":"2017-01-20T00:00:00.000Z","definition_type":"statement","definition":{"statement":"x"}}`,
		`{"type":"x-new","id":"x-new--d4f0f6d5-6c9f-4b9b-8f55-2f0c3f0c8d04","extensions":{"extension-definition--d4f0f6d5-6c9f-4b9b-8f55-2f0c3f0c8d04":{"extension_type":"new-sco"}}}`,
		`{"type":"observed-data","id":"observed-data--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1",` + times + `,"created_by_ref":"identity--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1","objects":{"0":{"type":"file"}}}`,
		`{"type":"tool","id":"tool--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1",` + times + `,"a":1,"a":2}`,
		`{"type":"tool","id":"tool--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1",` + times + `,"a":"\ud800"}`,
		`{"t\u0079pe":"tool","id":"tool--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a\u0031",` + times + `}`,
	}
}

// jsonSeeds are the ideas of the well-known suites of JSON corner cases.
func jsonSeeds() []string {
	return []string{
		``, ` `, `{}`, `[]`, `null`, `true`, `tru`, `0`, `-0`, `-`, `01`, `1.`, `.5`, `1e`, `1e+`, `1E-07`, `1.5e300`, `+1`, `0x1`, `NaN`, `123456789012345678901234567890`,
		`"a`, `"a"`, `"\x"`, `"\u12"`, `"\u123g"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`, `"\ud83d\u0041"`, "\"\x01\"", "\"\xff\"", "\"\xc3\xa9\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xc0\xaf\"",
		`[1,]`, `[,1]`, `[1 2]`, `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{'a':1}`, `{"a":1,"a":2}`, `{"a":{"b":1,"b":1}}`, `{"a":1}}`, `[[`, `{"a":[{"b":[]}]}`, "\ufeff{}", "{}\x00", "{} // x", "\f{}",
		`{"objects":[]}`, `{"objects":{}}`, `{"objects":[1],"objects":[1]}`, `{"Objects":[{}]}`, `{"objects":[1,"x",null,{}]}`, `{"more":false}`, `{"objects":[{"a":"\ud800"}],"x":1}`, `{"x":"\ud800","objects":[1]}`,
		`{"type":"bundle","id":"bundle--1"}`, "{}\n{}\n{\n{}", strings.Repeat("[", 65) + strings.Repeat("]", 65), strings.Repeat("[", 64) + strings.Repeat("]", 64),
	}
}
