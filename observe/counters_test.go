package observe_test

import (
	"testing"

	"sockeye.dev/observe"
)

func TestCounters(t *testing.T) {
	var c observe.Counters
	for _, e := range []observe.Event{
		{Kind: observe.Open}, {Kind: observe.Open},
		{Kind: observe.Data, Dir: observe.In, Data: []byte("12")},
		{Kind: observe.Data, Dir: observe.In, Data: []byte("3")},
		{Kind: observe.Data, Dir: observe.Out, Data: []byte("4")},
		{Kind: observe.EOF}, {Kind: observe.Error}, {Kind: observe.Lost, N: 3}, {Kind: observe.Note},
		{Kind: observe.Close},
	} {
		c.Observe(e)
	}
	got := c.Counts()
	want := observe.Counts{In: observe.Flow{Parts: 2, Bytes: 3}, Out: observe.Flow{Parts: 1, Bytes: 1}, Total: 2, Open: 1, Errors: 1, Gaps: 1}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if s := got.String(); s != "2 conversations (1 open), 3 bytes in, 1 byte out, 1 error, 1 gap" {
		t.Error(s)
	}
	if s := (observe.Counts{}).String(); s != "0 conversations, 0 bytes in, 0 bytes out" {
		t.Error(s)
	}
}

func TestMulti(t *testing.T) {
	if o := observe.Multi(nil, nil); o != nil {
		t.Errorf("Multi of nobody is %v", o)
	}
	var a, b observe.Counters
	if o := observe.Multi(nil, &a); o != observe.Observer(&a) {
		t.Errorf("Multi of one is %v", o)
	}
	calls := 0
	f := observe.ObserverFunc(func(observe.Event) { calls++ })
	observe.Multi(observe.Multi(&a, f), nil, &b).Observe(observe.Event{Kind: observe.Open})
	if a.Counts().Total != 1 || b.Counts().Total != 1 || calls != 1 {
		t.Error("somebody was not told, or twice")
	}
}
