package natsbus

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"sockeye.dev/room"
)

// told gathers what HeedRecords tells.
type told chan string

func heedRecords(t *testing.T, b room.Records) told {
	t.Helper()
	c := make(told, 100)
	stop, err := b.HeedRecords(t.Context(), func(key string, value []byte) {
		if value == nil {
			c <- key + " forgotten"
		} else {
			c <- fmt.Sprintf("%s=%s", key, value)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return c
}

func (c told) hears(t *testing.T, want string) {
	t.Helper()
	for late := time.After(40 * time.Second); ; {
		select {
		case got := <-c:
			if got == want {
				return
			}
			t.Logf("told first: %s", got)
		case <-late:
			t.Fatalf("nobody tells %s", want)
		}
	}
}

func record(t *testing.T, b room.Records, key string, value []byte) {
	t.Helper()
	if err := b.Record(t.Context(), key, value); err != nil {
		t.Fatal(err)
	}
}

// What is recorded is there after a restart, whatever its key; what is forgotten is not.
func TestRecords(t *testing.T) {
	dir := t.TempDir()
	long := "topic/" + strings.Repeat("会议室", 60)
	b, err := Open(t.Context(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	heard := heedRecords(t, b)
	if len(heard) > 0 {
		t.Errorf("a new directory has records: %s", <-heard)
	}
	for key, value := range map[string]string{long: "茶", "bar/2001:db8::/64": "", "bar/192.0.2.7/32": "alice"} {
		record(t, b, key, []byte(value))
		heard.hears(t, key+"="+value)
	}
	record(t, b, long, []byte("咖啡"))
	heard.hears(t, long+"=咖啡")
	record(t, b, "bar/192.0.2.7/32", nil)
	heard.hears(t, "bar/192.0.2.7/32 forgotten")
	record(t, b, "bar/nobody", nil) // was never there
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Record(t.Context(), "late", nil); err == nil {
		t.Error("a closed bus records")
	}
	heard = heedRecords(t, openDir(t, Config{Dir: dir}))
	if len(heard) != 2 {
		t.Errorf("%d records are there", len(heard))
	}
	heard.hears(t, "bar/2001:db8::/64=") // in the order in which they were recorded
	heard.hears(t, long+"=咖啡")
}

// A bucket that is deleted loses what was recorded, which is noticed; what is recorded in the next one is heard of.
func TestRecordsAnew(t *testing.T) {
	t.Parallel() // it waits for heartbeats that do not come
	b := openDir(t, Config{})
	heard := heedRecords(t, b)
	record(t, b, "bar/1", []byte("alice"))
	heard.hears(t, "bar/1=alice")
	if err := b.js.DeleteKeyValue(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	heard.hears(t, "bar/1 forgotten")
	record(t, b, "bar/2", []byte("bob"))
	heard.hears(t, "bar/2=bob")
}

// Who stops heeding leaves nothing behind, however much there is to be told.
func TestRecordsStopped(t *testing.T) {
	b := openDir(t, Config{})
	for i := range 600 {
		record(t, b, fmt.Sprint("bar/", i), []byte("alice"))
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	if _, err := b.HeedRecords(ctx, func(string, []byte) {
		if n++; n == 10 {
			cancel()
		}
	}); err == nil && n < 600 {
		t.Errorf("%d records are told of", n)
	}
	told := make(chan struct{}, 1)
	stop, err := b.HeedRecords(t.Context(), func(string, []byte) {
		select {
		case told <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	<-told
	stop()
	stop()
}

// On a cluster every process hears of every record, also after its server has died.
func TestRecordsOnCluster(t *testing.T) {
	c := startCluster(t)
	here, there := c.open(t, 0, 1, 2), c.open(t, 2, 1, 0)
	heard := heedRecords(t, there)
	c.kill(2)
	record(t, here, "bar/192.0.2.7/32", []byte("alice"))
	heard.hears(t, "bar/192.0.2.7/32=alice")
	c.start(t, 2)
	record(t, here, "bar/192.0.2.7/32", nil)
	heard.hears(t, "bar/192.0.2.7/32 forgotten")
	record(t, there, "topic/lobby", []byte("tea"))
	heedRecords(t, here).hears(t, "topic/lobby=tea")
}
