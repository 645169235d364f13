package workbench_test

import (
	"strings"
	"testing"

	"sockeye.dev/workbench"
)

func TestFaults(t *testing.T) {
	for _, test := range []struct{ file, want string }{
		// keys
		{"lisen: [tcp://:1]", `f:1:1: lisen: unknown key (did you mean listen?)`},
		{"listen:\n  - address: tcp://:1\n    rom: lobby", `f:3:5: listen.rom: unknown key (did you mean room?)`},
		{"history:\n  per-source: 3", `f:2:3: history.per-source: unknown key (it belongs under limits)`},
		{"members: 3", `f:1:1: members: unknown key (it belongs under listen or under limits)`},
		{"log: {drain: 3}", `f:1:7: log.drain: unknown key (it belongs at the left margin)`},
		{"operators: {x: 1}", `f:1:13: operators.x: unknown key (known here are secret, secret-file, unix, certificates)`},
		{"drain: 1\ndrain: 2", `f:2:1: drain: it is there twice; the first is in line 1`},
		{"log: {level: info, level: warn}", `f:1:20: log.level: it is there twice; the first is in line 1`},
		{"a: &a {}\n<<: *a", "f:1:1: a: unknown key (known here are listen, rooms, language, members-open-rooms, history, nats, operators, ban, limits, status, log, drain)\n" +
			`f:2:1: <<: unknown key (merge keys are not understood; an alias of a whole value is)`},
		{"[a]: 1", `f:1:1: a key is a word, not a list`},
		{"listen: [{room: lobby}]", `f:1:10: listen.address: it is missing`},
		// types
		{"- a", `f:1:1: it wants keys and values, not a list`},
		{"listen: tcp://:1", `f:1:9: listen: it wants a list, not "tcp://:1"`},
		{"listen: []", `f:1:9: listen: the list is empty (leave the key out for the default)`},
		{"listen: [[a]]", `f:1:10: listen: it wants keys and values, not a list`},
		{"listen:", `f:1:8: listen: it wants a list, not nothing`},
		{"history: yes", `f:1:10: history: it wants keys and values, not "yes"`},
		{"members-open-rooms: yes", `f:1:21: members-open-rooms: it wants true or false, not "yes" (write true)`},
		{"members-open-rooms: 'true'", `f:1:21: members-open-rooms: it wants true or false, not the text "true"`},
		{"limits: {members: many, rooms: 2.5, sessions: '3'}", `f:1:19: limits.members: it wants a whole number, not "many"` + "\n" +
			`f:1:32: limits.rooms: it wants a whole number, not "2.5"` + "\n" + `f:1:47: limits.sessions: it wants a whole number, not the text "3"`},
		{"limits: {members: 0}", `f:1:19: limits.members: 0 is not from 1 to 2147483647`},
		{"limits: {message: 65537}", `f:1:19: limits.message: 65537 is not from 1 to 65536`},
		{"limits: {members: 0x10}", `f:1:19: limits.members: "0x10" is not a whole number`},
		{"drain: soon", `f:1:8: drain: "soon" is not a duration: 500ms, 2s, 1h30m, 30d, or a bare number of seconds`},
		{"drain: -1", `f:1:8: drain: "-1" is not a duration: 500ms, 2s, 1h30m, 30d, or a bare number of seconds`},
		{"drain:", `f:1:7: drain: it has no value (leave the key out for the default)`},
		{"drain: !!str 5", `f:1:8: drain: tags like !!str are not understood`},
		{"history: {bytes: 64M}", `f:1:18: history.bytes: "64M" is not a size: 64MiB, 10MB, or a bare number of bytes; MiB is 1024×1024, MB a million`},
		{"history: {bytes: 1.5}", `f:1:18: history.bytes: it wants a size: 64MiB, 10MB, or a bare number of bytes, not "1.5"`},
		{"log: {level: warning}", `f:1:14: log.level: "warning" is not one of debug, info, warn, error (did you mean warn?)`},
		{"nats: {servers: [a], replicas: 2}", `f:1:32: nats.replicas: "2" is not one of 1, 3, 5`},
		{"history: {data: ''}", `f:1:17: history.data: it is empty; leave the key out for the default`},
		{"ban: [192.0.2.300, 192.0.2.7/24, 'fe80::1%eth0', 192.0.2.7, 192.0.2.7/32]",
			`f:1:7: ban: "192.0.2.300" is neither an IP address nor a network like 198.51.100.0/24` + "\n" +
				`f:1:20: ban: "192.0.2.7/24" has bits beyond its length: the network is 192.0.2.0/24` + "\n" +
				`f:1:34: ban: "fe80::1%eth0" is neither an IP address nor a network like 198.51.100.0/24` + "\n" +
				`f:1:61: ban: 192.0.2.7 is there twice`},
		// doors
		{"listen: ['tpc://:1']", `f:1:10: listen: "tpc://:1" is no address: unknown scheme "tpc" (did you mean tcp?)`},
		{"listen: ['mem://a']", `f:1:10: listen.address: mem is for tests within one process (write tcp://HOST:PORT or unix:PATH)`},
		{"listen:\n - tcp://:1\n - udp://:1\n - {address: 'tls://:1'}", `f:4:14: listen.address: tls://:1 is there twice; the first is in line 2`},
		{"listen: ['unix:a', 'unix:./a']", `f:1:20: listen.address: unix:./a is there twice; the first is in line 1`},
		{"listen: [{address: ':1', room: loby}]", `f:1:32: listen.room: "loby" is not one of rooms (did you mean lobby?)`},
		{"rooms: [lobby, Hall]\nlisten: [{address: ':1', room: quay}]", `f:2:32: listen.room: "quay" is not one of rooms (known are lobby, Hall)`},
		{"listen: [{address: ':1', broker: true, room: lobby, json: true}]", `f:1:40: listen.room: broker and room exclude each other` + "\n" +
			`f:1:53: listen.json: broker and json exclude each other`},
		{"listen: [{address: ':1', json: true, frame: line}]", `f:1:38: listen.frame: json and frame exclude each other`},
		{"listen: [{address: ':1?frame=line', json: true}]", `f:1:43: listen.json: json and the address's frame exclude each other`},
		{"listen: [':1?json=maybe', ':2?json', ':3?json=0&frame=line', ':4?json=1&frame=line']", `f:1:10: listen.address: option json=maybe: want on or off` + "\n" +
			`f:1:62: listen.json: json and the address's frame exclude each other`},
		{"rooms: [Hall]\nlisten: [{address: ':1', room: hall}, {address: ':2', room: Hall}, {address: ':3', room: den}]", `f:2:90: listen.room: "den" is not one of rooms (known are Hall)`},
		{"listen: [':1?jsn=on', 'ws://:2?x=on']\nstatus: ':3?jsn=on'", `f:1:10: listen.address: option jsn=on: unknown (did you mean json?)` + "\n" +
			`f:1:23: listen.address: option x=on: unknown (the options here are backlog, encoding, errors, frame, hosts, idle, ip, json, keepalive, ` +
			`legacy, max, nodelay, origin, protocol, proxyproto, rcvbuf, reuseaddr, reuseport, send-encoding, sndbuf, timeout, type; ` +
			`a query of the server's own is written with %3F: /path%3Fx=...)` + "\n" +
			`f:2:9: status: option jsn=on: unknown (the options here are backlog, ip, keepalive, nodelay, proxyproto, rcvbuf, reuseaddr, reuseport, sndbuf)`},
		{"listen: [{address: ':1?json=on', json: true}]", `f:1:34: listen.json: the address says json already`},
		{"listen: [{address: ':1?json=on', encoding: gbk, broker: true}]", `f:1:34: listen.encoding: the address's json and encoding exclude each other` + "\n" +
			`f:1:57: listen.broker: the address's json and broker exclude each other`},
		{"listen: [{address: ':1', certificate: a, client-ca: b}]", `f:1:26: listen.certificate: it is for tls and wss, not tcp` + "\n" +
			`f:1:42: listen.client-ca: it is for tls and wss, not tcp`},
		{"listen: [{address: 'tls://:1', key: a}]", `f:1:32: listen.key: it needs certificate beside it`},
		{"listen: [{address: 'tls://:1?cert=x', certificate: a}]", `f:1:39: listen.certificate: the address says cert already`},
		{"listen: [{address: ':1', cookies: false}]", `f:1:26: listen.cookies: it is for udp, not tcp`},
		{"listen: [{address: 'udp://:1', proxy-protocol: true}]", `f:1:32: listen.proxy-protocol: it is for tcp and what is spoken over it, not udp`},
		{"listen: [':1?frame=lin']", `f:1:10: listen.frame: `},
		{"listen: [{address: ':1', encoding: utf-9}]", `f:1:36: listen.encoding: `},
		{"listen: [{address: ':1', errors: strickt}]", `f:1:34: listen.errors: `},
		{"listen:\n - ':1?idle=5'\n - ':2?nodely=1'\n - {address: 'tcp://:3?idle=soon'}", `f:3:4: listen.address: option nodely=1: unknown (did you mean nodelay?)` + "\n" +
			`f:4:14: listen.idle: "soon" is not a duration: 500ms, 2s, 1h30m, 30d, or a bare number of seconds`},
		{"listen: ['udp://:1?idle=soon']", `f:1:10: listen.address: option idle=soon: want a duration: 500ms, 2s, 1m, or seconds`},
		{"listen: ['ws://:1?idle=5s', {address: 'ws://:2?auth=a:secret', room: lobby}]", `f:1:39: listen.address: option auth: it means nothing when listening ws (it is for dialing)`},
		{"listen: [{address: 'tls://:1?key=k', certificate: c}, 'tls://:2?key=k']", `f:1:55: listen.address: option key=k: a key without its certificate (cert=FILE names it)`},
		{"listen: ['udp://:1?ttl=3']", `f:1:10: listen.address: option ttl=3: the address is not a multicast group (groups are 224.0.0.0 to 239.255.255.255, and ff00::/8)`},
		{"listen: ['unix:" + strings.Repeat("x", 200) + "']", `f:1:10: listen.address: path of 200 bytes exceeds the limit of `},
		{"status: tcp://:1?backlog=0", `f:1:9: status: option backlog=0: want a number from 1`},
		// the rest
		{"rooms: [a, a, 'b c', /d]", `f:1:12: rooms.name: the room a is there twice` + "\n" +
			`f:1:15: rooms.name: b c cannot be a room's name, which is like a nick: a nick has no spaces` + "\n" +
			`f:1:22: rooms.name: /d cannot be a room's name, which is like a nick: a nick has no /`},
		{"rooms: [a, b]\nlimits: {rooms: 1}", `f:2:17: limits.rooms: 2 rooms are open always, which is more than 1`},
		{"history: {keep: false, data: x}", `f:1:24: history.data: history is kept in memory only (remove it, or keep: false)`},
		{"history: {data: x}\nnats: {servers: [a]}", `f:1:11: history.data: history is kept by the NATS servers (remove it, or nats)`},
		{"history: {keep: false}\nnats: {servers: [a]}", `f:1:17: history.keep: history is kept by the NATS servers (remove it, or nats)`},
		{"nats: {servers: [], domain: x}", `f:1:21: nats.domain: it needs servers beside it`},
		{"nats: {token: a}", `f:1:8: nats.token: it needs servers beside it`},
		{"nats: {servers: [a], token: a, credentials: b}", `f:1:32: nats.credentials: credentials and token exclude each other`},
		{"nats: {servers: [a], certificate: a}", `f:1:22: nats.certificate: it needs key beside it`},
		{"nats: {servers: ['http://a', 'nats://', a, a]}", `f:1:18: nats.servers: "http://" is no address of a NATS server: those are nats://, tls://, ws:// or wss://` + "\n" +
			`f:1:30: nats.servers: it is no address of a server: write nats://HOST:4222` + "\n" + `f:1:44: nats.servers: the server is there twice`},
		{"operators: {secret: short}", `f:1:21: operators.secret: it has 5 characters, and needs at least 8`},
		{"operators: {secret: long enough, secret-file: a}", `f:1:34: operators.secret-file: secret and secret-file exclude each other`},
		{"status: udp://:1", `f:1:9: status: it is HTTP over tcp or unix, not udp (put a proxy before it for TLS)`},
		{"status: 127.0.0.1:7788\nlisten: ['127.0.0.1:7788']", `f:1:9: status: a door has this address already, in line 2`},
		// YAML itself
		{"a: [1,\nb: 2", `f:3:`},
		{"listen: *a", `f:1:`},
		{"a: 1\n---\nb: 2", `f:2:1: a second document begins here; the file is one (remove the line ---)`},
		{"# 目录\na: é\xff", `f:2:5: this is not YAML: `},
		{"# x\n\na: \x01", `f:3:4: this is not YAML: `},
		{"a:\tb:\n\tc", `f:1:`},
		{strings.Repeat("# long\n", 160_000), `f: the file is longer than 1MiB`},
		// all of them at once, in their order
		{"status: 1\ndrain: x\nfoo: 1\nlimits:\n  rooms: 0", "f:1:9: status: \"1\" is no address: a port alone needs its colon (write :1)\n" +
			"f:2:8: drain: \"x\" is not a duration: 500ms, 2s, 1h30m, 30d, or a bare number of seconds\n" +
			"f:3:1: foo: unknown key (known here are listen, rooms, language, members-open-rooms, history, nats, operators, ban, limits, status, log, drain)\n" +
			"f:5:10: limits.rooms: 0 is not from 1 to 2147483647"},
	} {
		_, err := workbench.Parse("f", []byte(test.file))
		if err == nil {
			t.Errorf("%.80q is taken; want %s", test.file, test.want)
			continue
		}
		got := err.Error()
		if strings.HasSuffix(test.want, " ") || strings.HasSuffix(test.want, ":") {
			if !strings.HasPrefix(got, test.want) {
				t.Errorf("%.80q\n got %s\nwant %s...", test.file, got, test.want)
			}
			t.Logf("%.80q\n%s", test.file, got)
		} else if got != test.want {
			t.Errorf("%.80q\n got %s\nwant %s", test.file, got, test.want)
		}
	}
}
