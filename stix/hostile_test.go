package stix

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"entente/stix/growthtest"
)

// hostile are texts of about size bytes that are made to cost much.
func hostile(size int) map[string]string {
	var names strings.Builder
	for i := 0; names.Len() < size; i++ {
		fmt.Fprintf(&names, `"%d":1,`, i)
	}
	times := `"created":"2024-01-01T00:00:00Z","modified":"2024-01-01T00:00:00Z"`
	tool := `"type":"tool","id":"tool--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1",` + times
	return map[string]string{
		"many names in one object":            `{` + names.String() + tool + `}`,
		"many objects with 20 names":          `{"a":[` + strings.Repeat(`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"o":1,"p":1,"q":1,"r":1,"s":1,"t":1},`, size/120) + `1],` + tool + `}`,
		"long names that begin and end alike": `{` + alike(size) + tool + `}`,
		"many selectors":                      `{` + tool + `,"granular_markings":[{"lang":"de","selectors":["created"` + strings.Repeat(`,"modified"`, size/12) + `]}]}`,
		"different selectors of a long list":  `{` + tool + `,"a":[1` + strings.Repeat(",1", size/5) + `],"granular_markings":[{"lang":"de","selectors":["created"` + indexes(size/5) + `]}]}`,
		"deep nesting":                        strings.Repeat(`{"a":`, size/5),
		"lines that are never closed":         strings.Repeat("{\"a\":1\n", size/8),
		"lines that open strings":             strings.Repeat("{\"a\n", size/4),
		"braces after a broken line":          strings.Repeat("{x\n{}\n", size/6),
		"garbage without lines":               strings.Repeat("x", size),
		"a very long string":                  `{"a":"` + strings.Repeat("x", size),
		"a very long number":                  `{"a":` + strings.Repeat("1", size),
		"empty envelopes":                     strings.Repeat("{}", size/2),
		"white space":                         strings.Repeat(" \n", size/2),
		"numbers at the top":                  strings.Repeat("1 ", size/8),
		"escapes":                             `{"a":"` + strings.Repeat(`\u00e9`, size/6) + `",` + tool + `}`,
		"members beside the objects":          `{"objects":[1]` + strings.Repeat(`,"a":1`, size/6),
	}
}

// TestHostile: whatever the text, eight times as much of it costs about eight
// times as much. Where the cost is quadratic it is 64 times.
func TestHostile(t *testing.T) {
	const size = 1 << 16
	short, long := hostile(size), hostile(8*size)
	for name := range short {
		for _, how := range []struct {
			name string
			run  func(string)
		}{
			{"Parse", func(s string) { _, _ = Parse(s) }},
			{"Envelope", func(s string) { _, _ = new(Scanner).Envelope(`{"objects":[` + s + `]}`) }},
			{"Reader", func(s string) { _, _ = drain(NewReader(strings.NewReader(s))) }},
			{"Reader in small chunks", func(s string) { _, _ = drain(NewReader(&chunks{s, 100})) }},
			{"Equal", func(s string) { Equal(s, s+" ") }},
		} {
			if ratio := growthtest.Growth(time.Now, func() { how.run(short[name]) }, func() { how.run(long[name]) }); ratio > growthtest.Linear {
				t.Errorf("%s, %s: eight times the text costs %.0f times as much", name, how.name, ratio)
			}
		}
	}
}

func alike(size int) string {
	var b strings.Builder
	middle := strings.Repeat("x", 40)
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `"%s%08d%s":1,`, middle, i, middle)
	}
	return b.String()
}

func indexes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"a.[%d]"`, i)
	}
	return b.String()
}

func drain(r *Reader) (items int, err error) {
	for {
		if _, err := r.Next(); err != nil {
			return items, err
		}
		items++
	}
}

// endless is a stream of the text, repeated n times.
type endless struct {
	text string
	n    int
	rest string
}

func (e *endless) Read(p []byte) (int, error) {
	if e.rest == "" {
		if e.n == 0 {
			return 0, io.EOF
		}
		e.n--
		e.rest = e.text
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// TestReaderMemory reads 64 MiB or more of a bundle's objects, and of what is none,
// in a few MiB of memory.
func TestReaderMemory(t *testing.T) {
	const tool = `{"type":"tool","id":"tool--b2f51c2a-5c0e-4a44-9a4b-0b5d6a2ad6a1","created":"2024-01-01T00:00:00Z","modified":"2024-01-01T00:00:00Z","x":"` +
		"0123456789" + `"},`
	for name, source := range map[string]io.Reader{
		"bundle":      io.MultiReader(strings.NewReader(`{"type":"bundle","objects":[`), &endless{strings.Repeat(tool, 1000), 400, ""}, strings.NewReader(`1]}`)),
		"white space": &endless{strings.Repeat(" ", 1<<20), 64, ""},
		"garbage":     &endless{strings.Repeat("x", 1<<20), 64, ""},
		"string":      io.MultiReader(strings.NewReader(`{"a":"`), &endless{strings.Repeat("x", 1<<20), 64, ""}),
		"list":        io.MultiReader(strings.NewReader(`[`), &endless{strings.Repeat("1,", 1<<16), 64, ""}),
	} {
		r := NewReader(source)
		var most uint64
		for i := 0; ; i++ {
			_, err := r.Next()
			if i%1_000_000 == 0 || err != nil {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
			if err != nil {
				break
			}
		}
		if most > 48<<20 {
			t.Errorf("%s: %d MiB of memory", name, most>>20)
		}
	}
}
