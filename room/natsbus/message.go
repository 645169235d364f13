package natsbus

import (
	"encoding/binary"
	"errors"
	"time"

	"sockeye.dev/room"
)

// version is the first byte of every stored message. Version 1 goes on:
//
//	kind    1 byte
//	time    varint: seconds since 1970; uvarint: nanoseconds of that second
//	author  8 bytes, big endian: Node; uvarint: Member
//	from    uvarint: its length; its bytes
//	text    the rest
//
// It is not JSON because From and Text need not be valid UTF-8, and come back as they were.
const version = 1

var errInvalid = errors.New("not a message of this version")

func encode(m room.Message) []byte {
	b := make([]byte, 0, 2+3*binary.MaxVarintLen64+8+binary.MaxVarintLen32+len(m.From)+len(m.Text))
	b = append(b, version, byte(m.Kind))
	b = binary.AppendVarint(b, m.Time.Unix())
	b = binary.AppendUvarint(b, uint64(m.Time.Nanosecond()))
	b = binary.BigEndian.AppendUint64(b, m.Author.Node)
	b = binary.AppendUvarint(b, m.Author.Member)
	b = binary.AppendUvarint(b, uint64(len(m.From)))
	b = append(b, m.From...)
	return append(b, m.Text...)
}

// decode is encode's inverse, without what the bus sets. A kind it does not know is passed on.
func decode(b []byte) (room.Message, error) {
	if len(b) < 2 || b[0] != version {
		return room.Message{}, errInvalid
	}
	m := room.Message{Kind: room.Kind(b[1])}
	b = b[2:]
	sec, n := binary.Varint(b)
	if n <= 0 {
		return room.Message{}, errInvalid
	}
	b = b[n:]
	nsec, n := binary.Uvarint(b)
	if n <= 0 || nsec >= uint64(time.Second) || len(b)-n < 8 {
		return room.Message{}, errInvalid
	}
	m.Time = time.Unix(sec, int64(nsec))
	m.Author.Node = binary.BigEndian.Uint64(b[n:])
	b = b[n+8:]
	if m.Author.Member, n = binary.Uvarint(b); n <= 0 {
		return room.Message{}, errInvalid
	}
	b = b[n:]
	from, n := binary.Uvarint(b)
	if n <= 0 || from > uint64(len(b)-n) {
		return room.Message{}, errInvalid
	}
	b = b[n:]
	m.From, m.Text = string(b[:from]), string(b[from:])
	return m, nil
}
