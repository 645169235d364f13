package lab

import "time"

// An app is the application at one end of a TCP connection: what it has to say,
// and what it makes of what it hears. An end plays it on gVisor's stack, a
// kernelEnd on Linux's.
type app struct {
	// What it has to say: the text up to total, then, if finish, the end of it.
	text    text
	out     int // bytes handed to the stack
	total   int
	finish  bool
	shut    bool
	rest    []byte // what is next for the stack; of an echo, what was read
	failure string // what the stack told it

	// What it hears.
	check    streamCheck
	eof      bool
	notUntil time.Duration  // no reading before
	perTick  int            // bytes to read each tick; 0: all there are
	heard    func(p []byte) // is told of what was read
	ended    func()         // and of its end
	abortAt  int            // abort after so many bytes
}

// newApp is the application of a flow at a host: the one that begins, or the one
// that replies.
func newApp(seed uint64, flow, host int, reply bool) app {
	a := app{text: newText(seed, flow, reply), check: streamCheck{text: newText(seed, flow, !reply)}}
	a.check.r.Host = host
	return a
}

// together reports whether both sides of a TCP flow close at CloseAt: it says
// nothing of requests and echoes, which have an end of their own.
func (f Flow) together() bool { return f.CloseAt > 0 && f.Requests == 0 && !f.Echo }

// cast gives both applications of a TCP flow their parts. If they close
// together, the caller has each finish then.
func (f Flow) cast(client, server *app) {
	client.total = f.Bytes
	asked, answered := 0, 0
	switch {
	case f.Requests > 0:
		client.heard = func(p []byte) {
			for answered += len(p); answered >= f.Reply && client.total < f.Bytes*f.Requests; answered -= f.Reply {
				client.total += f.Bytes
			}
			client.finish = client.check.r.Bytes >= f.Reply*f.Requests
		}
		server.heard = func(p []byte) {
			for asked += len(p); asked >= f.Bytes; asked -= f.Bytes {
				server.total += f.Reply
			}
		}
		server.ended = func() { server.finish = true }
	case f.Echo:
		client.finish, client.check.text = true, client.text // it hears itself
		server.heard = func(p []byte) { server.rest = append(server.rest, p...) }
		server.ended = func() { server.finish = true }
	case !f.together():
		client.finish = true
		server.ended = func() { server.total, server.finish = f.Reply, true }
	}
	server.notUntil, server.abortAt = f.At+f.Pause, f.Abort
	if f.Drain > 0 {
		server.perTick = max(f.Drain/int(time.Second/tick), 1)
	}
}

// settle writes down what became of a flow. There is no server if it was for
// everyone, which TCP cannot.
func (r *FlowRun) settle(client, server *app) {
	r.ClientError, r.SentBytes = client.failure, client.out
	if server == nil {
		return
	}
	client.check.end()
	server.check.end()
	there, back := server.check.r, client.check.r
	there.Sent = (client.out + blockSize - 1) / blockSize
	back.Sent = (server.out + blockSize - 1) / blockSize
	if r.Flow.Echo {
		back.Sent = there.Sent
	}
	r.Receipts = []Receipt{there, back}
	r.ServerError = server.failure
	r.Complete = client.out == client.total && client.total > 0 && there.Missing() == 0 && back.Missing() == 0
}
