package lan

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"sockeye.dev/endpoint"
	"sockeye.dev/session"
)

// RunMenu is the course's dialogue, in its words: 1 sends, 2 shows the next
// message, anything else is an error. Unlike the course's program it receives
// all the time; what arrived meanwhile is kept and shown at 2. At most
// maxWaiting messages are kept; those beyond are counted and said.
func (c *Chat) RunMenu(ctx context.Context) error {
	inbox := make(chan string, maxWaiting)
	lost := 0
	keep := func(s *session.Session, m session.Message) error {
		line, err := c.format(s, m)
		if err != nil {
			return err
		}
		select {
		case inbox <- line:
		default:
			lost++
		}
		return nil
	}
	return c.open(ctx, keep, func(ctx context.Context) error {
		in := bufio.NewReader(c.In)
		line := strings.Repeat("=", 30)
		for {
			fmt.Fprintf(c.Out, "%s\n1:发送消息\n2:接收消息\n%s\n", line, line)
			choice, err := c.input(in, "请输入要操作的功能序号:")
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			switch choice {
			case "1":
				if err := c.menuSend(ctx, in); err != nil {
					return err
				}
			case "2":
				select {
				case m := <-inbox:
					fmt.Fprintln(c.Out, m)
				case <-ctx.Done():
					return context.Cause(ctx)
				}
				c.showing.Lock()
				if lost > 0 {
					c.note("%d messages came that there was no room to keep", lost)
					lost = 0
				}
				c.showing.Unlock()
			default:
				fmt.Fprintln(c.Out, "输入有误，请重新输入...")
			}
		}
	})
}

const maxWaiting = 1000

// menuSend asks for a message and where it goes. What cannot be sent is said;
// the dialogue goes on.
func (c *Chat) menuSend(ctx context.Context, in *bufio.Reader) error {
	var answers [3]string
	for i, q := range []string{"\n请输入要发送的数据:", "\n请输入对方的ip地址:", "\n请输入对方的port:"} {
		var err error
		if answers[i], err = c.input(in, q); err != nil {
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("the input ended inside a message: %w", io.ErrUnexpectedEOF)
			}
			return err
		}
	}
	port, err := strconv.ParseUint(strings.TrimSpace(answers[2]), 10, 16)
	if err != nil {
		c.note("%q is no port", answers[2])
		return nil
	}
	m, err := c.read([]byte(answers[0]))
	if err == nil {
		var s *session.Session
		if s, err = c.peer(ctx, endpoint.Addr{Scheme: "udp", Host: strings.TrimSpace(answers[1]), Port: uint16(port)}); err == nil {
			err = s.Send(ctx, m)
		}
	}
	if err != nil {
		c.note("not sent: %v", err)
	}
	return nil
}

// input asks a question and reads the answer, as Python's input does.
func (c *Chat) input(in *bufio.Reader, question string) (string, error) {
	if _, err := io.WriteString(c.Out, question); err != nil {
		return "", err
	}
	line, err := in.ReadString('\n')
	if err != nil && line == "" {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}
