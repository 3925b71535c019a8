package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-playground/validator/v10"

	"entente/policy"
)

var (
	segmentPattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
	accountPattern  = regexp.MustCompile(`^[A-Za-z0-9._@-]{1,64}$`)
	originPattern   = regexp.MustCompile(`^https?://[a-z0-9.-]+(:[0-9]{1,5})?$`)
	headerPattern   = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
	uuidPattern     = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	identityPattern = regexp.MustCompile(`^identity--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	uuid4Pattern    = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
)

// newValidator knows the rules that the struct tags name.
func newValidator() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string { return f.Tag.Get("yaml") })
	rules := map[string]func(string) bool{
		"segment":   segmentPattern.MatchString,
		"account":   accountPattern.MatchString,
		"address":   validAddress,
		"header":    headerPattern.MatchString,
		"uuid4":     uuid4Pattern.MatchString,
		"identity":  identityPattern.MatchString,
		"origin":    originPattern.MatchString,
		"argon2id":  validPHC,
		"tokenhash": validTokenHash,
	}
	for name, ok := range rules {
		// Only an empty name can fail here.
		_ = v.RegisterValidation(name, func(f validator.FieldLevel) bool { return ok(f.Field().String()) })
	}
	return v
}

// validAddress accepts host:port as net.Listen takes it; port 0 is a free one.
func validAddress(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil && !strings.ContainsAny(host, " /@")
}

// checkTags notes what the struct tags forbid.
func checkTags(d *doc, what any) {
	var list validator.ValidationErrors
	if err := newValidator().Struct(what); err != nil && !errors.As(err, &list) {
		d.add("", "", "%v", err)
	}
	for _, e := range list {
		_, path, _ := strings.Cut(e.Namespace(), ".")
		if d.failed(path) {
			continue // its value could not even be read
		}
		says, instead := explain(e, path)
		d.add(path, instead, "%s", says)
	}
}

// failed reports whether there is a mistake at path already.
func (d *doc) failed(path string) bool {
	p, ok := d.at[path]
	for _, m := range d.mistakes {
		if ok && m.Line == p.line && m.Column == p.column {
			return true
		}
	}
	return false
}

// explain words a broken rule.
func explain(e validator.FieldError, path string) (says, instead string) {
	value := clip(fmt.Sprint(e.Value()))
	switch e.Tag() {
	case "required":
		return path + " is missing", "add it"
	case "segment":
		return fmt.Sprintf("%s: %q cannot stand in a URL path", path, value), "use 1 to 64 of a-z, 0-9, \"-\" and \"_\""
	case "header":
		return fmt.Sprintf("%s: %q is no header name", path, value), "use letters, digits and -"
	case "origin":
		return fmt.Sprintf("%s: %q is no origin", path, value), "write https://host or https://host:port, in lower case"
	case "identity":
		return fmt.Sprintf("%s: %q is not the id of a STIX identity", path, value), "write identity-- and a UUID in lower case"
	case "uuid4":
		return fmt.Sprintf("%s: %q is not a random UUID in lower case", path, value), "uuidgen -r makes one"
	case "account":
		return fmt.Sprintf("%s: %q is no account name", path, value), "use 1 to 64 letters, digits, or . _ @ -"
	case "argon2id":
		return path + " is not an argon2id hash", "set it with entente account passwd"
	case "tokenhash":
		return path + " is not the hash of a token", "make one with entente account token"
	case "oneof":
		words := strings.Fields(e.Param())
		hint := policy.DidYouMean(value, words)
		if hint == "" {
			hint = "use " + strings.Join(words, ", ")
		}
		return fmt.Sprintf("%s: %q is not known", path, value), hint
	case "url":
		return fmt.Sprintf("%s: %q is not a URL", path, value), "write https://host"
	case "address":
		return fmt.Sprintf("%s: %q is not host:port", path, value), "write an address such as 127.0.0.1:6100"
	case "min", "max":
		bound := map[string]string{"min": "at least", "max": "at most"}[e.Tag()]
		unit := ""
		switch e.Kind() {
		case reflect.String:
			return path + " is too long", "use " + bound + " " + e.Param() + " characters"
		case reflect.Slice, reflect.Map:
			return fmt.Sprintf("%s has the wrong number of entries", path), "use " + bound + " " + e.Param()
		}
		if e.Type() == sizeType {
			unit = " bytes"
		}
		return fmt.Sprintf("%s: %s%s is out of range", path, value, unit), "use " + bound + " " + e.Param() + unit
	}
	return fmt.Sprintf("%s: %q breaks the rule %s %s", path, value, e.Tag(), e.Param()), ""
}

// checkConfig applies the tags and the rules that look at several fields.
func checkConfig(c *Config, d *doc) {
	checkTags(d, c)
	checkAddresses(c, d)
	if c.Limits.PageDefault > c.Limits.PageMax {
		d.add("limits.page_default", "lower it, or raise page_max", "limits.page_default %d is more than page_max, %d", c.Limits.PageDefault, c.Limits.PageMax)
	}
	if c.Limits.BodiesMemory < c.Limits.MaxBody {
		d.add("limits.bodies_memory", "raise it", "limits.bodies_memory is less than max_body")
	}
	if c.Agreements != nil && c.Organization == "" {
		d.add("agreements", "add organization with the id of your STIX identity", "agreements: nothing says which party we are")
	}
	checkRoots(c, d)
}

// checkAddresses: plain HTTP and the operator's listener stay on this machine.
func checkAddresses(c *Config, d *doc) {
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" && err == nil {
		switch {
		case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
			d.addOnce("public_url", "write https://host", "public_url: %q is not a web address", clip(c.PublicURL))
		case u.Scheme == "http" && !loopbackHost(u.Hostname()):
			d.add("public_url", "write https://"+u.Host, "public_url: %q is not encrypted", clip(c.PublicURL))
		case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
			d.add("public_url", "write "+u.Scheme+"://"+u.Host, "public_url: %q is more than scheme and host", clip(c.PublicURL))
		}
	}
	if host, _, err := net.SplitHostPort(c.Listen); c.PublicURL == "" && err == nil && anyHost(host) {
		d.add("listen", "add public_url", "listen: %q does not say by which name clients reach this server", clip(c.Listen))
	}
	if c.TLS == nil && c.Listen != "" && !LoopbackAddress(c.Listen) {
		d.addOnce("listen", "add tls with certificate and key, or listen on 127.0.0.1", "listen: without tls %q would send passwords in the clear", clip(c.Listen))
	}
	if c.Operator != "" && !LoopbackAddress(c.Operator) {
		d.addOnce("operator", "write 127.0.0.1:port", "operator: %q is not on this machine, and this listener asks for no password", clip(c.Operator))
	}
	if c.Operator != "" && c.Operator == c.Listen && !strings.HasSuffix(c.Listen, ":0") {
		d.add("operator", "give it another port", "operator is the same address as listen")
	}
}

func (d *doc) addOnce(path, instead, format string, args ...any) {
	if !d.failed(path) {
		d.add(path, instead, format, args...)
	}
}

// LoopbackAddress reports whether host:port can be reached from this machine only.
func LoopbackAddress(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && loopbackHost(host)
}

func anyHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

func loopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// checkRoots: names are unique and stand for one thing.
func checkRoots(c *Config, d *doc) {
	paths, ids := map[string]bool{}, map[string]bool{}
	for i := range c.APIRoots {
		r := &c.APIRoots[i]
		at := fmt.Sprintf("api_roots[%d]", i)
		switch {
		case r.Path == "taxii2":
			d.add(at+".path", "choose another", "%s.path: taxii2 is where discovery is", at)
		case paths[r.Path] && r.Path != "":
			d.add(at+".path", "choose another", "%s.path: %s is taken", at, clip(r.Path))
		}
		paths[r.Path] = true
		if r.MaxContentLength > c.Limits.MaxBody {
			d.add(at+".max_content_length", "lower it, or raise limits.max_body", "%s.max_content_length is more than limits.max_body", at)
		}
		checkCollections(r, at, ids, d)
	}
	if c.Discovery.Default != "" && !paths[c.Discovery.Default] && len(c.APIRoots) > 0 {
		d.add("discovery.default", "name the path of an API root", "discovery.default: there is no API root %s", clip(c.Discovery.Default))
	}
}

func checkCollections(r *APIRoot, root string, ids map[string]bool, d *doc) {
	aliases, titles := map[string]bool{}, map[string]bool{}
	for j := range r.Collections {
		col := &r.Collections[j]
		at := fmt.Sprintf("%s.collections[%d]", root, j)
		if ids[col.ID] && col.ID != "" {
			d.add(at+".id", "make a new one with uuidgen -r", "%s.id: another collection has this id", at)
		}
		if uuidPattern.MatchString(col.Alias) {
			d.add(at+".alias", "choose a word", "%s.alias looks like an id", at)
		} else if aliases[col.Alias] && col.Alias != "" {
			d.add(at+".alias", "choose another", "%s.alias: %s is taken in this API root", at, clip(col.Alias))
		}
		if strings.Contains(col.Title, ".") {
			d.add(at+".title", "leave the dots out", "%s.title: some clients cut a title at a dot", at)
		}
		if titles[col.Title] && col.Title != "" {
			d.add(at+".title", "choose another", "%s.title: %q is taken in this API root", at, clip(col.Title))
		}
		ids[col.ID], aliases[col.Alias], titles[col.Title] = true, true, true
	}
}

// checkAccounts applies the tags, uniqueness, and that collections exist.
func checkAccounts(a *Accounts, d *doc, roots []APIRoot) {
	checkTags(d, a)
	seen, tokens := map[string]bool{}, map[string]bool{}
	for i := range a.Accounts {
		acc := &a.Accounts[i]
		at := fmt.Sprintf("accounts[%d]", i)
		name := strings.ToLower(acc.Name)
		if seen[name] && name != "" {
			d.add(at+".name", "choose another, or remove one", "%s.name: %s is taken", at, clip(acc.Name))
		}
		seen[name] = true
		for j, token := range acc.Tokens {
			if tokens[token] {
				d.add(fmt.Sprintf("%s.tokens[%d]", at, j), "remove one", "%s.tokens[%d]: this token is there twice", at, j)
			}
			tokens[token] = true
		}
		if acc.Partner != "" && len(acc.Collections) > 0 {
			d.add(at+".collections", "leave them out", "%s.collections: what a partner may do stands in the agreement with it", at)
		}
		if acc.Person && acc.Partner == "" {
			d.add(at+".person", "name the partner, or leave it out", "%s.person: only accounts of partners are named persons'", at)
		}
		if roots == nil {
			continue
		}
		ids := map[string]string{}
		for _, name := range slices.Sorted(maps.Keys(acc.Collections)) {
			path := at + ".collections[" + name + "]"
			_, col, err := find(roots, name)
			if err != nil {
				d.add(path, policy.DidYouMean(name, names(roots)), "%s.collections: %v", at, err)
			} else if other, twice := ids[col.ID]; twice {
				d.add(path, "keep one of them", "%s.collections: %s and %s are the same collection", at, clip(other), clip(name))
			} else {
				ids[col.ID] = name
			}
		}
	}
}

// checkFiles looks at the files that the configuration names.
func checkFiles(c *Config, d *doc) {
	if c.TLS != nil && c.TLS.Certificate != "" && c.TLS.Key != "" {
		checkPrivate(c, d, "tls.key", c.Path(c.TLS.Key))
		if _, err := tls.LoadX509KeyPair(c.Path(c.TLS.Certificate), c.Path(c.TLS.Key)); err != nil {
			d.add("tls.certificate", "", "tls: %v", err)
		}
	}
	if a := c.Agreements; a != nil && a.Path != "" {
		if info, err := os.Stat(c.Path(a.Path)); err != nil || !info.IsDir() {
			d.add("agreements.path", "make it", "agreements.path: there is no folder %s", c.Path(a.Path))
		}
		checkKeys(c, d)
	}
	for i, r := range c.APIRoots {
		for j, col := range r.Collections {
			for k, seed := range col.Seed {
				path := fmt.Sprintf("api_roots[%d].collections[%d].seed[%d]", i, j, k)
				if info, err := os.Stat(c.Path(seed)); seed != "" && (err != nil || !info.Mode().IsRegular()) {
					d.add(path, "", "%s: there is no file %s", path, c.Path(seed))
				}
			}
		}
	}
}

// checkPrivate notes that others may read a file with secrets. A trial on
// loopback without TLS is spared.
func checkPrivate(c *Config, d *doc, path, file string) {
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm()&0o007 == 0 || c.TLS == nil && LoopbackAddress(c.Listen) {
		return
	}
	d.add(path, "chmod 600 "+file, "%s: everyone on this machine may read %s", path, file)
}
