package charset

import "testing"

func TestSmoke(t *testing.T) {
	for _, e := range All() {
		b, err := e.EncodeString("abc中文é", Replace)
		s, err2 := e.DecodeString(b, Replace)
		t.Logf("%s %x %v %q %v", e.Name(), b, err, s, err2)
	}
	g, _ := Lookup("gb18030")
	d := Auto(g).NewDecoder(BackslashReplace)
	for _, s := range []string{"\xc4\xbf\xc2\xbc", "\xc4\xe3\xba\xc3", "\xc4\xbf\xc2\xbc", "ab", "你好", "\xff"} {
		o, err := d.Decode(nil, []byte(s), false)
		t.Logf("%q %v %s pend %d", o, err, d.Encoding(), d.Pending())
	}
	t.Logf("%v", Detect([]byte{0x60, 0x4f, 0x7d, 0x59, 0x16, 0x4e, 0x4c, 0x75}))
	t.Log(Detect([]byte("\xc4\xe3\xba\xc3\xa3\xac\xca\xc0\xbd\xe7\xa3\xa1")))
	t.Logf("%s", AppendVisible(nil, []byte("a\x1b[31m\r\nb\u202e\xed\xb2\x80\xff👨‍👩"), VisibleOptions{}))
}
