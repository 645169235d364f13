// Package room is a chat room without sockets: members, commands, and the Bus the room speaks over.
//
// The room knows its members only through the one-method Screen and the other rooms of the same name only through the
// Bus, so it can be tested, embedded and clustered without opening a socket. Encodings, framing and connections belong
// to whoever implements Screen; history on disk and clusters belong to whoever implements Bus.
//
//	Member.Line ──► Bus.Publish ══ numbers the messages ══► deliver ──► queue ──► one goroutine ──► Screen.Show
//	(any goroutine)                                        (the bus's)            (the room's)      (every member)
//
// The way out and back through the bus is what makes the order the same for everybody, the author included: membership
// too changes only when a Join or a Leave comes back. The last step is a single goroutine per room, which renders a
// message once and shows the same *Line to every member. There is no goroutine per member and none per message.
//
//	lobby, err := room.Open(ctx, room.Config{Name: "lobby"})
//	...
//	defer lobby.Close()
//	alice, err := lobby.Join(ctx, screen, "alice") // the others see: * alice joined
//	err = alice.Line(ctx, "hello")                 // the others see: <alice> hello
package room
