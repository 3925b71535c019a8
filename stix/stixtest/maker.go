package stixtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"entente/stix"
)

// A maker makes the objects of one call.
type maker struct {
	random *rand.Rand
	seed   uint64
	author string // id of the newest identity
	things []string
}

// id is distinct for each seed and n.
func (m *maker) id(kind string, n int) string {
	a, b := scramble(m.seed+0x9e3779b97f4a7c15), scramble(uint64(n)+1)
	return fmt.Sprintf("%s--%08x-%04x-4%03x-%x%03x-%012x", kind, uint32(a>>32), uint16(a>>16), uint16(a)&0xfff,
		8|b>>62, b>>50&0xfff, b&0xffffffffffff)
}

// scramble maps numbers to numbers one to one.
func scramble(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

func (m *maker) object(i int) stix.Object {
	kind := mix[i%len(mix)]
	id := m.id(kind, i)
	w := writer{comma: ",", colon: ":"}
	if i%3 == 1 {
		w = writer{comma: ", ", colon: ": "}
	}
	w.text("type", kind)
	if i%40 != 12 { // the rest is STIX 2.0, where objects do not say so
		w.text("spec_version", "2.1")
	}
	w.text("id", id)
	switch kind {
	case "ipv4-addr", "domain-name":
		m.observable(&w, kind)
	case "marking-definition":
		w.text("created", stamp(time.Duration(i)*time.Minute))
		w.text("definition_type", "statement")
		w.raw("definition", `{"statement":"Shared under the memorandum, case `+fmt.Sprint(m.random.IntN(1e6))+`. `+m.prose(30)+`"}`)
	default:
		m.times(&w, i)
		if m.author != "" {
			w.text("created_by_ref", m.author)
		}
		m.body(&w, kind)
	}
	if i%5 == 2 && kind != "marking-definition" {
		w.raw("object_marking_refs", `["`+[]string{TLPWhite, TLPGreen, TLPAmber, TLPRed}[m.random.IntN(4)]+`"]`)
	}
	if kind == "identity" {
		m.author = id
	} else if kind == "malware" || kind == "indicator" || kind == "attack-pattern" {
		m.things = append(m.things, id)
		if len(m.things) > 64 {
			m.things = m.things[1:]
		}
	}
	return Object(w.end())
}

func (m *maker) times(w *writer, i int) {
	at := time.Duration(i) * time.Minute
	w.text("created", stamp(at))
	w.text("modified", stamp(at+time.Duration(m.random.IntN(1e9))*time.Millisecond))
}

func (m *maker) observable(w *writer, kind string) {
	if kind == "ipv4-addr" {
		w.text("value", m.address())
		w.raw("resolves_to_refs", `["`+m.id("mac-addr", m.random.IntN(1e6))+`"]`)
		return
	}
	w.text("value", fmt.Sprintf("%s-%d.example.net", words[m.random.IntN(20)], m.random.IntN(1e6)))
	w.raw("defanged", "false")
}

func (m *maker) body(w *writer, kind string) {
	switch kind {
	case "identity":
		w.text("name", "Liaison office "+fmt.Sprint(m.random.IntN(1e4))+" – Zürich")
		w.text("identity_class", "organization")
		w.raw("sectors", `["government-national","technology"]`)
		w.text("contact_information", "soc@example.org")
	case "indicator":
		w.text("name", "C2 address "+m.address())
		w.text("description", m.prose(70))
		w.raw("indicator_types", `["malicious-activity","anonymization"]`)
		w.text("pattern", "[ipv4-addr:value = '"+m.address()+"' OR file:hashes.'SHA-256' = '"+m.hash()+"']")
		w.text("pattern_type", "stix")
		w.text("valid_from", stamp(0))
		w.raw("labels", `["botnet","zeroaccess","p2p"]`)
		w.raw("confidence", fmt.Sprint(m.random.IntN(101)))
	case "malware", "attack-pattern":
		w.text("name", words[m.random.IntN(20)]+fmt.Sprint(m.random.IntN(1e4)))
		w.text("description", m.prose(110)+` It calls \"svchost.exe -k netsvcs\" and writes to C:\\Windows\\Temp.\nSee also ☂ the report.`)
		if kind == "malware" {
			w.raw("is_family", "true")
			w.raw("malware_types", `["rootkit","bot"]`)
		}
		w.raw("kill_chain_phases", `[{"kill_chain_name":"mitre-attack","phase_name":"command-and-control"}]`)
	case "report":
		w.text("name", "Botnet disruption, week "+fmt.Sprint(m.random.IntN(52)+1))
		w.text("description", m.prose(90))
		w.text("published", stamp(0))
		w.raw("object_refs", `["`+strings.Join(m.things[max(0, len(m.things)-12):], `","`)+`"]`)
	case "relationship":
		w.text("relationship_type", "indicates")
		w.text("description", m.prose(35))
		w.text("source_ref", m.thing())
		w.text("target_ref", m.thing())
	case "sighting":
		w.text("sighting_of_ref", m.thing())
		w.raw("count", fmt.Sprint(1+m.random.IntN(500)))
		w.text("first_seen", stamp(0))
	}
	w.raw("external_references", `[{"source_name":"mitre-attack","url":"https://attack.example.org/techniques/T`+
		fmt.Sprint(1000+m.random.IntN(600))+`","external_id":"T`+fmt.Sprint(1000+m.random.IntN(600))+`"},{"source_name":"case `+
		fmt.Sprint(m.random.IntN(1e5))+`","description":"`+m.prose(12)+`"}]`)
}

func (m *maker) thing() string { return m.things[m.random.IntN(len(m.things))] }

func (m *maker) address() string {
	return fmt.Sprintf("198.51.%d.%d", m.random.IntN(256), m.random.IntN(256))
}

func (m *maker) hash() string {
	return fmt.Sprintf("%016x%016x%016x%016x", m.random.Uint64(), m.random.Uint64(), m.random.Uint64(), m.random.Uint64())
}

// prose is n words.
func (m *maker) prose(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(words[m.random.IntN(len(words))])
	}
	b.WriteByte('.')
	return b.String()
}

var words = strings.Fields(`zeroaccess sirefef ramnit dorkbot citadel rustock waledac kelihos bamital nitol
	conficker gameover shylock simda beebone necurs emotet trickbot andromeda avalanche
	the a its and of to with from through after which payload loader module command server
	peer network traffic browser search click fraud node driver rootkit process service registry
	victim operator infrastructure domain address sample campaign observed contacted downloads
	installs hides persists resolves encrypts forwards proxies`)

// A writer writes one JSON object.
type writer struct {
	b            strings.Builder
	comma, colon string
}

// text writes a member whose value is a string, escaped already.
func (w *writer) text(name, value string) { w.raw(name, `"`+value+`"`) }

func (w *writer) raw(name, value string) {
	if w.b.Len() == 0 {
		w.b.WriteByte('{')
	} else {
		w.b.WriteString(w.comma)
	}
	w.b.WriteString(`"` + name + `"` + w.colon + value)
}

func (w *writer) end() string { return w.b.String() + "}" }
