package stix

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"
)

const sco = "{" + scoText + "}"

func TestEnvelope(t *testing.T) {
	cases := []struct {
		name, text string
		ids        string // of the items, "-" for a refused one
	}{
		{"T-5.5-01 envelope", `{"objects":[` + sco + `]}`, "ipv4-addr"},
		{"white space", " {\n\"objects\" : [ " + sco + " ,\r\n\t{" + toolText + "} ] } ", "ipv4-addr tool"},
		{"T-5.5-13 bundle", `{"type":"bundle","id":"bundle--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1","spec_version":"2.0","objects":[` + sco + `]}`, "ipv4-addr"},
		{"T-5.5-13 bundle whose type comes last", `{"objects":[` + sco + `],"type":"bundle"}`, "ipv4-addr"},
		{"T-5.5-15 more and next", `{"more":true,"next":"x","objects":[` + sco + `],"x_custom":{"objects":[1]}}`, "ipv4-addr"},
		{"T-3.8-02 names in other case are other names", `{"Objects":1,"objects":[` + sco + `],"OBJECTS":2}`, "ipv4-addr"},
		{"an escaped name", `{"\u006fbjects":[` + sco + `]}`, "ipv4-addr"},
		{"T-5.5-09 one bad object", `{"objects":[{"type":"tool"},` + sco + `]}`, "- ipv4-addr"},
		{"T-5.5-11 all bad", `{"objects":[{},[]]}`, "- -"},
		{"T-5.5-12 not an object", `{"objects":[42,` + sco + `,"x",null,[{}]]}`, "- ipv4-addr - - -"},
		{"T-3.7-04 a bundle among the objects", `{"objects":[{"type":"bundle","id":"bundle--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1","objects":[` + sco + `]}]}`, "-"},
		{"a name twice in one object", `{"objects":[{` + scoText + `,"a":1,"a":1},` + sco + `]}`, "- ipv4-addr"},
		{"half a surrogate pair in one object", `{"objects":[{` + scoText + `,"a":"\udc00"},` + sco + `]}`, "- ipv4-addr"},
	}
	var s Scanner
	for _, tc := range cases {
		items, err := s.Envelope(tc.text)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		var ids []string
		for i, item := range items {
			switch {
			case item.Err == nil:
				ids = append(ids, item.Object.Type)
				if got := tc.text[item.Offset:][:len(item.Object.Raw)]; got != item.Object.Raw {
					t.Errorf("%s: item %d: bytes %q at its offset, want %q", tc.name, i, got, item.Object.Raw)
				}
			case item.Err.Index != i || item.Object.Raw != "" || !strings.HasPrefix(tc.text[item.Offset:], item.Err.Raw):
				t.Errorf("%s: item %d: %+v", tc.name, i, item.Err)
			default:
				ids = append(ids, "-")
			}
		}
		if got := strings.Join(ids, " "); got != tc.ids {
			t.Errorf("%s: items %s, want %s", tc.name, got, tc.ids)
		}
	}
}

func TestEnvelopeRefused(t *testing.T) {
	cases := []struct{ name, text, err string }{
		{"T-5.5-10 nothing", "", "line 1, column 1 (byte 0): the text ends too early"},
		{"T-5.5-10 not JSON", "<html>", `line 1, column 1 (byte 0): an envelope is a JSON object, found '<'`},
		{"T-5.5-10 a list", "[" + sco + "]", "an envelope is a JSON object"},
		{"T-5.5-10 empty object", "{}", `needs a list named "objects"`},
		{"T-5.5-10 no objects", `{"objects":[]}`, `(byte 11): "objects" is an empty list`},
		{"T-5.5-10 objects is an object", `{"objects":{}}`, `(byte 11): "objects" is not a list`},
		{"T-5.5-10 a bare object", sco, `needs a list named "objects"`},
		{"T-3.8-02 other case", `{"Objects":[` + sco + `]}`, `needs a list named "objects"`},
		{"T-1.6.7-02 objects twice", `{"objects":[` + sco + `],"objects":[` + sco + `]}`, `"objects" is there twice`},
		{"T-1.6.7-02 another name twice", `{"more":true,"objects":[` + sco + `],"more":true}`, `"more" is there twice`},
		{"T-1.6.7-02 one of many names twice", `{"objects":[` + sco + `]` + manyNames(60) + `,"x07":1}`, `"x07" is there twice`},
		{"T-1.6.7-02 not UTF-8", "{\"objects\":[{\"a\":\"\xff\"}]}", "(byte 18): not UTF-8"},
		{"T-1.6.7-02 not UTF-8 beside the objects", "{\"objects\":[" + sco + "],\"a\":\"\xc0\xaf\"}", "not UTF-8"},
		{"T-1.6.7-02 half a surrogate pair beside the objects", `{"objects":[` + sco + `],"a":"\ud800"}`, "half a surrogate pair"},
		{"byte order mark", "\ufeff" + `{"objects":[` + sco + `]}`, "a character beyond ASCII"},
		{"line and column", "{\n \"objects\": [\n  {\"é\":x}]}", "line 3, column 9 (byte 24): expected a value, found 'x'"},
		{"broken in the last object", `{"objects":[` + sco + `,{"a":1,}]}`, "expected a name in quotes, found '}'"},
		{"something after it", `{"objects":[` + sco + `]} {}`, "expected nothing after the envelope, found '{'"},
		{"not closed", `{"objects":[` + sco, "ends too early"},
		{"too deep", `{"objects":[{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}]}`, "nested too deeply"},
		{"too deep beside the objects", `{"objects":[` + sco + `],"a":` + strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65) + `}`, "nested too deeply"},
		{"control character", "{\"objects\":[\"a\nb\"]}", "a control character in a string must be escaped"},
		{"number", `{"objects":[01]}`, "expected , or ] after an element, found '1'"},
		{"escape", `{"objects":["\x"]}`, "no such escape sequence"},
		{"literal", `{"objects":[nul]}`, "only true, false and null"},
	}
	var s Scanner
	for _, tc := range cases {
		items, err := s.Envelope(tc.text)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), tc.err) || items != nil {
			t.Errorf("%s: %d items, %v; want %q", tc.name, len(items), err, tc.err)
		}
	}
}

func TestLimits(t *testing.T) {
	s := Scanner{MaxObjects: 2, MaxDepth: 3}
	if items, err := s.Envelope(`{"objects":[1,2]}`); err != nil || len(items) != 2 {
		t.Errorf("as many objects as allowed: %d, %v", len(items), err)
	}
	if _, err := s.Envelope(`{"objects":[1,2,3]}`); err == nil || !strings.Contains(err.Error(), "more than 2 objects") {
		t.Errorf("one object too many: %v", err)
	}
	if _, err := s.Envelope(`{"objects":[{"a":{"b":[]}}]}`); err != nil {
		t.Errorf("as deep as allowed: %v", err)
	}
	if _, err := s.Envelope(`{"objects":[{"a":{"b":[{}]}}]}`); err == nil || !strings.Contains(err.Error(), "too deeply") {
		t.Errorf("one level too deep: %v", err)
	}
	big := `{` + scoText + `,"x":"` + strings.Repeat("x", MaxObjectSize) + `"}`
	items, err := s.Envelope(`{"objects":[` + big + `,` + sco + `]}`)
	if err != nil || len(items) != 2 || items[0].Err == nil || items[1].Err != nil {
		t.Errorf("an object that is too large: %v", err)
	}
	fits := `{` + scoText + `,"x":"` + strings.Repeat("x", MaxObjectSize-len(scoText)-9) + `"}`
	if o, err := Parse(fits); err != nil || len(o.Raw) != MaxObjectSize {
		t.Errorf("an object of the greatest size: %d bytes, %v", len(o.Raw), err)
	}
}

func TestObjectError(t *testing.T) {
	var s Scanner
	items, err := s.Envelope(`{"objects":[1,{"revoked":"no",` + toolText + `}]}`)
	if err != nil {
		t.Fatal(err)
	}
	e := items[1].Err
	if e.Index != 1 || e.ID != toolID || e.Version != "2024-01-01T00:00:00.000Z" || e.Property != "revoked" || !errors.Is(e, ErrInvalid) {
		t.Errorf("error %+v", e)
	}
	if want := "object 1 (" + toolID + "): revoked is neither true nor false"; e.Error() != want {
		t.Errorf("error %q, want %q", e, want)
	}
}

// TestMarkingsStay makes the arena of markings grow while items hold parts of it.
func TestMarkingsStay(t *testing.T) {
	var objects []string
	for i := range 200 {
		id := tlp1White[:len(tlp1White)-3] + string("0123456789"[i/100]) + string("0123456789"[i/10%10]) + string("0123456789"[i%10])
		objects = append(objects, `{`+toolText+`,"object_marking_refs":["`+id+`","`+id+`"]}`)
	}
	text := strings.Join(objects, ",")
	check := func(i int, o Object) {
		alone, err := Parse(objects[i])
		if err != nil || !slices.Equal(o.Markings, alone.Markings) || len(o.Markings) != 2 {
			t.Errorf("object %d: markings %v, want %v (%v)", i, o.Markings, alone.Markings, err)
		}
	}
	var s Scanner
	items, err := s.Envelope(`{"objects":[` + text + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	for i, item := range items {
		check(i, item.Object)
	}
	items, _, _ = readAll(NewReader(strings.NewReader("["+text+"]")), 16)
	if len(items) != len(objects) {
		t.Fatalf("Reader: %d items", len(items))
	}
	for i, item := range items {
		check(i, item.Object)
	}
}

// TestMaxErrors: an envelope of faults is as good as its objects, and costs
// memory for as many errors as the caller wants to see.
func TestMaxErrors(t *testing.T) {
	const n = 40_000
	text := `{"objects":[` + strings.Repeat("1,{},", n) + sco + `,2]}`
	s := Scanner{MaxErrors: 10}
	items, err := s.Envelope(text)
	if err != nil || len(items) != 11 || s.Beyond() != 2*n+1-10 {
		t.Fatalf("%d items, %d beyond, %v; want 11, %d", len(items), s.Beyond(), err, 2*n+1-10)
	}
	if o := items[10]; o.Err != nil || o.Object.Raw != sco || items[9].Err.Index != 9 {
		t.Errorf("the last items are %+v and %+v", items[9].Err, o)
	}
	if cap(s.items) > 64 {
		t.Errorf("memory for %d items", cap(s.items))
	}
	s.MaxErrors = 0
	if items, err := s.Envelope(text); err != nil || len(items) != 2*n+2 || s.Beyond() != 0 {
		t.Errorf("without a bound: %d items, %d beyond, %v", len(items), s.Beyond(), err)
	}
}

// TestRoom: who counts memory is asked before it is taken.
func TestRoom(t *testing.T) {
	text := `{"objects":[` + strings.Repeat(sco+",", 299) + sco + `]}`
	var asked []int
	s := Scanner{Room: func(n int) error { asked = append(asked, n); return nil }}
	if items, err := s.Envelope(text); err != nil || len(items) != 300 || !slices.Equal(asked, []int{80, 100, 125, 156, 195, 243, 303}) {
		t.Errorf("%d items, %v, asked for %v", len(items), err, asked)
	}
	full := errors.New("full")
	s.Room = func(n int) error {
		if cap(s.items) >= n {
			t.Errorf("asked for %d items, has memory for %d", n, cap(s.items))
		}
		return full
	}
	s.items = nil
	if items, err := s.Envelope(text); items != nil || err != full {
		t.Errorf("%d items, %v; want the error of Room", len(items), err)
	}
	s.Room = nil
	if items, err := s.Envelope(text); err != nil || len(items) != 300 {
		t.Errorf("afterwards: %d items, %v", len(items), err)
	}
}

// TestForget: a Scanner that waits for its next use keeps no text in memory.
func TestForget(t *testing.T) {
	var s Scanner
	collected := make(chan bool)
	func() {
		text := new([1 << 20]byte)
		copy(text[:], `{"a":{"b":1},"objects":[{`+toolText+`,"object_marking_refs":["`+tlp1White+`"],"granular_markings":[{"selectors":["name"],"marking_ref":"`+tlp1White+`"}],"name":"x"},3]`+manyNames(60)+`}`)
		for i := len(text) - 1; text[i] == 0; i-- {
			text[i] = ' '
		}
		if items, err := s.Envelope(unsafe.String(&text[0], len(text))); err != nil || len(items) != 2 || items[0].Err != nil {
			t.Fatalf("%d items, %v", len(items), err)
		}
		runtime.AddCleanup(text, func(int) { close(collected) }, 0)
	}()
	s.Forget()
	runtime.GC()
	select {
	case <-collected:
	case <-time.After(5 * time.Second):
		t.Error("the text is still in memory")
	}
	if items, err := s.Envelope(`{"objects":[` + sco + `]}`); err != nil || len(items) != 1 {
		t.Errorf("afterwards: %d items, %v", len(items), err)
	}
}
