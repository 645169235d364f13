package handler

import (
	"strings"

	"sockeye.dev/charset"
	"sockeye.dev/room"
	"sockeye.dev/session"
)

// appendBytes appends what a device that speaks bytes and no text is sent of a
// line: the bytes, if somebody says some in hexadecimal, whole. All else in a
// room is prose.
func appendBytes(dst []byte, format session.Format, l *room.Line) []byte {
	if l.Kind != room.Say && l.Kind != room.Whisper || strings.Trim(l.Body, " :") == "" {
		return dst
	}
	format.Encode = charset.Strict // whatever is done elsewhere with text that does not fit
	framed, err := format.AppendText(dst, l.Body)
	if err != nil {
		return dst
	}
	return framed
}
