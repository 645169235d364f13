package main

import (
	"context"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"sockeye.dev/charset"
	"sockeye.dev/endpoint"
	"sockeye.dev/handler"
	"sockeye.dev/room"
	"sockeye.dev/room/natsbus"
	"sockeye.dev/session"
)

func (a *app) serveCmd() *cobra.Command {
	var t talk
	var tls secure
	var listen []string
	var data string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "A chat room that any socket can join",
		Long: `Serve opens one chat room to any TCP or UDP socket: each member in its own
encoding, a line or 50 ms of silence ending a message. Newcomers see what was said
last; with --data also what was said before the room was opened.`,
		Example: `  sockeye serve
  sockeye serve --listen tcp://127.0.0.1:9000 --listen unix:./room.sock`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("serve %s: this version reads no file; use --listen", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			config := room.Config{Texts: a.lang.roomTexts()}
			if data != "" {
				bus, openErr := natsbus.Open(cmd.Context(), natsbus.Config{Dir: data, Log: a.log()})
				if openErr != nil {
					return openErr
				}
				defer func() { err = and(err, bus.Close()) }()
				config.Bus = bus
			}
			lobby, err := room.Open(cmd.Context(), config)
			if err != nil {
				return err
			}
			defer lobby.Close()
			chat := &handler.Chat{Room: lobby}
			var plans []plan
			for _, arg := range listen {
				addr, err := address(arg)
				if err != nil {
					return err
				}
				p, err := a.hosting(&t, addr, handler.ByMessage)
				if err != nil {
					return err
				}
				if !p.framed {
					p.config.Format.Framing = handler.ByMessage // a line to a datagram member too
				}
				if t.errors == "" {
					p.config.Format.Encode = charset.Replace // no member loses a line for one character
				}
				p.config.MaxMessage, p.config.Amplify = 16<<10, 1
				plans = append(plans, p)
			}
			addrs := make([]*endpoint.Addr, len(plans))
			for i := range plans {
				addrs[i] = &plans[i].addr
			}
			if err := tls.apply(a, addrs...); err != nil {
				return err
			}
			observer, closeRecord, err := a.observers(&t, encodingOf(plans))
			if err != nil {
				return err
			}
			defer func() { err = and(err, closeRecord()) }()
			var doors []door
			for _, p := range plans {
				p.config.Observer = observer
				doors = append(doors, door{p.addr, &session.Server{Handler: chat, Config: p.config, Log: a.log()}})
			}
			// The room says that it closes while its members are still there.
			ctx, stop := context.WithCancelCause(context.WithoutCancel(cmd.Context()))
			defer stop(nil)
			leave := context.AfterFunc(cmd.Context(), func() {
				_ = lobby.Close()
				stop(context.Cause(cmd.Context()))
			})
			defer leave()
			return a.host(ctx, doors, a.howTo, nil)
		},
	}
	t.register(cmd.Flags())
	tls.registerListen(cmd)
	cmd.Flags().StringVar(&data, "data", "", "keep what is said in `directory`, so that it survives (30 days, 10,000 messages)")
	cmd.Flags().StringArrayVar(&listen, "listen", []string{"tcp://127.0.0.1:7788", "udp://127.0.0.1:7788"}, "`address` to listen on; may be repeated")
	return cmd
}

// howTo says how to talk to the room.
func (a *app) howTo(listeners []net.Listener) {
	for _, ln := range listeners {
		at, ok := ln.Addr().(*net.TCPAddr)
		if !ok {
			continue
		}
		host, port := "127.0.0.1", fmt.Sprint(at.Port)
		if !at.IP.IsUnspecified() {
			host = at.IP.String()
		}
		a.note(`talk to it:
  nc %s %s
  sockeye connect %s
  python3 -c 'import socket; s=socket.create_connection(("%s",%s)); s.sendall("你好\n".encode()); print(s.recv(1024).decode())'`,
			host, port, net.JoinHostPort(host, port), host, port)
		return
	}
}
