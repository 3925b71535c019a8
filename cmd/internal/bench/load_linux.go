package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"syscall"
	"time"
)

// edge makes epoll report changes only; every event is followed until EAGAIN.
const edge = 1 << 31

// A wire is one connection of a load.
type wire struct {
	fd    int
	out   []byte // the request, reused
	sent  int    // bytes of out that are written
	head  bool   // the head of the answer is not read yet
	left  int64  // of the body; -1: chunked
	tail  [7]byte
	begin time.Time
	idle  bool // no request is under way
}

// lastChunk ends a chunked body. It cannot stand inside a JSON text, which
// holds no bare carriage return.
const lastChunk = "\r\n0\r\n\r\n"

// exchange drives all connections from one thread, with epoll.
func (l *load) exchange(ctx context.Context) (*result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(poll)
	wires := make(map[int32]*wire, l.conns)
	defer func() {
		for _, w := range wires {
			syscall.Close(w.fd)
		}
	}()
	for range l.conns {
		fd, err := dial(l.addr)
		if err != nil {
			return nil, err
		}
		wires[int32(fd)] = &wire{fd: fd}
		ev := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLOUT | edge, Fd: int32(fd)}
		if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &ev); err != nil {
			return nil, err
		}
	}
	s := &sink{load: l, result: &result{}, junk: make([]byte, 1<<20)}
	for _, w := range wires {
		s.start(w)
		if err := s.drive(w); err != nil {
			return nil, err
		}
	}
	end := time.Now().Add(l.time)
	patience := end.Add(30 * time.Second) // for the first answer
	events := make([]syscall.EpollEvent, 64)
	for !s.done && ctx.Err() == nil {
		if now := time.Now(); now.After(end) && s.requests > 0 || now.After(patience) {
			break
		}
		n, err := syscall.EpollWait(poll, events, 20)
		if err != nil && err != syscall.EINTR {
			return nil, err
		}
		for i := range max(n, 0) {
			if err := s.drive(wires[events[i].Fd]); err != nil {
				return nil, err
			}
		}
	}
	return s.result, nil
}

// dial connects to addr, an IPv4 address and port, without Go's poller.
func dial(addr string) (int, error) {
	a, err := net.ResolveTCPAddr("tcp4", addr)
	if err != nil {
		return 0, err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	to := &syscall.SockaddrInet4{Port: a.Port, Addr: [4]byte(a.IP.To4())}
	err = errors.Join(
		syscall.Connect(fd, to),
		syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1),
		syscall.SetNonblock(fd, true))
	if err != nil {
		syscall.Close(fd)
		return 0, fmt.Errorf("connect to %s: %w", addr, err)
	}
	return fd, nil
}

// A sink sends the requests of a load and drops the answers.
type sink struct {
	*load
	*result
	started int
	done    bool // as many answers as the load wanted
	junk    []byte
}

// start makes the next request of w, or leaves it idle if there are enough.
func (s *sink) start(w *wire) {
	if w.idle = s.max > 0 && s.started == s.max; w.idle {
		return
	}
	s.started++
	w.out = s.next(w.out[:0])
	w.sent, w.head, w.begin = 0, true, time.Now()
}

// drive goes on with w until its socket has nothing more to say.
func (s *sink) drive(w *wire) error {
	for !s.done && !w.idle {
		for w.sent < len(w.out) {
			n, err := syscall.Write(w.fd, w.out[w.sent:])
			if err == syscall.EAGAIN {
				return nil
			}
			if err != nil {
				return fmt.Errorf("send: %w", err)
			}
			w.sent += n
		}
		var wait bool
		var err error
		if w.head {
			wait, err = s.readHead(w)
		} else {
			wait, err = s.readBody(w)
		}
		if err != nil || wait {
			return err
		}
		if !w.head && w.left == 0 {
			s.finish(w)
		}
	}
	return nil
}

func (s *sink) finish(w *wire) {
	s.requests++
	s.times = append(s.times, time.Since(w.begin))
	s.done = s.max > 0 && s.requests == s.max
	s.start(w)
}

// readHead peeks until the head is there, then takes exactly the head.
func (s *sink) readHead(w *wire) (wait bool, err error) {
	head := s.junk[:16<<10]
	n, err := recv(w.fd, head, syscall.MSG_PEEK)
	if n == 0 {
		return true, err
	}
	a, err := parseHead(head[:n])
	if err != nil {
		return false, err
	}
	if a == nil {
		if n == len(head) {
			return false, errors.New("the head of an answer is too long")
		}
		return true, nil
	}
	if a.status < 200 || a.status > 299 {
		if s.bad++; s.bad == 1 {
			s.firstBad = fmt.Sprintf("%.400q", head[:n])
		}
	}
	w.head, w.left = false, a.left
	clear(w.tail[:])
	_, err = recv(w.fd, head[:a.headLen], 0)
	return false, err
}

// readBody drops what has come. MSG_TRUNC makes the kernel do it without a copy.
func (s *sink) readBody(w *wire) (wait bool, err error) {
	if w.left < 0 {
		return s.readChunks(w)
	}
	for w.left > 0 {
		n, err := recv(w.fd, s.junk[:min(w.left, int64(len(s.junk)))], syscall.MSG_TRUNC)
		if n == 0 {
			return true, err
		}
		w.left -= int64(n)
		s.bytes += int64(n)
	}
	return false, nil
}

func (s *sink) readChunks(w *wire) (wait bool, err error) {
	n, err := recv(w.fd, s.junk[len(w.tail):], 0)
	if n == 0 {
		return true, err
	}
	s.bytes += int64(n)
	copy(s.junk, w.tail[:])
	seen := s.junk[:len(w.tail)+n]
	copy(w.tail[:], seen[n:])
	if bytes.HasSuffix(seen, []byte(lastChunk)) {
		w.left = 0
	}
	return false, nil
}

// recv returns 0 bytes if nothing has come. A closed connection is an error.
func recv(fd int, buf []byte, flags int) (int, error) {
	for {
		n, _, err := syscall.Recvfrom(fd, buf, flags)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return 0, nil
		case err != nil:
			return 0, fmt.Errorf("receive: %w", err)
		case n == 0:
			return 0, errors.New("the server closed the connection")
		}
		return n, nil
	}
}

// syncData makes what was written to f durable.
func syncData(f interface{ Fd() uintptr }) error { return syscall.Fdatasync(int(f.Fd())) }
