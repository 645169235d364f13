package room

import (
	"encoding/json"
	"slices"
	"time"
)

// arrival is a Hello that is waiting for its answers, of a Room that has just been opened, has missed something, or was
// taken for dead. The fan-out goroutine's.
type arrival struct {
	again   bool   // the Room has been there before: until the Hello has come back, everything goes on as it was
	hello   uint64 // its number, 0 until it has come back
	since   time.Time
	roster  roster // as the answers make it
	answers map[uint64]bool
	later   map[uint64]bool // nodes whose Hello has come after ours: we have nothing to learn from them
	held    []Message
	size    int // of held

	condemned bool // a Gone is on its way for those who have not answered
}

func newArrival(again bool) *arrival {
	return &arrival{again: again, roster: newRoster(), answers: make(map[uint64]bool), later: make(map[uint64]bool)}
}

// holds reports whether messages are to wait until everybody has answered.
func (r *Room) holds() bool {
	a := r.arrival
	return a != nil && (a.hello != 0 || !a.again)
}

// begin is called once, when the room is subscribed: alone, it is ready; else it asks who is there. The fan-out
// goroutine calls it.
func (r *Room) begin(alone bool) {
	if !alone {
		r.keepCompany()
		r.ask()
		return
	}
	held := r.arrival.held
	r.arrival = nil
	r.mu.Lock()
	r.roster.nodes[r.node] = true
	r.mu.Unlock()
	close(r.ready)
	r.catchUp(held)
}

// install ends the arrival: the roster is what the answers have made it, and what was held is applied.
func (r *Room) install() {
	a := r.arrival
	r.arrival = nil
	r.mu.Lock()
	ours := r.roster.topic
	if len(a.answers) == 0 { // nobody knows better
		a.roster.barred, a.roster.guests, a.roster.topic = r.roster.barred, r.roster.guests, ours
	}
	r.roster = a.roster
	r.mu.Unlock()
	if r.common.decrees == nil {
		for _, source := range r.roster.barred {
			r.common.bar(source, true)
		}
	}
	if r.topical && !a.again && r.roster.topic == "" {
		r.setTopic(ours) // of which the others have not heard
	}
	r.comeBack()
	r.catchUp(a.held)
}

func (r *Room) catchUp(held []Message) {
	batch := make([]event, len(held))
	for i, msg := range held {
		batch[i].msg = msg
	}
	r.handleAll(batch)
}

// arriving takes a message while it is not known who is there.
func (r *Room) arriving(msg Message) {
	a, node := r.arrival, msg.Author.Node
	switch msg.Kind {
	case Hello:
		switch {
		case node != r.node && a.asked(node): // it has missed something itself, and will not answer
			r.ask()
		case node != r.node:
			a.later[node] = true
		case a.hello == 0:
			r.restart()
			a.hello, a.since = msg.Seq, time.Now()
			return
		}
	case Here:
		var s snapshot
		if json.Unmarshal([]byte(msg.Text), &s) != nil || s.Hello != a.hello || a.hello == 0 {
			return // it is for somebody else
		}
		r.pulse.hear(node)
		a.roster.learn(node, s)
		if !s.More {
			a.answers[node] = true
		}
		r.checkArrival()
		return
	case Back:
		if a.hello != 0 && len(a.answers) == 0 && node != r.node { // now there is somebody to ask
			r.ask()
		}
	case Gone:
		g, err := parseGone(msg)
		switch {
		case err != nil || a.hello == 0:
		case node == r.node && g.Hello == a.hello: // nobody was there: it begins here
			r.restart()
			r.install()
			return
		case g.Hello != 0 || node == r.node && a.condemned || slices.ContainsFunc(g.Nodes, a.asked):
			r.ask() // those who know somebody who will not say so himself do not from here on
		}
	}
	if a.size > maxHeld {
		r.ask()
	}
	a.held = append(a.held, msg)
	a.size += len(msg.Text) + heldCost
}

// ask says Hello, for the first time or anew.
func (r *Room) ask() {
	r.restart()
	r.arrival.hello = 0
	r.errand(Message{Kind: Hello, Author: ID{Node: r.node}})
}

// restart forgets what the arrival has brought so far: what was held is known to those who will answer, or said once more.
func (r *Room) restart() {
	a := r.arrival
	held := a.held
	a.held, a.size, a.condemned, a.roster = nil, 0, false, newRoster()
	clear(a.answers)
	clear(a.later)
	for _, msg := range held {
		switch msg.Kind {
		case Say, Emote:
			r.spoken(msg)
		case Join:
			r.joinAgain(msg)
		case Rename:
			r.answer(r.find(msg.Author), r.texts.NickLater)
		case Leave:
			r.flush() // what was said before
			r.part([]event{{msg: msg}})
		}
	}
	r.flush()
}

// joinAgain has the Join of one of our own members published once more, which came while nobody would hear it.
func (r *Room) joinAgain(msg Message) {
	if m := r.find(msg.Author); m != nil && !m.gone.Load() {
		r.errand(msg)
	}
}

// asked reports whether node is to answer the Hello and has not.
func (a *arrival) asked(node uint64) bool { return a.roster.nodes[node] && !a.answers[node] }

// checkArrival ends the arrival when everybody has answered, and sees to those who do not.
func (r *Room) checkArrival() {
	a := r.arrival
	if a.hello == 0 || a.condemned {
		return
	}
	var silent gone
	for n := range a.roster.nodes {
		if a.asked(n) {
			silent.Nodes = append(silent.Nodes, n)
		}
	}
	waited := time.Since(a.since)
	switch {
	case len(silent.Nodes) == 0 && len(a.answers) > 0:
		r.install()
	case len(silent.Nodes) > 0 && waited >= patience:
		a.condemned = true
		r.errand(silent.message(r.node))
	case len(a.answers) > 0 || waited < strangerFor:
	case waited < patience && slices.ContainsFunc(r.pulse.beating(), func(n uint64) bool { return n != r.node && !a.later[n] }):
	default:
		a.condemned = true
		r.errand(gone{Hello: a.hello}.message(r.node))
	}
}
