// Section 2.1.2: send a datagram in utf-8, receive one in gbk.
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
	addr := cmp.Or(os.Getenv("ADDR"), "udp://192.168.236.129:8080")
	s := course.Dial(addr, course.Format("gbk", "utf-8"))
	defer s.Close()
	text := course.Input("请输入要发送的数据:")
	if err := s.Send(context.Background(), session.Text(text)); err != nil {
		log.Fatal(err)
	}
	m := course.Must(s.Recv(context.Background()))
	fmt.Println(course.Must(m.Text()))
	fmt.Println(s.Peer())
}
