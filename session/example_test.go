package session_test

import (
	"context"
	"fmt"
	"net"

	"sockeye.dev/frame"
	"sockeye.dev/session"
)

func ExampleSession() {
	here, there := net.Pipe()
	go func() { _, _ = there.Write([]byte("one\ntwo\n")); _ = there.Close() }()

	s := session.New(here, &session.Config{Format: session.Format{Framing: frame.Line{}}})
	for m, err := s.Recv(context.Background()); err == nil; m, err = s.Recv(context.Background()) {
		fmt.Println(m)
	}
	_ = s.Close()
	// Output:
	// one
	// two
}
