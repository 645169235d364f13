// Section 3.3: accept one client, print what it says, thank it, close.
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
	ln := course.Listen(cmp.Or(os.Getenv("ADDR"), "tcp://:7788"))
	defer ln.Close()
	s := session.New(course.Must(ln.Accept()), course.Format("gbk", "gbk"))
	defer s.Close()
	m := course.Must(s.Recv(context.Background()))
	fmt.Println("接收到的数据为:", course.Must(m.Text()))
	if err := s.Send(context.Background(), session.Text("thank you !")); err != nil {
		log.Fatal(err)
	}
}
