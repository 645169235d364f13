package frame_test

import (
	"errors"
	"fmt"
	"strings"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
)

func ExampleReader() {
	conn := strings.NewReader("first\r\nsecond\nunfinished")
	r := frame.Reader{Framer: frame.Line{}}
	for {
		m, ok, err := r.Next()
		if err != nil {
			fmt.Println(err)
			return
		}
		if ok {
			fmt.Printf("%s (bare: %v)\n", m.Data, m.Bare)
			continue
		}
		n, err := conn.Read(r.Space())
		r.Filled(n)
		if err != nil {
			r.End()
		}
	}
	// Output:
	// first (bare: false)
	// second (bare: false)
	// unfinished (bare: true)
	// EOF
}

func ExampleParse() {
	f, err := frame.Parse("line+quiet:50ms")
	fmt.Println(f, err)

	_, err = frame.Parse("lines")
	var spec *frame.SpecError
	if errors.As(err, &spec) {
		fmt.Println(spec)
		fmt.Println("hint:", spec.Hint)
	}
	// Output:
	// line+quiet:50ms <nil>
	// framing "lines": there is no such framing
	// hint: write line
}

// The byte of "|" is also the second byte of a character in GBK. As text it is
// found only where a character begins.
func ExampleIn() {
	gbk, err := charset.Lookup("gbk")
	if err != nil {
		fmt.Println(err)
		return
	}
	data := []byte("\x83\x7c|")
	for _, e := range []*charset.Encoding{nil, gbk} {
		n, message, _ := frame.In(frame.Delim{Text: "|"}, e).Split(data, false)
		fmt.Printf("%d %q\n", n, message)
	}
	// Output:
	// 2 "\x83"
	// 3 "\x83|"
}

// A silence ends a message; whoever owns the connection waits for it.
func ExampleReader_Quiet() {
	r := frame.Reader{Framer: frame.Quiet{Gap: 50e6}, Encoding: charset.UTF8}
	for _, part := range []string{"\xe4\xbd", "\xa0"} {
		r.Filled(copy(r.Space(), part))
		r.Next() // nothing yet
		gap, ok := r.Quiet()
		fmt.Println(gap, ok)
	}
	r.Flush() // nothing came for 50 ms
	m, _, _ := r.Next()
	fmt.Printf("%s\n", m.Data)
	// Output:
	// 0s false
	// 50ms true
	// 你
}

func ExampleLine_Append() {
	b, err := frame.Line{}.Append(nil, []byte("hello"))
	fmt.Printf("%q %v\n", b, err)
	_, err = frame.Line{}.Append(nil, []byte("two\nlines"))
	fmt.Println(err)
	// Output:
	// "hello\n" <nil>
	// framing line: the message holds the delimiter, at byte 3
}
