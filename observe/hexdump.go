package observe

// AppendHexdump appends data in the form of xxd(1), sixteen bytes a line, the
// first numbered offset:
//
//	00000000: 4769 7665 206d 6520 7468 6520 7469 6d65  Give me the time
func AppendHexdump(dst, data []byte, offset int64) []byte {
	const perLine = 16
	for len(data) > 0 {
		line := data[:min(perLine, len(data))]
		dst = appendOffset(dst, uint64(offset))
		dst = append(dst, ':')
		for i := range perLine {
			if i%2 == 0 {
				dst = append(dst, ' ')
			}
			if i < len(line) {
				dst = append(dst, hexDigits[line[i]>>4], hexDigits[line[i]&15])
			} else {
				dst = append(dst, "  "...)
			}
		}
		dst = append(dst, "  "...)
		for _, b := range line {
			if b < ' ' || b > '~' {
				b = '.'
			}
			dst = append(dst, b)
		}
		dst = append(dst, '\n')
		data, offset = data[len(line):], offset+int64(len(line))
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// appendOffset appends at least eight hexadecimal digits.
func appendOffset(dst []byte, v uint64) []byte {
	digits := 8
	for digits < 16 && v>>(4*digits) != 0 {
		digits++
	}
	for digits--; digits >= 0; digits-- {
		dst = append(dst, hexDigits[v>>(4*digits)&15])
	}
	return dst
}
