// Package config reads entente.yaml and accounts.yaml. The comments of its
// types are the manual of both files: unit, default, consequence. Reading is
// strict, and every mistake is reported with its place.
package config

import (
	"path/filepath"
	"time"
)

// A Config is the content of entente.yaml. Paths in it are relative to the
// folder of the file.
type Config struct {
	// PublicURL is where clients reach this server, without a path:
	// https://taxii.example.org. It must be https, unless its host is a loopback
	// address. The API root URLs in the discovery answer start with it. Default:
	// made from listen, which must name a host then (not 0.0.0.0).
	PublicURL string `yaml:"public_url" validate:"omitempty,url"`

	// Listen is the address for TAXII clients, host:port; port 0 takes a free
	// one. Without tls only a loopback address is accepted. Required.
	Listen string `yaml:"listen" validate:"required,address"`

	// Operator is the address for /healthz, /readyz, /metrics and the online
	// backup, host:port. It has no passwords, so only a loopback address is
	// accepted. Default: empty, and there is no such listener.
	Operator string `yaml:"operator" validate:"omitempty,address"`

	// TLS has the server's certificate. Leave it out only when listening on a
	// loopback address, for a trial or behind a proxy on the same machine.
	TLS *TLS `yaml:"tls"`

	Store Store `yaml:"store"`

	// Accounts is the file with the accounts, see Accounts. It holds password
	// hashes, so others must not be able to read it (chmod 600), except when
	// listening on loopback without TLS. It is read again when it changes and on
	// SIGHUP; if the new content is wrong, the old stays in force. Required.
	Accounts string `yaml:"accounts" validate:"required"`

	// Organization is the id of the STIX identity of whoever runs this server,
	// identity--UUID: the party of the agreements that we are. Required with
	// agreements.
	Organization string `yaml:"organization" validate:"omitempty,identity"`

	// Agreements says where the agreements with partners are. Without it partners
	// see nothing: only our own people use the server.
	Agreements *Agreements `yaml:"agreements"`

	Discovery Discovery `yaml:"discovery"`

	// APIRoots are the groups of collections that clients see. At least one.
	APIRoots []APIRoot `yaml:"api_roots" validate:"required,min=1,max=1000,dive"`

	// APIKeyHeader is the name of a header in which clients may send a token,
	// besides "Authorization: Bearer". Default: none.
	APIKeyHeader string `yaml:"api_key_header" validate:"omitempty,max=64,header"`

	// Origins are web pages that may call this server from a browser, as browsers
	// write them: https://host or https://host:port. Default: none may.
	Origins []string `yaml:"origins" validate:"max=100,dive,origin"`

	Limits Limits `yaml:"limits"`
	Log    Log    `yaml:"log"`

	// File and Known are set by Load: the file's path, and the accounts read
	// from Accounts.
	File  string    `yaml:"-" validate:"-"`
	Known *Accounts `yaml:"-" validate:"-"`
}

// TLS names the certificate and its key, both PEM. Both files are read again on
// SIGHUP; TLS 1.2 is the oldest version that is spoken.
type TLS struct {
	// Certificate is the file with the server's certificate and what links it to
	// an authority, in this order. Required.
	Certificate string `yaml:"certificate" validate:"required"`
	// Key is the file with the private key. Others must not be able to read it
	// (chmod 600). Required.
	Key string `yaml:"key" validate:"required"`
}

// Agreements are memoranda of understanding, one file each.
type Agreements struct {
	// Path is the folder with the agreements: every file whose name ends in .yaml.
	// It is read at start and when a file in it changes. A file that is not the
	// next revision, properly signed, of what is in force changes nothing, and the
	// log says why; what is in force is kept in the store. Required.
	Path string `yaml:"path" validate:"required"`
	// Keys are files with the public keys, as entente agreement keygen writes them,
	// by which the first revision of an agreement may be signed; later revisions
	// are signed by keys that the revision before names. Required.
	Keys []string `yaml:"keys" validate:"required,min=1,max=1000,dive,required"`
	// Places is what the place where this server keeps its data is called in
	// agreements: countries, regions ("DE", "EU"). Default: none, and what may be kept
	// in certain places only is not accepted.
	Places []string `yaml:"places" validate:"max=100,dive,required"`
}

// Store says where the data is.
type Store struct {
	// Path is the data file. It is created when it is not there, with its
	// folder. One process at a time can have it open. Required.
	Path string `yaml:"path" validate:"required"`
}

// Discovery is what the server says of itself at /taxii2/ (TAXII 2.1, section
// 4.1), to whoever has an account.
type Discovery struct {
	Title       string `yaml:"title" validate:"required,max=200"` // plain text. Required.
	Description string `yaml:"description" validate:"max=5000"`   // plain text. Default: none.
	Contact     string `yaml:"contact" validate:"max=500"`        // of a person who answers. Default: none.
	// Default is the path of the API root for clients that do not care which
	// (as in api_roots). Default: the first.
	Default string `yaml:"default" validate:"omitempty"`
}

// An APIRoot is a group of collections (TAXII 2.1, section 4.2).
type APIRoot struct {
	// Path is one segment of the URL: hub stands for /hub/. 1 to 64 of a-z, 0-9,
	// "-" and "_"; not taxii2. Changing it breaks the clients' settings. Required.
	Path        string `yaml:"path" validate:"required,segment"`
	Title       string `yaml:"title" validate:"required,max=200"` // plain text. Required.
	Description string `yaml:"description" validate:"max=5000"`   // plain text. Default: none.
	// MaxContentLength is the most bytes of a POST to this API root, 64KiB to
	// limits.max_body. Default: limits.max_body.
	MaxContentLength Size `yaml:"max_content_length" validate:"omitempty,min=65536"`
	// Collections of this API root; none is allowed.
	Collections []Collection `yaml:"collections" validate:"max=10000,dive"`
}

// A Collection is a set of STIX objects with its own readers and writers (TAXII
// 2.1, section 5). Who may do what with it stands in the accounts file.
type Collection struct {
	// ID is a random UUID (version 4) in lower case, written once and never
	// changed: the stored objects belong to it. Required; uuidgen makes one.
	ID string `yaml:"id" validate:"required,uuid4"`
	// Alias may stand for the ID in URLs and in the accounts file. 1 to 64 of
	// a-z, 0-9, "-" and "_"; unique in its API root. Default: none.
	Alias string `yaml:"alias" validate:"omitempty,segment"`
	// Title is plain text, unique in its API root. No dots: some clients cut the
	// title there. Required.
	Title       string `yaml:"title" validate:"required,max=200"`
	Description string `yaml:"description" validate:"max=5000"` // plain text. Default: none.
	// Seed are files with STIX (see entente import) whose objects are put into
	// the collection at start. What is there already stays. Default: none.
	Seed []string `yaml:"seed" validate:"max=1000,dive,required"`
}

// Limits keep one client from being a burden to the others. Each has a default
// that suits most servers.
type Limits struct {
	// MaxBody is the most bytes of a request's body, before and after gzip, 64KiB
	// to 1GiB. Clients learn it as max_content_length; more is a 413. Default: 32MiB.
	MaxBody Size `yaml:"max_body" validate:"omitempty,min=65536,max=1073741824"`
	// BodiesMemory is the most bytes of request bodies in memory at once, at
	// least max_body, with 512 for each object of a large one; whoever comes then
	// waits 2 s at most for a 503. One account gets half. Default: 4 × max_body.
	BodiesMemory Size `yaml:"bodies_memory" validate:"omitempty,min=65536,max=68719476736"`
	// MaxObjects is the most objects in one POST, 1 to 1,000,000. Default: 100000.
	MaxObjects int `yaml:"max_objects" validate:"omitempty,min=1,max=1000000"`
	// MaxDepth is the most levels of nesting in an object, 8 to 1000. Default: 64.
	MaxDepth int `yaml:"max_depth" validate:"omitempty,min=8,max=1000"`
	// PageDefault is the number of objects in a page when the client asks for no
	// limit, 1 to page_max. Default: 1000.
	PageDefault int `yaml:"page_default" validate:"omitempty,min=1,max=100000"`
	// PageMax is the most objects in a page; a client that asks for more gets
	// this many, and a next to go on with. 1 to 100,000. Default: 10000.
	PageMax int `yaml:"page_max" validate:"omitempty,min=1,max=100000"`
	// PageBytes bounds a page by the size of its objects, 64KiB to 1GiB: the page
	// ends with the object that reaches it. Default: 32MiB.
	PageBytes Size `yaml:"page_bytes" validate:"omitempty,min=65536,max=1073741824"`
	// PagesMemory is the most bytes of pages in memory at once, however slowly
	// they are read; whoever asks then gets a 503. One account gets half. Default:
	// 512MiB or, if more, 4 × page_bytes.
	PagesMemory Size `yaml:"pages_memory" validate:"omitempty,min=65536,max=68719476736"`
	// Requests is how many requests are answered at once, 1 to 100,000; more get
	// a 503. Default: 1024.
	Requests int `yaml:"requests" validate:"omitempty,min=1,max=100000"`
	// Connections is how many clients may be connected at once, 16 to 1,000,000;
	// more wait, and one address gets a quarter of them. Each takes a file
	// descriptor of the process. Default: 4096.
	Connections int `yaml:"connections" validate:"omitempty,min=16,max=1000000"`
	// RequestTime is how long reading a request may take, and again that long
	// for each MiB of its body, 1s to 1h. Default: 30s.
	RequestTime time.Duration `yaml:"request_time" validate:"omitempty,min=1s,max=1h"`
	// AnswerTime is how long writing an answer may take, and again that long for
	// each MiB of it, 1s to 1h. Default: 60s.
	AnswerTime time.Duration `yaml:"answer_time" validate:"omitempty,min=1s,max=1h"`
	// ShutdownTime is how long running requests may go on after SIGTERM, up to
	// 10m. What was acknowledged is safe either way. Default: 20s.
	ShutdownTime time.Duration `yaml:"shutdown_time" validate:"omitempty,max=10m"`
}

// Log says what goes to standard error. Never in it: object content, secrets.
type Log struct {
	// Level is debug, info, warn or error. Default: info.
	Level string `yaml:"level" validate:"omitempty,oneof=debug info warn error"`
	// Format is text or json. Default: text on a terminal, json otherwise.
	Format string `yaml:"format" validate:"omitempty,oneof=text json"`
}

// setDefaults fills what was left out.
func (c *Config) setDefaults() {
	l := &c.Limits
	fill(&l.MaxBody, 32<<20)
	fill(&l.BodiesMemory, 4*l.MaxBody)
	fill(&l.MaxObjects, 100_000)
	fill(&l.MaxDepth, 64)
	fill(&l.PageMax, 10_000)
	fill(&l.PageDefault, min(1000, l.PageMax))
	fill(&l.PageBytes, 32<<20)
	fill(&l.PagesMemory, max(512<<20, 4*l.PageBytes))
	fill(&l.Requests, 1024)
	fill(&l.Connections, 4096)
	fill(&l.RequestTime, 30*time.Second)
	fill(&l.AnswerTime, 60*time.Second)
	fill(&l.ShutdownTime, 20*time.Second)
	fill(&c.Log.Level, "info")
	if c.Discovery.Default == "" && len(c.APIRoots) > 0 {
		c.Discovery.Default = c.APIRoots[0].Path
	}
}

func fill[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Path returns name relative to the folder of the configuration file.
func (c *Config) Path(name string) string { return beside(c.File, name) }

func beside(file, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(file), name)
}

// Find returns the collection that name stands for: an id, an alias, or
// root/alias. It fails if there is none, or more than one.
func (c *Config) Find(name string) (*APIRoot, *Collection, error) {
	return find(c.APIRoots, name)
}
