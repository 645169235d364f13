package natsbus

import (
	"errors"
	"testing"

	"sockeye.dev/room"
)

func TestStats(t *testing.T) {
	b := openDir(t, Config{})
	kept := func(name string, want uint64) (bytes uint64) {
		t.Helper()
		messages, bytes, err := b.Kept(t.Context(), name)
		if err != nil || messages != want || (bytes > 0) != (want > 0) {
			t.Errorf("Kept(%q) = %d, %d, %v; want %d messages", name, messages, bytes, err, want)
		}
		return bytes
	}
	oldest := func(name string, want uint64) {
		t.Helper()
		if seq, err := b.Oldest(t.Context(), name); err != nil || seq != want {
			t.Errorf("Oldest(%q) = %d, %v; want %d", name, seq, err, want)
		}
	}
	kept("lobby", 0)
	oldest("lobby", 1)
	in := subscribe(t, b, "lobby", room.Latest)
	say(t, b, "lobby", "one")
	in.upTo(t, say(t, b, "lobby", "two"))
	if _, err := b.Publish(t.Context(), "lobby", room.Message{Kind: room.Say, Text: string(make([]byte, 2<<20))}); err == nil {
		t.Error("a message of 2 MiB is taken")
	}
	if bytes := kept("lobby", 2); bytes > 1000 {
		t.Errorf("two short messages take %d bytes", bytes)
	}
	oldest("lobby", 1)
	if s, err := b.js.Stream(t.Context(), placeOf("lobby").stream); err != nil {
		t.Error(err)
	} else if err := s.Purge(t.Context()); err != nil {
		t.Error(err)
	}
	oldest("lobby", 3)
	kept("never used", 0)
	if got, want := b.Stats(), (Stats{Published: 2, Failed: 1, Delivered: 2}); got != want {
		t.Errorf("Stats are %+v, want %+v", got, want)
	}
	told := watch(t, b)
	if err := b.nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	for told.next(t) != nil {
	}
	in.upTo(t, say(t, b, "lobby", "three"))
	if got, want := b.Stats(), (Stats{Published: 3, Failed: 1, Delivered: 3, Resumed: 1, Reconnects: 1}); got != want {
		t.Errorf("Stats are %+v, want %+v", got, want)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := b.Kept(t.Context(), "lobby"); !errors.Is(err, ErrClosed) {
		t.Errorf("Kept after Close: %v", err)
	}
}

func TestKeptOnCluster(t *testing.T) {
	c := startCluster(t)
	b := c.open(t, 0, 1, 2)
	say(t, b, "kept", "one")
	if messages, bytes, err := b.Kept(t.Context(), "kept"); messages != 1 || bytes == 0 || err != nil {
		t.Errorf("Kept = %d, %d, %v", messages, bytes, err)
	}
}
