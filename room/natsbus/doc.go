// Package natsbus is a room.Bus whose messages are kept by NATS JetStream: on disk in this process, or on a cluster.
//
// With Config.Dir the server is embedded: no port, no signals, reached through memory, its store in that directory, one
// process at a time. With Config.URLs the same streams live on servers that exist already, and processes that share them
// share their rooms.
//
//	Publish ──► <stream>.say | .event ══ JetStream numbers and stores ══► PubAck: the Seq
//	                                            │
//	                      ordered consumer, resumed after the last Seq delivered ──► deliver
//
// A room is a stream of its own, so a room's Seq is its stream's sequence and the limits of history hold per room. What
// is said and what merely happens are two subjects of that stream: the last things said are found by counting, not by
// reading.
//
// What Publish has returned for is never lost to a dying process: embedded, the message is in the kernel's page cache
// (and on the disk within Config.SyncInterval, or at once with SyncAlways); on a cluster, a quorum of the replicas has
// it. A message is sent again while its answer is missing, and the server recognises it, so it is stored once.
//
//	bus, err := natsbus.Open(ctx, natsbus.Config{Dir: "/var/lib/sockeye"})
//	...
//	defer bus.Close()
//	lobby, err := room.Open(ctx, room.Config{Name: "lobby", Bus: bus})
package natsbus
