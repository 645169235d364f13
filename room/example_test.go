package room_test

import (
	"context"
	"fmt"

	"sockeye.dev/room"
)

// Window prints what a member sees.
type Window string

func (w Window) Show(b *room.Block) error {
	for _, l := range b.Lines {
		if _, err := fmt.Printf("%s | %s\n", w, l.Text); err != nil {
			return err
		}
	}
	return nil
}

// Two people meet. Nobody sees again what they have said themselves.
func Example() {
	ctx := context.Background()
	lobby, err := room.Open(ctx, room.Config{Name: "lobby"})
	if err != nil {
		fmt.Println(err)
		return
	}
	alice, _ := lobby.Join(ctx, Window("alice's"), "alice")
	bob, _ := lobby.Join(ctx, Window("bob's  "), "bob")
	alice.Line(ctx, "hello, bob")
	bob.Line(ctx, "/nick robert")
	lobby.Close()

	// Output:
	// alice's | * welcome to lobby, you are alice; nobody else is here yet
	// alice's | * /help lists the commands, /nick NAME changes your name
	// alice's | * alice joined
	// bob's   | * welcome to lobby, you are bob; here: alice
	// bob's   | * /help lists the commands, /nick NAME changes your name
	// alice's | * bob joined
	// bob's   | * bob joined
	// bob's   | <alice> hello, bob
	// alice's | * bob is now robert
	// bob's   | * bob is now robert
	// alice's | * the room is closing
	// bob's   | * the room is closing
}

// A command of one's own: what a member types after /double comes back to it alone.
func ExampleCommand() {
	ctx := context.Background()
	double := room.Command{Name: "double", Args: "TEXT", Help: "say it twice, to yourself",
		Run: func(ctx context.Context, m *room.Member, args string) error { return m.Tell(ctx, args+args) }}
	r, err := room.Open(ctx, room.Config{Commands: []room.Command{double}})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, _ := r.Join(ctx, Window("me"), "me")
	m.Line(ctx, "/double tweet")
	r.Close()

	// Output:
	// me | * welcome to lobby, you are me; nobody else is here yet
	// me | * /help lists the commands, /nick NAME changes your name
	// me | * me joined
	// me | * tweettweet
	// me | * the room is closing
}

// A Bus can be listened to without a room, for instance to keep a log.
func ExampleMem() {
	ctx := context.Background()
	var bus room.Mem
	cancel, err := bus.Subscribe(ctx, "lobby", room.Latest, func(m room.Message) {
		fmt.Printf("%d %v %s %q\n", m.Seq, m.Kind, m.From, m.Text)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cancel()
	bus.Publish(ctx, "lobby", room.Message{Kind: room.Join, From: "alice"})
	bus.Publish(ctx, "lobby", room.Message{Kind: room.Say, From: "alice", Text: "hello"})

	// Output:
	// 1 join alice ""
	// 2 say alice "hello"
}
