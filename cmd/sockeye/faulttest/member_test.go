//go:build unix

package faulttest

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// An event is what a member is told that speaks JSON.
type event struct {
	Kind string
	ID   int
	Seq  uint64
	From string
	Text string
	Past bool
}

// A member is in a room by a JSON door.
type member struct {
	t    *testing.T
	nick string
	conn net.Conn
	*journal[event]
	read   chan struct{} // closed when nothing more comes
	spoken int           // how many lines it has said under load

	mu      sync.Mutex
	lastID  int
	waiting map[int]func(event) // for the answers to what was asked
}

// join goes in by the JSON door at addr. An empty nick leaves it a guest.
func join(t *testing.T, addr, nick string) *member {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	m := &member{t: t, nick: nick, conn: conn, journal: newJournal[event](), read: make(chan struct{}), waiting: make(map[int]func(event))}
	go m.listen()
	t.Cleanup(func() { conn.Close(); <-m.read })
	m.await(t, 0, "welcome", func(e event) bool { return strings.HasPrefix(e.Text, "welcome to ") })
	if nick != "" {
		if e := m.ask(map[string]any{"line": "/nick " + nick}); e.Kind != "ack" {
			t.Fatalf("/nick %s: %+v", nick, e)
		}
	}
	return m
}

func (m *member) listen() {
	defer close(m.read)
	defer m.end()
	r := bufio.NewReader(m.conn)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			m.t.Errorf("%s is told %q", m.nick, line)
			continue
		}
		if e.ID != 0 {
			m.mu.Lock()
			answer := m.waiting[e.ID]
			delete(m.waiting, e.ID)
			m.mu.Unlock()
			if answer != nil {
				answer(e)
			} else {
				m.t.Errorf("%s is answered twice: %s", m.nick, line)
			}
		}
		m.add(e)
	}
}

// request sends what is asked and has answer called by the goroutine that reads, before it reads further.
func (m *member) request(q map[string]any, answer func(event)) error {
	m.mu.Lock()
	m.lastID++
	q["id"] = m.lastID
	m.waiting[m.lastID] = answer
	m.mu.Unlock()
	line, err := json.Marshal(q)
	if err != nil {
		return err
	}
	_, err = m.conn.Write(append(line, '\n'))
	return err
}

// ask waits for the answer.
func (m *member) ask(q map[string]any) event {
	m.t.Helper()
	answer := make(chan event, 1)
	if err := m.request(q, func(e event) { answer <- e }); err != nil {
		m.t.Fatal(err)
	}
	select {
	case e := <-answer:
		return e
	case <-m.read:
		m.t.Fatalf("%s is put out while it waits for the answer to %v; it was told last %+v", m.nick, q, last(m.now()))
	case <-time.After(patience):
		m.t.Fatalf("%s gets no answer to %v; it was told last %+v", m.nick, q, last(m.now()))
	}
	return event{}
}

// say says something that has to be acknowledged.
func (m *member) say(text string) event {
	m.t.Helper()
	e := m.ask(map[string]any{"say": text})
	if e.Kind != "ack" || e.Seq == 0 {
		m.t.Fatalf("%q is answered %+v", text, e)
	}
	return e
}

// who is what /who answers.
func (m *member) who() string {
	m.t.Helper()
	mark := m.mark()
	m.ask(map[string]any{"line": "/who"})
	return m.await(m.t, mark, "answer to /who", func(e event) bool { return strings.Contains(e.Text, " here: ") }).Text
}

// notice waits for one after a mark.
func (m *member) notice(after int, part string) event {
	m.t.Helper()
	return m.await(m.t, after, part, func(e event) bool { return e.Kind == "notice" && strings.Contains(e.Text, part) })
}

// gone waits until it is told that somebody has left, and why.
func (m *member) gone(after int, nick string) event {
	m.t.Helper()
	return m.await(m.t, after, nick+" leaving", func(e event) bool { return e.Kind == "leave" && e.From == nick })
}

// said is what the member was shown that others have said.
func (m *member) said() (said []event) { return saidOf(m.now()) }

func saidOf(all []event) (said []event) {
	for _, e := range all {
		if e.Kind == "say" {
			said = append(said, e)
		}
	}
	return said
}

// history is all that was said in the room, as one who comes by the JSON door at addr is told.
func history(t *testing.T, addr string) []event {
	t.Helper()
	m := join(t, addr, "historian")
	defer m.conn.Close()
	mark := m.mark()
	done := make(chan []event, 1)
	if err := m.request(map[string]any{"resume": 0}, func(e event) {
		if e.Kind != "ack" {
			t.Errorf("resume: %+v", e)
		}
		done <- m.now()[mark:] // before anything that is said now
	}); err != nil {
		t.Fatal(err)
	}
	select {
	case all := <-done:
		return saidOf(all)
	case <-m.read:
		t.Fatal("the historian is put out")
	case <-time.After(patience):
		t.Fatal("the historian is told nothing")
	}
	return nil
}

// A reader is in a room by a door for text.
type reader struct {
	*journal[string]
	conn net.Conn
	read chan struct{}
}

func enter(t *testing.T, addr string) *reader {
	t.Helper()
	r := arrive(t, addr)
	r.sees(t, 0, "welcome to ")
	return r
}

// arrive is before the door at addr, and does not wait until it is let in.
func arrive(t *testing.T, addr string) *reader {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{newJournal[string](), conn, make(chan struct{})}
	go func() {
		defer close(r.read)
		defer r.end()
		lines := bufio.NewScanner(conn)
		for lines.Scan() {
			r.add(lines.Text())
		}
	}()
	t.Cleanup(func() { conn.Close(); <-r.read })
	return r
}

func (r *reader) types(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(r.conn, line+"\n"); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
}

// sees waits for a line after a mark.
func (r *reader) sees(t *testing.T, after int, part string) string {
	t.Helper()
	return r.await(t, after, part, func(line string) bool { return strings.Contains(line, part) })
}

// dialJSON returns what a member is first told, or the error it is told by a JSON door, as an error.
func dialJSON(addr string) (welcome string, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return "", err
	}
	if strings.Contains(line, "welcome to ") {
		return line, nil
	}
	return "", errors.New(strings.TrimSpace(line))
}
