package room

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// How Rooms on one bus find each other, and notice that one has died.
//
// A Room that is not alone says Hello on the bus, which takes it and its people out of all rosters. Each Room that is there
// answers with a snapshot of its own people as they were at that place in the order. What comes after the Hello is held
// until all have answered, and then applied: the roster is now as all others. The Room says Back, with its people, and is
// there from then on; until then nobody hears who joins on it.
//
//	Hello ──► Here, Here, … ──► Back      somebody comes, or comes back
//	Gone                                  somebody has not been heard for a while; if it lives, it says Hello
const (
	beatEvery   = time.Second
	silentFor   = 5 * time.Second         // so long without a beat, and a node is taken for dead
	strangerFor = 2500 * time.Millisecond // so long nobody has answered a Hello, and nobody is there
	patience    = 10 * time.Second        // so long a Hello waits for a node that beats but does not answer
	maxHeld     = 16 << 20                // so many bytes of messages are held for one Hello
	heldCost    = 128                     // of a message beside its text
)

// gone is the Text of a Gone message.
type gone struct {
	Nodes []uint64 `json:"nodes,omitempty"`
	Hello uint64   `json:"hello,omitempty"` // the author's, which nobody has answered: all are gone but the author
}

func (g gone) message(author uint64) Message {
	text, err := json.Marshal(g)
	if err != nil {
		panic(err) // numbers
	}
	return Message{Kind: Gone, Text: string(text), Author: ID{Node: author}}
}

func parseGone(msg Message) (g gone, err error) {
	err = json.Unmarshal([]byte(msg.Text), &g)
	return g, err
}

// of are the nodes that g means.
func (g gone) of(r *roster) (nodes []uint64) {
	for n := range r.nodes {
		if g.Hello > 0 || slices.Contains(g.Nodes, n) {
			nodes = append(nodes, n)
		}
	}
	slices.Sort(nodes) // who is announced first must not depend on a map
	return nodes
}

// keepCompany tells the other Rooms that this one is alive, and watches them, until the room closes.
func (r *Room) keepCompany() {
	if r.company == nil || r.accompanied {
		return
	}
	r.accompanied = true
	r.goroutines.Go(func() {
		stop, err := r.company.Heed(r.name, r.pulse.hear)
		if err == nil {
			defer stop()
		}
		tick := time.NewTicker(beatEvery)
		defer tick.Stop()
		last := time.Now()
		for {
			_ = r.company.Beat(r.name, r.node) // the next one may arrive
			if stop == nil {
				if stop, err = r.company.Heed(r.name, r.pulse.hear); err == nil {
					defer stop()
				}
			}
			select {
			case <-tick.C:
			case <-r.running.Done():
				return
			}
			if time.Since(last) > 2*beatEvery || r.cutOff() != nil {
				r.pulse.restart() // we were stopped, or deaf
			}
			last = time.Now()
			r.queue.tryPut(event{do: r.lookAround}) // or, if there is much to do, the next time: the beats must go on
		}
	})
}

// lookAround notices what time has brought. The fan-out goroutine's.
func (r *Room) lookAround() {
	if r.arrival != nil {
		r.checkArrival()
	}
	if r.holds() {
		return
	}
	var dead gone
	for n := range r.roster.nodes {
		if n != r.node && r.pulse.silence(n) > silentFor {
			dead.Nodes = append(dead.Nodes, n)
		}
	}
	if r.pulse.silence(r.node) > 2*beatEvery { // our own beats do not come back: it is we who hear nothing
		r.pulse.restart()
		return
	}
	if len(dead.Nodes) > 0 && r.cutOff() == nil && time.Since(r.buried) > 2*beatEvery { // it may still be on its way
		r.buried = time.Now()
		r.errand(dead.message(r.node))
	}
}

// meet is for what nodes tell each other while this one is there.
func (r *Room) meet(msg Message) {
	node := msg.Author.Node
	switch {
	case msg.Kind == Gone:
		r.bury(msg)
	case msg.Kind == Back:
		r.back(msg)
	case node == r.node:
		if r.arrival != nil {
			r.arriving(msg)
		}
	default:
		r.welcome(msg)
	}
}

// welcome answers a Hello.
func (r *Room) welcome(hello Message) {
	node := hello.Author.Node
	r.pulse.hear(node)
	r.mu.Lock()
	r.roster.removeNode(node) // if it has been here before, it will say itself who is left
	answers := r.roster.snapshots(r.node, hello.Seq)
	here := r.roster.nodes[r.node]
	r.mu.Unlock()
	r.keepCompany()
	if !here || r.arrival != nil { // we have something to learn ourselves
		return
	}
	for _, s := range answers {
		r.errand(s.message(Here, r.node))
	}
}

// bury removes the nodes that are gone. A node that finds itself among them comes back.
func (r *Room) bury(msg Message) {
	g, err := parseGone(msg)
	if err != nil {
		return
	}
	for _, n := range g.of(&r.roster) {
		r.mu.Lock()
		lost := r.roster.removeNode(n)
		r.mu.Unlock()
		switch {
		case n != r.node:
			r.announce(msg, Leave, lost, r.texts.NodeGone)
		case r.arrival == nil:
			r.missed()
		}
	}
}

// missed is for a Room that the others took for dead, or that the bus could not give every message: it asks anew who is
// there.
func (r *Room) missed() {
	if r.company == nil {
		return
	}
	if r.arrival == nil {
		r.arrival = newArrival(true)
		r.keepCompany()
	}
	r.ask()
}

// comeBack tells the others who is on a Room that was taken for gone, or has missed something. What its members were
// waiting for may be among what was missed.
func (r *Room) comeBack() {
	here := make([]*person, 0, len(r.members))
	for _, m := range r.members {
		if m.gone.Load() {
			r.forget(m)
			continue
		}
		r.mu.Lock()
		here = append(here, &person{id: m.ID(), nick: m.nick, operator: m.operator, muted: m.muted})
		r.mu.Unlock()
		r.answer(m, r.texts.NickLater)
	}
	r.dropForgotten()
	for _, s := range r.roster.list(here) {
		s.Barred, s.Guests, s.Topic = nil, 0, "" // which the others know, and may have changed since
		r.errand(s.message(Back, r.node))
	}
	r.mu.Lock()
	var waiting []Message
	for _, m := range r.ids {
		if m.answer != nil && !m.gone.Load() { // twice is as good as once
			waiting = append(waiting, m.announcement())
		}
	}
	r.mu.Unlock()
	for _, msg := range waiting {
		r.errand(msg)
	}
}

func (s snapshot) message(k Kind, node uint64) Message {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and numbers
	}
	return Message{Kind: k, Text: string(text), Author: ID{Node: node}}
}

// back takes in the people of a node that has come back.
func (r *Room) back(msg Message) {
	var s snapshot
	if json.Unmarshal([]byte(msg.Text), &s) != nil {
		return
	}
	node := msg.Author.Node
	r.pulse.hear(node)
	r.mu.Lock()
	r.roster.nodes[node] = true
	came := r.roster.learn(node, s)
	r.mu.Unlock()
	if node == r.node {
		r.reunite(came, s)
		select {
		case <-r.ready:
		default:
			close(r.ready)
		}
		return
	}
	r.announce(msg, Join, came, "")
}

// reunite gives this node's members their place in the roster back, and tells those whose nick is another's by now.
func (r *Room) reunite(came []*person, s snapshot) {
	nicks := make(map[uint64]string, len(s.People))
	for _, who := range s.People {
		nicks[who.Member] = who.Nick
	}
	for _, p := range came {
		m := r.find(p.id)
		if m == nil { // it has left meanwhile, and its Leave found nobody
			r.errand(Message{Kind: Leave, From: p.nick, Author: p.id})
			continue
		}
		r.mu.Lock()
		m.nick, m.operator, m.muted = p.nick, p.operator, p.muted
		r.mu.Unlock()
		if old := nicks[p.id.Member]; old != p.nick {
			r.showOne(m, r.out.notice(fmt.Sprintf(r.texts.NickInstead, fmt.Sprintf(r.texts.NickTaken, old), p.nick)))
		}
	}
}
