// Package frame says where one message ends.
//
// A [Framer] is one discipline: lines, a delimiter, a fixed size, a length in
// front, the bytes of SLIP or COBS, the connection's own boundaries, or
// silence. [Parse] makes one from the words a person writes ("line", "delim:|",
// "len16:at=4", "line+quiet:50ms") and [In] fits it to a text encoding, whose
// newline may be two bytes long and whose characters may hold the delimiter's
// byte. A [Reader] cuts what arrives into messages:
//
//	r := frame.Reader{Framer: frame.Line{}}
//	for {
//		m, ok, err := r.Next()
//		if err != nil {
//			return err // io.EOF after the last message
//		}
//		if ok {
//			handle(m.Data)
//			continue
//		}
//		n, err := conn.Read(r.Space())
//		r.Filled(n)
//		if err != nil {
//			r.End()
//		}
//	}
//
// The package neither reads nor waits nor decodes: whoever owns the connection
// does the first two and tells the Reader, and package charset does the third.
package frame
