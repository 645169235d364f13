package observe

import "sockeye.dev/charset"

// maxDecoders bounds the conversations whose text is under way. One that is
// forgotten may show a character that two events share as bytes.
const maxDecoders = 4096

// decoders read the text of many conversations, each direction on its own, so
// that a character cut by two reads is shown whole.
type decoders map[uint64]*[2]charset.Decoder

// decode appends what the data of e is as text in enc to dst. ok is false if
// some of it is no text; those bytes stand there as \xNN. A datagram's text
// ends with it.
func (d *decoders) decode(dst []byte, enc *charset.Encoding, e *Event) (text []byte, ok bool) {
	whole := e.Network == "udp" || e.Network == "unixgram"
	c := d.of(enc, e.Conv)
	dec := &c[e.Dir&1]
	bad := dec.Bad()
	text, err := dec.Decode(dst, e.Data, whole)
	if err != nil { // no policy but strict has one; show what is known
		dec.Reset()
		return append(dst, e.Data...), false
	}
	return text, dec.Bad() == bad
}

// rest appends what the end of the stream has left as it was, and forgets the
// conversation if that is over.
func (d *decoders) rest(dst []byte, e *Event) []byte {
	c := (*d)[e.Conv]
	if c == nil {
		return dst
	}
	for i := range c {
		if e.Kind == Close || i == int(e.Dir&1) {
			if t, err := c[i].Decode(dst, nil, true); err == nil {
				dst = t
			}
		}
	}
	if e.Kind == Close {
		delete(*d, e.Conv)
	}
	return dst
}

func (d *decoders) of(enc *charset.Encoding, conv uint64) *[2]charset.Decoder {
	if c := (*d)[conv]; c != nil {
		return c
	}
	if *d == nil {
		*d = decoders{}
	}
	if len(*d) >= maxDecoders {
		for some := range *d {
			delete(*d, some)
			break
		}
	}
	if enc == nil {
		enc = charset.Auto(nil)
	}
	c := &[2]charset.Decoder{*enc.NewDecoder(charset.BackslashReplace), *enc.NewDecoder(charset.BackslashReplace)}
	(*d)[conv] = c
	return c
}
