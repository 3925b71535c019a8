package wire

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// A limitListener keeps idle clients from using up the process's file
// descriptors: beyond most connections new ones wait, and an address that has a
// quarter of them gets no more. Proxies on this machine may have all.
type limitListener struct {
	net.Listener
	slots  chan struct{}
	each   int
	closed chan struct{}
	once   sync.Once

	mu   sync.Mutex // guards open
	open map[netip.Addr]int
}

func newLimitListener(l net.Listener, most int) *limitListener {
	return &limitListener{
		Listener: l, slots: make(chan struct{}, most), each: max(1, most/4),
		closed: make(chan struct{}), open: map[netip.Addr]int{},
	}
}

func (l *limitListener) Accept() (net.Conn, error) {
	for {
		select {
		case l.slots <- struct{}{}:
		case <-l.closed:
			return nil, net.ErrClosed
		}
		conn, err := l.Listener.Accept()
		if err != nil {
			<-l.slots
			return nil, err
		}
		addr := addrOf(conn)
		if l.enter(addr) {
			return &limitConn{Conn: conn, leave: sync.OnceFunc(func() { l.leave(addr) })}, nil
		}
		_ = conn.Close()
		<-l.slots
	}
}

func (l *limitListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// addrOf is what connections are counted by; the zero Addr if they are not.
func addrOf(conn net.Conn) netip.Addr {
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	addr := at.Addr().Unmap().WithZone("")
	switch {
	case addr.IsLoopback():
		return netip.Addr{}
	case addr.Is6(): // a client has a network of them
		return netip.PrefixFrom(addr, 64).Masked().Addr()
	}
	return addr
}

func (l *limitListener) enter(addr netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if addr.IsValid() && l.open[addr] >= l.each {
		return false
	}
	l.open[addr]++
	return true
}

func (l *limitListener) leave(addr netip.Addr) {
	<-l.slots
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[addr]--; l.open[addr] == 0 {
		delete(l.open, addr)
	}
}

type limitConn struct {
	net.Conn
	leave func()
}

func (c *limitConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// SyscallConn is that of the connection itself; [server.Listen] wants it.
func (c *limitConn) SyscallConn() (syscall.RawConn, error) {
	s, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return s.SyscallConn()
}
