// Section 2.3: bind a UDP port and print one datagram in gbk.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"sockeye.dev/examples/course"
	"sockeye.dev/session"
)

func main() {
	ln := course.Listen(cmp.Or(os.Getenv("ADDR"), "udp://:7788"))
	defer ln.Close()
	s := session.New(course.Must(ln.Accept()), course.Format("gbk", "gbk"))
	defer s.Close()
	m := course.Must(s.Recv(context.Background()))
	fmt.Println(course.Must(m.Text()))
}
