package charset

import (
	"bytes"
	"strings"
	"testing"
)

// autoStep is what one read brings and what is shown then.
type autoStep struct {
	in, out string
	verdict string
	pending int
}

func TestAuto(t *testing.T) {
	for _, c := range []struct {
		name, legacy string
		steps        []autoStep
	}{
		{"ASCII decides nothing", "gb18030", []autoStep{{"hello\n", "hello\n", "utf-8", 0}, {"\xc4\xe3\xba\xc3", "你好", "gb18030", 0}}},
		{"UTF-8 stays", "gb18030", []autoStep{{"你好", "你好", "utf-8", 0}, {"目录", "目录", "utf-8", 0}}},
		{"a verdict is revised once", "gb18030", []autoStep{
			{"\xc4\xbf\xc2\xbc", "Ŀ¼", "utf-8", 0}, // 目录, by accident valid UTF-8
			{"\xc4\xe3\xba\xc3", "你好", "gb18030", 0},
			{"\xc4\xbf\xc2\xbc", "目录", "gb18030", 0},
		}},
		{"and back", "gb18030", []autoStep{{"\xc4\xe3\xba\xc3", "你好", "gb18030", 0}, {"温\n", "温\n", "utf-8", 0}}},
		{"byte by byte, GBK", "gb18030", []autoStep{
			{"\xc4", "", "utf-8", 1}, {"\xe3", "你", "gb18030", 0}, {"\xba", "", "gb18030", 1}, {"\xc3", "好", "gb18030", 0}}},
		{"byte by byte, UTF-8", "gb18030", []autoStep{
			{"\xe4", "", "utf-8", 1}, {"\xbd", "", "utf-8", 2}, {"\xa0", "你", "utf-8", 0}, {"\xe5", "", "utf-8", 1}, {"\xa5\xbd", "好", "utf-8", 0}}},
		{"byte by byte, four of GB18030", "gb18030", []autoStep{
			{"\x81", "", "utf-8", 1}, {"\x39", "", "utf-8", 2}, {"\xee", "", "utf-8", 3}, {"\x39", "㐀", "gb18030", 0}}},
		{"valid in neither", "gb18030", []autoStep{{"\xff", "", "utf-8", 1}, {"\xff", `\xff\xff`, "utf-8", 0}, {"你", "你", "utf-8", 0}}},
		{"a bad line leaves the others alone", "gb18030", []autoStep{{"温\n\xff\xff\n\xc4\xe3\xba\xc3\n", "温\n\\xff\\xff\n你好\n", "gb18030", 0}}},
		{"a mark decides and is dropped", "gb18030", []autoStep{{"\xef\xbb", "", "utf-8", 2}, {"\xbfa", "a", "utf-8", 0}}},
		{"no legacy encoding", "", []autoStep{
			{"\xc4\xe3", `\xc4`, "utf-8", 1}, {"a", `\xe3a`, "utf-8", 0}}},
		{"a single-byte legacy encoding", "windows-1252", []autoStep{
			{"caf\xe9 ", "café ", "windows-1252", 0}, {"na\xefve", "naïve", "windows-1252", 0}, {"déjà vu", "déjà vu", "utf-8", 0}}},
		{"Shift-JIS", "shift_jis", []autoStep{{"\x83", "", "utf-8", 1}, {"\x65\x83X\x83g", "テスト", "shift_jis", 0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var legacy *Encoding
			if c.legacy != "" {
				legacy = must(t, c.legacy)
			}
			d := Auto(legacy).NewDecoder(BackslashReplace)
			for _, s := range c.steps {
				got, err := d.Decode(nil, []byte(s.in), false)
				if string(got) != s.out || err != nil || d.Encoding().Name() != s.verdict || d.Pending() != s.pending {
					t.Errorf("% x: %q (%s, %d pending), %v; want %q (%s, %d)", s.in, got, d.Encoding(), d.Pending(), err, s.out, s.verdict, s.pending)
				}
			}
		})
	}
}

// TestAutoMessages: a message's end completes nothing.
func TestAutoMessages(t *testing.T) {
	gb := must(t, "gb18030")
	d := Auto(gb).NewDecoder(Replace)
	// Alone this is a whole GBK character, and of UTF-8 two bytes of three.
	if got, err := d.Decode(nil, []byte("\xe4\xbd"), true); string(got) != "浣" || err != nil || d.Encoding() != gb {
		t.Errorf("%q, %v, %s", got, err, d.Encoding())
	}
	d.Reset()
	if got, err := d.Decode(nil, []byte("a\xe4"), true); string(got) != "a\uFFFD" || err != nil || d.Bad() != 1 {
		t.Errorf("%q, %v, %d bad", got, err, d.Bad())
	}
	if again := Auto(gb); again != Auto(gb) || Auto(nil) != Auto(UTF8) || Auto(gb).Legacy() != gb || Auto(Auto(gb)) != Auto(gb) {
		t.Error("Auto is not one value per legacy encoding")
	}
}

// TestAutoLong: in large reads the verdict stands wherever they are cut.
func TestAutoLong(t *testing.T) {
	text := strings.Repeat("温度过高，请检查设备。abc 你好\n", 4000)
	for _, label := range []string{"utf-8", "gb18030"} {
		data, err := must(t, label).EncodeString(text, Strict)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{1 << 10, 1<<12 + 1, 1<<16 - 1} {
			d := Auto(must(t, "gb18030")).NewDecoder(Strict)
			var got []byte
			for rest := data; len(rest) > 0; {
				n := min(size, len(rest))
				if got, err = d.Decode(got, rest[:n], false); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if !bytes.Equal(got, []byte(text)) || d.Encoding().Name() != label {
				t.Errorf("%s in %d: not the same text", label, size)
			}
		}
	}
}
