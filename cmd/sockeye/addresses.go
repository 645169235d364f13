package main

import "github.com/spf13/cobra"

// addressesCmd is a page of the manual.
func (a *app) addressesCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "addresses",
		Short: "How addresses are written, and their options",
		Long: `tcp://localhost:7788        a name, an IP (IPv6 in brackets), a service name
tcp://:7788  :7788          every interface; to connect: this machine
udp://239.1.2.3:7890        also to a multicast group or a broadcast address
tls://localhost:7443        TLS over TCP
ws://localhost:8080/path    WebSocket; wss:// over TLS
unix:///run/app.sock        a path; also unix:./app.sock, unix:@abstract
unixgram:///run/app.sock    datagrams between the programs of one machine
TCP:localhost:7788,nodelay  socat's spelling, for TCP, UDP, UNIX, OPENSSL

Options follow as a query: tcp://localhost:7788?encoding=gbk&frame=line

all       encoding  send-encoding  legacy  errors  frame  idle: as the flags
sockets   ip=4|6  timeout=2s  bind=HOST:PORT  rcvbuf=1M  sndbuf=1M
          backlog=4096  reuseaddr=on  reuseport=on
tcp       nodelay=off  keepalive=30s|off  proxy=URL  proxyproto=1|2|on
udp       peers=10000  queue=256k  broadcast=on
groups    iface=eth0|ADDR|all  ttl=1  loop=off  source=ADDR
tls, wss  cert=FILE  key=FILE  ca=FILE  pin=SHA256  insecure=on  sni=NAME
          clientca=FILE  alpn=h2,...  minver=1.2  keylog=FILE  closenotify=on
ws, wss   type=text|binary  max=1M  protocol=a,b  origin=SITE  hosts=NAME,...
          auth=USER:PASS  header=NAME:VALUE`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
}
