package main

// Telnet's commands (RFC 854).
const (
	telnetSE   = 240
	telnetSB   = 250
	telnetWill = 251
	telnetWont = 252
	telnetDo   = 253
	telnetDont = 254
	telnetIAC  = 255
)

// A telnet refuses every option a peer wants to negotiate. The zero value is
// ready.
type telnet struct {
	state  byte // what came last of a command under way; 0: none
	within bool // a subnegotiation
}

// strip takes the negotiation out of p, in place, and returns how much is left
// and what is to be answered: DONT to WILL, WONT to DO. A command may be cut
// anywhere.
func (t *telnet) strip(p []byte) (n int, answer []byte) {
	for _, b := range p {
		switch {
		case t.state == 0 && b == telnetIAC:
			t.state = telnetIAC
		case t.state == 0 && !t.within:
			p[n] = b
			n++
		case t.state == 0:
		case t.state == telnetIAC && b >= telnetWill && b != telnetIAC:
			t.state = b
		case t.state == telnetIAC:
			t.state = 0
			switch {
			case b == telnetIAC && !t.within: // the byte itself
				p[n] = b
				n++
			case b == telnetSB:
				t.within = true
			case b == telnetSE:
				t.within = false
			}
		default:
			switch t.state {
			case telnetWill:
				answer = append(answer, telnetIAC, telnetDont, b)
			case telnetDo:
				answer = append(answer, telnetIAC, telnetWont, b)
			}
			t.state = 0
		}
	}
	return n, answer
}
