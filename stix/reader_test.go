package stix

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReader(t *testing.T) {
	const tool = "{" + toolText + "}"
	observed := "{" + strings.ReplaceAll(toolText, "tool", "observed-data") + `,"objects":{"0":{"type":"file"}}}`
	cases := []struct{ name, text, items, err string }{
		{"nothing", "", "", ""},
		{"white space", " \n", "", ""},
		{"one object", sco, "ipv4-addr", ""},
		{"NDJSON", sco + "\n" + tool + "\n", "ipv4-addr tool", ""},
		{"CRLF", sco + "\r\n" + tool + "\r\n", "ipv4-addr tool", ""},
		{"one after the other", sco + tool + sco, "ipv4-addr tool ipv4-addr", ""},
		{"byte order mark", "\ufeff" + sco, "ipv4-addr", ""},
		{"bundle", `{"type":"bundle","id":"bundle--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1","objects":[` + sco + "," + tool + "]}", "ipv4-addr tool", ""},
		{"bundle with a bad id", `{"id":"bundle--1","objects":[` + sco + `],"type":"bundle"}`, "ipv4-addr", ""},
		{"envelope with more after the objects", `{"more":true,"objects":[` + sco + `],"next":"x","x":{"objects":[1]}}`, "ipv4-addr", ""},
		{"several envelopes", `{"objects":[` + sco + `]}` + "\n" + `{"objects":[` + tool + `],"more":false}` + sco, "ipv4-addr tool ipv4-addr", ""},
		{"empty envelope", `{}` + sco + `{"more":false}`, "ipv4-addr", ""},
		{"empty objects", `{"objects":[]}` + sco, "ipv4-addr", ""},
		{"empty bundle", `{"type":"bundle","id":"bundle--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1"}` + sco, "ipv4-addr", ""},
		{"list", `[` + sco + "," + tool + `]` + sco, "ipv4-addr tool ipv4-addr", ""},
		{"empty list", `[]` + sco, "ipv4-addr", ""},
		{"S-SV-03 objects of observed-data", observed, "observed-data", ""},
		{"custom type with a list of objects", `{` + strings.ReplaceAll(toolText, "tool", "x-flow") + `,"objects":[1]}`, "x-flow", ""},
		{"bad object", `[{},1,` + sco + `]`, "- - ipv4-addr", ""},
		{"bad value at the top", `42 ` + sco + ` "x"`, "- ipv4-addr -", ""},
		{"bundle in a bundle", `{"objects":[{"type":"bundle","objects":[` + sco + `]}]}`, "-", ""},
		{"broken line", sco + "\n{\"a\":\n" + tool, "ipv4-addr - tool", ""},
		{"broken line at the end", sco + "\n" + tool[:40], "ipv4-addr -", ""},
		{"broken line that reaches into the next", "{\"a\":{\"b\":1\n" + tool + "\n" + sco, "- tool ipv4-addr", ""},
		{"not JSON at all", "<html>\n<body>", "-", ""},
		{"not UTF-8", "{\"a\":\"\xff\"}\n" + sco, "- ipv4-addr", ""},
		{"broken in a bundle", `{"objects":[` + sco + ",\n{x}]}", "ipv4-addr", "line 2, column 2 (byte 90): expected a name"},
		{"broken in a list", "[" + sco + " " + sco + "]", "ipv4-addr", "expected , or ] after an element"},
		{"comma at the end of a list", "[" + sco + ",]", "ipv4-addr", "expected a value, found ']'"},
		{"bundle that ends too early", `{"objects":[` + sco, "ipv4-addr", "ends too early"},
		{"bundle not closed", `{"objects":[` + sco + `],"a":1`, "ipv4-addr", "ends too early"},
		{"broken after the objects", `{"objects":[` + sco + `],}`, "ipv4-addr", "expected a name"},
		{"objects twice", `{"objects":[` + sco + `],"objects":[]}`, "ipv4-addr", `"objects" is there twice`},
		{"a name twice, after the objects", `{"a":1,"objects":[` + sco + `],"a":[]}`, "ipv4-addr", `"a" is there twice`},
		{"a name twice, before the objects", `{"a":1,"a":1,"objects":[` + sco + `]}`, "", `"a" is there twice`},
		{"one of many names twice", `{"objects":[` + sco + `]` + manyNames(60) + `,"x33":1}`, "ipv4-addr", `"x33" is there twice`},
	}
	for _, tc := range cases {
		for _, unit := range []int{0, 1, 7} {
			items, _, err := readAll(NewReader(iotest.HalfReader(strings.NewReader(tc.text))), unit)
			var types []string
			for i, item := range items {
				switch {
				case item.Err == nil && tc.text[item.Offset:][:len(item.Object.Raw)] == item.Object.Raw:
					types = append(types, item.Object.Type)
				case item.Err != nil && item.Err.Index == i && item.Object.Raw == "":
					types = append(types, "-")
				default:
					t.Errorf("%s: item %d is %+v", tc.name, i, item)
				}
			}
			if got := strings.Join(types, " "); got != tc.items {
				t.Errorf("%s: items %s, want %s (%v)", tc.name, got, tc.items, err)
			}
			if tc.err == "" && err != io.EOF || tc.err != "" && (!errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("%s: %v, want %q", tc.name, err, tc.err)
			}
		}
	}
}

// TestResume goes on after each item, as an import does that was interrupted:
// the position goes through its text form.
func TestResume(t *testing.T) {
	text := "\ufeff" + sco + "\n{broken\n" + `{"type":"bundle","objects":[` + sco + ",\n" + sco + ",{}]}\n[" + sco + "," + sco + "]" + sco + `{"objects":[` + sco + `x]}`
	want, places, end := readAll(NewReader(strings.NewReader(text)), 0)
	if len(want) != 9 || end == io.EOF {
		t.Fatalf("%d items, %v; want 9 and an error", len(want), end)
	}
	for i, place := range places {
		b, err := place.MarshalText()
		var p Position
		if err != nil || p.UnmarshalText(b) != nil || p != place {
			t.Fatalf("position %+v is %s as text, then %+v", place, b, p)
		}
		r := NewReaderAt(strings.NewReader(text[p.Offset:]), p)
		if r.Offset() != p.Offset || r.Position() != p {
			t.Errorf("a Reader that has not begun is at %+v, want %+v", r.Position(), p)
		}
		got, _, gotEnd := readAll(r, 3)
		if gotEnd.Error() != end.Error() {
			t.Errorf("after item %d: %v, want %v", i, gotEnd, end)
		}
		same(t, "resumed", got, want[i+1:], gotEnd, end)
	}
	for _, bad := range []string{"", "x", "1/2/3", "1/2/3/4/9/0", "1/2/3/4/1/2", "-1/0/0/0/0/0", "1/2/3/4/1/1 ", "01/0/0/0/0/0"} {
		var p Position
		if err := p.UnmarshalText([]byte(bad)); !errors.Is(err, ErrInvalid) {
			t.Errorf("position %q: %v, want ErrInvalid", bad, err)
		}
	}
}

func TestReaderFails(t *testing.T) {
	broken := errors.New("disk on fire")
	r := NewReader(io.MultiReader(strings.NewReader(sco+"\n"+sco[:20]), iotest.ErrReader(broken)))
	if item, err := r.Next(); err != nil || item.Err != nil {
		t.Errorf("the whole object before the fault: %v, %v", item.Err, err)
	}
	place := r.Position()
	for range 2 {
		if _, err := r.Next(); !errors.Is(err, broken) {
			t.Errorf("Next = %v, want the error of the stream", err)
		}
	}
	if r.Position() != place || place.Offset != int64(len(sco)) {
		t.Errorf("position %+v after the fault, %+v before", r.Position(), place)
	}
}
