package room

import (
	"cmp"
	"net/netip"
	"slices"
)

// A roster is who is in a room, on all nodes, and what has been decreed there. It changes only by the room's messages, in
// their order and without looking at anything else, so the rosters of all nodes are equal after the same message: that is
// how a nick has one holder in the whole room although nobody is asked. Not for concurrent use; Room.mu guards it.
type roster struct {
	byID        map[ID]*person
	byNick      map[string]*person // by folded nick
	first, last *person            // in the order in which they came
	nodes       map[uint64]bool    // the Rooms there are
	guests      int                // how many guests have been given a number
	topic       string
	barred      []netip.Prefix // sources, in the order of being barred
}

// A person is somebody in the room, on whichever node.
type person struct {
	id              ID
	nick, key       string // key: the nick, folded
	operator, muted bool
	prev, next      *person
}

func newRoster() roster {
	return roster{byID: make(map[ID]*person), byNick: make(map[string]*person), nodes: make(map[uint64]bool)}
}

// join adds a person who wishes to be called nick; it becomes a guest where that is empty or taken. A person who is there
// already is returned as it is, with false.
func (r *roster) join(id ID, nick string) (p *person, joined bool) {
	if p := r.byID[id]; p != nil {
		return p, false
	}
	if nick == "" || r.byNick[foldNick(nick)] != nil {
		nick = r.guest()
	}
	p = &person{id: id, nick: nick, key: foldNick(nick), prev: r.last}
	if r.last != nil {
		r.last.next = p
	} else {
		r.first = p
	}
	r.last = p
	r.byID[id], r.byNick[p.key] = p, p
	return p, true
}

// guest returns the next free guest name. The numbers only grow, so that looking for a free one stays cheap however many
// have been given, and nobody is mistaken for the guest before.
func (r *roster) guest() string {
	for {
		r.guests++
		if nick := guestName(r.guests); r.byNick[foldNick(nick)] == nil {
			return nick
		}
	}
}

func (r *roster) remove(p *person) {
	delete(r.byID, p.id)
	delete(r.byNick, p.key)
	if p.prev != nil {
		p.prev.next = p.next
	} else {
		r.first = p.next
	}
	if p.next != nil {
		p.next.prev = p.prev
	} else {
		r.last = p.prev
	}
	p.prev, p.next = nil, nil
}

// rename reports whether the nick was free, or the person's own in another spelling.
func (r *roster) rename(p *person, nick string) bool {
	key := foldNick(nick)
	if holder := r.byNick[key]; holder != nil && holder != p {
		return false
	}
	delete(r.byNick, p.key)
	r.byNick[key] = p
	p.nick, p.key = nick, key
	return true
}

// find returns who is called nick, or nil.
func (r *roster) find(nick string) *person { return r.byNick[foldNick(nick)] }

func (r *roster) len() int { return len(r.byID) }

// all yields everybody in the order in which they came; those who are removed meanwhile are skipped rightly only if it is
// the one that was just yielded.
func (r *roster) all(yield func(*person) bool) {
	for p := r.first; p != nil; {
		next := p.next
		if !yield(p) {
			return
		}
		p = next
	}
}

// removeNode removes a node and everybody on it.
func (r *roster) removeNode(node uint64) (gone []*person) {
	delete(r.nodes, node)
	for p := range r.all {
		if p.id.Node == node {
			r.remove(p)
			gone = append(gone, p)
		}
	}
	return gone
}

func (r *roster) bar(source netip.Prefix) {
	if !slices.Contains(r.barred, source) {
		r.barred = append(r.barred, source)
	}
}

func (r *roster) unbar(source netip.Prefix) {
	r.barred = slices.DeleteFunc(r.barred, func(s netip.Prefix) bool { return s == source })
}

// A snapshot is what a node tells one that has just come: who is on it, and what is decreed. A large one travels in several
// messages.
type snapshot struct {
	Hello  uint64     `json:"hello,omitempty"` // the message it answers; none: the node has come back by itself
	More   bool       `json:"more,omitempty"`  // another message follows
	Nodes  []uint64   `json:"nodes,omitempty"` // who else has to answer
	Guests int        `json:"guests,omitempty"`
	Topic  string     `json:"topic,omitempty"`
	Barred []string   `json:"barred,omitempty"`
	People []resident `json:"people,omitempty"`
}

// resident is a person in a snapshot.
type resident struct {
	Member   uint64 `json:"m"`
	Nick     string `json:"n"`
	Operator bool   `json:"o,omitempty"`
	Muted    bool   `json:"q,omitempty"`
}

// perSnapshot is how many people one message of a snapshot lists: some 20 KiB.
const perSnapshot = 500

// snapshots is what node says of itself in answer to a Hello.
func (r *roster) snapshots(node, hello uint64) []snapshot {
	var mine []*person
	for p := range r.all {
		if p.id.Node == node {
			mine = append(mine, p)
		}
	}
	all := r.list(mine)
	for n := range r.nodes {
		all[0].Nodes = append(all[0].Nodes, n)
	}
	for i := range all {
		all[i].Hello = hello
	}
	return all
}

// list is a snapshot with these people, in as many messages as it takes.
func (r *roster) list(people []*person) []snapshot {
	all := []snapshot{{Guests: r.guests, Topic: r.topic}}
	for _, source := range r.barred {
		all[0].Barred = append(all[0].Barred, sourceText(source))
	}
	for _, p := range people {
		last := &all[len(all)-1]
		if len(last.People) == perSnapshot {
			last.More = true
			all = append(all, snapshot{})
			last = &all[len(all)-1]
		}
		last.People = append(last.People, resident{p.id.Member, p.nick, p.operator, p.muted})
	}
	return all
}

// learn takes in what a node has said of itself. It returns those who are new.
func (r *roster) learn(node uint64, s snapshot) (came []*person) {
	for _, n := range s.Nodes {
		r.nodes[n] = true
	}
	r.guests = max(r.guests, s.Guests)
	r.topic = cmp.Or(r.topic, s.Topic) // who comes back may know an old one
	for _, text := range s.Barred {
		if source, ok := parseSource(text); ok {
			r.bar(source)
		}
	}
	for _, who := range s.People {
		p, joined := r.join(ID{node, who.Member}, who.Nick)
		if joined {
			p.operator, p.muted = who.Operator, who.Muted
			came = append(came, p)
		}
	}
	return came
}
