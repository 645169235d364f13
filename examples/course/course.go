// Package course has the surroundings that the course's programs share, so
// that each of them is short: a question at the terminal, an encoding by name,
// and opening an address.
package course

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"strings"

	"sockeye.dev/charset"
	"sockeye.dev/endpoint"
	"sockeye.dev/session"
)

var lines = bufio.NewReader(os.Stdin)

// Input asks a question and reads the answer, as Python's input does.
func Input(question string) string {
	fmt.Print(question)
	line, err := lines.ReadString('\n')
	if err != nil && line == "" {
		os.Exit(1)
	}
	return strings.TrimRight(line, "\r\n")
}

// Must ends the program if there was an error.
func Must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// Format reads text in one encoding and writes it in another.
func Format(read, write string) *session.Config {
	return &session.Config{Format: session.Format{Encoding: Must(charset.Lookup(read)), Send: Must(charset.Lookup(write))}}
}

// Dial opens a conversation.
func Dial(addr string, c *session.Config) *session.Session {
	return session.New(Must(endpoint.Host{}.Dial(context.Background(), Must(endpoint.Parse(addr)))), c)
}

// Listen opens a listener.
func Listen(addr string) net.Listener {
	return Must(endpoint.Host{}.Listen(context.Background(), Must(endpoint.Parse(addr))))
}
