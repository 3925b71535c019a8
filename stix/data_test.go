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
