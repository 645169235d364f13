package endpoint_test

import (
	"context"
	"net"
	"testing"

	"go.uber.org/goleak"

	"sockeye.dev/endpoint"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func parse(t testing.TB, s string) endpoint.Addr {
	t.Helper()
	a, err := endpoint.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func listen(t testing.TB, n endpoint.Network, s string) net.Listener {
	t.Helper()
	l, err := n.Listen(context.Background(), parse(t, s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func dial(t testing.TB, n endpoint.Network, s string) net.Conn {
	t.Helper()
	return dialAddr(t, n, parse(t, s))
}

func dialAddr(t testing.TB, n endpoint.Dialer, a endpoint.Addr) net.Conn {
	t.Helper()
	c, err := n.Dial(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// accept returns l's next conn as a MessageConn.
func accept(t testing.TB, l net.Listener) endpoint.MessageConn {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(endpoint.MessageConn)
}

// send and receive may be called from any goroutine of a test.

func send(t testing.TB, c net.Conn, message string) {
	t.Helper()
	if err := c.(endpoint.MessageConn).WriteMessage([]byte(message)); err != nil {
		t.Error(err)
	}
}

func receive(t testing.TB, c net.Conn, want string) {
	t.Helper()
	got, err := c.(endpoint.MessageConn).ReadMessage(nil)
	if err != nil {
		t.Error(err)
	} else if string(got) != want {
		t.Errorf("received %.80q, want %.80q", got, want)
	}
}
