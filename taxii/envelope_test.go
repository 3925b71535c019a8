package taxii

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/json"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCombineCRC(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 3<<20)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	for _, n := range []int{0, 1, 2, 3, 7, 8, 255, 256, 65535, 65536, 1<<20 - 1, 1 << 20, 2 << 20} {
		for _, m := range []int{0, 1, 9, 1000, 1 << 20} {
			a, b := data[:m], data[m:m+n]
			want := crc32.ChecksumIEEE(data[:m+n])
			if got := combineCRC(crc32.ChecksumIEEE(a), crc32.ChecksumIEEE(b), uint64(n)); got != want {
				t.Errorf("combineCRC of %d and %d bytes = %08x, want %08x", m, n, got, want)
			}
		}
	}
	// Lengths that no test can hold: x^(8n) in two steps is x^(8n) in one.
	for _, n := range []uint64{1 << 31, 1<<40 + 12345, 1<<61 - 1} {
		one := combineCRC(0xdeadbeef, 0, n)
		if two := combineCRC(combineCRC(0xdeadbeef, 0, n/3), 0, n-n/3); one != two {
			t.Errorf("%d zero-checksum bytes: %08x at once, %08x in two parts", n, one, two)
		}
	}
}

func TestMember(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 30 {
		var m Member
		m.Reset([]byte("before"))
		var want []byte
		for range random.IntN(12) {
			piece := bytes.Repeat([]byte{byte(random.Uint32()), 'a', 'b'}, random.IntN(60_000))
			want = append(want, piece...)
			if random.IntN(2) == 0 {
				m.Stored(piece)
				continue
			}
			var fragment bytes.Buffer
			w, err := flate.NewWriter(&fragment, 1)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write(piece)
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			m.Deflated(fragment.Bytes(), len(piece), crc32.ChecksumIEEE(piece))
		}
		out := m.Close()
		r, err := gzip.NewReader(bytes.NewReader(bytes.TrimPrefix(out, []byte("before"))))
		if err != nil {
			t.Fatal(err)
		}
		r.Multistream(false)
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("gzip of %d bytes gives %d back, %v", len(want), len(got), err)
		}
	}
}

func TestAppendString(t *testing.T) {
	for _, s := range []string{"", "plain", `"\/`, "a\nb\x00\x1f", "é€😀", "\xff a \xc3", "</script>&"} {
		var got string
		text := AppendString(nil, s)
		if err := json.Unmarshal(text, &got); err != nil || got != strings.ToValidUTF8(s, "\ufffd") {
			t.Errorf("AppendString(%q) = %s, which is %q, %v", s, text, got, err)
		}
	}
}

func TestAppendManifestRecord(t *testing.T) {
	got := string(AppendManifestRecord(nil, `x--"`, 1767323045000001, "2024-01-01T00:00:00Z", "m"))
	want := `{"id":"x--\"","date_added":"2026-01-02T03:04:05.000001Z","version":"2024-01-01T00:00:00Z","media_type":"m"}`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzAppendASCII(f *testing.F) {
	for _, seed := range []string{"", "abc", "né€😀\U0010ffff", "a\u0080"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		ascii := AppendASCII([]byte("x"), text)[1:]
		if bytes.ContainsFunc(ascii, func(r rune) bool { return r > 126 && r != 0x7f }) {
			t.Errorf("%q is not ASCII", ascii)
		}
		var got string
		if err := json.Unmarshal(ascii, &got); err != nil || got != s {
			t.Errorf("%q became %q, %v", s, got, err)
		}
	})
}

func BenchmarkMember(b *testing.B) {
	fragment := bytes.Repeat([]byte{1}, 30_000)
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		var m Member
		m.Reset(out[:0])
		m.Stored([]byte(ObjectsHead))
		for range 4 {
			m.Deflated(fragment, 250_000, 0x12345678)
			m.Stored([]byte{','})
		}
		out = m.Close()
	}
}
