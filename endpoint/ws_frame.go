package endpoint

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// What a WebSocket frame is: RFC 6455, section 5.2.
const (
	wsContinuation = 0x0
	wsText         = 0x1
	wsBinary       = 0x2
	wsClose        = 0x8
	wsPing         = 0x9
	wsPong         = 0xa

	wsFin  = 0x80 // of the first byte
	wsRsv  = 0x70
	wsMask = 0x80 // of the second

	maxWSHeader  = 14
	maxWSControl = 125 // section 5.5
)

// Close codes: section 7.4.1.
const (
	wsNormal        = 1000
	wsGoingAway     = 1001
	wsProtocol      = 1002
	wsNoStatus      = 1005 // never sent: a Close frame without a code
	wsAbnormal      = 1006 // never sent: no Close frame at all
	wsInvalidData   = 1007
	wsTooBig        = 1009
	wsTLSHandshake  = 1015 // never sent
	wsFirstPrivate  = 3000
	wsLastPrivate   = 4999
	wsLastAssigned  = 1014
	wsFirstReserved = 1004
)

var wsCodes = map[int]string{
	wsNormal: "normal closure", wsGoingAway: "going away", wsProtocol: "protocol error", 1003: "unsupported data",
	wsNoStatus: "no status", wsAbnormal: "no close frame", wsInvalidData: "invalid data", 1008: "policy violation",
	wsTooBig: "message too big", 1010: "an extension is missing", 1011: "internal error", 1012: "service restart",
	1013: "try again later", 1014: "bad gateway",
}

// wsCode is a close code for people.
func wsCode(code int) string {
	if name, ok := wsCodes[code]; ok {
		return fmt.Sprintf("%d (%s)", code, name)
	}
	return strconv.Itoa(code)
}

// A wsHeader begins a frame.
type wsHeader struct {
	fin    bool
	op     byte
	masked bool
	mask   [4]byte
	length int64
}

func (h wsHeader) control() bool { return h.op&8 != 0 }

// wsHeaderSize is how long the header is that begins with b's two bytes.
func wsHeaderSize(b []byte) int {
	n := 2
	switch b[1] &^ wsMask {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if b[1]&wsMask != 0 {
		n += 4
	}
	return n
}

// parseWSHeader reads a whole header. wrong says what section 5.2 or 5.5 has
// against it, "" when nothing.
func parseWSHeader(b []byte) (h wsHeader, wrong string) {
	h = wsHeader{fin: b[0]&wsFin != 0, op: b[0] & 0x0f, masked: b[1]&wsMask != 0, length: int64(b[1] &^ wsMask)}
	minimal := true
	switch h.length {
	case 126:
		h.length = int64(binary.BigEndian.Uint16(b[2:]))
		minimal = h.length > 125
	case 127:
		h.length = int64(binary.BigEndian.Uint64(b[2:]))
		minimal = h.length > 0xffff || h.length < 0
	}
	if h.masked {
		copy(h.mask[:], b[len(b)-4:])
	}
	switch {
	case b[0]&wsRsv != 0:
		wrong = "a reserved bit is set, and no extension was agreed on"
	case h.op > wsBinary && h.op < wsClose, h.op > wsPong:
		wrong = fmt.Sprintf("the opcode %#x is reserved", h.op)
	case h.control() && !h.fin:
		wrong = "a control frame is fragmented"
	case h.control() && h.length > maxWSControl:
		wrong = "a control frame is longer than 125 bytes"
	case h.length < 0:
		wrong = "a length has its highest bit set"
	case !minimal:
		wrong = "a length is not written as short as it could be"
	}
	return h, wrong
}

// appendWSHeader appends h's bytes to dst.
func appendWSHeader(dst []byte, h wsHeader) []byte {
	var first, masked byte = h.op, 0
	if h.fin {
		first |= wsFin
	}
	if h.masked {
		masked = wsMask
	}
	switch {
	case h.length <= 125:
		dst = append(dst, first, masked|byte(h.length))
	case h.length <= 0xffff:
		dst = binary.BigEndian.AppendUint16(append(dst, first, masked|126), uint16(h.length))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, first, masked|127), uint64(h.length))
	}
	if h.masked {
		dst = append(dst, h.mask[:]...)
	}
	return dst
}

// maskWS masks, or unmasks, the part of a payload that begins at pos: section 5.3.
func maskWS(p []byte, mask [4]byte, pos int64) {
	var key [8]byte
	for i := range key {
		key[i] = mask[(pos+int64(i))&3]
	}
	k := binary.LittleEndian.Uint64(key[:])
	for len(p) >= 32 {
		q := p[:32]
		binary.LittleEndian.PutUint64(q, binary.LittleEndian.Uint64(q)^k)
		binary.LittleEndian.PutUint64(q[8:], binary.LittleEndian.Uint64(q[8:])^k)
		binary.LittleEndian.PutUint64(q[16:], binary.LittleEndian.Uint64(q[16:])^k)
		binary.LittleEndian.PutUint64(q[24:], binary.LittleEndian.Uint64(q[24:])^k)
		p = p[32:]
	}
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^k)
		p = p[8:]
	}
	for i := range p {
		p[i] ^= key[i]
	}
}

// parseWSClose reads a Close frame's payload: section 5.5.1. wrong says why it
// is none.
func parseWSClose(p []byte) (code int, reason, wrong string) {
	if len(p) == 0 {
		return wsNoStatus, "", ""
	}
	if len(p) == 1 {
		return 0, "", "a close code is cut off"
	}
	code, reason = int(binary.BigEndian.Uint16(p)), string(p[2:])
	switch {
	case code < wsNormal, code == wsFirstReserved, code == wsNoStatus, code == wsAbnormal,
		code > wsLastAssigned && code < wsFirstPrivate, code > wsLastPrivate:
		return 0, "", fmt.Sprintf("%d is not a close code that may be sent", code)
	case !utf8.ValidString(reason):
		return 0, "", "the reason for closing is not UTF-8"
	}
	return code, reason, ""
}

// appendWSClose appends a Close frame's payload.
func appendWSClose(dst []byte, code int) []byte {
	if code == wsNoStatus {
		return dst
	}
	return binary.BigEndian.AppendUint16(dst, uint16(code))
}

// A wsEvent is what a wsDecoder has come upon.
type wsEvent uint8

const (
	wsNothing wsEvent = iota // it needs more bytes
	wsMessage                // message is whole
	wsControl                // control is, and frame.op says what it is
)

// A wsFault is a breach of the protocol and the code to close with.
type wsFault struct {
	code   int
	reason string
}

func (e *wsFault) Error() string { return e.reason }

// A wsDecoder makes messages and control frames out of bytes that may be cut
// anywhere. It holds what has come of a message, never more: what a peer merely
// announces costs nothing.
type wsDecoder struct {
	server bool // the frames are a client's, which are masked
	max    int  // bytes of a message

	head    [maxWSHeader]byte
	headLen int
	frame   wsHeader
	inFrame bool
	pos     int64 // in frame's payload

	message []byte // what there is of it
	text    bool
	open    bool // its first frame has begun, and its last not ended
	control []byte
}

// next takes bytes from p until there is something to tell, and returns how
// many it has taken.
func (d *wsDecoder) next(p []byte) (n int, ev wsEvent, err error) {
	for {
		if !d.inFrame {
			k, whole := d.header(p[n:])
			if n += k; !whole {
				return n, wsNothing, nil
			}
			if err := d.begin(); err != nil {
				return n, wsNothing, err
			}
		}
		part := p[n:]
		if left := d.frame.length - d.pos; int64(len(part)) > left {
			part = part[:left]
		}
		to := &d.message
		if d.frame.control() {
			to = &d.control
		}
		at := len(*to)
		*to = append(*to, part...)
		if d.frame.masked {
			maskWS((*to)[at:], d.frame.mask, d.pos)
		}
		n += len(part)
		if d.pos += int64(len(part)); d.pos < d.frame.length {
			return n, wsNothing, nil
		}
		d.inFrame, d.headLen = false, 0
		switch {
		case d.frame.control():
			return n, wsControl, nil
		case d.frame.fin:
			d.open = false
			return n, wsMessage, nil
		}
	}
}

// header gathers a header's bytes from p, and reports whether they are all there.
func (d *wsDecoder) header(p []byte) (n int, whole bool) {
	for want := 2; ; {
		if d.headLen >= 2 {
			want = wsHeaderSize(d.head[:])
		}
		k := copy(d.head[d.headLen:want], p[n:])
		n += k
		d.headLen += k
		switch {
		case d.headLen < want:
			return n, false
		case want > 2 || wsHeaderSize(d.head[:]) == 2:
			return n, true
		}
	}
}

// begin begins the frame whose header is there.
func (d *wsDecoder) begin() error {
	h, wrong := parseWSHeader(d.head[:d.headLen])
	switch {
	case wrong != "":
	case d.server && !h.masked:
		wrong = "a client's frame is not masked" // section 5.1
	case !d.server && h.masked:
		wrong = "a server's frame is masked"
	case h.control():
		d.control = d.control[:0]
	case h.op == wsContinuation && !d.open: // section 5.4
		wrong = "a continuation continues nothing"
	case h.op != wsContinuation && d.open:
		wrong = "a message begins inside another"
	case h.length > int64(d.max-len(d.message)):
		return &wsFault{wsTooBig, fmt.Sprintf("the peer's message exceeds the limit of %d bytes", d.max)}
	case h.op != wsContinuation:
		d.text, d.open = h.op == wsText, true
	}
	if wrong != "" {
		return &wsFault{wsProtocol, "the peer breaks the WebSocket protocol: " + wrong}
	}
	d.frame, d.inFrame, d.pos = h, true, 0
	return nil
}

// inside reports whether the bytes so far end inside a frame or a message.
func (d *wsDecoder) inside() bool { return d.inFrame || d.headLen > 0 || d.open }

// whole reports whether p begins with a whole message in one frame: then next
// takes it at once.
func (d *wsDecoder) whole(p []byte) bool {
	if d.inside() || len(p) < 2 || p[0]&wsFin == 0 || p[0]&8 != 0 {
		return false
	}
	size := wsHeaderSize(p)
	if len(p) < size {
		return false
	}
	h, wrong := parseWSHeader(p[:size])
	return wrong == "" && h.length <= int64(len(p)-size)
}
