package endpoint_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/endpoint"
)

// What breaks the rules ends reading with words, and the conversation with a code.
func TestWSFaultsEnd(t *testing.T) {
	for _, tt := range []struct {
		name, options string
		op            byte
		payload       string
		sent          string // our Close
		words, hint   string
	}{
		{"invalid text", "", text, "a\xff", "\x03\xef", "the peer sent a text message that is not UTF-8", "binary messages"},
		{"cut character", "", text, "\xe4\xbd", "\x03\xef", "the peer sent a text message that is not UTF-8", "binary messages"},
		{"too long", "max=10", binaryFrame, strings.Repeat("x", 11), "\x03\xf1", "the peer's message exceeds the limit of 10 bytes", "max=SIZE"},
		{"too long by default", "", 0x02, strings.Repeat("x", 1<<20+1), "\x03\xf1", "the peer's message exceeds the limit of 1048576 bytes", "max=SIZE"},
		{"reserved", "", 0xc1, "x", "\x03\xea", "the peer breaks the WebSocket protocol: a reserved bit is set, and no extension was agreed on", ""},
		{"close", "", closing, "x", "\x03\xea", "the peer breaks the WebSocket protocol: a close code is cut off", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bothWS(t, tt.options, func(t *testing.T, r *rawWS, c endpoint.WSConn) {
				wait := inBackground(t, func() {
					r.Write(append(r.frame(text, "fine"), r.frame(tt.op, tt.payload)...)) // it may be cut by our Close
				})
				receive(t, c, "fine")
				for range 2 {
					_, err := c.ReadMessage(nil)
					checkWords(t, err, tt.words, tt.hint)
				}
				begin := time.Now()
				ended := inBackground(t, func() {
					r.want(closing, tt.sent)
					r.wantEnd()
					wait()
					r.Close()
				})
				if err := c.Close(); err != nil || time.Since(begin) != 0 {
					t.Errorf("Close: %v after %v", err, time.Since(begin))
				}
				ended()
			})
		})
	}
}

// Our end leaves reading as it is, and the reply comes however late.
func TestWSHalfClose(t *testing.T) {
	bothWS(t, "", func(t *testing.T, r *rawWS, c endpoint.WSConn) {
		send(t, c, "question")
		for range 2 {
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.WriteMessage([]byte("more")); !errors.Is(err, syscall.EPIPE) {
			t.Error(err)
		}
		r.want(text, "question")
		r.want(closing, normal)
		inBackground(t, func() {
			time.Sleep(time.Hour)
			r.put(ping, "") // not answered any more
			r.put(text, "late reply")
			r.put(closing, normal)
			r.put(text, "means nothing")
		})
		receive(t, c, "late reply")
		for range 2 {
			if _, err := c.ReadMessage(nil); err != io.EOF {
				t.Error(err)
			}
		}
		begin := time.Now()
		if err := c.Close(); err != nil || time.Since(begin) != 0 {
			t.Errorf("Close: %v after %v", err, time.Since(begin))
		}
		r.wantEnd()
	})
}

// The peer's end leaves writing as it is.
func TestWSPeerHalfCloses(t *testing.T) {
	bothWS(t, "", func(t *testing.T, r *rawWS, c endpoint.WSConn) {
		if code, _ := c.CloseCode(); code != 0 {
			t.Errorf("code %d", code)
		}
		r.put(text, "question")
		r.put(closing, "\x03\xe9bye")
		receive(t, c, "question")
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Error(err)
		}
		if code, reason := c.CloseCode(); code != 1001 || reason != "bye" {
			t.Errorf("closed with %d %q", code, reason)
		}
		send(t, c, "late reply")
		c.Close()
		r.want(text, "late reply")
		r.want(closing, "\x03\xe9")
		r.wantEnd()
	})
}

func TestWSCloseCodes(t *testing.T) {
	for _, tt := range []struct{ payload, answer, words string }{
		{"", "", ""},
		{normal, normal, ""},
		{"\x03\xf3it broke", "\x03\xf3", `the peer closed with code 1011 (internal error): "it broke"`},
		{"\x03\xea", "\x03\xea", "the peer closed with code 1002 (protocol error)"},
		{"\x0f\xa0", "\x0f\xa0", "the peer closed with code 4000"},
	} {
		bothWS(t, "", func(t *testing.T, r *rawWS, c endpoint.WSConn) {
			r.put(closing, tt.payload)
			_, err := c.ReadMessage(nil)
			if tt.words == "" && err != io.EOF {
				t.Errorf("%q: %v", tt.payload, err)
			} else if tt.words != "" {
				checkWords(t, err, tt.words, "")
			}
			c.Close()
			r.want(closing, tt.answer)
			r.wantEnd()
		})
	}
}

func TestWSEndWithoutClose(t *testing.T) {
	for _, tt := range []struct {
		name  string
		bytes func(r *rawWS) []byte
		words string
		first bool // we close first
	}{
		{"at once", func(r *rawWS) []byte { return nil }, "the peer ended without a close frame: the end may have been cut off", false},
		{"after a message", func(r *rawWS) []byte { return r.frame(text, "all") }, "the peer ended without a close frame: the end may have been cut off", false},
		{"in a frame", func(r *rawWS) []byte { return r.frame(text, "all")[:3] }, "the peer ended inside a message: what it sent last is cut off", true},
		{"in a message", func(r *rawWS) []byte { return r.frame(0x01, "all") }, "the peer ended inside a message: what it sent last is cut off", true},
		{"when asked to", func(r *rawWS) []byte { return r.frame(text, "all") }, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bothWS(t, "", func(t *testing.T, r *rawWS, c endpoint.WSConn) {
				if tt.first {
					c.CloseWrite()
				}
				r.Write(tt.bytes(r))
				r.Conn.(interface{ CloseWrite() error }).CloseWrite()
				for {
					_, err := c.ReadMessage(nil)
					if err == nil {
						continue
					}
					if tt.words == "" && err != io.EOF {
						t.Error(err)
					}
					if tt.words != "" {
						checkWords(t, err, tt.words, endpoint.Hint(err))
						if !errors.Is(err, io.ErrUnexpectedEOF) {
							t.Errorf("%#v", err)
						}
					}
					break
				}
				c.Close()
			})
		})
	}
}

// Close waits a second for the peer's Close frame, and for nothing when nobody has
// begun to talk; who reads meanwhile leaves at once.
func TestWSClose(t *testing.T) {
	bothWS(t, "", func(t *testing.T, r *rawWS, c endpoint.WSConn) {
		send(t, c, "last words")
		begin := time.Now()
		wait := inBackground(t, func() {
			if _, err := c.ReadMessage(nil); !errors.Is(err, net.ErrClosed) || time.Since(begin) != 0 {
				t.Errorf("%v after %v", err, time.Since(begin))
			}
		})
		synctest.Wait()
		if err := c.Close(); err != nil || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		wait()
		for _, err := range []error{c.Close(), c.CloseWrite(), c.SetDeadline(begin), c.WaitRead(), c.WriteMessage(nil)} {
			if !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		}
		r.want(text, "last words")
		r.want(closing, normal)
		r.wantEnd()
	})
	bothWS(t, "", func(t *testing.T, r *rawWS, c endpoint.WSConn) {
		begin := time.Now()
		if c.Close(); time.Since(begin) != 0 {
			t.Errorf("after %v", time.Since(begin))
		}
		r.want(closing, normal)
		r.wantEnd()
	})
	// A peer that takes nothing holds us up for a moment.
	bothWS(t, "rcvbuf=100", func(t *testing.T, r *rawWS, c endpoint.WSConn) {
		inBackground(t, func() { c.WriteMessage(make([]byte, 1000)) })
		synctest.Wait()
		begin := time.Now()
		if err := c.Close(); err != nil || time.Since(begin) != 100*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}
