package frame

import "strings"

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
		if d := edits(lower, n); d < distance {
			best, distance = n, d
		}
	}
	if best != "" {
		return &SpecError{spec, "there is no such framing", "did you mean " + best + "?"}
	}
	return &SpecError{spec, "there is no such framing", "known are " + strings.Join(names, ", ")}
}

// edits is how many bytes must be added, taken away or changed to make b of a.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
