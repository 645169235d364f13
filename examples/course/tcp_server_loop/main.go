// Section 3.4: answer every message of every client.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"

	"sockeye.dev/examples/course"
	"sockeye.dev/session"
)

func main() {
	srv := session.Server{Config: *course.Format("gbk", "gbk"), Handler: session.HandlerFunc(serve)}
	fmt.Println("等待新的客户端连接")
	log.Fatal(srv.Serve(context.Background(), course.Listen(cmp.Or(os.Getenv("ADDR"), "tcp://:7788"))))
}

func serve(ctx context.Context, s *session.Session) error {
	fmt.Println("连接的客户端信息为：" + s.Peer().String())
	for m, err := s.Recv(ctx); err == nil; m, err = s.Recv(ctx) {
		fmt.Println("客户端发来的信息为：" + m.String())
		if err := s.Send(ctx, session.Text("您好，这里是服务端，收到你的信息")); err != nil {
			return err
		}
	}
	return nil
}
