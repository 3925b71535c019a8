package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sync"

	"entente/stix"
	"entente/store"
)

// A reading is what one Read needs besides the page; they are used again.
type reading struct {
	sel   selection
	l     *logIndex
	page  *store.Page
	want  store.Want
	of    *logIndex // of the last piece
	chunk int       // of the last piece
	span  int       // of the last piece, in a release log
	names []byte    // ids and versions of the rows, one after the other
	ends  []int     // of each of them in names
	parts []piece   // what was selected
	raws  [][]byte  // their bytes and the commas between them
	touch byte
}

// A piece is a run of entries that is a run of slots of one chunk.
type piece struct {
	of       *logIndex // the log that has the chunk
	ref      *chunkRef
	from, to uint32 // slots
	seq      uint32 // of the first entry, in the log that is read
}

var readings = sync.Pool{New: func() any { return new(reading) }}

// Read implements [store.Reader].
func (s *Store) Read(ctx context.Context, id store.LogID, q *store.Query, p *store.Page) error {
	if err := store.CheckRead(id, q); err != nil {
		return err
	}
	l, err := s.enterLog(ctx, id)
	if err != nil {
		return err
	}
	defer s.leave()
	p.Reset()
	if l == nil {
		return nil
	}
	r := readings.Get().(*reading)
	defer readings.Put(r)
	r.l, r.page, r.want = l, p, q.Want
	l.mu.RLock()
	defer l.mu.RUnlock()
	defer r.drop()
	if l.n == 0 {
		return nil
	}
	if err := r.fillStable(ctx, q); err != nil || p.N == 0 {
		return err
	}
	if q.Want&store.WantObjects != 0 {
		return r.objects(q.Take)
	}
	if q.Want&store.WantDeflated != 0 {
		return s.fillParts(r)
	}
	return nil
}

// drop lets go of what is valid during one call only.
func (r *reading) drop() {
	r.l, r.of, r.page = nil, nil, nil
	clear(r.raws)
	clear(r.parts)
	sel := &r.sel
	sel.l, sel.q, sel.ctx, sel.lock, sel.gate, sel.of, sel.ref, sel.data = nil, nil, nil, nil, nil, nil, nil, nil
	clear(sel.lists[:cap(sel.lists)])
}

// restarts is how often a read that takes long begins again because the log has
// changed while others had its lock. After that the others wait.
const restarts = 3

// fillStable fills the page from one view of the log.
func (r *reading) fillStable(ctx context.Context, q *store.Query) error {
	for tries := 0; ; tries++ {
		r.of, r.span, r.parts, r.names, r.ends = nil, 0, r.parts[:0], r.names[:0], r.ends[:0]
		if r.sel.lock = r.l.mu; tries == restarts {
			r.sel.lock = nil
		}
		err := r.fill(ctx, q)
		if !errors.Is(err, errMoved) {
			return err
		}
		r.page.Reset()
	}
}

// fill puts the entries that q selects into the page.
func (r *reading) fill(ctx context.Context, q *store.Query) error {
	s, p := &r.sel, r.page
	at := s.start(ctx, r.l, q)
	if s.listed && len(s.lists) == 1 {
		r.pickList(q.Limit)
	} else {
		r.pickRuns(at, q.Limit)
	}
	if p.N == 0 || s.err != nil {
		return s.err
	}
	if q.Want&(store.WantObjects|store.WantDeflated) != 0 {
		if err := r.locate(q.MaxBytes); err != nil {
			return err
		}
	}
	tail := &r.parts[len(r.parts)-1]
	first, err := r.l.addedAt(r.parts[0].seq)
	last, lerr := r.l.addedAt(tail.seq + tail.to - tail.from - 1)
	p.First, p.Last = first, last
	if err = errors.Join(err, lerr); err == nil && r.want&store.WantRows != 0 {
		err = r.rows()
	}
	return err
}

// locate finds the bytes of r.parts, and ends the page with the entry that
// brings its objects to most bytes; 0 means no bound. It touches both ends of
// each piece: where a filter has left small pieces all over the file, the time
// goes into waiting for memory, and the short loop has many of the waits at once.
func (r *reading) locate(most int) error {
	r.raws = r.raws[:0]
	size, n := 0, 0
	for i := range r.parts {
		p := &r.parts[i]
		raw, err := r.l.raw(p.ref, p.from, p.to)
		if err != nil {
			return err
		}
		count := int(p.to - p.from)
		if bytes := len(raw) - (count - 1); most == 0 || size+bytes < most {
			r.touch += raw[0] + raw[len(raw)-1]
			r.addRaw(raw)
			size, n = size+bytes, n+count
			continue
		}
		for count = 1; p.from+uint32(count) < p.to; count++ {
			raw, err := r.l.raw(p.ref, p.from, p.from+uint32(count))
			if err != nil {
				return err
			}
			if size+len(raw)-(count-1) >= most {
				break
			}
		}
		return r.endPage(i, count, n+count)
	}
	return nil
}

// endPage ends the page with the first count entries of part i, n entries in all.
func (r *reading) endPage(i, count, n int) error {
	p := &r.parts[i]
	p.to = p.from + uint32(count)
	raw, err := r.l.raw(p.ref, p.from, p.to)
	r.parts = r.parts[:i+1]
	r.addRaw(raw)
	if n < r.page.N {
		r.page.N, r.page.More = n, true
	}
	return err
}

var comma = []byte{','}

// addRaw adds raw to r.raws, with a comma before it if it is not the first: where the
// piece before it has one behind it in the file, that one.
func (r *reading) addRaw(raw []byte) {
	if n := len(r.raws); n > 0 {
		last := r.raws[n-1]
		if end := len(last); end < cap(last) && last[:end+1][end] == ',' {
			r.raws[n-1] = last[:end+1]
		} else {
			r.raws = append(r.raws, comma)
		}
	}
	r.raws = append(r.raws, raw)
}

// pickRuns notes the first limit selected entries from at on, run by run.
func (r *reading) pickRuns(at uint32, limit int) {
	s, p := &r.sel, r.page
	for p.N < limit {
		seq, ok := s.next(at)
		if !ok {
			return
		}
		at = s.run(seq, seq+uint32(min(limit-p.N, int(maxSeq-seq))))
		r.take(seq, at)
		p.N += int(at - seq)
	}
	_, p.More = s.next(at)
}

// pickList is pickRuns for a single list, which is short work for each entry:
// its entries may be far apart.
func (r *reading) pickList(limit int) {
	s, p := &r.sel, r.page
	for _, seq := range s.lists[0] {
		taken := s.takes(seq)
		if s.err != nil {
			return
		}
		if !taken {
			continue
		}
		if p.N == limit {
			p.More = true
			return
		}
		p.N++
		r.take(seq, seq+1)
	}
}

func (l *logIndex) addedAt(seq uint32) (store.Added, error) {
	if l.rel != nil {
		return store.Added(l.rel.addedAt(seq)), nil
	}
	b, err := l.column(seq, colAdded)
	if err != nil {
		return 0, err
	}
	return store.Added(binary.LittleEndian.Uint64(b)), nil
}

// take notes the entries from seq to end, all of them selected.
func (r *reading) take(seq, end uint32) {
	rel := r.l.rel
	if rel == nil {
		r.takeFrom(r.l, seq, end-seq, seq)
		return
	}
	for seq < end {
		r.span = rel.span(seq, r.span)
		base, refs := rel.bases[rel.spans[r.span].base], rel.refs[seq:min(end, rel.end(r.span))]
		for len(refs) > 0 {
			at, n := refs[0], 1
			for n < len(refs) && refs[n] == at+uint32(n) {
				n++
			}
			r.takeFrom(base, at, uint32(n), seq)
			seq += uint32(n)
			refs = refs[n:]
		}
	}
}

// takeFrom notes n entries of a log of objects from at on, which are entries from
// seq on in the log that is read.
func (r *reading) takeFrom(of *logIndex, at, n, seq uint32) {
	if of != r.of || at < of.firsts[r.chunk] {
		r.of, r.chunk = of, 0
	}
	for n > 0 {
		r.chunk = of.locate(at, r.chunk)
		ref := &of.dir[r.chunk]
		from := at - ref.first
		size := min(n, uint32(ref.n)-from)
		r.addPiece(piece{of, ref, from, from + size, seq})
		at, n, seq = at+size, n-size, seq+size
	}
}

// addPiece notes p, as part of the piece before it if it continues that.
func (r *reading) addPiece(p piece) {
	if n := len(r.parts); n > 0 {
		if last := &r.parts[n-1]; last.ref == p.ref && last.to == p.from && last.seq+last.to-last.from == p.seq {
			last.to = p.to
			return
		}
	}
	r.parts = append(r.parts, p)
}

// objects copies r.raws into the page, but for what take takes.
func (r *reading) objects(take func([][]byte) (int, error)) error {
	taken, size := 0, 0
	for _, raw := range r.raws {
		size += len(raw)
	}
	if take != nil {
		var err error
		if taken, err = take(r.raws); err != nil {
			return err
		}
	}
	out := slices.Grow(r.page.Objects, size-taken)
	for _, raw := range r.raws {
		n := min(taken, len(raw))
		out = append(out, raw[n:]...)
		taken -= n
	}
	r.page.Objects = out
	return nil
}

// raw returns the objects of the slots from to to, joined, in bytes of the file.
func (l *logIndex) raw(ref *chunkRef, from, to uint32) ([]byte, error) {
	b, err := l.m.view(ref.place)
	if err != nil {
		return nil, err
	}
	return b[ref.cols[colRaw]+ref.start(b, from) : ref.cols[colRaw]+ref.end(b, to-1)], nil
}

// rows adds a row for each entry of r.parts. The texts go to r.names first: see
// nameRows.
func (r *reading) rows() error {
	base := 0
	var c chunk
	for i := range r.parts {
		p := &r.parts[i]
		if i == 0 || p.ref != r.parts[i-1].ref {
			var err error
			if c, err = r.l.chunkAt(p.ref); err != nil {
				return err
			}
		}
		start := c.start(int(p.from))
		for i := int(p.from); i < int(p.to); i++ {
			row := store.Row{Added: store.Added(c.added(i)), SpecVersion: "2.1"}
			if r.want&store.WantSource != 0 {
				row.Of, row.At, row.Label = p.of.id, row.Added, p.of.label(p.ref.first+uint32(i))
			}
			if rel := r.l.rel; rel != nil {
				seq := p.seq + uint32(i) - p.from
				r.span = rel.span(seq, r.span)
				row.Added = store.Added(rel.spans[r.span].added + int64(seq-rel.spans[r.span].first))
			}
			if c.flag(i, flagSpec20) {
				row.SpecVersion = "2.0"
			}
			if r.want&store.WantObjects != 0 {
				row.End = base + c.end(i) - start
			}
			if err := r.name(&c, i, int64(row.Added)); err != nil {
				return err
			}
			r.page.Rows = append(r.page.Rows, row)
		}
		base += c.end(int(p.to)-1) - start + 1
	}
	r.nameRows()
	return nil
}

// name appends the id and the version of slot i to r.names. added is that of its
// entry in the log that is read.
func (r *reading) name(c *chunk, i int, added int64) error {
	flags, digits := c.flags(i), c.cols[colDigits][i]
	var o stix.Object
	if flags&flagOdd != 0 || flags&flagNoVersion == 0 && digits == digitsInRaw {
		var err error
		if o, err = stix.Parse(string(c.object(i))); err != nil {
			return err
		}
	}
	if flags&flagOdd != 0 {
		r.names = append(r.names, o.ID...)
	} else {
		r.names = appendID(r.names, c.kind(i), c.cols[colUUID][16*i:16*i+16])
	}
	r.ends = append(r.ends, len(r.names))
	switch {
	case flags&flagNoVersion != 0:
		r.names = appendVersion(r.names, added, 6)
	case digits == digitsInRaw:
		r.names = append(r.names, o.VersionText()...)
	default:
		r.names = appendVersion(r.names, c.us(i), int(digits))
	}
	r.ends = append(r.ends, len(r.names))
	return nil
}

// nameRows gives the rows their texts, all of them slices of one string.
func (r *reading) nameRows() {
	all, start := string(r.names), 0
	for i := range r.page.Rows {
		row := &r.page.Rows[i]
		row.ID = stix.ID(all[start:r.ends[2*i]])
		row.Version = all[r.ends[2*i]:r.ends[2*i+1]]
		start = r.ends[2*i+1]
	}
}

// Has implements [store.Reader].
func (s *Store) Has(ctx context.Context, id store.LogID, object stix.ID) (bool, error) {
	if err := store.CheckLog(id); err != nil {
		return false, err
	}
	l, err := s.enterLog(ctx, id)
	if err != nil {
		return false, err
	}
	defer s.leave()
	if l == nil {
		return false, nil
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	k := keyOf(object)
	_, ok, err := l.find(l.print(&k), &k)
	return ok, err
}

// Stat implements [store.Reader].
func (s *Store) Stat(ctx context.Context, id store.LogID) (store.Stat, error) {
	if err := store.CheckLog(id); err != nil {
		return store.Stat{}, err
	}
	l, err := s.enterLog(ctx, id)
	if err != nil {
		return store.Stat{}, err
	}
	defer s.leave()
	if l == nil {
		return store.Stat{}, nil
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return store.Stat{Head: store.Added(l.head), Entries: l.live, Bytes: l.bytes}, nil
}

// Logs implements [store.Reader].
func (s *Store) Logs(ctx context.Context) ([]store.LogID, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	s.mu.RLock()
	defer s.mu.RUnlock()
	var ids []store.LogID
	for id := range s.logs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, nil
}
