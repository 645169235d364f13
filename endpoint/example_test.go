package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"

	"sockeye.dev/endpoint"
)

func ExampleParse() {
	for _, s := range []string{":7788", "tcp://[::1]:http?encoding=gbk", "TCP4-LISTEN:7788,reuseaddr", "tpc://h:80"} {
		a, err := endpoint.Parse(s)
		if err != nil {
			fmt.Printf("%v; hint: %s\n", err, endpoint.Hint(err))
			continue
		}
		fmt.Println(a)
	}
	// Output:
	// tcp://:7788
	// tcp://[::1]:80?encoding=gbk
	// tcp://:7788?ip=4&reuseaddr=on
	// parse address "tpc://h:80": unknown scheme "tpc"; hint: did you mean tcp?
}

func ExampleOptions_Take() {
	a, err := endpoint.Parse("udp://:7788?encoding=gbk&idle=10s")
	if err != nil {
		log.Fatal(err)
	}
	encoding, _ := a.Options.Take("encoding") // ours; Listen refuses what it does not know
	fmt.Println(encoding, a)
	// Output: gbk udp://:7788?idle=10s
}

// A UDP listener accepts one conn per peer, and answers each of them.
func ExampleHost_Listen() {
	ctx := context.Background()
	a, err := endpoint.Parse("udp://127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	ln, err := endpoint.Host{}.Listen(ctx, a)
	if err != nil {
		log.Fatal(err)
	}
	defer ln.Close()

	client, err := endpoint.Host{}.Dial(ctx, endpoint.AddrOf(a.Scheme, ln.Addr()))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	fmt.Fprint(client, "hello")

	peer, err := ln.Accept()
	if err != nil {
		log.Fatal(err)
	}
	m, err := peer.(endpoint.MessageConn).ReadMessage(nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(peer, "you said %s", m)
	m, err = client.(endpoint.MessageConn).ReadMessage(nil)
	fmt.Println(string(m), err)
	// Output: you said hello <nil>
}

// Mem stands in for Host in a test: nothing leaves the program.
func ExampleMem() {
	ctx := context.Background()
	var net endpoint.Mem
	a, err := endpoint.Parse("tcp://server.example:7788")
	if err != nil {
		log.Fatal(err)
	}
	_, err = net.Dial(ctx, a)
	fmt.Println("nobody listens:", errors.Unwrap(err))

	ln, err := net.Listen(ctx, a)
	if err != nil {
		log.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial(ctx, a)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(client, "hello")
	client.Close()
	server, err := ln.Accept()
	if err != nil {
		log.Fatal(err)
	}
	said, err := io.ReadAll(server)
	fmt.Println(string(said), err)
	// Output:
	// nobody listens: connect: connection refused
	// hello <nil>
}
