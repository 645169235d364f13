package natsbus

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
)

// maxEscaped bounds a stream's name: it is also the name of a directory, and those end at 255 bytes.
const maxEscaped = 180

// escape makes any room's name fit for a stream, a subject's token and a directory, even one that does not tell
// upper from lower case: a to z, 0 to 9 and - stand for themselves, every other byte is _ and two lower-case digits.
// The name of no byte is _; one that becomes too long is _h and its hash. Different names give different results.
func escape(name string) string {
	if name == "" {
		return "_"
	}
	var b strings.Builder
	for i := 0; i < len(name) && b.Len() <= maxEscaped; i++ {
		if c := name[i]; 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "_%02x", c)
		}
	}
	if b.Len() > maxEscaped {
		return fmt.Sprintf("_h%x", sha256.Sum256([]byte(name)))
	}
	return b.String()
}

// unescape is escape's inverse; ok is false for what escape does not return, and for a hash.
func unescape(e string) (name string, ok bool) {
	if e == "_" {
		return "", true
	}
	var b []byte
	for i := 0; i < len(e); i++ {
		if e[i] != '_' {
			b = append(b, e[i])
			continue
		}
		if i+3 > len(e) {
			return "", false
		}
		c, err := strconv.ParseUint(e[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b = append(b, byte(c))
		i += 2
	}
	return string(b), escape(string(b)) == e
}

// A place is where a room's messages are: its stream, and the two subjects of it. The third subject is in no stream.
type place struct {
	room       string
	stream     string
	say, event string
	beat       string
}

const streamPrefix = "sockeye-"

func placeOf(room string) place {
	e := escape(room)
	return place{
		room:   room,
		stream: streamPrefix + e,
		say:    "sockeye.room." + e + ".say",
		event:  "sockeye.room." + e + ".event",
		beat:   "sockeye.room." + e + ".beat",
	}
}

// description names the room to whoever lists the streams.
func (p place) description() string { return fmt.Sprintf("Sockeye room %.200q", p.room) }
