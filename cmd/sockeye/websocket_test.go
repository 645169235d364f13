package main

import (
	"testing"

	"sockeye.dev/endpoint"
)

// A text message is UTF-8 by definition, so that other encodings, of which some
// words look like it, and bytes go as binary ones.
func TestWebSocketMessages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
		text bool
	}{
		{[]string{"目录"}, "目录", true},
		{[]string{"目录", "--encoding", "utf-8"}, "目录", true},
		{[]string{"目录", "--encoding", "gbk"}, "\xc4\xbf\xc2\xbc", false},
		{[]string{"hi", "--send-encoding", "shift_jis"}, "hi", false},
		{[]string{"68 69", "--hex"}, "hi", false},
	} {
		ln, err := endpoint.Host{}.Listen(t.Context(), endpoint.Addr{Scheme: "ws", Host: "127.0.0.1"})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			conn, err := ln.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			c := conn.(endpoint.WSConn)
			got, err := c.ReadMessage(nil)
			if err != nil || string(got) != test.want || c.Text() != test.text {
				t.Errorf("%q: %q, text %v, %v", test.args, got, c.Text(), err)
			}
		}()
		args := append([]string{"send", "ws://" + ln.Addr().String(), "--no-wait"}, test.args...)
		if _, errs, code := result(t, command(t, args...)); code != 0 {
			t.Errorf("%q: %s, exit %d", test.args, errs, code)
		}
		<-done
		_ = ln.Close()
	}
}
