package frame_test

import (
	"bytes"
	"testing"

	"sockeye.dev/frame"
)

// BenchmarkReader reads 64 KiB of messages a time, as a busy session does.
func BenchmarkReader(b *testing.B) {
	for _, bm := range []struct{ name, spec, encoding, message string }{
		{"raw", "raw", "", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789\n"},
		{"line", "line", "", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789\n"},
		{"line-utf8", "line", "utf-8", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789\n"},
		{"line-gbk", "line", "gbk", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789\n"},
		{"line-utf16", "line", "utf-16le", "abcdefghijklmnopqrstuvwxyz01234\n"},
		{"delim", "delim:||", "", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz012345678||"},
		{"delim-gbk", "delim:|", "gbk", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789|"},
		{"delim-auto", "delim:|", "auto", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789|"},
		{"delim-auto-text", "delim:|", "auto", "你好你好你好你好你好你好你好你好你好你好|"},
		{"fixed", "fixed:64", "", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789\n"},
		{"len16", "len16", "", "\x00\x3eabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789"},
		{"len16:at=4", "len16:at=4", "", "\x00\x01\x00\x00\x00\x3aabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz012345"},
		{"slip", "slip", "", "abcdefghijklmnopqrstuvwxyz\xdb\xdcabcdefghijklmnopqrstuvwxyz\xdb\xdd0123456\xc0"},
		{"cobs", "cobs", "", "\x20abcdefghijklmnopqrstuvwxyzabcde\x1fabcdefghijklmnopqrstuvwxyz0123\x00"},
		{"line+quiet", "line+quiet:50ms", "utf-8", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789\n"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			e := encoding(b, bm.encoding)
			chunk := bytes.Repeat([]byte(encode(b, bm.encoding, bm.message)), 1024)
			r := frame.Reader{Framer: parse(b, bm.spec, bm.encoding), Encoding: e}
			b.SetBytes(int64(len(chunk)))
			b.ReportAllocs()
			for b.Loop() {
				for in := chunk; len(in) > 0; {
					n := copy(r.Space(), in)
					r.Filled(n)
					in = in[n:]
					for {
						if _, ok, err := r.Next(); err != nil {
							b.Fatal(err)
						} else if !ok {
							break
						}
					}
					r.Release()
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, bm := range []struct{ name, spec, encoding string }{
		{"line", "line", ""}, {"line-gbk", "line", "gbk"}, {"delim-gbk", "delim:|", "gbk"},
		{"len16", "len16", ""}, {"slip", "slip", ""}, {"cobs", "cobs", ""},
	} {
		b.Run(bm.name, func(b *testing.B) {
			f := parse(b, bm.spec, bm.encoding)
			payload := bytes.Repeat([]byte("x"), 64)
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if buf, err = f.Append(buf[:0], payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkByteAtATime is a 1 MiB line from a slow sender.
func BenchmarkByteAtATime(b *testing.B) {
	line := append(bytes.Repeat([]byte("x"), 1<<20-1), '\n')
	r := frame.Reader{Framer: frame.Line{}}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		for _, c := range line {
			r.Space()[0] = c
			r.Filled(1)
			if _, _, err := r.Next(); err != nil {
				b.Fatal(err)
			}
			r.Release()
		}
	}
}
