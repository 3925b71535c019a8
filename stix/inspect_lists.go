package stix

// granular reads granular_markings; entries of languages are left out (STIX
// 2.1, section 7.2.3).
func (in *Inspector) granular(n int) {
	t, c := &in.tape, in.c
	if !t.is(n, '[') {
		in.fault(granularName, "is not a list")
		return
	}
	for e, end := t.first(n); e < end; e = t.next(e) {
		ref, selectors := t.member(e, "marking_ref"), t.member(e, "selectors")
		if ref < 0 && t.member(e, "lang") >= 0 {
			continue
		}
		g := c.granular()
		g.Marking = ID(t.str(ref))
		if markingFault(string(g.Marking)) != "" || selectors < 0 {
			in.fault(granularName, "has an element without marking_ref and selectors")
			continue
		}
		in.strings(granularName, selectors, func(s string) { g.Selectors = append(g.Selectors, s) })
	}
}

// granular adds an element to c.Granular, with the memory of an earlier one.
func (c *Content) granular() *Granular {
	n := len(c.Granular)
	if n < cap(c.Granular) {
		c.Granular = c.Granular[:n+1]
	} else {
		c.Granular = append(c.Granular, Granular{})
	}
	g := &c.Granular[n]
	g.Selectors = g.Selectors[:0]
	return g
}

// references reads the hosts of external_references (STIX 2.1, section 2.5).
func (in *Inspector) references(n int) {
	const name = "external_references"
	t := &in.tape
	if !t.is(n, '[') {
		in.fault(name, "is not a list")
		return
	}
	for e, end := t.first(n); e < end; e = t.next(e) {
		if !t.is(e, '{') {
			in.fault(name, "has an element that is not an object")
			return
		}
		url := t.member(e, "url")
		if url < 0 {
			continue
		}
		if !t.is(url, '"') {
			in.fault(name, "has a url that is not a string")
			return
		}
		in.c.Hosts = append(in.c.Hosts, hostOf(t.str(url)))
	}
}

func (in *Inspector) killChain(n int) {
	const name = "kill_chain_phases"
	t := &in.tape
	if !t.is(n, '[') {
		in.fault(name, "is not a list")
		return
	}
	for e, end := t.first(n); e < end; e = t.next(e) {
		chain, phase := t.str(t.member(e, "kill_chain_name")), t.str(t.member(e, "phase_name"))
		if chain == "" || phase == "" {
			in.fault(name, "has an element without kill_chain_name and phase_name")
			return
		}
		in.c.KillChainPhases = append(in.c.KillChainPhases, in.join(chain, phase))
	}
}

// join is chain/phase, made once for each.
func (in *Inspector) join(chain, phase string) string {
	in.buf = append(append(append(in.buf[:0], chain...), '/'), phase...)
	joined, ok := in.joined[string(in.buf)]
	if ok {
		return joined
	}
	if in.joined == nil || len(in.joined) > 1000 {
		in.joined = map[string]string{}
	}
	joined = string(in.buf)
	in.joined[joined] = joined
	return joined
}

func (in *Inspector) confidence(n int) int {
	raw := in.tape.raw(n)
	value := number(raw)
	if raw == "" || len(raw) > 3 || value < 0 || value > 100 {
		in.fault("confidence", "is not an integer from 0 to 100")
		return -1
	}
	return value
}
