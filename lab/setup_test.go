package lab

import (
	"reflect"
	"strings"
	"testing"
	"unicode"
)

// A share string is the whole run.
func TestShare(t *testing.T) {
	for _, s := range append(Scenarios(), others(t)...) {
		again, err := Find(s.Share())
		if err != nil {
			t.Errorf("%s: %v", s.Share(), err)
		} else if !reflect.DeepEqual(again, s) {
			t.Errorf("%s became %+v, was %+v", s.Share(), again, s)
		}
	}
	for share, want := range map[string]string{
		"":                                     "",
		"?":                                    "",
		"corrupt":                              "corrupt",
		"corrupt?":                             "corrupt",
		"corrupt?seed=0":                       "corrupt",
		"corrupt?seed=7":                       "corrupt?seed=7",
		"bad-link?seed=0&link=":                "bad-link?seed=0&link=",
		"corrupt?fault=":                       "corrupt?fault=",
		"corrupt?fault=&fault=drop A>B data 1": "corrupt?fault=&fault=drop+A>B+data+1",
		"clean?fault=drop+A%3EB+any+3":         "clean?fault=drop+A>B+any+3",
		"clean?fault=corrupt A>B data 3-&rack=on&until=2": "clean?fault=corrupt+A>B+data+3-&rack=on&until=2s",
		"clean?link=delay 5ms loss 5%&seed=1":             "clean?seed=1&link=delay+5ms+loss+5%25",
		"clean?link=delay%205ms%20loss%205%25":            "clean?link=delay+5ms+loss+5%25",
		"clean?link=loss 5% delay 5ms":                    "clean?link=delay+5ms+loss+5%25",
		"clean?link=loss 5%25 delay 5ms":                  "clean?link=delay+5ms+loss+5%25",
	} {
		s, err := Find(share)
		if err != nil {
			t.Errorf("%s: %v", share, err)
		} else if got := s.Share(); got != want {
			t.Errorf("%s is shared as %s, want %s", share, got, want)
		}
	}
}

func TestSetupErrors(t *testing.T) {
	for share, want := range map[string]string{
		"nonsense":                                    `scenario "nonsense": there is none: there are handshake, `,
		"clean?colour=red":                            "colour: there is no such knob: there are seed, link, ",
		"fast-retransmi":                              `scenario "fast-retransmi": there is none: did you mean fast-retransmit?`,
		"Clean":                                       `scenario "Clean": there is none: did you mean clean?`,
		"clean?link":                                  `link: a knob is turned by knob=value, such as seed=7`,
		"clean?minrto=200":                            `minrto: 3m20s is no time from 1ms to 2m`,
		"clean?seed=x":                                `seed: "x" is no number from 0 to 18446744073709551615`,
		"clean?link=loss":                             `link: impairment "loss": loss: a value is missing`,
		"clean?cc=vegas":                              `cc: "vegas" is none of cubic, reno, bbr`,
		"clean?hosts=9":                               `hosts: "9" is no number from 2 to 8`,
		"clean?mtu=1":                                 `mtu: "1" is no number from 576 to 65535`,
		"clean?until=0":                               "until: a run needs some time",
		"clean?fault=x":                               `fault: "x" is no fault such as drop A>B data 3`,
		"clean?fault=drop+A>A+data+3":                 `fault: "A>A" is no direction such as A>B or A>*`,
		"clean?fault=drop+A>*+data+3":                 `fault: a fault is on one line: not on A>*`,
		"clean?fault=drop+A>B+data+0":                 `fault: "0" is no number from 1 to 1000000000`,
		"clean?fault=delay+A>B+data+1":                `fault: a delay says by how much: delay A>B data 2 by 5ms`,
		"clean?fault=drop+A>C+data+1":                 `fault drop A>C data 1: there are only 2 hosts`,
		"clean?flow=tcp+A>B+bytes":                    `flow: bytes lacks its value`,
		"clean?flow=tcp+A>B+bytes+1+bytes+2":          `flow: bytes is said twice`,
		"clean?flow=tcp+A>B+count+1":                  `flow: a flow over tcp has no word "count"`,
		"clean?flow=sctp+A>B":                         `flow: "sctp" is no protocol: write tcp or udp`,
		"clean?flow=udp+A>B+count+1":                  `flow: a flow over udp needs count and size`,
		"clean?flow=udp+A>B+count+1+size+1":           `flow: size: "1" is no number from 16 to 65507`,
		"clean?flow=tcp+A>H+bytes+1":                  `flow tcp A>H bytes 1: there are only 2 hosts`,
		"clean?flow=tcp+A>B+requests+1+bytes+1":       `flow: requests need bytes and reply: how long each is`,
		"clean?flow=udp+A>B+count+1000000+size+65507": `setup: more than 1 GiB to send`,
		"clean?%zz":                                   `%zz: there is no such knob: `,
	} {
		_, err := Find(share)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", share, err, want)
		}
	}
}

func TestReadErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "scenario file: there is no scenario in it",
		"title x":                          "line 1: a scenario begins with its name in brackets",
		"[a\nlink delay 1ms":               "line 1: [a is no name in brackets",
		"[a b]":                            "line 1: [a b] is no name in brackets",
		"[a]\nlink lag 1ms\n":              `line 2: link: impairment "lag 1ms": lag: no such word: write delay, loss, duplicate, corrupt, reorder, rate or limit`,
		"[a]\n\n# x\nflow tcp A>C bytes 1": "[a]: flow tcp A>C bytes 1: there are only 2 hosts",
		"\ufeff[a]\nlink delay 1ms":        "[a]: there is no flow in it: nobody says anything",
		"[a]\nflow tcp A>B bytes 1\n[a]":   "line 3: [a] is there already",
		"[a]\ncolour red":                  "line 2: colour: there is no such knob",
		"[a]\ntext " + strings.Repeat("x", maxFile): "scenario file: more than 1 MiB",
	} {
		_, err := Read(strings.NewReader(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

// Every scenario teaches in both languages, and differs from every other.
func TestScenarioTexts(t *testing.T) {
	names := make(map[string]bool)
	for _, s := range Scenarios() {
		if names[s.Name] {
			t.Errorf("there are two scenarios %s", s.Name)
		}
		names[s.Name] = true
		if s.Title.En == "" || s.Text.En == "" || strings.ContainsFunc(s.Title.En+s.Text.En, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s: the English is %q: %q", s.Name, s.Title.En, s.Text.En)
		}
		if !strings.ContainsFunc(s.Title.Zh, isHan) || !strings.ContainsFunc(s.Text.Zh, isHan) {
			t.Errorf("%s: the Chinese is %q: %q", s.Name, s.Title.Zh, s.Text.Zh)
		}
	}
	for _, k := range Knobs() {
		if k.Help.En == "" || !strings.ContainsFunc(k.Help.Zh, isHan) {
			t.Errorf("knob %s lacks help: %+v", k.Name, k.Help)
		}
	}
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

// Every word for a verdict, a reason and an outcome is in both languages.
func TestWords(t *testing.T) {
	check := func(what string, x Text) {
		if x.En == "" || x.Zh == "" {
			t.Errorf("%s: %+v", what, x)
		}
	}
	for k, x := range verdictTexts {
		check(string(k), x)
	}
	for k, x := range whyTexts {
		check(string(k), x)
	}
	for _, s := range append(Scenarios(), others(t)...) {
		r, err := Do(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.Packets {
			if _, ok := whyTexts[p.Why]; !ok {
				t.Errorf("%q has no text", p.Why)
			}
			if _, ok := verdictTexts[p.Verdict.Kind]; !ok && p.Delivered() {
				t.Errorf("%q has no text", p.Verdict.Kind)
			}
		}
		for _, row := range r.Score() {
			check(row.Claim.En, row.Claim)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(scenariosLab[:600])
	f.Add("[a]\nflow tcp A>B bytes 100\n  requests 2 reply 3\nfault delay A>B data 2- by 5ms\nlink delay 1ms")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := Read(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, s := range all {
			share := strings.TrimPrefix(s.Share(), s.Name)
			if _, err := scenario(s.Name); err == nil {
				continue // its own knobs are those that differ from the known one
			}
			again, err := Find(share)
			if err != nil {
				t.Fatalf("%q: %s: %v", text, share, err)
			}
			again.Name, again.Title, again.Text = s.Name, s.Title, s.Text
			if again.Share() != s.Share() {
				t.Fatalf("%q: %s became %s", text, s.Share(), again.Share())
			}
		}
	})
}

func FuzzFind(f *testing.F) {
	f.Add("clean?seed=7&link=delay+30ms&fault=drop+A>B+data+3")
	f.Add("?")
	f.Add("?flow=udp+A>*+count+3+size+100+every+1ms+nosum&hosts=4")
	f.Fuzz(func(t *testing.T, share string) {
		s, err := Find(share)
		if err != nil {
			return
		}
		again, err := Find(s.Share())
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Fatalf("%q: %s: %+v became %+v, %v", share, s.Share(), s, again, err)
		}
	})
}
