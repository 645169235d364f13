package endpoint

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pires/go-proxyproto"
)

func FuzzProxyURL(f *testing.F) {
	for _, s := range []string{"socks5://u:p@h:1", "http://u%40x:p@/@[::1]:3128/", "socks4a://h:1080", "socks5h://:@:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, want := parseProxy(s)
		if (p == nil) != (want != "") {
			t.Fatalf("%q: %v and %q", s, p, want)
		}
		if p == nil {
			return
		}
		again, want := parseProxy(p.String())
		if want != "" || again.host != p.host || again.port != p.port || again.scheme != p.scheme {
			t.Errorf("%q: %s, then %v", s, p, again)
		}
		if len(p.pass) > 3 && strings.Contains(redactProxy(s), "://") {
			if again, want := parseProxy(redactProxy(s)); want != "" && p.scheme == "socks5" || want == "" && again.pass != "xxxxx" {
				t.Errorf("%q: redacted to %q", s, redactProxy(s))
			}
		}
	})
}

// Whatever comes, a header is read to its end and no further, and byte by byte
// as at once.
func FuzzProxyHeader(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\nhi"))
	f.Add([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x00\x50hi"))
	f.Fuzz(func(t *testing.T, in []byte) {
		at, bytewise := bytes.NewReader(in), bytes.NewReader(in)
		raw, err := rawHeader(at)
		slow, err2 := rawHeader(iotest.OneByteReader(bytewise))
		if (err == nil) != (err2 == nil) || err == nil && (!bytes.Equal(raw, slow) || at.Len() != bytewise.Len()) {
			t.Fatalf("%q: %q, %v; byte by byte %q, %v", in, raw, err, slow, err2)
		}
		if err != nil {
			return
		}
		rest, _ := io.ReadAll(at)
		if !bytes.Equal(append(raw, rest...), in) {
			t.Fatalf("%q: header %q, rest %q", in, raw, rest)
		}
		_, _ = proxyproto.Read(newHeaderReader(raw))
	})
}
