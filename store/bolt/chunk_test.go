package bolt

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"entente/stix"
	"entente/stix/stixtest"
)

func slotsOf(objs []stix.Object) []slot {
	slots := make([]slot, len(objs))
	for i := range objs {
		slots[i] = newSlot(&objs[i])
		slots[i].added = int64(1_700_000_000_000_000 + i)
	}
	return slots
}

func get32(b []byte, at int) uint32    { return binary.LittleEndian.Uint32(b[at:]) }
func put32(b []byte, at int, v uint32) { binary.LittleEndian.PutUint32(b[at:], v) }

func TestChunkRoundTrip(t *testing.T) {
	cases := map[string][]stix.Object{
		"one":      stixtest.Objects(1, 1),
		"many":     stixtest.Objects(2, maxSlots),
		"versions": stixtest.Versions(3, 40),
		"fixture":  stixtest.Fixture(),
	}
	for name, objs := range cases {
		t.Run(name, func(t *testing.T) {
			want := slotsOf(objs)
			for i := range want { // the first two, the last, and a few between
				if len(want) > 1 && (i < 2 || i%7 == 0 || i == len(want)-1) {
					want[i].flags |= flagDeleted
					want[i].raw = ""
				}
			}
			b := appendChunk(nil, want, true)
			c, err := readChunk(append(b, 0, 0, 0))
			if err != nil {
				t.Fatal(err)
			}
			if got := c.appendSlots(nil); !slices.Equal(got, want) || !c.sealed || !c.rawSound(b) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// TestChunkUnknownColumn adds a column that this program does not know.
func TestChunkUnknownColumn(t *testing.T) {
	want := slotsOf(stixtest.Objects(1, 5))
	b := appendChunk(nil, want, false)
	dirEnd := chunkHeader + dirWidth*(numCols-1)
	added := []byte{200, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0} // column 200, empty
	b = slices.Insert(b, dirEnd, added...)
	b[6]++
	put32(b, 12, get32(b, 12)+dirWidth)
	for i := range numCols - 1 {
		at := chunkHeader + dirWidth*i + 4
		put32(b, at, get32(b, at)+dirWidth)
	}
	put32(b, dirEnd+4, uint32(dirEnd+dirWidth))
	rawOff := get32(b, chunkHeader+dirWidth*(numCols-2)+4)
	put32(b, 16, columnSum(b, rawOff))
	c, err := readChunk(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.appendSlots(nil); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// FuzzChunk reads anything as a chunk. What is accepted must be readable to the
// last slot and come back from appendChunk.
func FuzzChunk(f *testing.F) {
	for _, objs := range [][]stix.Object{stixtest.Objects(1, 1), stixtest.Objects(2, 9), stixtest.Versions(3, 4)} {
		slots := slotsOf(objs)
		f.Add(appendChunk(nil, slots, false))
		slots[0].flags |= flagDeleted
		f.Add(appendChunk(nil, slots, true))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := openChunk(b); err == nil {
			put32(b, 16, columnSum(b, c.off[colRaw])) // the fuzzer does not find checksums
		}
		c, err := readChunk(b)
		if err != nil || !c.joined() {
			return
		}
		slots := c.appendSlots(nil)
		again, err := readChunk(appendChunk(nil, slots, c.sealed))
		if err != nil {
			t.Fatal(err)
		}
		if got := again.appendSlots(nil); !slices.Equal(got, slots) || !bytes.Equal(again.cols[colRaw], c.cols[colRaw]) {
			t.Errorf("%v became %v", slots, got)
		}
	})
}

func TestContentHash(t *testing.T) {
	const a = `{"type":"ipv4-addr","id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd","value":"198.51.100.3","x_n":10}`
	equal := []string{
		`{"id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd", "type":"ipv4-addr","value":"198.51.100.3","x_n":1e1}`,
		`{"spec_version":"2.1","type":"ipv4-addr","id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd","defanged":false,"value":"198\u002e51.100.3","x_n":10.0}`,
	}
	for _, b := range equal {
		if !stix.Equal(a, b) {
			t.Fatalf("%s and %s are not equal: the test is wrong", a, b)
		}
		if contentHash(a) != contentHash(b) {
			t.Errorf("hashes of %s and %s differ", a, b)
		}
	}
	if b := `{"type":"ipv4-addr","id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd","value":"198.51.100.3","x_n":11}`; contentHash(a) == contentHash(b) {
		t.Errorf("hashes of %s and %s are the same", a, b)
	}
}

func TestVersionText(t *testing.T) {
	for written, digits := range map[string]uint8{
		"2016-05-12T08:17:27Z":             0,
		"2016-05-12T08:17:27.0Z":           1,
		"2016-05-12T08:17:27.100Z":         3,
		"2016-05-12T08:17:27.123456Z":      6,
		"2016-05-12T08:17:27.1234560Z":     digitsInRaw,
		"2016-05-12T08:17:27.1234567Z":     digitsInRaw,
		"2016-12-31T23:59:60Z":             digitsInRaw,
		"0001-01-01T00:00:00.001Z":         3,
		"1969-12-31T23:59:59.999999Z":      6,
		"2016-05-12T08:17:27.12345678901Z": digitsInRaw,
	} {
		o := stix.Object{Header: stix.Header{ID: "x-a--ff26c055-6336-5bc5-b98d-13d6226742dd", Type: "x-a", Created: written, Modified: written}, Raw: "{}"}
		s := newSlot(&o)
		if s.digits != digits {
			t.Errorf("%s: digits %d, want %d", written, s.digits, digits)
		}
		if s.digits != digitsInRaw {
			if got := string(appendVersion(nil, s.us, int(s.digits))); got != written {
				t.Errorf("%s: written as %s", written, got)
			}
		}
	}
}
