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

// MODBUS TCP: the length stands behind two numbers of two bytes, so a message
// is the whole frame. Zeros in the place of its length are filled in.
func ExampleLength() {
	f, err := frame.Parse("len16:at=4")
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := f.Append(nil, []byte("\x00\x07\x00\x00\x00\x00\x01\x03\x00\x00\x00\x01"))
	fmt.Printf("% x %v\n", b, err)
	n, message, _ := f.Split(append(b, "\x00\x08"...), false)
	fmt.Printf("%d % x\n", n, message)

	b, _ = frame.Length{Size: 2}.Append(nil, []byte("text is text"))
	fmt.Printf("%q\n", b)
	// Output:
	// 00 07 00 00 00 06 01 03 00 00 00 01 <nil>
	// 12 00 07 00 00 00 06 01 03 00 00 00 01
	// "\x00\ftext is text"
}

// A broken frame comes as it is, and the conversation goes on.
func ExampleCOBS() {
	r := frame.Reader{Framer: frame.COBS{}}
	r.Feed([]byte("\x03ab\x02c\x00\x09d\x00\x02e\x00"))
	for {
		m, ok, _ := r.Next()
		if !ok {
			break
		}
		fmt.Printf("%q (bare: %v)\n", m.Data, m.Bare)
	}
	// Output:
	// "ab\x00c" (bare: false)
	// "\td\x00" (bare: true)
	// "e" (bare: false)
}
