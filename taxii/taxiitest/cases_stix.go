package taxiitest

import (
	"context"
	"fmt"
	"strings"
)

// stored and failed post one object, whose id is {id}, and want it taken or not.
func (e *Env) one(ctx context.Context, text string, taken bool) error {
	kind := between(text, `"type":"`, `"`)
	text = strings.ReplaceAll(text, "{id}", e.newID(kind))
	s, err := e.post(ctx, text)
	if err != nil {
		return err
	}
	if (s.SuccessCount == 1) != taken {
		return fmt.Errorf("taken %v, want %v: %s %+v", s.SuccessCount == 1, taken, text, s.Failures)
	}
	return nil
}

func between(s, a, b string) string {
	_, s, _ = strings.Cut(s, a)
	s, _, _ = strings.Cut(s, b)
	return s
}

// oneCase posts objects one by one; those that start with "!" must be refused.
func oneCase(id, title string, level Level, section string, also []string, texts ...string) Case {
	return Case{ID: id, Also: also, Title: title, Level: level, Section: section, Run: func(ctx context.Context, e *Env) error {
		var f faults
		for _, t := range texts {
			text, refused := strings.CutPrefix(t, "!")
			f.add("", e.one(ctx, text, !refused))
		}
		return f.err()
	}}
}

const times = `"created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z"`

func id4(kind, created string) string {
	return `{"type":"` + kind + `","spec_version":"2.1","id":"{id}","created":"` + created + `","modified":"` + created + `","name":"x","identity_class":"group"}`
}

var stixCases = []Case{
	oneCase("S-2.9-01", "an id is type--UUID, with the object's type", MUST, "STIX 2.1, 2.9", nil,
		`!{"type":"identity","spec_version":"2.1","id":"identity--123",`+times+`,"name":"x"}`,
		`!{"type":"malware","spec_version":"2.1","id":"indicator--4f0b7a53-24b1-4a3c-8a39-3a2b7a5d1f11",`+times+`,"name":"x","is_family":false}`,
		`!{"type":"identity","spec_version":"2.1","id":"identity-4f0b7a53-24b1-4a3c-8a39-3a2b7a5d1f12",`+times+`,"name":"x"}`,
		`!{"type":"identity","spec_version":"2.1",`+times+`,"name":"x"}`,
		`!{"spec_version":"2.1","id":"identity--4f0b7a53-24b1-4a3c-8a39-3a2b7a5d1f13",`+times+`,"name":"x"}`,
		`{"type":"identity","spec_version":"2.1","id":"{id}",`+times+`,"name":"x","identity_class":"group"}`),
	{ID: "S-2.9-02", Title: "an id keeps its case", Level: REC, Section: "STIX 2.1, 2.9", Run: func(ctx context.Context, e *Env) error {
		id := e.newID("indicator")
		upper := "indicator--" + strings.ToUpper(strings.TrimPrefix(id, "indicator--"))
		e.made[upper] = true
		if err := e.store(ctx, thing(upper, newYear)); err != nil {
			return err
		}
		if upper != id {
			if err := e.absent(ctx, id); err != nil {
				return err
			}
		}
		return e.holds(ctx, upper, thing(upper, newYear))
	}},
	oneCase("S-2.9-08", "an SCO is not refused for its id", REC, "STIX 2.1, 2.9", nil, `{"type":"ipv4-addr","spec_version":"2.1","id":"{id}","value":"203.0.113.7"}`,
		`{"type":"domain-name","id":"{id}","value":"example.org"}`),
	{ID: "A-11", Also: []string{"S-2.9-09"}, Title: "two contents under one SCO id are both kept", Level: REC, Section: "STIX 2.1, 3.6", Run: func(ctx context.Context, e *Env) error {
		id := e.newID("file")
		a, b := `{"type":"file","spec_version":"2.1","id":"`+id+`","name":"x","size":1}`, `{"type":"file","spec_version":"2.1","id":"`+id+`","name":"x","size":2}`
		if err := e.store(ctx, a); err != nil {
			return err
		}
		if err := e.store(ctx, b); err != nil {
			return err
		}
		got, err := e.versions(ctx, id, "match[version]=all")
		if err != nil {
			return err
		}
		if len(got) != 2 || got[0] == got[1] {
			return fmt.Errorf("versions are %v, want two", got)
		}
		return e.holds(ctx, id, b)
	}},
	oneCase("S-3.6-02", "modified is not before created", MUST, "STIX 2.1, 3.6", nil,
		`!{"type":"identity","spec_version":"2.1","id":"{id}","created":"2024-02-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"x"}`),
	{ID: "S-3.6-03", Title: "a new version keeps created and created_by_ref", Level: REC, Section: "STIX 2.1, 3.6", Run: func(ctx context.Context, e *Env) error {
		id := e.newID("indicator")
		if err := e.store(ctx, thing(id, "2024-01-02T00:00:00.000Z")); err != nil {
			return err
		}
		var f faults
		_, err := e.outcome(ctx, 0, 1, indicator(id, "2023-12-31T00:00:00.000Z", "2024-01-03T00:00:00.000Z", "other created"))
		f.add("created", err)
		_, err = e.outcome(ctx, 0, 1, strings.Replace(thing(id, "2024-01-04T00:00:00.000Z"), `"name"`, `"created_by_ref":"`+e.newID("identity")+`","name"`, 1))
		f.add("created_by_ref", err)
		return f.err()
	}},
	{ID: "S-3.6-06", Also: []string{"S-3.6-07"}, Title: "nothing follows a revoked version; it is served like any other", Level: REC, Section: "STIX 2.1, 3.6", Run: func(ctx context.Context, e *Env) error {
		id := e.newID("indicator")
		revoked := strings.Replace(thing(id, "2024-02-01T00:00:00.000Z"), `"name"`, `"revoked":true,"name"`, 1)
		if err := e.store(ctx, revoked); err != nil {
			return err
		}
		var f faults
		_, err := e.outcome(ctx, 0, 1, thing(id, "2024-03-01T00:00:00.000Z"))
		f.add("after", err)
		_, err = e.outcome(ctx, 1, 0, thing(id, "2024-01-15T00:00:00.000Z"))
		f.add("late", err)
		f.add("last", e.holds(ctx, id, revoked))
		return f.err()
	}},
	oneCase("S-3.3-01", "references may dangle", MUST, "STIX 2.1, 3.3", []string{"S-2.14-01"},
		`{"type":"relationship","spec_version":"2.1","id":"{id}",`+times+`,"relationship_type":"uses","source_ref":"malware--4f0b7a53-24b1-4a3c-8a39-3a2b7a5d1f14","target_ref":"tool--4f0b7a53-24b1-4a3c-8a39-3a2b7a5d1f15"}`,
		`{"type":"identity","spec_version":"2.1","id":"{id}",`+times+`,"name":"x","identity_class":"x-new","sectors":["x-other"]}`),
	oneCase("S-SV-02", "spec_version is a version", MUST, "STIX 2.1, 3.2", nil, `!{"type":"identity","spec_version":"identity","id":"{id}",`+times+`,"name":"x"}`,
		`!{"type":"identity","spec_version":2.1,"id":"{id}",`+times+`,"name":"x"}`),
	oneCase("S-2.16-01", "timestamps: any number of digits, UTC, upper-case T and Z", MUST, "STIX 2.1, 2.16", nil,
		id4("identity", "2024-01-01T00:00:00.000Z"), id4("identity", "2024-01-01T00:00:00.123456789012Z"),
		"!"+id4("identity", "2024-01-01T00:00:00.000+00:00"), "!"+id4("identity", "2024-01-01T00:00:00.Z"), "!"+id4("identity", "2024-01-01T00:00:00,5Z"),
		"!"+id4("identity", "2024-01-01T0:00:00.000Z"), "!"+id4("identity", "2024-01-01t00:00:00.000z"), "!"+id4("identity", "2024-02-30T00:00:00.000Z"), "!"+id4("identity", "yesterday")),
	{ID: "S-2.16-02", Title: "versions are compared as instants with all digits", Level: REC, Section: "STIX 2.1, 2.16", Run: func(ctx context.Context, e *Env) error {
		id := e.newID("indicator")
		older, newer := "2024-01-01T00:00:00.000000000000Z", "2024-01-01T00:00:00.0000000001Z"
		if err := e.store(ctx, thing(id, newer), thing(id, older)); err != nil {
			return err
		}
		last, err := e.versions(ctx, id, "match[version]=last")
		if err == nil && (len(last) != 1 || last[0] != newer) {
			return fmt.Errorf("last of %s and %s is %v", older, newer, last)
		}
		return err
	}},
	oneCase("S-2.16-04", "leap seconds are timestamps", REC, "RFC 3339", nil, id4("identity", "2016-12-31T23:59:60.000Z")),
	{ID: "S-7.2.1-V", Title: "a marking definition has one version only", Level: MUST, Section: "STIX 2.1, 7.2.1", Run: func(ctx context.Context, e *Env) error {
		id := e.newID("marking-definition")
		text := func(s string) string {
			return `{"type":"marking-definition","spec_version":"2.1","id":"` + id + `","created":"` + newYear + `","definition_type":"statement","definition":{"statement":"` + s + `"}}`
		}
		if err := e.store(ctx, text("a")); err != nil {
			return err
		}
		if _, err := e.outcome(ctx, 0, 1, text("b")); err != nil {
			return err
		}
		return e.holds(ctx, id, text("a"))
	}},
}
