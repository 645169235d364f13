package lab

import (
	"fmt"
	"testing"
)

func TestTry(t *testing.T) {
	for _, q := range []string{"?flow=tcp+A>B+bytes+4000&link=delay+20ms&flow=udp+A>B+count+3+size+500+every+5ms", "?seed=3&flow=tcp+A>B+bytes+30000&link=delay+20ms+2ms+loss+5%25+corrupt+3%25+duplicate+3%25+reorder+5%25+8ms",
		"?flow=tcp+A>B+bytes+60000+buffer+16384+pause+1.5s&link=delay+20ms"} {
		s, err := Find(q)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Do(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.Packets {
			fmt.Printf("%3d %s %9v %9v %-60s %-12s [%s] %s by %s %d\n", p.ID, direction(p.From, p.To), p.Sent, p.Arrived, p.Summary(), p.Fate, p.Why, p.Verdict, p.Cause.Kind, p.Cause.Packet)
		}
		for _, st := range r.States {
			fmt.Printf("%v %s %s\n", st.At, Host(st.Host), st.State)
		}
		fmt.Printf("%+v\n%s %v events %d\n%s\n", r.Flows, r.Digest(), r.Virtual, r.Events, s.Share())
	}
}
