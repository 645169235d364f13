package natsbus

import (
	"cmp"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config says where the messages are kept, and how many. Either Dir or URLs must be given.
type Config struct {
	// Dir is the directory of the embedded server's store; it is made when missing. One process at a time may have it.
	Dir string

	// SyncInterval is how often the embedded server has the disk written: what power loss, unlike the death of the
	// process, can cost. Default 2 s.
	SyncInterval time.Duration

	// SyncAlways has every message on the disk before Publish returns, so that power loss costs nothing either.
	// A Publish then takes as long as the disk's fsync; those at the same time do not share one.
	SyncAlways bool

	// URLs are servers of a cluster, such as nats://a:4222, tls://b:4222 or nats://user:password@c:4222. The others are
	// learned from the first that answers. The servers must be nats-server 2.11 or newer, with JetStream.
	URLs []string

	// CredentialsFile is a .creds file (a user's JWT and seed); Token a plain token. Default neither.
	CredentialsFile, Token string

	// CAFile has the certificates that the servers' are checked against; default the system's. CertFile and KeyFile are
	// the certificate shown to the servers; default none. All are PEM.
	CAFile, CertFile, KeyFile string

	// Domain is the JetStream domain the streams live in. Default the servers' own.
	Domain string

	// Replicas is how many servers of the cluster keep each room: 1, 3 or 5. Default 1. Embedded it is always 1.
	Replicas int

	// MaxMessages, MaxBytes and MaxAge limit what is kept of each room; the oldest go first. Negative means no limit.
	// MaxMessages is for what was said and, apart from that, for everything else: many who come and go do not push out
	// what was said. Default 10,000 messages, 64 MiB, 30 days. On a cluster they apply when the room's stream is made: one that
	// exists keeps what it has, since other processes and its operator have a say in it too.
	MaxMessages int64
	MaxBytes    int64
	MaxAge      time.Duration

	// Log gets what the embedded server has to say (its notices as Debug), and what happens to the connection.
	// Default nowhere.
	Log *slog.Logger
}

// retry is how long an unanswered message is sent again; the server recognises it for longer than that.
const (
	retryFor  = 45 * time.Second
	remembers = time.Minute
)

// openFor bounds an Open whose ctx has no deadline.
const openFor = 10 * time.Second

// electFor is the same for a cluster, which may have to elect its first leader: that takes some 12 s.
const electFor = 30 * time.Second

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Dir == "" && len(c.URLs) == 0:
		return c, errors.New("natsbus: neither a directory nor servers are given")
	case c.Dir != "" && len(c.URLs) > 0:
		return c, errors.New("natsbus: both a directory and servers are given")
	case c.Replicas < 0:
		return c, errors.New("natsbus: a negative number of replicas")
	case (c.CertFile == "") != (c.KeyFile == ""):
		return c, errors.New("natsbus: a certificate and its key go together")
	}
	c.URLs = slices.Clone(c.URLs)
	c.SyncInterval = cmp.Or(c.SyncInterval, 2*time.Second)
	c.Replicas = cmp.Or(c.Replicas, 1)
	if c.Dir != "" {
		c.Replicas = 1
	}
	c.MaxMessages = max(cmp.Or(c.MaxMessages, 10_000), -1)
	c.MaxBytes = max(cmp.Or(c.MaxBytes, 64<<20), -1)
	c.MaxAge = max(cmp.Or(c.MaxAge, 30*24*time.Hour), 0) // JetStream's 0 is no limit
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	return c, nil
}

// where names what the bus speaks to, without passwords.
func (c Config) where() string {
	if c.Dir != "" {
		return c.Dir
	}
	shown := make([]string, len(c.URLs))
	for i, s := range c.URLs {
		shown[i] = shownURL(s)
	}
	return strings.Join(shown, ", ")
}

// shownURL is s without what is secret in it: a password, or a token in the user's place.
func shownURL(s string) string {
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		if _, ok := u.User.Password(); u.User != nil && !ok {
			u.User = url.User("xxxxx")
		}
		return u.Redacted()
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return "xxxxx@" + s[i+1:]
	}
	return s
}
