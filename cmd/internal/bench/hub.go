package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"entente/cmd/internal/config"
	"entente/taxii/server"
)

// The collections of the server under test.
const (
	smallID = "8b1f3c52-6f0e-4c55-9d0b-3a4c1f1d7a01"
	midID   = "8b1f3c52-6f0e-4c55-9d0b-3a4c1f1d7a02"
	largeID = "8b1f3c52-6f0e-4c55-9d0b-3a4c1f1d7a03"
)

// A hub is a real `entente serve` with the embedded store, in a folder of its
// own, plain HTTP on loopback.
type hub struct {
	*child        // nil until it is started
	addr   string // 127.0.0.1:port
	dir    string
	head   string // header lines of an authenticated request
}

const hubConfig = `public_url: http://ADDR
listen: ADDR
store: {path: data.db}
accounts: accounts.yaml
discovery: {title: Benchmark}
log: {level: warn}
api_roots:
  - path: hub
    title: Benchmark
    collections:
      - {id: %s, title: Small}
      - {id: %s, title: Middle}
      - {id: %s, title: Large}
`

// newHub makes the folder of a server with empty collections; it is not started.
func newHub(dir string) (*hub, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	password := config.NewSecret()
	hash, err := server.HashPassword(password, rand.Reader)
	if err != nil {
		return nil, err
	}
	h := &hub{dir: dir}
	h.head = "Accept: application/taxii+json;version=2.1\r\nAuthorization: Basic " +
		base64.StdEncoding.EncodeToString([]byte("bench:"+password)) + "\r\n"
	accounts := fmt.Sprintf("accounts:\n  - name: bench\n    password: %q\n    collections: {%s: readwrite, %s: readwrite, %s: readwrite}\n",
		hash, smallID, midID, largeID)
	if err := os.WriteFile(filepath.Join(dir, "accounts.yaml"), []byte(accounts), 0o600); err != nil {
		return nil, err
	}
	if h.addr, err = freeAddr(); err != nil {
		return nil, err
	}
	text := strings.ReplaceAll(fmt.Sprintf(hubConfig, smallID, midID, largeID), "ADDR", h.addr)
	return h, os.WriteFile(h.config(), []byte(text), 0o600)
}

func (h *hub) config() string { return filepath.Join(h.dir, "entente.yaml") }

// start starts the server on what is in the folder, always on the same port,
// and lets it verify the password.
func (h *hub) start(ctx context.Context) error {
	var err error
	if h.child, err = startSelf(ctx, h.dir, h.addr, "serve", "--config", h.config()); err != nil {
		return err
	}
	_, _, err = h.fetch(ctx, "/taxii2/")
	return err
}

// running reports whether the server is to be stopped.
func (h *hub) running() bool { return h != nil && h.child != nil }

// load imports count objects into a collection, with entente import reading
// standard input. The server must not run. It returns how many bytes the
// objects have, and the highest memory of the process beyond the mapped file.
func (h *hub) load(ctx context.Context, id string, count int) (size, peak int64, err error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, exe, "import", "--config", h.config(), "--collection", id, "-")
	cmd.Stdout, cmd.Stderr = &said, &said
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	stop := watchMemory(cmd.Process.Pid, &peak)
	var buf []byte
	for n := range uint64(count) {
		buf = append(appendObject(buf[:0], n), '\n')
		size += int64(len(buf) - 1)
		if _, err = in.Write(buf); err != nil {
			break // the process has ended: Wait says why
		}
	}
	err = errors.Join(err, in.Close(), cmd.Wait())
	stop()
	if err != nil {
		return 0, 0, fmt.Errorf("entente import: %w: %s", err, said.Bytes()[max(0, said.Len()-1000):])
	}
	return size, peak, nil
}

func objectsPath(id string) string { return "/hub/collections/" + id + "/objects/" }

// fill posts count objects to a collection, over HTTP like any producer. It
// returns how many bytes they have.
func (h *hub) fill(ctx context.Context, id string, count int) (int64, error) {
	const each = 1000
	var n uint64
	var size int64
	var body []byte
	l := &load{addr: h.addr, conns: 4, time: time.Hour, max: count / each}
	l.next = func(buf []byte) []byte {
		body = appendEnvelope(body[:0], n, each)
		n += each
		size += int64(len(body) - len(`{"objects":[]}`) - (each - 1))
		return append(appendPost(buf, objectsPath(id), h.head, len(body)), body...)
	}
	_, err := l.run(ctx)
	return size, err
}

// fetch GETs path and returns header and body of a 200.
func (h *hub) fetch(ctx context.Context, path string) (http.Header, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+h.addr+path, nil)
	if err != nil {
		return nil, nil, err
	}
	for line := range strings.SplitSeq(strings.TrimSpace(h.head), "\r\n") {
		k, v, _ := strings.Cut(line, ": ")
		r.Header.Set(k, v)
	}
	r.Header.Set("Accept-Encoding", "identity")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		return nil, nil, err
	}
	if a.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("GET %s: %s: %.300s", path, a.Status, body)
	}
	return a.Header, body, nil
}

// A walk is a collection paged whole by next, 1,000 objects a page.
type walk struct {
	paths []string // one for each full page, in order
	last  string   // X-TAXII-Date-Added-Last of the last page
}

// walkAll pages through a collection and saves the first keep bodies in dir,
// named 0, 1, 2 and so on.
func (h *hub) walkAll(ctx context.Context, id string, keep int, dir string) (*walk, error) {
	w := &walk{}
	for next := ""; ; {
		path := objectsPath(id) + "?limit=1000"
		if next != "" {
			path += "&next=" + url.QueryEscape(next)
		}
		header, body, err := h.fetch(ctx, path)
		if err != nil {
			return nil, err
		}
		if len(w.paths) < keep {
			if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(len(w.paths))), body, 0o600); err != nil {
				return nil, err
			}
		}
		w.paths = append(w.paths, path)
		if last := header.Get("X-TAXII-Date-Added-Last"); last != "" {
			w.last = last
		}
		if next, err = nextOf(body); err != nil {
			return nil, err
		}
		if next == "" {
			return w, nil
		}
	}
}

// nextOf reads next from an envelope, wherever it stands outside the objects:
// before them or after.
func nextOf(body []byte) (string, error) {
	head, tail := body, body
	if i := bytes.Index(body, []byte(`"objects"`)); i >= 0 {
		head = body[:i]
	}
	if i := bytes.LastIndexByte(body, ']'); i >= 0 {
		tail = body[i:]
	}
	more := false
	for _, part := range [][]byte{head, tail} {
		more = more || bytes.Contains(part, []byte(`"more":true`))
		_, rest, ok := bytes.Cut(part, []byte(`"next":"`))
		if !ok {
			continue
		}
		if next, _, ok := bytes.Cut(rest, []byte(`"`)); ok {
			return string(next), nil
		}
	}
	if more {
		return "", errors.New("an envelope says more without next")
	}
	return "", nil
}
