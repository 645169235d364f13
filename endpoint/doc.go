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
// The package knows nothing of text, framing or what is said: options it does
// not understand stay in [Addr.Options] for the layers above to take, and what
// nobody took is an error of Dial and Listen.
package endpoint
