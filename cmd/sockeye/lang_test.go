package main

import (
	"bufio"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"sockeye.dev/endpoint"
	"sockeye.dev/frame"
)

// Everything people are told is in every catalogue, and nothing else is.
func TestCatalogue(t *testing.T) {
	all := spoken(t)
	for name, po := range languages {
		if po == "" {
			continue
		}
		file := "cmd/sockeye/lang/" + name + ".po"
		texts, err := parsePO(po)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if strings.Contains(po, "#, fuzzy") {
			t.Errorf("%s has fuzzy entries", file)
		}
		for _, id := range slices.Sorted(maps.Keys(all)) {
			if texts[id] == "" {
				t.Errorf("%s lacks a text of %s; add and translate\n%s", file, all[id], entry(id))
			}
		}
		for _, id := range slices.Sorted(maps.Keys(texts)) {
			str := texts[id]
			if all[id] == "" {
				t.Errorf("%s has what nobody says any more; remove\n%s", file, entry(id))
			}
			if want, got := verbs(id), verbs(str); !slices.Equal(want, got) {
				t.Errorf("%s: the arguments of %q are %q, the translation's are %q", file, id, want, got)
			}
			if want, got := backquoted.FindString(id), backquoted.FindString(str); want != got {
				t.Errorf("%s: %q names %s, its translation %s", file, id, want, got)
			}
		}
	}
}

var backquoted = regexp.MustCompile("`[^`]*`")

// entry is a catalogue's entry without a translation.
func entry(id string) string {
	quoted := ""
	if strings.Contains(id, "\n") {
		quoted = `""`
		for line := range strings.Lines(id) {
			quoted += "\n" + quotePO(line)
		}
	} else {
		quoted = quotePO(id)
	}
	return fmt.Sprintf("msgid %s\nmsgstr \"\"\n", quoted)
}

func quotePO(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// verbs are a format's verbs by the argument they take.
func verbs(format string) []string {
	_, verbs := splitFormat(format)
	var all []string
	for _, v := range verbs {
		all = append(all, fmt.Sprintf("%d%c", v.arg+1, v.letter))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// chinese is cmd in a Chinese locale.
func chinese(cmd *exec.Cmd) *exec.Cmd {
	cmd.Env = append(cmd.Env, "LC_ALL=zh_CN.UTF-8")
	return cmd
}

// All of the help is Chinese, and no line is longer than a terminal of 80
// columns, but for examples and a list of defaults.
func TestChineseHelp(t *testing.T) {
	t.Parallel()
	english := regexp.MustCompile(`help for|[a-z]+ (a|an|and|the|is|of|or|to|with) [a-z]+`)
	commands((&app{}).root(), nil, func(cmd *cobra.Command, words []string) {
		name := strings.Join(append([]string{"sockeye"}, words...), " ")
		out, errs, code := result(t, chinese(command(t, append(words, "--help")...)))
		if code != 0 || errs != "" {
			t.Errorf("%s --help: said %q, exit %d", name, errs, code)
		}
		for _, want := range []string{"用法：\n  " + name, "标志：\n", "退出码：0 完成"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s --help lacks %q", name, want)
			}
		}
		for line := range strings.Lines(out) {
			if n := ansi.StringWidth(strings.TrimSuffix(line, "\n")); n > 80 && !strings.HasPrefix(line, "  sockeye") && !strings.Contains(line, "默认 [") {
				t.Errorf("%s --help has a line of %d columns: %s", name, n, line)
			}
			if english.MatchString(line) {
				t.Errorf("%s --help speaks English: %s", name, line)
			}
		}
	})
}

// --lang wins over the locale, wherever it stands, and LC_ALL over LC_MESSAGES
// over LANG.
func TestLanguageChoice(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		env, args string
		chinese   bool
	}{
		{"LC_ALL=zh_CN.UTF-8", "--help", true},
		{"LC_ALL= LC_MESSAGES=zh_TW LANG=en_US.UTF-8", "--help", true},
		{"LC_ALL= LC_MESSAGES=C LANG=zh_CN.UTF-8", "--help", false},
		{"LC_ALL= LC_MESSAGES= LANG=zh_CN.utf8@pinyin", "--help", true},
		{"LC_ALL= LC_MESSAGES= LANG=zh-Hans-CN", "--help", true},
		{"LC_ALL=zh_CN.GBK", "--help", false}, // a terminal that cannot read our Chinese
		{"LC_ALL=zha_CN.UTF-8", "--help", false},
		{"LC_ALL=C.UTF-8", "connect --help --lang zh", true},
		{"LC_ALL=C.UTF-8", "--lang=zh help connect", true},
		{"LC_ALL=C.UTF-8", "--lang en --lang zh --help", true},
		{"LC_ALL=zh_CN.UTF-8", "connect --lang en --help", false},
		{"LC_ALL=zh_CN.UTF-8", "--lang=en", false},
	} {
		cmd := command(t, strings.Fields(test.args)...)
		cmd.Env = append(cmd.Env, strings.Fields(test.env)...)
		out, errs, code := result(t, cmd)
		if strings.Contains(out, "退出码") != test.chinese || strings.Contains(out, "Exit codes") == test.chinese || errs != "" || code != 0 {
			t.Errorf("%s sockeye %s: said %q, exit %d, Chinese %v", test.env, test.args, errs, code, !test.chinese)
		}
	}
}

// Wrong usage and hints are in the language that was chosen.
func TestChineseErrors(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := ln.Addr().String()
	ln.Close()
	for _, test := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"send", nobody, "x"}, 1, []string{"sockeye: 连接 tcp://" + nobody + "：dial tcp", "提示：那里没有程序在监听"}},
		{[]string{"send", nobody, "x", "--json"}, 1, []string{`{"error":"连接 tcp://`, `"hint":"那里没有程序在监听","code":1}`}},
		{[]string{"send", nobody, "x", "--lang", "en"}, 1, []string{"sockeye: connect to tcp://" + nobody, "hint: nothing listens there"}},
		{[]string{"--lang", "fr", "--help"}, 2, []string{`sockeye: 值 "fr" 不适用于标志 "--lang"：没有语言 "fr"：请写 en 或 zh`, "提示：见 `sockeye --help`"}},
		{[]string{"send"}, 2, []string{"send 需要一个地址"}},
		{[]string{"connct"}, 2, []string{`没有命令 "connct"：是不是想用 connect？`}},
		{[]string{"chat", "x"}, 2, []string{`sockeye: 没有命令 "x"（在 "sockeye chat" 里）`}},
		{[]string{"connect", "a:1", "b:2"}, 2, []string{"最多 1 个参数，给出了 2 个"}},
		{[]string{"listen", "--nonsense"}, 2, []string{"没有标志 --nonsense"}},
		{[]string{"connect", "--wait", "long", ":1"}, 2, []string{`"long" 不是时长：请写 500ms、2s、1m；只写数字则以秒计`}},
		{[]string{"connect", "[::1"}, 2, []string{"提示：请写 [address]:port"}},
		{[]string{"connect", ":1", "--frame", "lnie"}, 2, []string{"提示：是不是想写 line？"}},
		{[]string{"text", "encode", "gbk", "😀"}, 4, []string{"提示：请换一种 --encoding，或用 --errors replace"}},
	} {
		out, errs, code := result(t, chinese(command(t, test.args...)))
		for _, want := range test.want {
			if out != "" || !strings.Contains(errs, want) || code != test.code {
				t.Errorf("%q: printed %q, said %q, exit %d; want %q, %d", test.args, out, errs, code, want, test.code)
			}
		}
	}
}

// A room speaks the language of who serves it; its notes are Chinese, too.
func TestChineseRoom(t *testing.T) {
	t.Parallel()
	sock := filepath.Join(t.TempDir(), "s")
	cmd := chinese(command(t, "serve", "--listen", "unix:"+sock))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Cancel = func() error { return cmd.Process.Kill() }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	if line, err := bufio.NewReader(stderr).ReadString('\n'); err != nil || line != "正在监听 unix://"+sock+"\n" {
		t.Fatalf("serve said %q, %v", line, err)
	}
	conn, err := net.Dial("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "欢迎来到") {
		t.Fatalf("the room said %q, %v", line, err)
	}
}

// Hints that libraries have finished are found again by the format they were
// made with, and errors of others are left alone.
func TestChineseTexts(t *testing.T) {
	a := &app{getenv: os.Getenv}
	a.speak([]string{"--lang", "zh"})
	_, errFrame := frame.Parse("len16:nonsense")
	_, errScheme := endpoint.Parse("tpc://h:1")
	_, errPath := endpoint.Parse("unix:")
	for english, want := range map[string]string{
		hint(errFrame):  "请写 at=N（长度之前的字节数）、self（长度包括整帧）、plus=N（长度未计入的字节数），如 len16:at=2,self",
		hint(errScheme): "是不是想写 tcp？",
		hint(errPath):   "请写 unix:/绝对路径、unix:./相对路径 或 unix:@抽象名",
		"write it as %23 if it belongs to the path": "如果它属于路径，请写成 %23",
		"sni=NAME asks for one of its names; ca=FILE names its authority; if its fingerprint is right, pin=ab:cd trusts it": "用 sni=NAME 请求证书上的名称之一；用 ca=FILE 指明其签发机构；若指纹核对无误，可用 pin=ab:cd 信任它",
		"the options here are idle, peers": "这里可用的选项有 idle, peers",
	} {
		if got := a.lang.advice(english); got != want {
			t.Errorf("%q became %q, want %q", english, got, want)
		}
	}
	for english, want := range map[string]string{
		"write /dev/full: no space left on device":                                 "write /dev/full: no space left on device",
		"not everything was sent: write tcp 127.0.0.1:1->127.0.0.1:2: broken pipe": "没有全部发出：write tcp 127.0.0.1:1->127.0.0.1:2: broken pipe",
		"open file from disk in pieces":                                            "open file from disk in pieces",
		"no reply came: 1 of 2 from :1":                                            "回复不足：收到 1 条，应有 2 条，来自 :1",
	} {
		if got := a.lang.text(english); got != want {
			t.Errorf("%q became %q, want %q", english, got, want)
		}
	}
	if got := (&pattern{translated: []string{"", "-", ""}, order: []verb{{arg: 1}, {arg: 0}}}).fill(map[int]string{0: "a", 1: "b"}, a.lang); got != "b-a" {
		t.Errorf("arguments in another order became %q", got)
	}
}

// English is spoken without reading anything.
func TestEnglishReadsNothing(t *testing.T) {
	a := &app{getenv: func(string) string { return "en_US.UTF-8" }}
	if a.speak(nil); a.lang != nil {
		t.Error("a catalogue was read for English")
	}
}

// What is understood of a catalogue is written and understood again the same;
// nothing panics.
func FuzzParsePO(f *testing.F) {
	f.Add("msgid \"a\"\nmsgstr \"b\"\n")
	f.Add("# c\nmsgid \"\"\n\"a %s\\n\"\n\"b\"\nmsgstr \"\"\n\"%[1]s\"\n")
	f.Add("msgid \"%[9]s %d%% %\"\nmsgstr \"%[2]\"")
	f.Add(`msgid "a"`)
	f.Add(`msgstr "a"`)
	f.Fuzz(func(t *testing.T, po string) {
		texts, err := parsePO(po)
		if err != nil {
			return
		}
		var b strings.Builder
		for id, str := range texts {
			fmt.Fprintf(&b, "msgid %q\nmsgstr %q\n", id, str)
		}
		again, err := parsePO(b.String())
		if err != nil || !reflect.DeepEqual(texts, again) {
			t.Errorf("%q became %q, %v", texts, again, err)
		}
		c := &catalogue{texts: texts}
		for id := range texts {
			c.text(id)
		}
	})
}
