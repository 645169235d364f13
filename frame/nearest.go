package frame

import (
	"strings"

	"sockeye.dev/internal/typo"
)

// spellings are what other programs call the same.
var spellings = map[string]string{
	"lf": "line", "lines": "line", "newline": "line", "null": "nul", "zero": "nul", "none": "raw", "stream": "raw",
	"delimiter": "delim:TEXT", "hex": "delim:hex:XX", "size": "fixed:N", "gap": "quiet:20ms", "idle": "quiet:20ms",
	"packet": "datagram", "message": "datagram", "udp": "datagram",
	"len": "len8, len16 or len32", "length": "len8, len16 or len32", "prefix": "len8, len16 or len32",
	"len24": "len8, len16 or len32", "len64": "len8, len16 or len32", "len8le": "len8", "len8be": "len8", "len16be": "len16", "len32be": "len32",
	"modbus": "len16:at=4 (MODBUS TCP)", "tpkt": "len16:at=2,self",
}

// unknown says that there is no framing of that name, and which was meant.
func unknown(spec, kind string) error {
	lower := strings.ToLower(kind)
	if s, ok := spellings[lower]; ok {
		return &SpecError{spec, "there is no such framing", "write " + s}
	}
	best, distance := "", 3
	for _, n := range names {
		if d := typo.Distance(lower, n, 2); d < distance {
			best, distance = n, d
		}
	}
	if best != "" {
		return &SpecError{spec, "there is no such framing", "did you mean " + best + "?"}
	}
	return &SpecError{spec, "there is no such framing", "known are " + strings.Join(names, ", ")}
}
