package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"entente/stix"
	"entente/stix/stixtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"entente": main})
}

// TestScripts runs testdata/*.txtar. Besides testscript's own commands, they use
//
//	exits CODE COMMAND...       run it; its exit code must be CODE
//	start CONFIG                serve in the background; sets $URL and $OPERATOR
//	stop SIGNAL                 end it: TERM (it must exit with 0) or KILL
//	hup                         send it a SIGHUP
//	get [-wait] CODE USER:PASSWORD URL [CAFILE]   the answer becomes stdout
//	post CODE USER:PASSWORD URL FILE              the answer becomes stdout
//	objects SEED N FILE         an NDJSON file with N made-up objects
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 6 {
		t.Fatalf("found %d scripts, %v", len(files), err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"start":   start,
			"signal":  sendSignal,
			"hup":     hup,
			"get":     get,
			"post":    post,
			"objects": objects,
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// A process is the server that a script has started; ts.Value would need a key
// for each, and one is enough.
type process struct {
	cmd *exec.Cmd
	out *bufio.Reader
	err strings.Builder
}

var readyLine = regexp.MustCompile(`^Serving TAXII 2\.1 at (https?://[^/]+)/taxii2/(?:, operator at (http://\S+))?\n$`)

// servers are the running ones, by the script's working directory: scripts run
// at the same time.
var servers struct {
	sync.Mutex // guards the map
	m          map[string]*process
}

func withServers(f func(m map[string]*process)) {
	servers.Lock()
	defer servers.Unlock()
	if servers.m == nil {
		servers.m = map[string]*process{}
	}
	f(servers.m)
}

func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: start CONFIG")
	}
	program, err := exec.LookPath("entente")
	ts.Check(err)
	p := &process{cmd: exec.Command(program, "serve", "--config", ts.MkAbs(args[0]))}
	p.cmd.Stderr = &p.err
	stdout, err := p.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(p.cmd.Start())
	p.out = bufio.NewReader(stdout)
	line, err := p.out.ReadString('\n')
	m := readyLine.FindStringSubmatch(line)
	if m == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		ts.Fatalf("ready line %q, %v; stderr:\n%s", line, err, p.err.String())
	}
	ts.Setenv("URL", m[1])
	ts.Setenv("OPERATOR", m[2])
	key := ts.Getenv("WORK")
	withServers(func(all map[string]*process) { all[key] = p })
	ts.Defer(func() { end(key, syscall.SIGKILL) })
}

// end stops a script's server and returns what became of it; nil if none runs.
func end(key string, sig os.Signal) (p *process, err error) {
	withServers(func(all map[string]*process) { p = all[key]; delete(all, key) })
	if p == nil {
		return nil, errors.New("no server runs")
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		return p, err
	}
	return p, p.cmd.Wait()
}

func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: signal NAME")
	}
	sig := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL}[args[0]]
	p, err := end(ts.Getenv("WORK"), sig)
	if sig != syscall.SIGKILL && err != nil {
		ts.Fatalf("the server ended with %v\n%s", err, p.err.String())
	}
	fmt.Fprint(ts.Stderr(), p.err.String())
}

func hup(ts *testscript.TestScript, _ bool, _ []string) {
	withServers(func(all map[string]*process) {
		ts.Check(all[ts.Getenv("WORK")].cmd.Process.Signal(syscall.SIGHUP))
	})
}

// request makes one request with the credentials "user:password".
func request(ts *testscript.TestScript, method, url, credentials, body, ca string) (int, string) {
	req, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	ts.Check(err)
	if user, password, ok := strings.Cut(credentials, ":"); ok {
		req.SetBasicAuth(user, password)
	} else if credentials != "-" {
		req.Header.Set("Authorization", "Bearer "+credentials)
	}
	req.Header.Set("Accept", "application/taxii+json;version=2.1")
	if body != "" {
		req.Header.Set("Content-Type", "application/taxii+json;version=2.1")
	}
	client := &http.Client{Timeout: 30 * time.Second}
	if ca != "" {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(ts.ReadFile(ca))) {
			ts.Fatalf("%s is not a certificate", ca)
		}
		client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	}
	resp, err := client.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	ts.Check(err)
	return resp.StatusCode, string(answer)
}

func get(ts *testscript.TestScript, neg bool, args []string) {
	deadline := time.Now()
	if len(args) > 0 && args[0] == "-wait" {
		args = args[1:]
		deadline = deadline.Add(20 * time.Second)
	}
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: get [-wait] CODE USER:PASSWORD URL [CAFILE]")
	}
	for {
		code, body := request(ts, "GET", args[2], args[1], "", strings.Join(args[3:], ""))
		if strconv.Itoa(code) == args[0] {
			fmt.Fprint(ts.Stdout(), body)
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("GET %s: %d %s, want %s", args[2], code, body, args[0])
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func post(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: post CODE USER:PASSWORD URL FILE")
	}
	code, body := request(ts, "POST", args[2], args[1], ts.ReadFile(args[3]), "")
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("POST %s: %d %s, want %s", args[2], code, body, args[0])
	}
	fmt.Fprint(ts.Stdout(), body)
}

func objects(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: objects SEED N FILE")
	}
	seed, err := strconv.ParseUint(args[0], 10, 64)
	ts.Check(err)
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(ndjson(stixtest.Objects(seed, n))), 0o600))
}

func ndjson(all []stix.Object) string {
	var b strings.Builder
	for i := range all {
		b.WriteString(all[i].Raw)
		b.WriteByte('\n')
	}
	return b.String()
}
