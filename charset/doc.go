// Package charset turns bytes into text and text into bytes, a piece at a time.
//
// An [Encoding] is found by its label: every label of the WHATWG Encoding
// Standard and the names and aliases of Python's codecs. A [Decoder] takes
// whatever a socket delivered, keeps the character that is not whole yet for
// the next call, and treats what it cannot decode by a [Policy], byte for byte
// as Python's codecs do. [Auto] decides between UTF-8 and one legacy encoding
// while it reads. [AppendVisible] makes text that a stranger sent harmless for
// a terminal.
//
//	gbk, err := charset.Lookup("gbk")
//	if err != nil {
//		return err
//	}
//	text, err := gbk.DecodeString([]byte{0xc4, 0xe3}, charset.Strict)
//
// Text is UTF-8. Under [SurrogateEscape] it is WTF-8: a byte that could not be
// decoded travels as the lone surrogate U+DC80 to U+DCFF, three bytes long.
//
// The package knows nothing of sockets, terminals or the environment. The
// tables of golang.org/x/text are taken over when an encoding is first used;
// nothing is computed when the program starts.
package charset
