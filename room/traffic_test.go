package room

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// However often people come and go while nothing is announced, there are few lines, and they say who is there in the end.
func TestSettled(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 0))
		here := make(map[string]bool)
		for i := range 40 {
			here[fmt.Sprint("p", i)] = rng.IntN(2) == 0
		}
		before := make(map[string]bool)
		var all []passage
		for nick, in := range here {
			before[nick] = in
		}
		for range rng.IntN(300) {
			nick := fmt.Sprint("p", rng.IntN(40))
			kind := Join
			if here[nick] {
				kind = Leave
			}
			here[nick] = !here[nick]
			all = append(all, passage{kind: kind, nick: nick})
		}
		joins, after := true, before
		for _, p := range settled(all) {
			if p.kind == Join && !joins {
				t.Fatal("a join after the leaves")
			}
			joins = p.kind == Join
			if after[p.nick] == (p.kind == Join) {
				t.Fatalf("%s: %v, and was so already", p.nick, p.kind)
			}
			after[p.nick] = p.kind == Join
		}
		for nick, in := range here {
			if after[nick] != in {
				t.Fatalf("seed %d: %s is there: %v, want %v", seed, nick, after[nick], in)
			}
		}
	}
	for _, tt := range []struct{ all, want string }{
		{"+a", "+a"}, {"+a -a", ""}, {"-a +A", ""}, {"+a +a", "+a"}, {"-a +a -A", "-A"}, {"-a +b", "+b -a"}, // its node has come back
	} {
		var all []passage
		for i, word := range strings.Fields(tt.all) {
			all = append(all, passage{kind: map[byte]Kind{'+': Join, '-': Leave}[word[0]], nick: word[1:], seq: uint64(i)})
		}
		var got []string
		for _, p := range settled(all) {
			got = append(got, map[Kind]string{Join: "+", Leave: "-"}[p.kind]+p.nick)
			if p.seq != uint64(len(all)-1) {
				t.Errorf("%s: seq %d", tt.all, p.seq)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %q, want %q", tt.all, got, tt.want)
		}
	}
	r := &Room{texts: &English}
	r.out.texts = r.texts
	for i := range 1000 {
		r.traffic.pending = append(r.traffic.pending, passage{kind: Join, nick: fmt.Sprint("j", i)}, passage{kind: Leave, nick: fmt.Sprint("l", i)})
	}
	if lines := r.traffic.take(r); len(lines) != 2 || lines[0].From != "" || lines[0].Body != "j0, j1, j2, j3, j4, j5, j6, j7, j8, j9 and 990 more joined" {
		t.Errorf("%d lines, the first %+v", len(lines), lines[0])
	}
}
