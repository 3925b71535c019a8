// Package quickstart runs the quickstart as a newcomer would: the real program,
// the files of this folder, and the requests of the README.
package quickstart

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gowebpki/jcs"
)

const mediaType = "application/taxii+json;version=2.1"

// start copies this folder, changes the ports to free ones, and serves it. It
// returns the server's URL.
func start(t *testing.T) (base string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "agreements"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"entente.yaml", "accounts.yaml", "keys.pub", "agreements/ec3.yaml", "zeroaccess.json", "sightings.json"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := regexp.MustCompile(`127\.0\.0\.1:610\d`).ReplaceAllString(string(b), "127.0.0.1:0")
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "entente")
	if out, err := exec.Command("go", "build", "-o", program, "entente/cmd/entente").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cmd := exec.Command(program, "serve", "--config", filepath.Join(dir, "entente.yaml"))
	var log strings.Builder
	cmd.Stderr = &log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
		if t.Failed() {
			t.Log(log.String())
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("no line that says it is ready: %v\n%s", err, log.String())
	}
	m := regexp.MustCompile(`Serving TAXII 2\.1 at (http://127\.0\.0\.1:\d+)/taxii2/`).FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("ready line %q", line)
	}
	return m[1]
}

// call is curl --user user:user; it decodes a JSON answer into out.
func call(t *testing.T, method, url, user, body string, out any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(user, user)
	req.Header.Set("Accept", mediaType)
	if body != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			t.Fatalf("%s %s: %d %s: %v", method, url, resp.StatusCode, answer, err)
		}
	}
	return resp.StatusCode
}

type envelope struct {
	More    bool              `json:"more"`
	Next    string            `json:"next"`
	Objects []json.RawMessage `json:"objects"`
}

func TestQuickstart(t *testing.T) {
	base := start(t)

	var discovery struct {
		Default  string   `json:"default"`
		APIRoots []string `json:"api_roots"`
	}
	if code := call(t, "GET", base+"/taxii2/", "analyst", "", &discovery); code != 200 || discovery.Default != base+"/hub/" {
		t.Fatalf("discovery: %d %+v", code, discovery)
	}
	var list struct {
		Collections []struct {
			Alias    string
			CanRead  bool `json:"can_read"`
			CanWrite bool `json:"can_write"`
		}
	}
	call(t, "GET", discovery.Default+"collections/", "partner", "", &list)
	if len(list.Collections) != 1 || list.Collections[0].Alias != "intel" || !list.Collections[0].CanRead || list.Collections[0].CanWrite {
		t.Errorf("the partner's collections: %+v", list.Collections)
	}
	intel := discovery.Default + "collections/intel/"
	all := bundle(t, "zeroaccess.json")
	if got := poll(t, intel, "analyst"); !slices.Equal(got, all) {
		t.Errorf("the analyst polled %d objects, want the %d of the file, byte for byte", len(got), len(all))
	}
	shared(t, poll(t, intel, "partner"), all)
	var found envelope
	call(t, "GET", intel+"objects/?match[type]=indicator", "partner", "", &found)
	if len(found.Objects) != 3 {
		t.Errorf("%d indicators, want the 3 without an address in them", len(found.Objects))
	}
	sighting := `{"type":"sighting","spec_version":"2.1","id":"sighting--` + uuid.NewString() + `","created":"2026-01-02T03:04:05.000Z","modified":"2026-01-02T03:04:05.000Z","sighting_of_ref":"indicator--` + uuid.NewString() + `"}`
	post(t, discovery.Default, sighting)
	if code := call(t, "GET", discovery.Default+"collections/sightings/objects/", "partner", "", nil); code != 404 {
		t.Errorf("sightings for the partner: %d, want 404", code)
	}
	if code := call(t, "POST", intel+"objects/", "partner", `{"objects":[`+sighting+`]}`, nil); code != 403 {
		t.Errorf("the partner writes: %d, want 403", code)
	}
}

// shared holds what the partner sees to the agreement: up to TLP:GREEN, no personal
// data (addresses are), and nothing that mentions what is not shared. It comes byte
// for byte and in the order of the file.
func shared(t *testing.T, got, all []string) {
	t.Helper()
	const amber = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
	at := 0
	for _, o := range got {
		i := slices.Index(all[at:], o)
		if i < 0 {
			t.Fatalf("not in the file, or not in its order: %s", o)
		}
		at += i + 1
		if strings.Contains(o, amber) || strings.Contains(o, "ipv4-addr") {
			t.Errorf("the partner sees %s", o)
		}
	}
	if len(got) != 44 {
		t.Errorf("the partner sees %d objects, want 44 of %d", len(got), len(all))
	}
}

// poll pages through a collection by next.
func poll(t *testing.T, collection, user string) []string {
	t.Helper()
	var all []string
	next := ""
	for range 100 {
		var page envelope
		url := collection + "objects/?limit=10"
		if next != "" {
			url += "&next=" + next
		}
		if code := call(t, "GET", url, user, "", &page); code != 200 {
			t.Fatalf("GET %s: %d", url, code)
		}
		for _, o := range page.Objects {
			all = append(all, string(o))
		}
		if next = page.Next; !page.More {
			return all
		}
	}
	t.Fatal("the pages do not end")
	return nil
}

// post adds an object to the sightings, waits for the status, and reads it back.
func post(t *testing.T, root, object string) {
	t.Helper()
	var status struct {
		ID, Status   string
		SuccessCount int `json:"success_count"`
	}
	if code := call(t, "POST", root+"collections/sightings/objects/", "analyst", `{"objects":[`+object+`]}`, &status); code != 202 {
		t.Fatalf("POST: %d", code)
	}
	for deadline := time.Now().Add(5 * time.Second); status.Status != "complete" && time.Now().Before(deadline); {
		call(t, "GET", root+"status/"+status.ID+"/", "analyst", "", &status)
	}
	if status.Status != "complete" || status.SuccessCount != 1 {
		t.Errorf("status %+v", status)
	}
	if all := poll(t, root+"collections/sightings/", "analyst"); !slices.Contains(all, object) {
		t.Errorf("the sighting did not come back as it was sent; got %q", all)
	}
}

// bundle returns the objects of a file of this folder.
func bundle(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var e envelope
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, o := range e.Objects {
		all = append(all, string(o))
	}
	return all
}

// TestBundle: every reference leads to an object of the two files, and the ids
// of observables are computed as STIX 2.1, section 2.9 says.
func TestBundle(t *testing.T) {
	namespace := uuid.MustParse("00abedb4-aa42-466c-9c01-fed23315a9b7")
	text := strings.Join(append(bundle(t, "zeroaccess.json"), bundle(t, "sightings.json")...), "\n")
	ids, computed := map[string]bool{}, 0
	for line := range strings.SplitSeq(text, "\n") {
		var o struct{ Type, ID, Value string }
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatal(err)
		}
		if ids[o.ID] {
			t.Errorf("%s is there twice", o.ID)
		}
		ids[o.ID] = true
		if !slices.Contains([]string{"ipv4-addr", "domain-name", "url"}, o.Type) {
			continue
		}
		computed++
		canonical, err := jcs.Transform(fmt.Appendf(nil, `{"value":%q}`, o.Value))
		if err != nil {
			t.Fatal(err)
		}
		if want := o.Type + "--" + uuid.NewSHA1(namespace, canonical).String(); o.ID != want {
			t.Errorf("id %s, want %s", o.ID, want)
		}
	}
	for _, ref := range regexp.MustCompile(`"[a-z0-9-]+--[0-9a-f-]{36}"`).FindAllString(text, -1) {
		if ref = strings.Trim(ref, `"`); !ids[ref] && !strings.HasPrefix(ref, "extension-definition--") {
			t.Errorf("%s is referred to and not there", ref)
		}
	}
	if len(ids) < 40 || computed < 9 {
		t.Errorf("%d objects, %d observables", len(ids), computed)
	}
}
