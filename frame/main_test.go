package frame_test

import (
	"errors"
	"io"
	"testing"

	"go.uber.org/goleak"
	"sockeye.dev/charset"
	"sockeye.dev/frame"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func encoding(t testing.TB, label string) *charset.Encoding {
	t.Helper()
	if label == "" {
		return nil
	}
	if label == "auto" {
		return charset.Auto(encoding(t, "gbk"))
	}
	e, err := charset.Lookup(label)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func encode(t testing.TB, label, text string) string {
	t.Helper()
	e := encoding(t, label)
	if e == nil {
		return text
	}
	b, err := e.Bytes(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func parse(t testing.TB, spec, label string) frame.Framer {
	t.Helper()
	f, err := frame.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return frame.In(f, encoding(t, label))
}

// message is a frame.Message that can be kept and compared.
type message struct {
	data       string
	bare, more bool
}

func keep(m frame.Message) message { return message{string(m.Data), m.Bare, m.More} }

// drain takes all messages that r has.
func drain(t testing.TB, r *frame.Reader) (all []message, err error) {
	t.Helper()
	for {
		m, ok, err := r.Next()
		if !ok {
			return all, err
		}
		all = append(all, keep(m))
	}
}

// read puts p through Space and Filled.
func read(t testing.TB, r *frame.Reader, p string) {
	t.Helper()
	for len(p) > 0 {
		s := r.Space()
		if len(s) == 0 {
			t.Fatal("no space")
		}
		n := copy(s, p)
		r.Filled(n)
		p = p[n:]
	}
}

// readAll feeds input, cut in parts, to r and returns all its messages.
func readAll(t testing.TB, r *frame.Reader, parts ...string) (all []message, err error) {
	t.Helper()
	for _, p := range parts {
		for len(p) > 0 {
			n := copy(r.Space(), p)
			r.Filled(n)
			p = p[n:]
			m, err := drain(t, r)
			all = append(all, m...)
			if err != nil {
				return all, err
			}
		}
	}
	r.End()
	m, err := drain(t, r)
	all = append(all, m...)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return all, err
}

func bytewise(s string) []string {
	parts := make([]string, len(s))
	for i := range len(s) {
		parts[i] = s[i : i+1]
	}
	return parts
}
