package main

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNCCall(t *testing.T) {
	for _, tt := range []struct {
		args string
		name string // "": none
		rest int
	}{
		{"nc -l 80", "nc", 2},
		{"/usr/bin/netcat -l 80", "nc", 2},
		{"./ncat", "Ncat", 0},
		{"ncat.exe -v", "Ncat", 1},
		{"sockeye nc -l 80", "nc", 2},
		{"sockeye ncat --chat", "Ncat", 1},
		{"sockeye netcat", "", 0},
		{"sockeye connect nc", "", 0},
		{"sockeye", "", 0},
		{"nc nc 80", "nc", 2},
		{"sockeye nc --help", "", 0},
		{"nc --help", "nc", 1},
		{"sockeye ncat --help", "Ncat", 1},
	} {
		d, rest := ncCall(strings.Fields(tt.args))
		if d == nil {
			if tt.name != "" {
				t.Errorf("%s: no netcat", tt.args)
			}
			continue
		}
		if d.name != tt.name || len(rest) != tt.rest {
			t.Errorf("%s: %s %q", tt.args, d.name, rest)
		}
	}
}

// TestNCSubcommand runs what the table runs by name as a subcommand, and by a
// link.
func TestNCSubcommand(t *testing.T) {
	t.Parallel()
	if _, stderr, code := result(t, command(t, "nc")); code != 1 || !strings.Contains(stderr, "usage: nc") {
		t.Errorf("sockeye nc: %d %q", code, stderr)
	}
	if _, stderr, code := result(t, command(t, "ncat")); code != 2 || !strings.HasPrefix(stderr, "Ncat: You must specify a host") {
		t.Errorf("sockeye ncat: %d %q", code, stderr)
	}
	stdout, stderr, code := result(t, command(t, "nc", "--bogus"))
	if code != 1 || stdout != "" || !strings.Contains(stderr, "invalid option -- '-'") {
		t.Errorf("sockeye nc --bogus: %d %q %q", code, stdout, stderr)
	}
	if stdout, stderr, code = result(t, command(t, "nc", "--help")); code != 0 || stderr != "" || !strings.Contains(stdout, "theirs, not those below") {
		t.Errorf("sockeye nc --help: %d %q %q", code, stdout, stderr)
	}
	if _, stderr, code = result(t, command(t, "-v", "nc", "-h")); code != 2 || !strings.Contains(stderr, "write sockeye nc, then the flags") {
		t.Errorf("sockeye -v nc: %d %q", code, stderr)
	}
	link := filepath.Join(t.TempDir(), "ncat")
	exe, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, link); err != nil {
		t.Skipf("no links here: %v", err)
	}
	cmd := command(t, "--version")
	cmd.Path, cmd.Args[0] = link, link
	if _, stderr, code := result(t, cmd); code != 0 || !strings.HasPrefix(stderr, "Ncat: Version ") {
		t.Errorf("link ncat --version: %d %q", code, stderr)
	}
}

func TestNCTime(t *testing.T) {
	for spec, want := range map[string]time.Duration{
		"1": time.Second, "500ms": 500 * time.Millisecond, "2s": 2 * time.Second, "1.5": 1500 * time.Millisecond,
		".5s": 500 * time.Millisecond, "1m": time.Minute, "1M": time.Minute, "2H": 2 * time.Hour, "99": 99 * time.Second,
		"100s": 100 * time.Second, "1ms": time.Millisecond,
		"0": 0, "100": 0, "x": 0, "1 s": 0, "-1": 0, "1d": 0, "": 0, "0.1ms": 0, "1e3": 0, "100000h": 0,
	} {
		p := newNCPlan(ncatDialect(), nil)
		err := ncatTime("-w", func(p *ncPlan) *time.Duration { return &p.idle })(p, spec)
		if (err != nil) != (want == 0) || p.idle != want {
			t.Errorf("%q: %v %v", spec, p.idle, err)
		}
	}
}

func TestNCWords(t *testing.T) {
	for line, want := range map[string][]string{
		"/bin/cat":          {"/bin/cat"},
		"a  b":              {"a", "b"},
		`a "b c" 'd e'`:     {"a", "b c", "d e"},
		`a b\ c`:            {"a", "b c"},
		`a ""`:              {"a", ""},
		`a "b\"c" 'd\e'`:    {"a", `b"c`, `d\e`},
		`C:\\bin\\x.exe /c`: {`C:\bin\x.exe`, "/c"},
		" ":                 nil,
		"/bin/echo 你好":      {"/bin/echo", "你好"},
	} {
		if got := ncWords(line); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestNCHosts(t *testing.T) {
	for _, tt := range []struct{ spec, in, out string }{
		{"10.0.0.1", "10.0.0.1", "10.0.0.2 ::1"},
		{"10.0.0.0/8", "10.0.0.0 10.255.255.255", "11.0.0.0"},
		{"10.0.0.77/24", "10.0.0.1", "10.0.1.1"},
		{"10.0.0-1.1-5", "10.0.0.1 10.0.1.5", "10.0.2.1 10.0.0.6"},
		{"10.*.0.1", "10.9.0.1 10.255.0.1", "10.0.1.1"},
		{"10.0.0.-5", "10.0.0.0 10.0.0.5", "10.0.0.6"},
		{"10.0.0.250-", "10.0.0.255", "10.0.0.249"},
		{"::1", "::1", "127.0.0.1"},
		{"fe80::/10", "fe80::1", "::1"},
		{"10.0.0.1,10.0.0.3", "10.0.0.1 10.0.0.3", "10.0.0.2"},
		{"10.0.0.0/8", "::ffff:10.1.2.3", ""},
	} {
		p := newNCPlan(ncatDialect(), nil)
		var h ncHosts
		if err := h.add(tt.spec); err != nil {
			t.Fatal(err)
		}
		if err := h.resolve(p); err != nil {
			t.Errorf("%s: %v", tt.spec, err)
		}
		for ip := range strings.FieldsSeq(tt.in) {
			if !h.contain(&net.TCPAddr{IP: net.ParseIP(ip), Port: 1}) {
				t.Errorf("%s has not %s", tt.spec, ip)
			}
		}
		for ip := range strings.FieldsSeq(tt.out) {
			if h.contain(&net.TCPAddr{IP: net.ParseIP(ip), Port: 1}) {
				t.Errorf("%s has %s", tt.spec, ip)
			}
		}
	}
	var none ncHosts
	if none.contain(&net.UnixAddr{Name: "/x"}) {
		t.Error("an empty set has a Unix socket")
	}
}

// TestTelnet cuts a negotiation at every byte.
func TestTelnet(t *testing.T) {
	in := "a\xff\xfd\x01b\xff\xfb\x03c\xff\xffd\xff\xfa\x18\x01\xff\xff\xff\xf0e\xff\xf1f\xff\xfc\x01\xff\xfe\x01g"
	const text, answers = "abc\xffdefg", "\xff\xfc\x01\xff\xfe\x03"
	for _, size := range []int{1, 2, 3, 5, len(in)} {
		var tn telnet
		var got, said []byte
		for rest := []byte(in); len(rest) > 0; {
			p := slices.Clone(rest[:min(size, len(rest))])
			rest = rest[len(p):]
			n, answer := tn.strip(p)
			got, said = append(got, p[:n]...), append(said, answer...)
		}
		if string(got) != text || string(said) != answers {
			t.Errorf("%d bytes at a time: %q, answered %q", size, got, said)
		}
	}
}
