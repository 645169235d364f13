// Section 3.2: ask for address and text, send it in gbk, print the reply.
package main

import (
	"context"
	"fmt"
	"log"
	"net"

	"sockeye.dev/examples/course"
	"sockeye.dev/session"
)

func main() {
	ip := course.Input("请输入服务器ip:")
	port := course.Input("请输入服务器port:")
	s := course.Dial("tcp://"+net.JoinHostPort(ip, port), course.Format("gbk", "gbk"))
	defer s.Close()
	text := course.Input("请输入要发送的数据：")
	if err := s.Send(context.Background(), session.Text(text)); err != nil {
		log.Fatal(err)
	}
	m := course.Must(s.Recv(context.Background()))
	fmt.Println("接收到的数据为:", course.Must(m.Text()))
}
