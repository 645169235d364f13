// Package endpoint knows addresses and how they are opened. [Parse] reads one
// grammar for every kind of socket; a [Network] dials and listens at what it
// read: [Host] is this machine's sockets, [Mem] a whole network in memory for
// tests, inside testing/synctest too.
//
//	a, err := endpoint.Parse("udp://:7788?idle=10s")
//	...
//	ln, err := endpoint.Host{}.Listen(ctx, a)
//	...
//	conn, err := ln.Accept() // one conn per UDP peer: answers reach the right one
//
// Streams come back as the plain *net.TCPConn and *net.UnixConn, so that splice,
// writev and syscall.RawConn stay in reach. Datagrams come back as a
// [MessageConn], which never cuts a message silently; a UDP listener yields one
// conversation per peer and answers from the address it was asked at.
//
// Dialing a multicast group or a broadcast address begins one conversation with
// everybody there: reads give what anyone answers, and [Fromer] says who.
// Listening at a group's address joins it. unixgram is datagrams that wait for
// their reader instead of being lost; both sides have names.
//
// tls is TLS over tcp: Dial shakes hands, and Accept yields who has, so that a
// silent peer delays nobody. A listener without a certificate makes one up and
// tells its fingerprint, which the client's option pin takes. What goes wrong
// with certificates, handshakes and proxies is a [PeerError], in words.
//
//	tls://:7788                                     listen; see [Fingerprinter]
//	tls://host:7788?pin=sha256:2c26…                 dial; see [TLSConn]
//	tcp://host:7788?proxy=socks5://user:pass@gate:1080
//	tcp://127.0.0.1:7788?proxyproto=on              behind haproxy, and nobody else
//
// ws and wss are WebSocket (RFC 6455) over tcp and tls, and a message is a
// message: see [WSConn]. A listener keeps out the pages of other sites, which a
// browser would let connect to any server: a page's Origin has to be the Host it
// asks for, and that an address, localhost, the name listened at or one of the
// option hosts. Other names anybody can point at this machine, loopback too (DNS
// rebinding). The option origin lets sites in instead. Who sends no Origin is no
// browser and may ask for any Host.
//
//	wss://:7788/chat?hosts=chat.example              listen, for pages of chat.example
//	wss://:7788/chat?origin=https://a.example        listen, for pages of another server
//	ws://user:pass@host:8080/path%3Froom=1           dial; the server's query is room=1
//
// A listener may also be put over a socket that somebody else has opened, as
// systemd does: Host's field Inherited has it. [Addr.Check] says what is wrong
// with an address before anything is opened.
//
// The package knows nothing of text, framing or what is said: options it does
// not understand stay in [Addr.Options] for the layers above to take, and what
// nobody took is an error of Dial and Listen.
package endpoint
