package workbench

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sockeye.dev/endpoint"
)

// File is what a file for `sockeye serve` says, with every default filled in. Parse, ReadFile, Load and Default make one; it
// is a plain value afterwards. It may hold secrets: print it with care, and write it with YAML.
//
// The comments of these types are also the descriptions in the JSON Schema; the tags say the rest: the default, the
// bounds, the only values (enum), which keys exclude each other or need another, the key a bare value stands for
// (short), and that a value is the path of a file.
type File struct {
	// Listen are the doors: the addresses that members connect to. Each is an address or a mapping with more to say
	// about it.
	Listen []Door `yaml:"listen" default:"tcp://127.0.0.1:7788,udp://127.0.0.1:7788"`

	// Rooms are open always, whether anybody is in them or not. The first is where people enter.
	Rooms []Room `yaml:"rooms" default:"lobby"`

	// Language is what the rooms speak: en or zh. Default: the language of the process, by --lang or its locale.
	Language string `yaml:"language" enum:"en,zh"`

	// MembersOpenRooms says whether /join of a room that is not open opens it.
	MembersOpenRooms bool `yaml:"members-open-rooms" default:"true"`

	// History says what is kept of what is said, and where.
	History History `yaml:"history"`

	// NATS is a cluster of NATS servers that keeps the rooms, instead of this process and its disk; the processes on
	// one cluster are one chat.
	NATS NATS `yaml:"nats"`

	// Operators says who may use the operators' commands.
	Operators Operators `yaml:"operators"`

	// Ban are addresses and networks whose members are turned away at every door.
	Ban []netip.Prefix `yaml:"ban"`

	// Limits keep one member, one source or all of them from taking everything.
	Limits Limits `yaml:"limits"`

	// Status is a TCP or Unix socket address where HTTP GET of /metrics, /healthz and /readyz is answered, to everybody
	// who can connect. Default: nowhere.
	Status endpoint.Addr `yaml:"status"`

	// Log says how much is logged to standard error, and how.
	Log Log `yaml:"log"`

	// Drain is how long members have to go after the process was told to end; what is left then is cut off.
	Drain time.Duration `yaml:"drain" default:"5s"`
}

// Door is one address that members connect to, and how they are spoken to there. What the address's own options say
// (tcp://:7788?encoding=gbk) may not be said again beside it.
type Door struct {
	// Address is where to listen: tcp://HOST:PORT, udp://, tls://, ws://, wss://, unix:PATH or unixgram:PATH. :PORT is
	// every interface; a bare HOST:PORT is tcp.
	Address endpoint.Addr `yaml:"address" short:"yes"`

	// Room is where the door's members enter: one of rooms. Default: the first of them.
	Room string `yaml:"room"`

	// JSON says that members speak and are spoken to in JSON, one object a line, in UTF-8.
	JSON bool `yaml:"json" default:"false" excludes:"encoding,send-encoding,legacy,errors,frame"`

	// Broker gives the bytes of one to all others, without rooms, names or commands.
	Broker bool `yaml:"broker" default:"false" excludes:"room,json"`

	// Encoding is the text encoding of members, by name; auto finds out for each of them. hex is for devices that speak
	// bytes and no text.
	Encoding string `yaml:"encoding" default:"auto"`

	// SendEncoding is the encoding of what members are sent, if another. Default: the one they speak.
	SendEncoding string `yaml:"send-encoding"`

	// Legacy is what auto takes text for that is not UTF-8, by name. Default: the locale's.
	Legacy string `yaml:"legacy"`

	// Errors is the policy for text that does not fit the encoding: strict, ignore, replace, backslashreplace,
	// xmlcharrefreplace or surrogateescape. Default: replace.
	Errors string `yaml:"errors"`

	// Frame says where a message ends, as the flag of the same name: line, crlf, nul, delim:TEXT, len16, quiet:20ms and
	// so on. Default: a line or 50 ms of silence; that silence with encoding hex, and with broker raw.
	Frame string `yaml:"frame"`

	// Idle ends a conversation after this time in which nothing comes. 0 is the default: never, and 60s on udp and
	// unixgram.
	Idle time.Duration `yaml:"idle" default:"0"`

	// Certificate is a PEM file with the certificate and its chain, for tls and wss. Default: a new self-signed one.
	Certificate string `yaml:"certificate" file:"yes"`

	// Key is a PEM file with the certificate's key. Default: the certificate's own file.
	Key string `yaml:"key" file:"yes" needs:"certificate"`

	// ClientCA is a PEM file with authorities, for tls and wss: who shows no certificate that one of them has signed is
	// turned away.
	ClientCA string `yaml:"client-ca" file:"yes"`

	// Cookies says, for udp, that sources off this host have to echo a cookie before they are a member: otherwise
	// anybody could have us speak to a source that is not theirs.
	Cookies bool `yaml:"cookies" default:"true"`

	// ProxyProtocol says that every connection begins with a PROXY header, which says who the client is: for a door
	// that only a proxy can reach.
	ProxyProtocol bool `yaml:"proxy-protocol" default:"false"`

	// Members is how many conversations this door holds at once; further ones are refused. 0 is no limit of its own.
	Members int `yaml:"members" default:"0" min:"0"`
}

// Room is a room that is open always.
type Room struct {
	// Name is the room's name: one word of up to 32 characters, which members type behind /join; upper and lower case are
	// alike.
	Name string `yaml:"name" short:"yes"`

	// Topic is what those who enter are told the room is about. Default: nothing.
	Topic string `yaml:"topic"`
}

// History says what is kept of what is said, and where. Each limit is per room; the oldest go first.
type History struct {
	// Keep says whether what is said survives the process. false keeps it in memory only.
	Keep bool `yaml:"keep" default:"true"`

	// Data is the directory it is kept in; it is made when missing, and one process at a time may have it. Default:
	// sockeye in the user's directory for state.
	Data string `yaml:"data" file:"yes"`

	// Messages is how many messages are kept of a room. 0 is no limit.
	Messages int `yaml:"messages" default:"10000" min:"0"`

	// Bytes is how much is kept of a room. 0 is no limit.
	Bytes Size `yaml:"bytes" default:"64MiB" min:"0"`

	// Age is how long a message is kept. 0 is no limit.
	Age time.Duration `yaml:"age" default:"30d"`

	// Newcomers is how many of the messages said last somebody who enters is shown. 0 is none.
	Newcomers int `yaml:"newcomers" default:"20" min:"0"`
}

// NATS is a cluster of NATS servers, 2.11 or newer and with JetStream. It is used when Servers are given.
type NATS struct {
	// Servers are some of the cluster's servers, as nats://HOST:4222 or tls://USER:PASSWORD@HOST:4222; the others are
	// learned from the first that answers.
	Servers []string `yaml:"servers"`

	// Credentials is a .creds file: a user's JWT and seed. Default: none.
	Credentials string `yaml:"credentials" file:"yes" needs:"servers" excludes:"token"`

	// Token is a plain token that the servers ask for. Default: none.
	Token Secret `yaml:"token" needs:"servers"`

	// CA is a PEM file with the authorities that the servers' certificates are checked against. Default: the system's.
	CA string `yaml:"ca" file:"yes" needs:"servers"`

	// Certificate is a PEM file with the certificate that is shown to the servers. Default: none.
	Certificate string `yaml:"certificate" file:"yes" needs:"servers,key"`

	// Key is a PEM file with that certificate's key.
	Key string `yaml:"key" file:"yes" needs:"certificate"`

	// Domain is the JetStream domain that the rooms are kept in. Default: the servers' own.
	Domain string `yaml:"domain" needs:"servers"`

	// Replicas is how many of the servers keep each room: 1, 3 or 5.
	Replicas int `yaml:"replicas" default:"3" enum:"1,3,5" needs:"servers"`
}

// Operators says who may use the operators' commands.
type Operators struct {
	// Secret makes an operator of who says /op and it. At least 8 characters. Default: nobody.
	Secret Secret `yaml:"secret" excludes:"secret-file"`

	// SecretFile is a file with that secret, whose white space at either end does not count.
	SecretFile string `yaml:"secret-file" file:"yes"`

	// Unix makes operators of the peers of a Unix socket that run as the same user as we.
	Unix bool `yaml:"unix" default:"true"`

	// Certificates makes operators of who has shown a certificate that the door's client-ca accepts.
	Certificates bool `yaml:"certificates" default:"false"`
}

// Limits keep one member, one source or all of them from taking everything.
type Limits struct {
	// Members is how many members a room takes, of this process.
	Members int `yaml:"members" default:"16384" min:"1"`

	// Sessions is how many conversations all doors hold together. 0 is as many as there are descriptors for.
	Sessions int `yaml:"sessions" default:"0" min:"0"`

	// PerSource is how many of them may come from one source, an IPv4 address or the /64 of an IPv6 one; loopback and Unix
	// sockets are exempt. 0 is no limit.
	PerSource int `yaml:"per-source" default:"0" min:"0"`

	// Rooms is how many rooms may be open at once, those of rooms included.
	Rooms int `yaml:"rooms" default:"100" min:"1"`

	// Message is how many characters a message may have; a longer one is refused, not cut.
	Message int `yaml:"message" default:"4096" min:"1" max:"65536"`

	// LinesPerSecond is how many lines one source may say in a second; loopback and Unix sockets are exempt. 0 is no
	// limit.
	LinesPerSecond int `yaml:"lines-per-second" default:"20" min:"0"`

	// JoinsPerSecond is how many members one source may become in a second; loopback and Unix sockets are exempt. 0 is
	// no limit.
	JoinsPerSecond int `yaml:"joins-per-second" default:"5" min:"0"`
}

// Log says how much is logged to standard error, and how.
type Log struct {
	// Format is how an entry is written: key=value text, or JSON, one object a line.
	Format string `yaml:"format" default:"text" enum:"text,json"`

	// Level is the least that is logged.
	Level string `yaml:"level" default:"info" enum:"debug,info,warn,error"`
}

// Slog returns Level as package log/slog knows it.
func (l Log) Slog() slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.Level)) // the parser takes only what it knows
	return level
}

// maxFile bounds the file: thousands of doors and bans fit.
const maxFile = 1 << 20

// ReadFile reads the file at path. Relative paths in it, also of Unix sockets, are relative to the file's directory. The
// error is an *os.PathError, or a *FileError with every fault.
func ReadFile(path string) (*File, error) {
	f, _, err := readFile(path)
	return f, err
}

// Load is ReadFile for who runs the file here and now: it is a fault, too, if the operators' secret cannot be read.
func Load(path string) (*File, error) {
	f, b, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if _, err := f.Operators.ReadSecret(); err != nil {
		b.fault(b.at("operators.secret-file"), "operators.secret-file", "", "%v", err)
		return nil, &FileError{Faults: b.faults}
	}
	return f, nil
}

func readFile(path string) (*File, *binder, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, nil, err
	}
	b := newBinder(path)
	f, err := b.parse(data)
	if err != nil {
		return nil, nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, nil, err
	}
	f.resolve(dir)
	return f, b, nil
}

// Default returns what an empty file says.
func Default() *File {
	f, err := Parse("", nil)
	if err != nil {
		panic(err) // TestDefault
	}
	return f
}

// ReadSecret returns the operators' secret, from SecretFile if it is there; "" when there is none.
func (o Operators) ReadSecret() (Secret, error) {
	if o.SecretFile == "" {
		return o.Secret, nil
	}
	data, err := os.ReadFile(o.SecretFile)
	if err != nil {
		return "", err
	}
	s := Secret(strings.TrimSpace(string(data)))
	if err := s.check(); err != nil {
		return "", fmt.Errorf("the operators' secret in %s: %w", o.SecretFile, err)
	}
	return s, nil
}

// Secret is text that is written to files and compared, but not printed: String hides it.
type Secret string

// String returns five x, or "" for no secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "xxxxx"
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// minSecret is the shortest secret that is not guessed over the network at once, in characters.
const minSecret = 8

func (s Secret) check() error {
	if n := len([]rune(string(s))); n < minSecret {
		return fmt.Errorf("it has %d characters, and needs at least %d", n, minSecret)
	}
	if strings.ContainsAny(string(s), "\r\n") {
		return errors.New("it is more than one line")
	}
	return nil
}
