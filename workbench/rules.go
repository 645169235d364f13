package workbench

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"

	"sockeye.dev/charset"
	"sockeye.dev/endpoint"
	"sockeye.dev/frame"
	"sockeye.dev/room"
)

// check finds what is wrong with values that are right by themselves. What faults they have already is not told again,
// so it passes over zero values.
func (b *binder) check(f *File) {
	names := b.checkRooms(f.Rooms, f.Limits.Rooms)
	sockets := make(map[string]*yaml.Node)
	for i := range f.Listen {
		b.checkDoor(fmt.Sprintf("listen[%d]", i), &f.Listen[i], names, sockets)
	}
	bans := make(map[netip.Prefix]bool)
	for i, p := range f.Ban {
		if path := fmt.Sprintf("ban[%d]", i); p.IsValid() && bans[p] {
			b.fault(b.given[path+"="], path, "", "%s is there twice", formatPrefix(p))
		}
		bans[p] = true
	}
	b.checkHistory(f)
	b.checkServers(f.NATS.Servers)
	if at := b.given["operators.secret="]; at != nil && f.Operators.Secret != "" {
		if err := f.Operators.Secret.check(); err != nil {
			b.fault(at, "operators.secret", "", "%v", err)
		}
	}
	if s := f.Status; s != (endpoint.Addr{}) {
		at := b.given["status="]
		if s.Scheme != "tcp" && s.Scheme != "unix" {
			b.fault(at, "status", "put a proxy before it for TLS", "it is HTTP over tcp or unix, not %s", s.Scheme)
		} else if first := sockets[socketOf(s)]; first != nil {
			b.fault(at, "status", "", "a door has this address already, in line %d", first.Line)
		} else {
			b.checkAddress(at, "status", s)
		}
	}
}

func (b *binder) checkRooms(rooms []Room, most int) (names []string) {
	seen := make(map[string]bool)
	for i, r := range rooms {
		path := fmt.Sprintf("rooms[%d].name", i)
		at := b.at(path)
		if r.Name == "" {
			continue
		}
		name, err := room.CheckName(r.Name)
		if err != nil {
			b.fault(at, path, "", "%v", err)
		} else if seen[name] {
			b.fault(at, path, "", "the room %s is there twice", r.Name)
		}
		if strings.ContainsFunc(r.Topic, unicode.IsControl) {
			b.fault(b.at(fmt.Sprintf("rooms[%d].topic", i)), "rooms.topic", "", "it is one line, without control characters")
		}
		names, seen[name] = append(names, r.Name), true
	}
	if most > 0 && len(rooms) > most {
		at := b.at("rooms")
		if b.given["limits.rooms"] != nil {
			at = b.at("limits.rooms")
		}
		b.fault(at, "limits.rooms", "", "%d rooms are open always, which is more than %d", len(rooms), most)
	}
	return names
}

// at is the value at path, or else its key, or nil.
func (b *binder) at(path string) *yaml.Node {
	if n := b.given[path+"="]; n != nil {
		return n
	}
	return b.given[path]
}

// options are the keys of a door that an address can also say.
var options = map[string]string{
	"json": "json", "encoding": "encoding", "send-encoding": "send-encoding", "legacy": "legacy", "errors": "errors", "frame": "frame", "idle": "idle",
	"certificate": "cert", "key": "key", "client-ca": "clientca", "proxy-protocol": "proxyproto",
}

func (b *binder) checkDoor(path string, d *Door, rooms []string, sockets map[string]*yaml.Node) {
	a := d.Address
	if a == (endpoint.Addr{}) {
		return
	}
	address := b.at(path + ".address")
	if a.Scheme == "mem" {
		b.fault(address, path+".address", "write tcp://HOST:PORT or unix:PATH", "mem is for tests within one process")
	}
	if key := socketOf(a); sockets[key] != nil {
		b.fault(address, path+".address", "", "%v is there twice; the first is in line %d", a.Redacted(), sockets[key].Line)
	} else if key != "" {
		sockets[key] = address
	}
	b.checkAddress(address, path+".address", d.opened(), ours...)
	json, err := d.json()
	if err != nil {
		b.faultOfAddress(address, path+".address", err)
	}
	if json {
		for _, key := range []string{"encoding", "send-encoding", "legacy", "errors", "frame"} {
			if a.Options.Has(key) {
				b.fault(cmp.Or(b.at(path+".json"), address), path+".json", "", "json and the address's %s exclude each other", key)
			} else if at := b.given[path+"."+key]; at != nil && !d.JSON {
				b.fault(at, path+"."+key, "", "the address's json and %s exclude each other", key)
			}
		}
		if d.Broker && !d.JSON {
			b.fault(b.at(path+".broker"), path+".broker", "", "the address's json and broker exclude each other")
		}
	}
	for key, option := range options {
		if at := b.given[path+"."+key]; at != nil && a.Options.Has(option) {
			b.fault(at, path+"."+key, "", "the address says %s already", option)
		}
	}
	for _, key := range []string{"certificate", "key", "client-ca"} {
		if at := b.given[path+"."+key]; at != nil && a.Scheme != "tls" && a.Scheme != "wss" {
			b.fault(at, path+"."+key, "", "it is for tls and wss, not %s", a.Scheme)
		}
	}
	if at := b.given[path+".cookies"]; at != nil && a.Scheme != "udp" {
		b.fault(at, path+".cookies", "", "it is for udp, not %s", a.Scheme)
	}
	if at := b.given[path+".proxy-protocol"]; at != nil && (a.Scheme == "udp" || a.Scheme == "unix" || a.Scheme == "unixgram") {
		b.fault(at, path+".proxy-protocol", "", "it is for tcp and what is spoken over it, not %s", a.Scheme)
	}
	meant := func(name string) bool {
		kept, _ := room.CheckName(name)
		return d.Room == name || d.Room == kept
	}
	if d.Room != "" && !slices.ContainsFunc(rooms, meant) {
		hint := "known are " + strings.Join(rooms, ", ")
		if near := nearest(d.Room, rooms); near != "" {
			hint = "did you mean " + near + "?"
		}
		b.fault(b.at(path+".room"), path+".room", hint, "%q is not one of rooms", shorten(d.Room))
	}
	for _, e := range []struct {
		key, value string
		read       func(string) error
	}{
		{"encoding", d.Encoding, encodingOrAuto},
		{"send-encoding", d.SendEncoding, encodingOrAuto},
		{"legacy", d.Legacy, func(s string) error { _, err := charset.Lookup(s); return err }},
		{"errors", d.Errors, func(s string) error { _, err := charset.ParsePolicy(s); return err }},
		{"frame", d.Frame, func(s string) error { _, err := frame.Parse(s); return err }},
		{"idle", "", func(s string) error {
			if idleOfSocket(a) {
				return nil // checkAddress has it
			}
			_, err := ParseDuration(s)
			return err
		}},
	} {
		at := b.at(path + "." + e.key)
		if e.value == "" || a.Options.Has(e.key) {
			e.value, at = a.Options.Get(e.key), address
		}
		if e.value == "" {
			continue
		}
		if err := e.read(e.value); err != nil {
			b.fault(at, path+"."+e.key, "", "%v", err)
		}
	}
}

// opened is the door's address as it is listened at: with what the door says beside it, and without what is said of text.
func (d *Door) opened() endpoint.Addr {
	a := d.Address
	for _, key := range []string{"json", "encoding", "send-encoding", "legacy", "errors", "frame"} {
		a.Options.Take(key)
	}
	if !idleOfSocket(a) {
		a.Options.Take("idle")
	}
	if d.Certificate != "" && (a.Scheme == "tls" || a.Scheme == "wss") {
		a.Options.Set("cert", d.Certificate)
	}
	return a
}

// idleOfSocket reports whether it is a's socket that ends silent conversations, and not who holds them.
func idleOfSocket(a endpoint.Addr) bool { return a.Scheme == "udp" || a.Scheme == "unixgram" }

// ours are the options of a door's address that are not the endpoint's.
var ours = []string{"json", "encoding", "send-encoding", "legacy", "errors", "frame", "idle"}

// tellOf has an error about an unknown option tell of others that there are.
func tellOf(err error, others []string) error {
	var option *endpoint.OptionError
	if errors.As(err, &option) {
		option.Also(others...)
	}
	return err
}

// checkAddress tells what keeps a from being listened at on any machine. It may have other options, too, which were taken before.
func (b *binder) checkAddress(at *yaml.Node, path string, a endpoint.Addr, others ...string) {
	if err := tellOf(a.Check("listen"), others); err != nil {
		b.faultOfAddress(at, path, err)
	}
}

// faultOfAddress tells of an error that would name the address, without it.
func (b *binder) faultOfAddress(at *yaml.Node, path string, err error) {
	reason := err.Error()
	var option *endpoint.OptionError
	var system *net.OpError
	if errors.As(err, &option) {
		reason = fmt.Sprintf("option %s: %s", option.Option, option.Reason)
		if option.Value != "" {
			reason = fmt.Sprintf("option %s=%s: %s", option.Option, shorten(option.Value), option.Reason)
		}
	} else if errors.As(err, &system) {
		reason = system.Err.Error()
	}
	b.fault(at, path, endpoint.Hint(err), "%s", reason)
}

func encodingOrAuto(s string) error {
	if strings.EqualFold(s, "auto") {
		return nil
	}
	_, err := charset.Lookup(s)
	return err
}

// socketOf names the socket that an address opens, "" for one of the system's choice: tcp and tls at one port are one.
func socketOf(a endpoint.Addr) string {
	kind, at := "stream", a.Path
	switch a.Scheme {
	case "unix", "unixgram", "mem":
		return a.Scheme + ":" + filepath.Clean(at)
	case "udp":
		kind = "datagram"
	}
	if a.Port == 0 {
		return ""
	}
	host := strings.ToLower(a.Host)
	if host == "::" {
		host = "" // every address
	}
	return fmt.Sprintf("%s %s %d %s", kind, host, a.Port, a.Options.Get("ip"))
}

func (b *binder) checkHistory(f *File) {
	data, keep := b.given["history.data"], f.History.Keep
	if data != nil && !keep {
		b.fault(data, "history.data", "remove it, or keep: false", "history is kept in memory only")
	}
	if len(f.NATS.Servers) == 0 {
		return
	}
	if data != nil {
		b.fault(data, "history.data", "remove it, or nats", "history is kept by the NATS servers")
	}
	if !keep {
		b.fault(b.at("history.keep"), "history.keep", "remove it, or nats", "history is kept by the NATS servers")
	}
}

func (b *binder) checkServers(servers []string) {
	for i, s := range servers {
		path := fmt.Sprintf("nats.servers[%d]", i)
		if s == "" {
			continue
		}
		switch err := CheckServer(s); {
		case err != nil:
			b.fault(b.at(path), path, "", "%v", err)
		case slices.Contains(servers[:i], s):
			b.fault(b.at(path), path, "", "the server is there twice")
		}
	}
}

// CheckServer says why s cannot be the address of a NATS server; a bare HOST:PORT can. It does not repeat s, which may have
// a password.
func CheckServer(s string) error {
	if !strings.Contains(s, "://") {
		s = "nats://" + s
	}
	u, err := url.Parse(s) // whose error has the password
	if err != nil || u.Hostname() == "" {
		return errors.New("it is no address of a server: write nats://HOST:4222")
	}
	if !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
		return fmt.Errorf("%q is no address of a NATS server: those are nats://, tls://, ws:// or wss://", u.Scheme+"://")
	}
	return nil
}

// resolve makes the relative paths of f relative to dir.
func (f *File) resolve(dir string) {
	paths(reflect.ValueOf(f).Elem(), func(path string) string {
		if filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(dir, path)
	})
}

// paths replaces every path below v: fields that are a file, and what addresses say of files.
func paths(v reflect.Value, replace func(string) string) {
	for i := range v.NumField() {
		field, tag := v.Field(i), v.Type().Field(i).Tag
		switch {
		case field.Type() == addrType:
			field.Set(reflect.ValueOf(inAddress(field.Interface().(endpoint.Addr), replace)))
		case section(field.Type()):
			paths(field, replace)
		case field.Kind() == reflect.Slice && section(field.Type().Elem()):
			for j := range field.Len() {
				paths(field.Index(j), replace)
			}
		case tag.Get("file") != "" && field.String() != "":
			field.SetString(replace(field.String()))
		}
	}
}

func inAddress(a endpoint.Addr, replace func(string) string) endpoint.Addr {
	if (a.Scheme == "unix" || a.Scheme == "unixgram") && !strings.HasPrefix(a.Path, "@") {
		a.Path = replace(a.Path)
	}
	for _, key := range []string{"cert", "key", "clientca", "keylog"} {
		if file := a.Options.Get(key); file != "" {
			a.Options.Set(key, replace(file))
		}
	}
	return a
}
