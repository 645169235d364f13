// Section 2.4: the menu-driven UDP chat room on port 7890.
package main

import (
	"cmp"
	"context"
	"log"
	"os"

	"sockeye.dev/endpoint"
	"sockeye.dev/examples/course"
	"sockeye.dev/lan"
)

func main() {
	bind := course.Must(endpoint.Parse(cmp.Or(os.Getenv("ADDR"), "udp://:7890")))
	chat := lan.Chat{Bind: bind, In: os.Stdin, Out: os.Stdout}
	if err := chat.RunMenu(context.Background()); err != nil {
		log.Fatal(err)
	}
}
