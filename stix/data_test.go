package stix

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// dataDir is the folder of published STIX data, from ENTENTE_DATA.
func dataDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("ENTENTE_DATA")
	if dir == "" {
		t.Skip("ENTENTE_DATA names no folder with published STIX data")
	}
	return dir
}

// dataFile reads a file, decompressed.
func dataFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".zst") {
		d, err := zstd.NewReader(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if text, err = io.ReadAll(d); err != nil {
			t.Fatal(err)
		}
	}
	return text
}

// TestDataFiles reads every file: each object is taken with its bytes, or
// refused with a reason.
func TestDataFiles(t *testing.T) {
	dir := dataDir(t)
	files, taken, refused := 0, 0, map[string]int{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		base := strings.TrimSuffix(name, ".zst")
		if strings.Contains(name, "JSONTestSuite") || strings.Contains(name, "pattern") ||
			!strings.HasSuffix(base, ".json") && !strings.HasSuffix(base, ".jsonl") {
			return nil
		}
		files++
		rel, _ := filepath.Rel(dir, name)
		for _, text := range unwrap(dataFile(t, name)) {
			r := NewReader(bytes.NewReader(text))
			for {
				item, err := r.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Logf("%s: %v", rel, err)
					break
				}
				if item.Err != nil {
					if refused[item.Err.Property+" "+item.Err.Reason]++; refused[item.Err.Property+" "+item.Err.Reason] < 4 {
						t.Logf("%s: %v", rel, item.Err)
					}
					continue
				}
				taken++
				if raw := item.Object.Raw; string(text[item.Offset:][:len(raw)]) != raw {
					t.Fatalf("%s: object at %d has other bytes", rel, item.Offset)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d objects taken, refused: %v", files, taken, refused)
	if files < 60 || taken < 80_000 {
		t.Errorf("%d files with %d good objects, want at least 60 and 80,000", files, taken)
	}
}

// unwrap returns the STIX in a file: of a line {"bundle"} or {"instance"}
// only that, otherwise the file.
func unwrap(text []byte) [][]byte {
	var texts [][]byte
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<30)
	for lines.Scan() {
		var line struct{ Bundle, Instance, Raw json.RawMessage }
		if json.Unmarshal(lines.Bytes(), &line) != nil || line.Bundle == nil && line.Instance == nil && line.Raw == nil {
			return [][]byte{text}
		}
		var raw string
		switch {
		case line.Bundle != nil:
			texts = append(texts, line.Bundle)
		case line.Instance != nil:
			texts = append(texts, line.Instance)
		case json.Unmarshal(line.Raw, &raw) == nil:
			texts = append(texts, []byte(raw))
		}
	}
	return texts
}

// TestJSONTestSuite holds the grammar to the verdicts of the suite: whatever
// must not be accepted is refused, whatever must be is not broken for us.
func TestJSONTestSuite(t *testing.T) {
	dir := filepath.Join(dataDir(t), "JSONTestSuite")
	table := strings.Split(strings.TrimSpace(string(dataFile(t, filepath.Join(dir, "verdicts.tsv")))), "\n")[1:]
	if len(table) < 300 {
		t.Fatalf("%d cases, want at least 300", len(table))
	}
	for _, line := range table {
		column := strings.Split(line, "\t")
		name, expect, utf8Valid := column[0], column[1], column[2] == "true"
		text := string(dataFile(t, filepath.Join(dir, name)))
		var s Scanner
		_, err := s.Envelope(`{"objects":[42],"x":` + text + `}`)
		broken := err != nil
		switch {
		case expect == "refuse" && !broken:
			t.Errorf("%s: accepted, must be refused", name)
		case expect == "accept" && utf8Valid && broken && !strings.Contains(err.Error(), "is there twice") && !strings.Contains(err.Error(), "surrogate"):
			t.Errorf("%s: refused: %v", name, err)
		case !utf8Valid && !broken:
			t.Errorf("%s: not UTF-8, but accepted", name)
		}
	}
}

// vectorExceptions are vectors on which we differ from the validator.
var vectorExceptions = map[string]string{
	"val-v20-02ab1b18e975": "S-2.9-01: a custom type whose id names another type; the validator does not look",
	"val-v20-9b1fdfcbfb45": "the same, in a list",
	"val-v20-bcd9fc283688": "S-7.2.1-03: a statement under the id of TLP:GREEN",
	"val-v20-47004bb0771a": "S-7.2.1-03: another definition_type under the id of TLP:GREEN",
	"val-v21-bcc50252f9f6": "the same",
	"val-v21-c9f25a586f31": "S-7.2.1-03: no definition under the id of TLP:GREEN",
	"val-v20-cb3bd0e8329c": "S-2.9-01: UUID of version 1, which the standard allows and only advises against",
	"val-v21-5b7102256cd7": "the same",
}

// TestVectors holds the checks at the door to the verdicts of the OASIS
// validator: json, envelope and marking faults are refused; valid objects are
// accepted.
func TestVectors(t *testing.T) {
	dir := filepath.Join(dataDir(t), "cti-stix-validator")
	count := 0
	for _, name := range []string{"vectors-v20.jsonl", "vectors-v21.jsonl"} {
		for line := range strings.Lines(string(dataFile(t, filepath.Join(dir, name)))) {
			var v struct {
				ID, Raw, Expect, Level string
				Errors                 json.RawMessage
			}
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatal(err)
			}
			count++
			r := NewReader(strings.NewReader(v.Raw))
			var bad error
			for {
				item, err := r.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					bad = err
					break
				}
				if item.Err != nil && bad == nil {
					bad = item.Err
				}
			}
			hard := v.Level == "json" || v.Level == "envelope" || v.Level == "marking"
			wrong := v.Expect == "reject" && hard && bad == nil || v.Expect == "accept" && bad != nil
			if wrong && vectorExceptions[v.ID] == "" {
				t.Errorf("%s (%s %s): got %v, validator says %s\n%s", v.ID, v.Expect, v.Level, bad, v.Errors, v.Raw)
			}
			if _, err := Parse(v.Raw); v.Expect == "accept" && err == nil {
				for _, f := range Lint(v.Raw) {
					if f.Must && f.Section != "3.1" { // the validator only warns of names
						t.Errorf("%s: Lint: %v\n%s", v.ID, f, v.Raw)
					}
				}
			}
			if !wrong && vectorExceptions[v.ID] != "" {
				t.Errorf("%s is no exception any more", v.ID)
			}
		}
	}
	if count < 500 {
		t.Errorf("%d vectors, want at least 500", count)
	}
}
