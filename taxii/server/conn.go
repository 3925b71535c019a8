package server

import (
	"context"
	"io"
	"net"
	"net/http"
)

// Listen is l, whose connections take answers straight out of the store's memory as
// long as the client has room for them. Use it under HTTP without TLS: what is
// encrypted has to be copied.
func Listen(l net.Listener) net.Listener { return &listener{l} }

type listener struct{ net.Listener }

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newConn(c), nil
}

// A conn sends an answer in two steps: what the client takes at once, without
// waiting, and then the rest. net/http knows nothing of it: it writes the header,
// which conn keeps while it holds, and has it read a burst.
type conn struct {
	net.Conn
	now   sender
	holds bool
	held  []byte // the header, or what is left of it; it goes before everything else
}

// sendNow sends what the client takes at once of an answer whose header w has, and
// returns how many bytes of the body that was. The first of pieces is for the header.
func (c *conn) sendNow(w http.ResponseWriter, pieces [][]byte) int {
	to, ok := w.(io.ReaderFrom)
	flush, can := w.(http.Flusher)
	if !ok || !can {
		return 0
	}
	c.holds = true
	flush.Flush()
	n, _ := to.ReadFrom(&burst{pieces})
	c.holds = false
	return int(n)
}

// A burst is what conn.ReadFrom sends as far as it goes.
type burst struct{ pieces [][]byte }

func size(pieces [][]byte) (n int) {
	for _, p := range pieces {
		n += len(p)
	}
	return n
}

// Read is there for net/http only, which does not call it once the header is written.
func (b *burst) Read([]byte) (int, error) { return 0, io.EOF }

func (c *conn) Write(p []byte) (int, error) {
	if c.holds {
		c.held = append(c.held, p...)
		return len(p), nil
	}
	for len(c.held) > 0 {
		n, err := c.Conn.Write(c.held)
		c.held = c.held[n:]
		if err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(p)
}

// ReadFrom sends a burst as far as it goes, and copies everything else.
func (c *conn) ReadFrom(src io.Reader) (int64, error) {
	b, ok := src.(*burst)
	if !ok {
		return io.Copy(writerOnly{c}, src)
	}
	c.holds = false
	b.pieces[0] = c.held
	n := c.now.send(b.pieces)
	header := min(n, len(c.held))
	c.held = append(c.held[:0], c.held[header:]...)
	return int64(n - header), nil
}

type writerOnly struct{ io.Writer }

// connKey is the key of the conn in the context of a request.
type connKey struct{}

// withConn is the ConnContext of the http.Server.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if c, ok := c.(*conn); ok && c.now.ok() {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}
