package observe_test

import (
	"io"
	"testing"

	"sockeye.dev/observe"
)

var formats = []struct {
	name string
	f    func() observe.Formatter
}{
	{"transcript", func() observe.Formatter { return &observe.Transcript{} }},
	{"hex", func() observe.Formatter { return &observe.Transcript{Hex: true} }},
	{"jsonl", func() observe.Formatter { return &observe.JSONL{} }},
}

const text = "The quick brown fox jumps over the lazy dog, 你好, 1234567890.\n"

func BenchmarkFormat(b *testing.B) {
	for _, bm := range formats {
		b.Run(bm.name, func(b *testing.B) {
			f, e := bm.f(), data(0, observe.In, 0, text)
			var buf []byte
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				buf = f.AppendEvent(buf[:0], &e)
			}
		})
	}
}

// BenchmarkLog is a recording that keeps up: what an event costs the traffic
// and the goroutine together.
func BenchmarkLog(b *testing.B) {
	for _, bm := range formats {
		b.Run(bm.name, func(b *testing.B) {
			l := observe.NewLog(io.Discard, bm.f(), observe.LogOptions{Block: true})
			e := data(0, observe.In, 0, text)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				l.Observe(e)
			}
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func TestFormattersDoNotAllocate(t *testing.T) {
	for _, tt := range formats {
		for _, s := range []string{text, "\xff\x00", "plain"} {
			f, e := tt.f(), data(0, observe.In, 0, s)
			buf := f.AppendEvent(nil, &e)
			if n := testing.AllocsPerRun(100, func() { buf = f.AppendEvent(buf[:0], &e) }); n > 0 {
				t.Errorf("%s of %q: %v allocations", tt.name, s, n)
			}
		}
	}
}
