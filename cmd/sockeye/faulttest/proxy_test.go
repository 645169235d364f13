//go:build unix

package faulttest

import (
	"net"
	"sync"
	"testing"
)

// A proxy is a way to a server that can be cut.
type proxy struct {
	ln      net.Listener
	to      string
	running sync.WaitGroup

	mu    sync.Mutex
	open  map[net.Conn]bool
	state string // "", or how it is cut: closed, or silent
	heals chan struct{}
	over  bool
}

func startProxy(t *testing.T, to string) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln, to: to, open: make(map[net.Conn]bool), heals: make(chan struct{})}
	p.running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			p.running.Go(func() { p.relay(conn) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		p.mu.Lock()
		p.over = true
		p.mu.Unlock()
		p.cut("closed")
		p.heal()
		p.running.Wait()
	})
	return p
}

func (p *proxy) url() string { return "nats://" + p.ln.Addr().String() }

// cut closes every connection and each new one, or keeps them and carries nothing: "closed" or "silent".
func (p *proxy) cut(how string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = how
	if how == "closed" {
		for conn := range p.open {
			conn.Close()
		}
	}
}

// heal has it carry everything again, also what has come meanwhile.
func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = ""
	close(p.heals)
	p.heals = make(chan struct{})
}

// keep takes note of a connection, and reports whether there is to be one.
func (p *proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over || p.state == "closed" {
		conn.Close()
		return false
	}
	p.open[conn] = true
	return true
}

// silence waits while nothing is to be carried.
func (p *proxy) silence() {
	for {
		p.mu.Lock()
		silent, heals := p.state == "silent", p.heals
		p.mu.Unlock()
		if !silent {
			return
		}
		<-heals
	}
}

func (p *proxy) relay(client net.Conn) {
	if !p.keep(client) {
		return
	}
	server, err := net.Dial("tcp", p.to)
	if err != nil || !p.keep(server) {
		client.Close()
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		both.Go(func() {
			defer client.Close()
			defer server.Close()
			buf := make([]byte, 32<<10)
			for {
				n, err := way[0].Read(buf)
				if err != nil {
					return
				}
				p.silence()
				if _, err := way[1].Write(buf[:n]); err != nil {
					return
				}
			}
		})
	}
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, client)
	delete(p.open, server)
}
