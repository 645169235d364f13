package natsbus

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"sockeye.dev/room"
)

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	for i := range uint64(4) {
		b := openDir(t, Config{Dir: dir})
		in := subscribe(t, b, "r", room.After(0))
		for j := range uint64(10) {
			if seq := say(t, b, "r", fmt.Sprint(i)); seq != 10*i+j+1 {
				t.Errorf("Seq %d", seq)
			}
		}
		for j, m := range in.wait(t, int(10*i+10)) {
			if m.Seq != uint64(j+1) || m.Text != fmt.Sprint(j/10) {
				t.Fatalf("message %d is %+v", j+1, m)
			}
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The limits hold, also when they change between two runs.
func TestLimits(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		c     Config
		first uint64 // of 100 more messages of 1000 bytes
	}{
		{Config{MaxMessages: 30}, 71},
		{Config{MaxMessages: -1}, 71},
		{Config{MaxBytes: 20_000}, 280}, // about 1080 bytes each
	} {
		tt.c.Dir = dir
		b := openDir(t, tt.c)
		var last uint64
		for range 100 {
			last = say(t, b, "r", strings.Repeat("x", 1000))
		}
		got := subscribe(t, b, "r", room.After(0)).upTo(t, last)
		if first := got[0].Seq; first < tt.first || first > tt.first+5 {
			t.Errorf("%+v: the first is %d of %d, want %d", tt.c, first, last, tt.first)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b := openDir(t, Config{Dir: dir, MaxAge: 100 * time.Millisecond})
	for { // nothing to await: the server drops in its own time
		info, err := b.state(t.Context(), b.room("r"))
		if err != nil {
			t.Fatal(err)
		}
		if info.State.Msgs == 0 {
			break
		}
	}
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	b := openDir(t, Config{Dir: dir})
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "NATSBUS_RIVAL="+dir)
	out, err := cmd.Output()
	want := fmt.Sprintf("natsbus: open %s: it is in use by process %d", dir, os.Getpid())
	if err != nil || string(out) != want {
		t.Errorf("another process gets %q, %v; want %q", out, err, want)
	}
	if _, err := Open(t.Context(), Config{Dir: dir}); err == nil || err.Error() != want {
		t.Errorf("ours gets %v", err)
	}
	say(t, b, "r", "still works")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	openDir(t, Config{Dir: dir})
}

func rival(dir string) {
	_, err := Open(context.Background(), Config{Dir: dir})
	fmt.Print(err)
	os.Exit(0)
}

func TestOpenErrors(t *testing.T) {
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]Config{
		"neither a directory nor servers": {},
		"both a directory and servers":    {Dir: "x", URLs: []string{"y"}},
		"certificate and its key":         {URLs: []string{"y"}, CertFile: "x"},
		file + ": mkdir":                  {Dir: file},
		"connection refused":              {URLs: []string{"nats://127.0.0.1:1", "nats://u:geheim@127.0.0.1:2"}},
	} {
		_, err := Open(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q does not contain %q", err, want)
		}
	}
}

// kill -9 while several goroutines publish loses nothing that was acknowledged and doubles nothing.
func TestKilled(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	acked := map[string]uint64{}
	for run := range 3 {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), "NATSBUS_VICTIM="+dir)
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n, until := 0, 500+rand.IntN(1500); lines.Scan(); n++ {
			seq, text, ok := strings.Cut(lines.Text(), " ")
			number, err := strconv.ParseUint(seq, 10, 64)
			if !ok || err != nil {
				t.Fatalf("the victim says %q", lines.Text())
			}
			acked[fmt.Sprint(run, " ", text)] = number
			if n == until {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				until = -1
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Error("the victim ended by itself")
		}
		b := openDir(t, Config{Dir: dir})
		end := say(t, b, "r", "end")
		got := subscribe(t, b, "r", room.After(0)).upTo(t, end)
		ends, seen := 0, map[string]uint64{}
		for _, m := range got {
			if m.Text == "end" {
				ends++
				continue
			}
			key := fmt.Sprint(ends, " ", m.Text)
			if seen[key] != 0 {
				t.Errorf("%q is there as %d and %d", key, seen[key], m.Seq)
			}
			seen[key] = m.Seq
		}
		for key, seq := range acked {
			if seen[key] != seq {
				t.Errorf("%q was acknowledged as %d and is there as %d", key, seq, seen[key])
			}
		}
		t.Logf("run %d: %d acknowledged, %d there", run, len(acked), len(seen))
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// victim publishes until it is killed and prints what has been acknowledged.
func victim(dir string) {
	b, err := Open(context.Background(), Config{Dir: dir, MaxMessages: -1})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				text := fmt.Sprint(g, "/", i)
				seq, err := b.Publish(context.Background(), "r", room.Message{Kind: room.Say, Text: text})
				if err != nil {
					fmt.Println(err)
					os.Exit(1)
				}
				// One write per line: a line is whole or not there.
				fmt.Fprintf(os.Stdout, "%d %s\n", seq, text)
			}
		})
	}
	wg.Wait()
}

// What another program, or a later version of this one, has put into the stream is counted and says nothing; it is no gap.
func TestInvalidStored(t *testing.T) {
	b := openDir(t, Config{})
	say(t, b, "r", "1")
	for _, data := range []string{"", "hello", "\x02later version"} {
		if _, err := b.store(t.Context(), &nats.Msg{Subject: b.room("r").say, Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
	}
	say(t, b, "r", "5")
	got := subscribe(t, b, "r", room.Recent(20)).wait(t, 5)
	if !slices.Equal(seqs(got), []uint64{1, 2, 3, 4, 5}) || got[1].Kind != room.Notice || got[1].Text != "" || b.Stats().Invalid != 3 {
		t.Errorf("delivered %d, %d invalid", seqs(got), b.Stats().Invalid)
	}
}

// The consumer and the connection may go at any time.
func TestResume(t *testing.T) {
	b := openDir(t, Config{})
	in := subscribe(t, b, "r", room.Latest)
	told := watch(t, b)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 500 {
				if _, err := b.Publish(t.Context(), "r", room.Message{Text: fmt.Sprint(g, " ", i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 4 {
		in.wait(t, 100+400*i)
		if i%2 == 0 {
			for name := range b.consumers(t, "r") {
				if err := b.js.DeleteConsumer(t.Context(), b.room("r").stream, name); err != nil {
					t.Log(err)
				}
			}
		} else if err := b.nc.ForceReconnect(); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	once := map[string]bool{}
	for i, m := range in.wait(t, 2000) {
		if m.Seq != uint64(i+1) || once[m.Text] {
			t.Fatalf("message %d is %+v", i+1, m)
		}
		once[m.Text] = true
	}
	for range 2 {
		if down := told.next(t); down == nil || !strings.Contains(down.Error(), "no connection to "+b.c.Dir) {
			t.Errorf("Watch tells %v", down)
		}
		if down := told.next(t); down != nil {
			t.Errorf("Watch tells %v", down)
		}
	}
	in.cancel()
	for len(b.consumers(t, "r")) > 0 { // cancel does not wait for it
	}
}

func (b *Bus) consumers(t *testing.T, name string) map[string]bool {
	s, err := b.js.Stream(t.Context(), b.room(name).stream)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for name := range s.ConsumerNames(t.Context()).Name() {
		names[name] = true
	}
	return names
}

// A stream that is deleted under us is made again, and delivered from its first message on.
func TestStreamDeleted(t *testing.T) {
	b := openDir(t, Config{})
	in := subscribe(t, b, "r", room.Latest)
	in.upTo(t, say(t, b, "r", "before"))
	if err := b.js.DeleteStream(t.Context(), b.room("r").stream); err != nil {
		t.Fatal(err)
	}
	say(t, b, "r", "after")
	if got := in.wait(t, 2); got[1].Text != "after" || got[1].Seq != 1 || got[1].Past {
		t.Errorf("delivered %+v", got)
	}
}

// Those who come and go do not push out what was said; and a room whose past has gaps for that reason misses nothing.
func TestTraffic(t *testing.T) {
	b := openDir(t, Config{MaxMessages: 10})
	for i := range 60 {
		if i%12 == 0 {
			say(t, b, "r", fmt.Sprint(i))
		}
		publish(t, b, "r", room.Message{Kind: room.Join, From: "ann"})
	}
	before := b.Stats().Published
	r, err := room.Open(t.Context(), room.Config{Name: "r", Bus: b})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if after := b.Stats().Published; after != before {
		t.Errorf("the room has asked who is there: %d messages", after-before)
	}
	if got := subscribe(t, b, "r", room.After(0)).wait(t, 15); got[0].Text != "0" || got[4].Text != "48" || got[4].Seq != 53 || got[14].Kind != room.Join {
		t.Errorf("kept are %+v", got)
	}
}

func TestTooLarge(t *testing.T) {
	b := openDir(t, Config{})
	_, err := b.Publish(t.Context(), "r", room.Message{Text: strings.Repeat("x", 2<<20)})
	if err == nil || !strings.Contains(err.Error(), "room r: 2097") || !strings.Contains(err.Error(), "1048576") || errors.Is(err, room.ErrUnconfirmed) {
		t.Error(err)
	}
}

// When the disk is full, Publish says so at once; when it is not any more, the bus works again, and nothing that was
// acknowledged is gone.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := mountSmall(dir, 8<<20); err != nil {
		t.Skip("no small file system to fill:", err)
	}
	t.Cleanup(func() {
		if err := unmount(dir); err != nil {
			t.Error(err)
		}
	})
	b := openDir(t, Config{Dir: dir + "/store"})
	in := subscribe(t, b, "lobby", room.Latest)
	told := watch(t, b)
	text := strings.Repeat("x", 10_000)
	var acked []uint64
	var err error
	for err == nil {
		var seq uint64
		if seq, err = b.Publish(t.Context(), "lobby", room.Message{Text: text}); err == nil {
			acked = append(acked, seq)
		}
	}
	if !errors.Is(err, syscall.ENOSPC) || err.Error() != "room lobby: store: no space left on device" {
		t.Errorf("Publish: %v", err)
	}
	if _, err := b.Publish(t.Context(), "lobby", room.Message{}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Publish again: %v", err)
	}
	if down := told.next(t); !errors.Is(down, syscall.ENOSPC) {
		t.Errorf("Watch tells %v", down)
	}
	if err := remountSmall(dir, 32<<20); err != nil {
		t.Fatal(err)
	}
	if down := told.next(t); down != nil {
		t.Errorf("Watch tells %v", down)
	}
	acked = append(acked, say(t, b, "lobby", "end"))
	got := seqs(in.upTo(t, acked[len(acked)-1]))
	for _, seq := range acked {
		if !slices.Contains(got, seq) {
			t.Errorf("%d is missing", seq)
		}
	}
	t.Logf("%d messages fit", len(acked))
}
