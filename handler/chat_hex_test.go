package handler_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/session"
)

// A device that speaks bytes is read in hexadecimal, and sent what is said in
// it: no prose, nobody's name, nothing of the past, nothing in part.
func TestChatHex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := house(t)
		door := func(f frame.Framer, e *charset.Encoding, p charset.Policy) *session.Server {
			return &session.Server{Handler: &handler.Chat{House: h}, Config: session.Config{Format: session.Format{
				Framing: f, Encoding: e, Decode: charset.Replace, Encode: p}}}
		}
		ann := serve(t, door(handler.ByMessage, charset.Auto(mustLookup(t, "gbk")), charset.Replace))()
		_, _ = io.WriteString(ann, "/nick ann\n/topic readings\nfe ed\n")
		read(t, ann)
		quiet := frame.Quiet{Gap: 50 * time.Millisecond}
		meter := serve(t, door(quiet, charset.Hex, charset.Replace))()
		len8, err := frame.Parse("len8")
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, meter); got != "" {
			t.Errorf("a device that comes is sent % x", got)
		}
		counted := serve(t, door(len8, charset.Hex, charset.Ignore))()
		mac := serve(t, door(frame.Line{}, mustLookup(t, "utf-16le"), charset.Replace))()
		read(t, mac)
		if got := read(t, meter) + read(t, counted); got != "" {
			t.Errorf("devices are sent % x", got)
		}
		read(t, ann)

		// The first bytes are those of a TLS handshake, too; 0a is no end, and a
		// pause within a message shorter than the gap none either.
		_, _ = io.WriteString(meter, "\x16\x03\x01\xd2\n")
		time.Sleep(20 * time.Millisecond)
		_, _ = io.WriteString(meter, "\xc5\x3f\xa0\xb1")
		time.Sleep(100 * time.Millisecond)
		_, _ = io.WriteString(meter, "\x02")
		time.Sleep(100 * time.Millisecond)
		const seen = "<guest-2> 16 03 01 d2 0a c5 3f a0 b1\n<guest-2> 02\n"
		if got := read(t, ann); got != seen {
			t.Errorf("ann sees %q", got)
		}
		want, _ := mustLookup(t, "utf-16le").Bytes(seen)
		if got := read(t, mac); got != string(want) {
			t.Errorf("who speaks UTF-16 sees %q", got)
		}
		if got := read(t, counted); got != "\x09\x16\x03\x01\xd2\x0a\xc5\x3f\xa0\xb1\x01\x02" {
			t.Errorf("another device is sent % x", got)
		}
		if got := read(t, meter); got != "" {
			t.Errorf("its own % x come back", got)
		}

		_, _ = io.WriteString(ann, "hello\nbad\n01 03 00 2A\n/me 05\n/msg guest-2 07:0a\n::\n/nick 0102\n")
		read(t, ann)
		if got := read(t, meter); got != "\x01\x03\x00\x2a\x07\x0a" {
			t.Errorf("the meter is sent % x", got)
		}
		if got := read(t, counted); got != "\x04\x01\x03\x00\x2a" {
			t.Errorf("the other one is sent % x", got)
		}
		long := make([]byte, 0, 600) // more than len8 can carry
		for range 300 {
			long = append(long, "ab"...)
		}
		_, _ = ann.Write(append(long, "\n0c\n"...))
		if got := read(t, counted); got != "\x01\x0c" {
			t.Errorf("of what does not fit it is sent % x", got)
		}
	})
}

// Who is in a room can say that it is a device from now on.
func TestChatBecomesHex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := serve(t, &session.Server{Handler: &handler.Chat{House: house(t)}, Config: session.Config{Format: session.Format{
			Framing: handler.ByMessage, Encoding: charset.Auto(nil), Encode: charset.Replace}}})
		ann := dial()
		read(t, ann)
		meter := dial()
		_, _ = io.WriteString(meter, "/nick meter\n/frame delim:hex:0d\n/encoding hex\r")
		read(t, meter)
		read(t, ann)
		_, _ = io.WriteString(meter, "\x01\xff\r\x02\r")
		if got := read(t, ann); got != "<meter> 01 ff\n<meter> 02\n" {
			t.Errorf("ann sees %q", got)
		}
		_, _ = io.WriteString(ann, "well\n04\n")
		if got := read(t, meter); got != "\x04\r" {
			t.Errorf("the meter is sent % x", got)
		}
	})
}
