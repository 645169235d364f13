package room

import (
	"fmt"
	"slices"
	"strings"
)

// arrive is for those whose Joins have come back.
func (r *Room) arrive(run []event) {
	came := make([]*person, 0, len(run))
	for i := range run {
		msg := &run[i].msg
		if !r.roster.nodes[msg.Author.Node] {
			r.joinAgain(*msg) // after our Back, which is on its way
			continue
		}
		r.mu.Lock()
		p, joined := r.roster.join(msg.Author, msg.From)
		if joined {
			as := strings.Fields(msg.Text)
			p.operator, p.muted = slices.Contains(as, asOperator), slices.Contains(as, asMuted)
		}
		r.mu.Unlock()
		if joined {
			r.admit(p, msg.From)
			came = append(came, p)
		}
	}
	r.announce(run[len(run)-1].msg, Join, came, "")
}

// admit greets a member whose Join has come back, and lets it see the room from now on.
func (r *Room) admit(p *person, wish string) {
	m := r.find(p.id)
	switch {
	case p.id.Node != r.node:
		return
	case m == nil: // it has left already, and its Leave found nobody
		r.errand(Message{Kind: Leave, From: p.nick, Author: p.id})
		return
	}
	t := r.texts
	if wish != p.nick && wish != "" {
		m.refused = fmt.Sprintf(t.NickTaken, wish)
	}
	with := t.Alone
	if total := r.roster.len() - 1; total > 0 {
		var here []string
		for o := range r.roster.all {
			if len(here) == namesGreeted || o == p {
				break
			}
			here = append(here, o.nick)
		}
		with = fmt.Sprintf(t.WithYou, t.names(here, total, namesGreeted))
	}
	r.mu.Lock()
	m.nick = p.nick
	r.members = append(r.members, m)
	r.mu.Unlock()

	b := &Block{Lines: []*Line{
		r.out.notice(fmt.Sprintf(t.Welcome, r.name, p.nick, with)),
		r.out.notice(t.HelpHint),
	}}
	if topic := r.roster.topic; topic != "" {
		b.Lines = append(b.Lines, r.out.notice(fmt.Sprintf(t.TopicIs, topic)))
	}
	if m.refused != "" {
		b.Lines = append(b.Lines, r.out.notice(fmt.Sprintf(t.NickInstead, m.refused, p.nick)))
		m.refused = ""
	}
	r.showBlock(m, b)
	r.showPast(m, int(r.history.Load()))
	r.answer(m, "")
}

// part is for those whose Leaves have come back.
func (r *Room) part(run []event) {
	gone := make([]*person, 0, len(run))
	found := false
	for i := range run {
		msg := &run[i].msg
		if m := r.find(msg.Author); m != nil {
			r.forget(m)
			r.answer(m, "")
			found = true
		}
		r.mu.Lock()
		if p := r.roster.byID[msg.Author]; p != nil {
			r.roster.remove(p)
			gone = append(gone, p)
		}
		r.mu.Unlock()
	}
	if found {
		r.dropForgotten()
	}
	last := run[len(run)-1].msg
	r.announce(last, Leave, gone, last.Text)
}

// renamed is for a Rename that has come back: it holds if the nick is still free.
func (r *Room) renamed(msg Message) {
	m, refused := r.find(msg.Author), ""
	r.mu.Lock()
	p := r.roster.byID[msg.Author]
	if p != nil {
		msg.From = p.nick
		if !r.roster.rename(p, msg.Text) {
			refused = fmt.Sprintf(r.texts.NickTaken, msg.Text)
		} else if m != nil {
			m.nick = p.nick
		}
	}
	r.mu.Unlock()
	switch {
	case p == nil: // its node was taken for gone, and is not back yet
		refused = r.texts.NickLater
	case refused == "":
		r.show(&Block{Lines: []*Line{r.out.line(msg)}})
	}
	r.answer(m, refused)
}

// answer tells m what has become of its Join or Rename, if it waits for that.
func (r *Room) answer(m *Member, why string) {
	if m == nil {
		return
	}
	r.mu.Lock()
	answer := m.answer
	m.answer = nil
	r.mu.Unlock()
	if answer != nil {
		answer <- why // there is room: one answer to one question
	}
}

func (r *Room) dropForgotten() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members = slices.DeleteFunc(r.members, func(m *Member) bool { return m.forgotten })
}
