//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"sockeye.dev/bench/internal/measure"
)

// A hub is a program that passes on what one says to all the others.
type hub struct {
	name  string
	ours  bool
	most  int  // members it can have; 0: as many as wanted
	cuts  bool // messages where a read ends: the window must fit into one
	argv  func(dir, port string) []string
	proto proto
}

// A proto is what a client of a hub has to say and to wait for.
type proto struct {
	hello  func(i int) []byte        // nil: nothing is said; 0 is the speaker
	ready  func(speaker bool) []byte // part of the answer; nil: there is none
	frame  func(dst, payload []byte) []byte
	atOnce int // how many may be on their way in: the backlog of ncat and ngircd is 10
}

func always(s string) func(bool) []byte { return func(bool) []byte { return []byte(s) } }

func line(dst, p []byte) []byte { return append(append(dst, p...), '\n') }

var (
	roomProto   = proto{nil, always("/nick NAME"), line, 256}
	brokerProto = proto{nil, nil, line, 8}
	chatProto   = proto{nil, always("already connected: "), line, 8}

	natsProto = proto{
		func(i int) []byte {
			s := "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false,\"lang\":\"fan\",\"version\":\"0\"}\r\n"
			if i > 0 {
				s += "SUB fan 1\r\n"
			}
			return []byte(s + "PING\r\n")
		},
		always("PONG\r\n"),
		func(dst, p []byte) []byte {
			dst = fmt.Appendf(dst, "PUB fan %d\r\n", len(p))
			return append(append(dst, p...), "\r\n"...)
		},
		256,
	}
	ircProto = proto{
		func(i int) []byte { return fmt.Appendf(nil, "NICK m%d\r\nUSER fan 0 * :fan\r\nJOIN #fan\r\n", i) },
		always(" 366 "),
		func(dst, p []byte) []byte {
			dst = append(append(dst, "PRIVMSG #fan :"...), p...)
			return append(dst, "\r\n"...)
		},
		8,
	}
	mqttProto = proto{
		func(i int) []byte {
			id := fmt.Sprintf("m%d", i)
			p := append([]byte{0x10, byte(12 + len(id)), 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, byte(len(id))}, id...)
			if i > 0 {
				p = append(p, 0x82, 8, 0, 1, 0, 3, 'f', 'a', 'n', 0)
			}
			return p
		},
		func(speaker bool) []byte {
			if speaker {
				return []byte{0x20, 2, 0, 0}
			}
			return []byte{0x90, 3, 0, 1, 0}
		},
		func(dst, p []byte) []byte {
			dst = binary.AppendUvarint(append(dst, 0x30), uint64(5+len(p)))
			return append(append(dst, 0, 3, 'f', 'a', 'n'), p...)
		},
		256,
	}
)

func config(dir, name, text string) string {
	path := filepath.Join(dir, name)
	measure.Check(os.WriteFile(path, []byte(text), 0o644))
	return path
}

// hubs are all that are measured, in the table's order.
func hubs(sockeye, nats string) []hub {
	const selectMost = 1000 // ncat waits with select, which counts to 1,024
	return []hub{
		{name: "sockeye serve", ours: true, proto: roomProto, argv: serve(sockeye)},
		{name: "sockeye ncat --broker", ours: true, proto: brokerProto, argv: broker(sockeye, "ncat", "--broker")},
		{name: "sockeye ncat --chat", ours: true, cuts: true, proto: chatProto, argv: broker(sockeye, "ncat", "--chat")},
		{name: "nats-server", proto: natsProto, argv: func(dir, port string) []string {
			return []string{nats, "-c", config(dir, "nats.conf", "listen: 127.0.0.1:"+port+"\nping_interval: \"1h\"\nmax_connections: 20000\nlog_file: \"/dev/null\"\n")}
		}},
		{name: "mosquitto", proto: mqttProto, argv: func(dir, port string) []string {
			return []string{"mosquitto", "-c", config(dir, "mosquitto.conf", "listener "+port+" 127.0.0.1\nallow_anonymous true\nmax_connections -1\npersistence false\nlog_dest none\nuser root\nset_tcp_nodelay true\nsys_interval 0\n")}
		}},
		{name: "ngircd", proto: ircProto, argv: func(dir, port string) []string {
			return []string{"ngircd", "-n", "-f", config(dir, "ngircd.conf", "[Global]\nName = irc.fan.test\nInfo = fan\nListen = 127.0.0.1\nPorts = "+port+
				"\nMotdPhrase = fan\nServerUID = irc\nServerGID = irc\n[Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\nMaxPenaltyTime = 0\nPingTimeout = 3600\n[Options]\nDNS = no\nIdent = no\nPAM = no\nIncludeDir = "+dir+"/none\n")}
		}},
		{name: "ncat --broker", most: selectMost, proto: brokerProto, argv: broker("ncat", "--broker")},
		{name: "ncat --chat", most: selectMost, cuts: true, proto: chatProto, argv: broker("ncat", "--chat")},
	}
}

func serve(sockeye string) func(dir, port string) []string {
	return func(_, port string) []string {
		return []string{sockeye, "serve", "--lang", "en", "--no-history", "--listen", "tcp://127.0.0.1:" + port}
	}
}

func broker(command ...string) func(dir, port string) []string {
	return func(_, port string) []string {
		return append(command[:len(command):len(command)], "-l", "127.0.0.1", port, "--max-conns", "15000")
	}
}

// A process is a hub that runs.
type process struct {
	*measure.Process
	stdin *os.File // held open: a broker's own words
	port  string
}

func (h *hub) start(dir string) *process {
	port := measure.FreePort()
	argv := h.argv(dir, port)
	in, hold, err := os.Pipe()
	measure.Check(err)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin = in
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "PATH="+os.Getenv("PATH")+":/usr/sbin")
	started, err := measure.Start(cmd)
	measure.Check(err)
	in.Close()
	p := &process{started, hold, port}
	if !measure.AwaitListener(port) {
		p.stop()
		log.Fatalf("%s: nothing listens on port %s\n%s", h.name, port, p.Words())
	}
	return p
}

func (p *process) stop() {
	p.Stop()
	p.stdin.Close()
}
