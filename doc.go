// Package sockeye is a socket workbench: it holds, hosts and shows any TCP, UDP,
// Unix, TLS or WebSocket conversation, in any text encoding. The parts are
// packages of their own, each ignorant of those above it:
//
//	endpoint  addresses, and the networks that open them: the host's, and one in memory
//	charset   text encodings: incremental, with error policies, and detected
//	frame     where one message ends; cuts, does no I/O
//	observe   what happened, and who is told: transcript, JSON lines, counters
//	room      a chat room without sockets, over a bus
//	session   the heart: a conversation, who holds it, the server that accepts it
//	term      a terminal with a line to type in
//	handler   ready-made holders: echo, discard, reply, stdio, terminal, chat
//	lan       chat without a server
//
// cmd/sockeye wires them together and prints. arrows_test.go says who may
// import whom.
package sockeye
