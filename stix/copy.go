package stix

import (
	"strings"
	"time"
)

// identify puts the names and times of the copy in their places.
func (c *cutter) identify() {
	t, p := &c.tape, c.p
	id := `"` + string(p.ID) + `"`
	creator := t.member(0, "created_by_ref")
	switch {
	case creator >= 0:
		c.hidden[creator] = c.drop[creator] // markings of one that must go are not those of another
		c.drop[creator], c.place[creator] = p.CreatedBy == "", `"`+string(p.CreatedBy)+`"`
	case p.CreatedBy != "":
		id += `,"created_by_ref":"` + string(p.CreatedBy) + `"`
	}
	c.place[t.member(0, "id")] = id
	if modified := t.member(0, "modified"); modified >= 0 && p.Modified != "" {
		c.place[modified] = `"` + p.Modified + `"`
	}
}

// times puts created and the truncated times in their places.
func (c *cutter) times() error {
	t := &c.tape
	if created := t.member(0, "created"); created >= 0 && c.p.Created != "" {
		c.place[created] = `"` + c.p.Created + `"`
	}
	if c.p.TruncateTimes == "" {
		return nil
	}
	if err := c.truncate(0); err != nil {
		return err
	}
	if c.source.Type != "observed-data" {
		return nil
	}
	for _, value := range t.parts(t.member(0, "objects")) {
		if err := c.truncate(value); err != nil {
			return err
		}
	}
	return nil
}

// truncate truncates the times at the top of the object n.
func (c *cutter) truncate(n int) error {
	t := &c.tape
	for k, value := range t.parts(n) {
		name := ""
		if k >= 0 {
			name = t.str(k)
		}
		if !timeNames[name] || c.drop[value] {
			continue
		}
		text := t.str(value)
		if quoted := c.place[value]; quoted != "" {
			text = strings.Trim(quoted, `"`)
		}
		if !isTimestamp(text) {
			return unredactable("%s: it is no timestamp and cannot be truncated", name)
		}
		c.place[value] = `"` + truncateTime(text, c.p.TruncateTimes == "day", name == "valid_until" || name == "stop_time") + `"`
	}
	return nil
}

// truncateTime cuts a timestamp to its hour or day; up says to the end of it.
func truncateTime(text string, day, up bool) string {
	unit, from := time.Hour, len("2006-01-02T15")
	if day {
		unit, from = 24*time.Hour, len("2006-01-02")
	}
	const zero = "0000-00-00T00:00:00"
	begin := text[:from] + zero[from:]
	at, err := time.Parse("2006-01-02T15:04:05", begin)
	if up && err == nil && canonical(text) != Timestamp(begin) {
		if later := at.Add(unit).Format("2006-01-02T15:04:05"); len(later) == len(begin) {
			begin = later
		}
	}
	return begin + ".000Z"
}

// references puts other identifiers in the places of those that Refs names.
func (c *cutter) references() {
	t := &c.tape
	if len(c.p.Refs) == 0 {
		return
	}
	for k, value := range t.parts(0) {
		switch name := t.str(k); name {
		case "object_marking_refs", granularName, "created_by_ref":
		default:
			c.refer(value, isRefName(name))
		}
	}
	if c.source.Type != "language-content" || c.place[t.member(0, "object_ref")] == "" {
		return
	}
	if of := t.member(0, "object_modified"); of >= 0 {
		c.drop[of] = true // a version of the object that was named before
	}
}

func (c *cutter) refer(n int, ref bool) {
	t := &c.tape
	if t.is(n, '"') {
		if to, ok := c.p.Refs[ID(t.str(n))]; ok && ref {
			c.place[n] = `"` + string(to) + `"`
		}
		return
	}
	for k, value := range t.parts(n) {
		c.refer(value, ref || k >= 0 && isRefName(t.str(k)))
	}
}

// write appends what stays of node n to the copy.
func (c *cutter) write(n int) {
	t := &c.tape
	if text := c.place[n]; text != "" {
		c.out = append(c.out, text...)
		return
	}
	kind := t.nodes[n].kind
	if kind != '{' && kind != '[' {
		c.out = append(c.out, t.raw(n)...)
		return
	}
	c.out = append(c.out, kind)
	first := true
	for name, value := range t.parts(n) {
		if c.drop[value] {
			continue
		}
		if !first {
			c.out = append(c.out, ',')
		}
		first = false
		if name >= 0 {
			c.out = append(append(c.out, t.raw(name)...), ':')
		}
		c.write(value)
	}
	c.out = append(c.out, kind+2) // } or ]
}
