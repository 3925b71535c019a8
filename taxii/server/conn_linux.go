package server

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// A sender writes to a socket without waiting.
type sender struct{ raw syscall.RawConn }

func newConn(c net.Conn) *conn {
	s, ok := c.(syscall.Conn)
	if !ok {
		return &conn{Conn: c}
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return &conn{Conn: c}
	}
	return &conn{Conn: c, now: sender{raw}}
}

func (s *sender) ok() bool { return s.raw != nil }

// maxPieces is how many pieces one call takes (IOV_MAX).
const maxPieces = 1024

// send writes what the socket has room for, and returns how much that was. Whatever
// is wrong with the socket shows when the rest is written.
func (s *sender) send(pieces [][]byte) (sent int) {
	_ = s.raw.Write(func(fd uintptr) bool {
		for len(pieces) > 0 {
			some := pieces[:min(len(pieces), maxPieces)]
			n, err := unix.Writev(int(fd), some)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil {
				break
			}
			sent += n
			if n < size(some) {
				break
			}
			pieces = pieces[len(some):]
		}
		return true // what is left is not waited for
	})
	return sent
}
