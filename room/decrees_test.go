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

// A ban that is lifted in one room is lifted in all, also on nodes that come later.
func TestUnbanElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &Mem{Keep: -1}
		config := HouseConfig{Rooms: []Fixed{{"lobby", ""}, {"ops", ""}}, Room: Config{Bus: &wire{Mem: bus}, Secret: "swordfish"}}
		here := openHouse(t, config)
		alice, _ := enter(t, here, "", "alice")
		alice.do(t, "/op swordfish", "/ban 192.0.2.7", "/join ops", "/unban 192.0.2.7")
		synctest.Wait()
		for i, h := range []*House{here, openHouse(t, config)} {
			for _, room := range []string{"lobby", "ops"} {
				if isBarred(t, h, room) {
					t.Errorf("node %d: barred from %s", i, room)
				}
			}
		}
	})
}

// A record that is late does not overrule what another node has decreed since.
func TestLateRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &Mem{Keep: -1}
		late := openHouse(t, HouseConfig{Room: Config{Bus: &full{bus, time.Now().Add(30 * time.Second)}, Secret: "swordfish"}})
		quick := openHouse(t, HouseConfig{Room: Config{Bus: bus, Secret: "swordfish"}})
		alice, _ := enter(t, late, "", "alice")
		alice.do(t, "/op swordfish", "/ban 192.0.2.7")
		bob, _ := enter(t, quick, "", "bob")
		bob.do(t, "/op swordfish", "/unban 192.0.2.7")
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if isBarred(t, late, "") || isBarred(t, quick, "") || len(bus.records) > 0 {
			t.Errorf("recorded: %q", bus.records)
		}
	})
}

// slowRecords is a bus that takes its time to record, and cannot be talked out of it.
type slowRecords struct {
	*Mem
	takes time.Duration
}

func (b *slowRecords) Record(ctx context.Context, key string, value []byte) error {
	time.Sleep(b.takes)
	return b.Mem.Record(ctx, key, value)
}

// Nor does one that is on its way when the other node decrees.
func TestSlowRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &Mem{Keep: -1}
		slow := openHouse(t, HouseConfig{Room: Config{Bus: &slowRecords{bus, 2 * time.Second}, Secret: "swordfish"}})
		quick := openHouse(t, HouseConfig{Room: Config{Bus: bus, Secret: "swordfish"}})
		alice, _ := enter(t, slow, "", "alice")
		alice.do(t, "/op swordfish", "/ban 192.0.2.7")
		time.Sleep(time.Second)
		bob, _ := enter(t, quick, "", "bob")
		bob.do(t, "/op swordfish", "/unban 192.0.2.7")
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if isBarred(t, slow, "") || isBarred(t, quick, "") || len(bus.records) > 0 {
			t.Errorf("recorded: %q", bus.records)
		}
	})
}

// What an operator is told was not sent has not happened either.
func TestBanCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := new(watchedBus)
		h := openHouse(t, HouseConfig{Room: Config{Bus: bus, Secret: "swordfish"}})
		alice, _ := enter(t, h, "", "alice")
		alice.do(t, "/op swordfish")
		bus.set(errors.New("no quorum"))
		time.Sleep(2 * tellAfter)
		if err := alice.Line(t.Context(), "/ban 192.0.2.7"); !errors.Is(err, ErrCutOff) {
			t.Errorf("ban: %v", err)
		}
		bus.set(nil)
		synctest.Wait()
		if isBarred(t, h, "") || len(bus.records) > 0 {
			t.Errorf("recorded: %q", bus.records)
		}
	})
}

// A ban that a room shows late does not undo that it was lifted in another meanwhile.
func TestLateBan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &Mem{Keep: -1}
		h := openHouse(t, HouseConfig{Rooms: []Fixed{{"lobby", ""}, {"ops", ""}}, Room: Config{Bus: bus, Secret: "swordfish"}})
		alice, _ := enter(t, h, "lobby", "alice")
		bob, _ := enter(t, h, "ops", "bob")
		alice.do(t, "/op swordfish")
		bob.do(t, "/op swordfish")
		busy := make(chan struct{})
		if err := alice.Member().Room().between(t.Context(), func() { <-busy }); err != nil {
			t.Fatal(err)
		}
		alice.do(t, "/ban 192.0.2.7")
		if !isBarred(t, h, "ops") {
			t.Error("who is barred gets in")
		}
		bob.do(t, "/unban 192.0.2.7")
		close(busy)
		synctest.Wait()
		if isBarred(t, h, "ops") || len(bus.records) > 0 {
			t.Errorf("recorded: %q", bus.records)
		}
	})
}

// hesitant is a bus whose records cannot be read for a while.
type hesitant struct {
	*Mem
	until time.Time
}

func (b *hesitant) HeedRecords(ctx context.Context, f func(string, []byte)) (func(), error) {
	if time.Now().Before(b.until) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return b.Mem.HeedRecords(ctx, f)
}

// A house opens without its records, and heeds them as soon as it can; what others know in its rooms holds at once.
func TestLateRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := new(Mem)
		before := openHouse(t, HouseConfig{Rooms: []Fixed{{"ops", ""}}, Room: Config{Bus: bus, Secret: "swordfish"}})
		alice, _ := enter(t, before, "", "alice")
		alice.do(t, "/op swordfish", "/ban 192.0.2.7")
		config := HouseConfig{Rooms: []Fixed{{"lobby", ""}, {"ops", ""}}, Room: Config{Secret: "swordfish"}}
		config.Room.Bus = &hesitant{bus, time.Now().Add(time.Minute)}
		h := openHouse(t, config)
		if !isBarred(t, h, "ops") || isBarred(t, h, "lobby") {
			t.Error("before the records are known, who is barred is not what the others say")
		}
		bob, _ := enter(t, h, "", "bob")
		bob.do(t, "/op swordfish", "/ban 192.0.2.8")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if !isBarred(t, h, "") || len(bus.records) != 2 {
			t.Errorf("recorded: %q", bus.records)
		}
	})
}

// A ban that a house has heard of before it knew the records, and that was lifted in a room it does not have, is lifted.
func TestLiftedUnheard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &Mem{Keep: -1}
		config := HouseConfig{Room: Config{Secret: "swordfish"}}
		config.Room.Bus = &hesitant{bus, time.Now().Add(time.Minute)}
		late := openHouse(t, config)
		there := openHouse(t, HouseConfig{Rooms: []Fixed{{"lobby", ""}, {"ops", ""}}, Room: Config{Bus: bus, Secret: "swordfish"}})
		alice, _ := enter(t, there, "", "alice")
		alice.do(t, "/op swordfish", "/ban 192.0.2.7")
		if !isBarred(t, late, "") {
			t.Error("who is barred gets in")
		}
		alice.do(t, "/join ops", "/unban 192.0.2.7")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if isBarred(t, late, "") || isBarred(t, there, "") {
			t.Errorf("recorded: %q", bus.records)
		}
	})
}

// Whom the last operator of a room puts out on the way out stays out.
func TestBanAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &Mem{Keep: -1}
		h := openHouse(t, HouseConfig{Room: Config{Bus: bus, Secret: "swordfish"}})
		eve, err := h.Enter(t.Context(), "den", &guest{source: "192.0.2.7"}, "eve")
		if err != nil {
			t.Fatal(err)
		}
		alice, _ := enter(t, h, "den", "alice")
		alice.do(t, "/op swordfish")
		for _, line := range []string{"/ban eve", "/ban 192.0.2.9"} {
			if err := alice.Line(t.Context(), line); err != nil {
				t.Error(err)
			}
		}
		alice.Leave("")
		eve.Leave("")
		synctest.Wait()
		if len(bus.records) != 2 {
			t.Errorf("recorded: %q", bus.records)
		}
	})
}

// A topic that an operator had set does not come back after the configuration's have come and gone, neither from a record
// nor from the history.
func TestTopicOfTheConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := new(Mem)
		at := func(topic string) *House {
			h, err := OpenHouse(t.Context(), HouseConfig{Rooms: []Fixed{{"ops", topic}}, Room: Config{Bus: bus, Secret: "swordfish"}})
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		h := at("incidents")
		alice, _ := enter(t, h, "", "alice")
		alice.do(t, "/op swordfish", "/topic party")
		h.Close()
		for _, topic := range []string{"incidents", "changes", ""} {
			h = at(topic)
			synctest.Wait()
			if got := h.Rooms()[0].Topic(); got != topic {
				t.Errorf("topic %q, want %q", got, topic)
			}
			h.Close()
		}
	})
}

// isBarred reports whether eve, from 192.0.2.7, is not let into a room.
func isBarred(t *testing.T, h *House, room string) bool {
	t.Helper()
	v, err := h.Enter(t.Context(), room, &guest{source: "192.0.2.7"}, "eve")
	if err == nil {
		v.Leave("")
		synctest.Wait()
	} else if !errors.Is(err, ErrBarred) {
		t.Error(err)
	}
	return err != nil
}
