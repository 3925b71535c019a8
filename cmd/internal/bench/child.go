package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A child is a server process under measurement, on a port of its own.
type child struct {
	addr string // 127.0.0.1:port
	cmd  *exec.Cmd
	log  string // file with what it wrote
	done chan error
}

// startChild runs argv and waits until addr takes connections.
func startChild(ctx context.Context, dir, addr string, argv ...string) (*child, error) {
	c := &child{addr: addr, log: filepath.Join(dir, filepath.Base(argv[0])+"-"+addr+".log"), done: make(chan error, 1)}
	f, err := os.Create(c.log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c.cmd = exec.Command(argv[0], argv[1:]...)
	c.cmd.Stdout, c.cmd.Stderr = f, f
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { c.done <- c.cmd.Wait() }()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(2 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			return c, conn.Close()
		}
		select {
		case err := <-c.done:
			return nil, fmt.Errorf("%s ended at once: %w: %s", strings.Join(argv, " "), err, c.said())
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), c.stop())
		default:
		}
		if time.Now().After(end) {
			return nil, errors.Join(fmt.Errorf("%s does not listen on %s", argv[0], addr), c.stop())
		}
	}
}

// pids are the processes that do the work.
func (c *child) pids() []int { return family(c.cmd.Process.Pid) }

// idle waits until the child has done its work in the background, such as
// compressing what was written, or for two minutes.
func (c *child) idle(ctx context.Context) error {
	const look = 300 * time.Millisecond
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		before, err := cpuTime(c.pids())
		if err != nil {
			return err
		}
		time.Sleep(look)
		after, err := cpuTime(c.pids())
		if err = errors.Join(err, ctx.Err()); err != nil || after-before <= tick {
			return err
		}
	}
	return nil
}

// stop ends the child in peace, or after a minute by force.
func (c *child) stop() error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return nil // it has ended
	}
	select {
	case err := <-c.done:
		if err != nil && !strings.Contains(err.Error(), "signal: terminated") {
			return fmt.Errorf("%s: %w: %s", c.cmd.Path, err, c.said())
		}
		return nil
	case <-time.After(time.Minute):
		c.cmd.Process.Kill()
		<-c.done
		return fmt.Errorf("%s did not end within a minute", c.cmd.Path)
	}
}

// said is the end of what the child wrote.
func (c *child) said() string {
	data, _ := os.ReadFile(c.log)
	return strings.TrimSpace(string(data[max(0, len(data)-2000):]))
}

// freeAddr is a loopback address with a port that was free a moment ago.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// startSelf runs a subcommand of this binary that is going to listen on addr.
func startSelf(ctx context.Context, dir, addr string, args ...string) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return startChild(ctx, dir, addr, append([]string{exe}, args...)...)
}

// startStatic runs the baseline, see Static.
func startStatic(ctx context.Context, dir, pages, log string) (*child, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	return startSelf(ctx, dir, addr, "bench", "static", "--listen", addr, "--pages", pages, "--log", log)
}

const nginxWorkers = 2

// nginxConfig is the setting in which nginx was fastest on loopback: without
// sendfile, which sends 4 kB fragments there, with large output buffers.
const nginxConfig = `%[1]sworker_processes 2;
daemon off;
pid %[2]s/nginx.pid;
error_log %[2]s/nginx-error.log crit;
events { worker_connections 1024; }
http {
	access_log off;
	sendfile off;
	output_buffers 2 512k;
	open_file_cache max=4000 inactive=1h;
	open_file_cache_valid 1h;
	keepalive_requests 1000000000;
	tcp_nodelay on;
	default_type "application/taxii+json;version=2.1";
	client_body_temp_path %[2]s/t1;
	proxy_temp_path %[2]s/t2;
	fastcgi_temp_path %[2]s/t3;
	uwsgi_temp_path %[2]s/t4;
	scgi_temp_path %[2]s/t5;
	server { listen %[3]s; root %[4]s; }
}
`

// errNoNginx: a row that needs nginx cannot be measured.
var errNoNginx = errors.New("nginx is not installed")

// startNginx serves the files of root.
func startNginx(ctx context.Context, binary, dir, root string) (*child, error) {
	path, err := exec.LookPath(binary)
	if err != nil {
		return nil, errNoNginx
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n" // else its workers could not read our folder
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConfig, user, dir, addr, root), 0o600); err != nil {
		return nil, err
	}
	c, err := startChild(ctx, dir, addr, path, "-c", file, "-p", dir)
	if err != nil {
		return nil, err
	}
	for len(c.pids()) < 1+nginxWorkers && ctx.Err() == nil {
		time.Sleep(time.Millisecond) // it listens before its workers are there
	}
	return c, ctx.Err()
}
