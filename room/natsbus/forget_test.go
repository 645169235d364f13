package natsbus

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"sockeye.dev/room"
)

// A room that nothing is kept of is forgotten, and its numbers are not given again, whenever it comes back.
func TestForget(t *testing.T) {
	dir := t.TempDir()
	b := openDir(t, Config{Dir: dir})
	say(t, b, "said", "something")
	for range 3 {
		publish(t, b, "quiet", room.Message{Kind: room.Join, From: "ann"})
	}
	for _, name := range []string{"said", "quiet", "never"} {
		if err := b.Forget(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	if names, err := b.Rooms(t.Context()); err != nil || !slices.Equal(names, []string{"said"}) {
		t.Errorf("kept are %q, %v", names, err)
	}
	in := subscribe(t, b, "quiet", room.Recent(20))
	if seq := say(t, b, "quiet", "hello"); seq != 4 {
		t.Errorf("Seq %d", seq)
	}
	in.wait(t, 1)
	if seq := say(t, b, "said", "more"); seq != 2 {
		t.Errorf("Seq %d", seq)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}

	b = openDir(t, Config{Dir: dir, MaxMessages: 10})
	in = subscribe(t, b, "quiet", room.After(0))
	if seq := say(t, b, "quiet", "again"); seq != 5 {
		t.Errorf("Seq %d after a restart", seq)
	}
	if got := in.wait(t, 2); got[0].Seq != 4 || got[0].Text != "hello" || got[1].Seq != 5 {
		t.Errorf("kept was %+v", got)
	}
	publish(t, b, "other", room.Message{Kind: room.Join, From: "ann"}) // 4
	publish(t, b, "other", room.Message{Kind: room.Leave, From: "ann"})
	if err := b.Forget(t.Context(), "other"); err != nil {
		t.Error(err)
	}
	if err := b.Forget(t.Context(), "quiet"); err != nil {
		t.Error(err)
	}
	if seq := say(t, b, "other", "hello"); seq != 6 {
		t.Errorf("Seq %d of another", seq)
	}
	if seq := say(t, b, "quiet", "still here"); seq != 6 {
		t.Errorf("Seq %d", seq)
	}
}

// That holds also of rooms that are forgotten at once.
func TestForgetAtOnce(t *testing.T) {
	b := openDir(t, Config{})
	const rooms = 8
	for i := range rooms {
		for range 5*i + 1 {
			publish(t, b, fmt.Sprint(i), room.Message{Kind: room.Join, From: "ann"})
		}
	}
	var all sync.WaitGroup
	for i := range rooms {
		all.Go(func() {
			if err := b.Forget(t.Context(), fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if seq := say(t, b, fmt.Sprint(rooms-1), "hello"); seq != 5*(rooms-1)+2 {
		t.Errorf("Seq %d", seq)
	}
}
