// Section 2.1.1: send keyboard text in a UDP datagram.
package main

import (
	"cmp"
	"context"
	"log"
	"os"

	"sockeye.dev/examples/course"
	"sockeye.dev/session"
)

func main() {
	addr := cmp.Or(os.Getenv("ADDR"), "udp://192.168.1.103:8080")
	s := course.Dial(addr, nil)
	defer s.Close()
	text := course.Input("请输入要发送的数据:")
	if err := s.Send(context.Background(), session.Text(text)); err != nil {
		log.Fatal(err)
	}
}
