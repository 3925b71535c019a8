package wire

import (
	"errors"
	"net"
	"testing"
	"time"
)

// fakeConn is a connection from an address that a test cannot have.
type fakeConn struct {
	net.Conn
	from string
}

func (c *fakeConn) RemoteAddr() net.Addr {
	a, err := net.ResolveTCPAddr("tcp", c.from)
	if err != nil {
		panic(err)
	}
	return a
}
func (c *fakeConn) Close() error { return nil }

// fakeListener accepts connections from the addresses that it is sent.
type fakeListener struct {
	net.Listener
	from chan string
}

func (l *fakeListener) Accept() (net.Conn, error) { return &fakeConn{from: <-l.from}, nil }
func (l *fakeListener) Close() error              { return nil }

func TestLimitListener(t *testing.T) {
	fake := &fakeListener{from: make(chan string)}
	l := newLimitListener(fake, 8)
	accepted := make(chan net.Conn)
	ended := make(chan error, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- c
		}
	}()
	// arrive reports whether a connection from there is let in; nil if it waits.
	arrive := func(from string) net.Conn {
		select {
		case fake.from <- from:
		case <-time.After(100 * time.Millisecond):
			return nil
		}
		select {
		case c := <-accepted:
			return c
		case <-time.After(100 * time.Millisecond):
			return nil
		}
	}
	for _, from := range []string{"192.0.2.1:1", "192.0.2.1:2", "[2001:db8::1]:1", "[2001:db8::2]:1"} {
		if arrive(from) == nil {
			t.Fatalf("%s is kept out", from)
		}
	}
	for _, from := range []string{"192.0.2.1:3", "[::ffff:192.0.2.1]:3", "[2001:db8::3]:1"} {
		if arrive(from) != nil {
			t.Errorf("%s, which has a quarter, is let in", from)
		}
	}
	var last net.Conn
	for range 4 {
		if last = arrive("127.0.0.1:1"); last == nil {
			t.Fatal("a proxy is kept out")
		}
	}
	if arrive("198.51.100.1:1") != nil {
		t.Fatal("there are more than 8")
	}
	_ = last.Close()
	_ = last.Close() // counts once
	if arrive("198.51.100.1:1") == nil {
		t.Error("one left, and none is let in")
	}
	if arrive("198.51.100.2:1") != nil {
		t.Error("one left, and two are let in")
	}
	_ = l.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close = %v", err)
	}
}
