package workbench_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sockeye.dev/endpoint"
	"sockeye.dev/workbench"
)

func address(t testing.TB, s string) endpoint.Addr {
	t.Helper()
	a, err := endpoint.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// comparers are what cmp needs to look into a File.
var comparers = cmp.Options{
	cmp.Comparer(func(a, b endpoint.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b workbench.Secret) bool { return a == b }),
}

func TestDefault(t *testing.T) {
	door := func(s string) workbench.Door {
		return workbench.Door{Address: address(t, s), Encoding: "auto", Cookies: true}
	}
	want := &workbench.File{
		Listen:           []workbench.Door{door("tcp://127.0.0.1:7788"), door("udp://127.0.0.1:7788")},
		Rooms:            []workbench.Room{{Name: "lobby"}},
		MembersOpenRooms: true,
		History:          workbench.History{Keep: true, Messages: 10_000, Bytes: 64 << 20, Age: 30 * 24 * time.Hour, Newcomers: 20},
		NATS:             workbench.NATS{Replicas: 3},
		Operators:        workbench.Operators{Unix: true},
		Limits:           workbench.Limits{Members: 16384, Rooms: 100, Message: 4096, LinesPerSecond: 20, JoinsPerSecond: 5},
		Log:              workbench.Log{Format: "text", Level: "info"},
		Drain:            5 * time.Second,
	}
	for _, empty := range []string{"", "# nothing\n", "---\n", "{}", "history:\nlimits:\n  # members: 3\n"} {
		got, err := workbench.Parse("x", []byte(empty))
		if err != nil {
			t.Errorf("%q: %v", empty, err)
		} else if d := cmp.Diff(want, got, comparers); d != "" {
			t.Errorf("%q: (-want +got)\n%s", empty, d)
		}
	}
	if d := cmp.Diff(want, workbench.Default(), comparers); d != "" {
		t.Errorf("Default (-want +got)\n%s", d)
	}
}

const everything = `
listen:
  - 127.0.0.1:7788
  - address: tls://:7789
    room: ops
    encoding: gbk
    send-encoding: utf-8
    legacy: big5
    errors: replace
    frame: crlf
    idle: 90
    certificate: tls/cert.pem
    key: /etc/key.pem
    client-ca: ca.pem
    proxy-protocol: true
    members: 1000
  - {address: "udp://:7788", cookies: false}
  - {address: "tcp://:7790", json: true}
  - {address: "unix:run/room.sock", broker: true, frame: raw}
  - wss://:7791/chat?cert=c.pem
rooms:
  - lobby
  - {name: ops, topic: incidents only}
members-open-rooms: false
history: {data: kept, messages: 0, bytes: 10MB, age: 1d12h, newcomers: 0}
operators: {secret-file: op.secret, unix: false, certificates: true}
ban: [192.0.2.7, 198.51.100.0/24, "2001:db8::/32", "::ffff:203.0.113.9"]
limits: {members: 1, sessions: 5, per-source: 6, rooms: 2, message: 7, lines-per-second: 0, joins-per-second: 9}
status: 127.0.0.1:9788
log: {format: json, level: debug}
drain: 500ms
`

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sockeye.yaml")
	if err := os.WriteFile(path, []byte(everything), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := workbench.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	wss := address(t, "wss://:7791/chat")
	wss.Options.Set("cert", in("c.pem"))
	key := "/etc/key.pem"
	if !filepath.IsAbs(key) { // Windows
		key = in(key)
	}
	want := &workbench.File{
		Listen: []workbench.Door{
			{Address: address(t, "tcp://127.0.0.1:7788"), Encoding: "auto", Cookies: true},
			{Address: address(t, "tls://:7789"), Room: "ops", Encoding: "gbk", SendEncoding: "utf-8", Legacy: "big5", Errors: "replace", Frame: "crlf",
				Idle: 90 * time.Second, Certificate: in("tls/cert.pem"), Key: key, ClientCA: in("ca.pem"), Cookies: true, ProxyProtocol: true, Members: 1000},
			{Address: address(t, "udp://:7788"), Encoding: "auto"},
			{Address: address(t, "tcp://:7790"), Encoding: "auto", Cookies: true, JSON: true},
			{Address: endpoint.Addr{Scheme: "unix", Path: in("run/room.sock")}, Encoding: "auto", Cookies: true, Broker: true, Frame: "raw"},
			{Address: wss, Encoding: "auto", Cookies: true},
		},
		Rooms:     []workbench.Room{{Name: "lobby"}, {Name: "ops", Topic: "incidents only"}},
		History:   workbench.History{Keep: true, Data: in("kept"), Bytes: 10e6, Age: 36 * time.Hour},
		NATS:      workbench.NATS{Replicas: 3},
		Operators: workbench.Operators{SecretFile: in("op.secret"), Certificates: true},
		Ban: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8::/32"),
			netip.MustParsePrefix("203.0.113.9/32")},
		Limits: workbench.Limits{Members: 1, Sessions: 5, PerSource: 6, Rooms: 2, Message: 7, JoinsPerSecond: 9},
		Status: address(t, "tcp://127.0.0.1:9788"),
		Log:    workbench.Log{Format: "json", Level: "debug"},
		Drain:  500 * time.Millisecond,
	}
	if d := cmp.Diff(want, got, comparers); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if _, err := workbench.ReadFile(in("missing.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// roundTrip checks that what f says, written and read again, is f.
func roundTrip(t *testing.T, f *workbench.File) {
	t.Helper()
	data, err := f.YAML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := workbench.Parse("again", data)
	if err != nil {
		t.Fatalf("what YAML wrote is refused: %v\n%s", err, data)
	}
	if !reflect.DeepEqual(f, again) {
		t.Fatalf("(-want +got)\n%s\nwritten as\n%s", cmp.Diff(f, again, comparers), data)
	}
}

func TestYAML(t *testing.T) {
	f, err := workbench.Parse("x", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	roundTrip(t, f)
	if got, err := workbench.Default().YAML(); err != nil || string(got) != "{}\n" {
		t.Errorf("the default is written as %q, %v", got, err)
	}
	f, err = workbench.Parse("x", []byte("operators: {secret: 12345678}\nnats: {servers: [a], token: 'true', domain: \"1e3\"}\nrooms: [007, ~x, \"null\", 目录]"))
	if err != nil {
		t.Fatal(err)
	}
	roundTrip(t, f)
}

func TestAliases(t *testing.T) {
	f, err := workbench.Parse("x", []byte("listen: [{address: 'tls://:1', certificate: &pem both.pem, key: *pem}, {address: 'tls://:2', certificate: *pem}]\n"+
		"ban: &net [192.0.2.0/24]\nrooms: [&ops {name: ops, topic: us}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := f.Listen[0], f.Listen[1]; a.Certificate != "both.pem" || a.Key != "both.pem" || b.Certificate != "both.pem" {
		t.Errorf("%+v", f.Listen)
	}
	roundTrip(t, f)
}

func TestSecretsAreHidden(t *testing.T) {
	f, err := workbench.Parse("x", []byte("operators: {secret: open sesame}\nnats: {servers: [a], token: abracadabra}"))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if s := fmt.Sprintf(format, *f); strings.Contains(s, "sesame") || strings.Contains(s, "abracadabra") {
			t.Errorf("%s shows a secret: %s", format, s)
		}
	}
	for _, bad := range []string{"operators: {secret: sesame}", "operators: {secret: [sesame]}", "nats: {servers: ['nats://u:sesame@%zz']}", "nats: {servers: ['ftp://u:sesame@h']}",
		"nats: {servers: ['nats://u:sesame@h', 'nats://u:sesame@h']}"} {
		if _, err := workbench.Parse("x", []byte(bad)); err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestReadSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	o := workbench.Operators{SecretFile: file}
	if _, err := o.ReadSecret(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for content, want := range map[string]workbench.Secret{" open sesame \n": "open sesame", "sesame\n": "", "open\nsesame\n": ""} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := o.ReadSecret(); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", content, string(got), err)
		}
	}
	if got, err := (workbench.Operators{}).ReadSecret(); got != "" || err != nil {
		t.Errorf("none: %q, %v", got, err)
	}
}

// A secret that cannot be read is told with its place in the file that names it.
func TestLoad(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sockeye.yaml")
	if err := os.WriteFile(file, []byte("rooms: [hall]\noperators:\n  secret-file: secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]string{"": "open ", "sesame\n": "the operators' secret in ", "open sesame\n": "none"} {
		if content != "" {
			if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := workbench.Load(file)
		_ = os.Remove(filepath.Join(dir, "secret"))
		if want == "none" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		var faults *workbench.FileError
		if !errors.As(err, &faults) || !strings.HasPrefix(err.Error(), file+":3:16: operators.secret-file: "+want) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func TestValues(t *testing.T) {
	for s, want := range map[string]time.Duration{"500ms": 500 * time.Millisecond, "2s": 2 * time.Second, "30d": 720 * time.Hour, "1d2h30m": 26*time.Hour + 30*time.Minute,
		"7": 7 * time.Second, "0.25": 250 * time.Millisecond, "0": 0, "106751d": 106751 * 24 * time.Hour} {
		if got, err := workbench.ParseDuration(s); got != want || err != nil {
			t.Errorf("%q is %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "-1s", "+1s", "1", "d", "1d-2h", "1.5d", "2 s", "1w", "106752d", "106751d24h", "99999999999d", "1d1d", "١s", "1e3", "."} {
		if got, err := workbench.ParseDuration(s); err == nil && s != "1" {
			t.Errorf("%q is taken for %v", s, got)
		}
	}
	for s, want := range map[string]workbench.Size{"0": 0, "64MiB": 64 << 20, "10MB": 10e6, "10 mb": 10e6, "1kB": 1000, "1KiB": 1024, "3GiB": 3 << 30, "2TB": 2e12, "7B": 7, "9223372036854775807": 1<<63 - 1} {
		if got, err := workbench.ParseSize(s); got != want || err != nil {
			t.Errorf("%q is %v, %v", s, got, err)
		} else if again, err := workbench.ParseSize(got.String()); again != got || err != nil {
			t.Errorf("%q is written %v and read %v, %v", s, got, again, err)
		}
	}
	for _, s := range []string{"", "MiB", "-1", "1.5MiB", "64M", "64k", "1PiB", "9223372036854775808", "9007199254740992TiB", "1MiBB"} {
		if got, err := workbench.ParseSize(s); err == nil {
			t.Errorf("%q is taken for %v", s, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(everything)
	f.Add("operators: {secret: 12345678}\nnats: {servers: ['nats://a:4222', b], token: 'true', domain: x, replicas: 3}\nrooms: [007, ~x, \"null\"]")
	f.Add("listen: &a [tcp://:1, *a]\nlimits: *a\n")
	f.Add("listen:\n - !!str tcp://:1\n - address: *x\n<<: {a: b}\n---\nx")
	f.Add("nats: {servers: [], domain: 0}\nlisten: [{address: 'tls://:1', certificate: '', key: k}]")
	f.Add("history: {age: 1d500ms, bytes: 1KiB}\ndrain: 0.000000001\nban: ['::/0']")
	f.Fuzz(func(t *testing.T, s string) {
		file, err := workbench.Parse("x", []byte(s))
		var faults *workbench.FileError
		switch {
		case err == nil:
			roundTrip(t, file)
		case !errors.As(err, &faults) || len(faults.Faults) == 0:
			t.Fatalf("%T: %v", err, err)
		default:
			for _, fault := range faults.Faults {
				if fault.Reason == "" || fault.Line < 0 || fault.Line > len(s)+1 {
					t.Fatalf("%#v", fault)
				}
			}
		}
	})
}
