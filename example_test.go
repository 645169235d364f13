package sockeye_test

import (
	"context"
	"fmt"
	"log"

	"sockeye.dev/endpoint"
	"sockeye.dev/handler"
	"sockeye.dev/session"
)

func Example() {
	var network endpoint.Mem // endpoint.Host{} is the real one
	at := endpoint.Addr{Scheme: "tcp", Host: "127.0.0.1", Port: 7788}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	ln, err := network.Listen(ctx, at)
	if err != nil {
		log.Fatal(err)
	}
	srv := session.Server{Handler: handler.Echo}
	done := make(chan error)
	go func() { done <- srv.Serve(ctx, ln) }()

	conn, err := network.Dial(ctx, at)
	if err != nil {
		log.Fatal(err)
	}
	s := session.New(conn, nil)
	_ = s.Send(ctx, session.Text("你好"))
	m, _ := s.Recv(ctx)
	fmt.Println(m)
	_ = s.Close()
	cancel()
	<-done
	// Output: 你好
}
