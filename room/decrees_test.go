package room

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What operators decree outlives the process, holds in every house on the bus, and is forgotten when it is lifted.
func TestDecreesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &Mem{Keep: -1}
		config := HouseConfig{Room: Config{Bus: &wire{Mem: bus}, Secret: "swordfish"}}
		barred := func(h *House) bool {
			t.Helper()
			v, err := h.Enter(t.Context(), "", &guest{source: "192.0.2.7"}, "eve")
			if err == nil {
				v.Leave("")
			} else if !errors.Is(err, ErrBarred) {
				t.Error(err)
			}
			return err != nil
		}
		first, err := OpenHouse(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		beside := openHouse(t, HouseConfig{Room: Config{Bus: &wire{Mem: bus}, Name: "elsewhere"}})
		alice, _ := enter(t, first, "", "alice")
		alice.do(t, "/op swordfish", "/topic tea", "/ban 192.0.2.7", "/join den", "/topic dens")
		synctest.Wait()
		if !barred(first) || !barred(beside) {
			t.Error("who is barred gets in")
		}
		alice.do(t, "/leave")
		first.Close()

		second, err := OpenHouse(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		if !barred(second) {
			t.Error("who was barred gets in after a restart")
		}
		if got := second.Rooms()[0].Topic(); got != "tea" {
			t.Errorf("the topic is %q", got)
		}
		bob, b := enter(t, second, "den", "bob")
		bob.do(t, "/op swordfish", "/topic", "/join lobby", "/topic", "/unban 192.0.2.7")
		synctest.Wait()
		if got := strings.Join(b.take(), "\n"); !strings.Contains(got, "dens") || !strings.Contains(got, "tea") {
			t.Errorf("bob sees %q", got)
		}
		if barred(second) || barred(beside) {
			t.Error("who is not barred any more does not get in")
		}
		if err := second.SetRooms(t.Context(), []Fixed{{"lobby", "coffee"}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		second.Close()

		third := openHouse(t, config) // whose configuration has no topic
		if got := third.Rooms()[0].Topic(); got != "" || barred(third) {
			t.Errorf("at last the topic is %q, and barred: %v", got, barred(third))
		}
	})
}

// full is a bus that keeps no records for a while.
type full struct {
	*Mem
	until time.Time
}

func (b *full) Record(ctx context.Context, key string, value []byte) error {
	if time.Now().Before(b.until) {
		return errors.New("disk full")
	}
	return b.Mem.Record(ctx, key, value)
}

// What cannot be recorded is said, and recorded when it can be: the last of it.
func TestDecreesAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		bus := &full{new(Mem), time.Now().Add(10 * time.Minute)}
		h := openHouse(t, HouseConfig{Room: Config{Bus: bus, Secret: "swordfish", Log: slog.New(slog.NewTextHandler(&log, nil))}})
		alice, _ := enter(t, h, "", "alice")
		alice.do(t, "/op swordfish", "/topic one", "/ban 192.0.2.7")
		synctest.Wait()
		alice.do(t, "/topic two", "/unban 192.0.2.7")
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if len(bus.records) != 1 || string(bus.records["topic/lobby"]) != "two" || !strings.Contains(log.String(), "disk full") {
			t.Errorf("recorded: %q; log: %s", bus.records, log.String())
		}
	})
}
