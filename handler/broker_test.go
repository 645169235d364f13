package handler

import "testing"

func TestAppendChat(t *testing.T) {
	for text, want := range map[string]string{
		"hi\n":          "<user7> hi\n",
		"hi":            "<user7> hi",
		"a\nb\n":        "<user7> a\n<user7> b\n",
		"\n":            "<user7> \n",
		"":              "",
		"a\tb\r\n":      "<user7> a\tb\r\n",
		"\x1b[2J\x07":   `<user7> \033[2J\007`,
		"你好":            "<user7> 你好",
		"\xc4\xe3":      `<user7> \304\343`,
		"\u202ex\u009b": `<user7> \342\200\256x\302\233`,
		"a\xff\n":       "<user7> a\\377\n",
		"\x00":          `<user7> \000`,
		"\ufffd":        `<user7> \357\277\275`,
	} {
		if got := string(appendChat(nil, 7, []byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestWholeRunes(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "a": 1, "é": 2, "a\xc3": 1, "\xe4\xbd": 0, "a\xe4\xbd\xa0": 4, "\xf0\x9f\x98": 0, "x\xf0\x9f\x98\x80": 5,
		"\xff": 1, "\x80\x80\x80\x80": 4, "\xe4\xe4": 1,
	} {
		if got := wholeRunes([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
