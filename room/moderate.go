package room

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// split takes the nick that Text begins with from the rest.
func splitNick(text string) (nick, rest string) {
	nick, rest, _ = strings.Cut(strings.TrimSpace(text), " ")
	return nick, strings.TrimSpace(rest)
}

// about publishes something about a member, if it seems to be there.
func about(k Kind) func(context.Context, *Member, string) error {
	return func(ctx context.Context, m *Member, args string) error {
		nick, rest := splitNick(args)
		if k == Whisper && rest == "" {
			return m.Tell(ctx, fmt.Sprintf(m.room.texts.Usage, "/msg NICK TEXT"))
		}
		switch id, ok := m.room.called(nick); {
		case !ok:
			return m.Tell(ctx, fmt.Sprintf(m.room.texts.NoSuchNick, nick))
		case id == m.ID() && (k == Kick || k == Ban || k == Mute):
			return m.Tell(ctx, m.room.texts.NotYourself)
		}
		return m.say(ctx, k, strings.TrimSpace(nick+" "+rest))
	}
}

func (r *Room) has(nick string) bool {
	_, ok := r.called(nick)
	return ok
}

// called returns who seems to have a nick.
func (r *Room) called(nick string) (who ID, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.roster.find(nick); p != nil {
		return p.id, true
	}
	return ID{}, false
}

// moderate is for what somebody has done to one member, or operators to the room. That its author may do so was seen to
// where it was typed.
func (r *Room) moderate(msg Message) {
	t := r.texts
	ours := msg.Author.Node == r.node // and so are the records of it
	switch msg.Kind {
	case Topic:
		r.mu.Lock()
		r.roster.topic = msg.Text
		r.mu.Unlock()
		keep := r.common.record
		if !ours {
			keep = r.common.overrule
		}
		if msg.Author.Member != 0 && msg.Text != "" {
			keep(topicKey+r.name, []byte(msg.Text))
		} else { // the configuration knows it by itself
			keep(topicKey+r.name, nil)
		}
		r.show(&Block{Lines: []*Line{r.out.line(msg)}})
		return
	case Bar, Unbar:
		source, ok := parseSource(msg.Text)
		if !ok {
			return
		}
		change, text := r.roster.bar, t.BarredBy
		if msg.Kind == Unbar {
			change, text = r.roster.unbar, t.UnbarredBy
		}
		r.mu.Lock()
		change(source)
		r.mu.Unlock()
		switch {
		case !ours:
			r.overruled[source] = true
			r.common.overrule(barRecord(msg.Kind, source, msg.From))
			r.common.bar(source, msg.Kind == Bar)
		case r.overruled[source]: // since it was decreed here, but not in the room's order
			delete(r.overruled, source)
			r.common.decree(msg.Kind, source, msg.From)
		}
		r.tellOperators(fmt.Sprintf(text, sourceText(source), msg.From))
		return
	}
	nick, rest := splitNick(msg.Text)
	p := r.roster.find(nick)
	if msg.Kind == Promote && nick == msg.From { // by the secret, whatever the author is called by now
		p = r.roster.byID[msg.Author]
	}
	if p == nil {
		if m := r.find(msg.Author); m != nil {
			r.showOne(m, r.out.notice(fmt.Sprintf(t.NoSuchNick, nick)))
		}
		return
	}
	switch msg.Kind {
	case Whisper:
		r.whisper(msg, p, rest)
	case Kick, Ban:
		r.putOut(msg, p, rest)
	default:
		r.decree(msg, p)
	}
}

func (r *Room) whisper(msg Message, p *person, text string) {
	for _, to := range []struct {
		m      *Member
		format string
		nick   string
	}{{r.find(p.id), r.texts.Whispers, msg.From}, {r.find(msg.Author), r.texts.Whispered, p.nick}} {
		if to.m != nil {
			l := r.out.notice(fmt.Sprintf(to.format, to.nick, text))
			l.Kind, l.Seq, l.Time = Whisper, msg.Seq, msg.Time
			l.From, l.Body, l.To = string(harmless(nil, []byte(msg.From))), string(harmless(nil, []byte(text))), p.nick
			r.showOne(to.m, l)
		}
	}
}

// putOut ends a membership for an operator. Everybody sees it, the one who is put out too.
func (r *Room) putOut(msg Message, p *person, reason string) {
	text := fmt.Sprintf(r.texts.KickedBy, p.nick, msg.From)
	if reason != "" {
		text = fmt.Sprintf(r.texts.KickedWhy, p.nick, msg.From, reason)
	}
	r.tell(msg, p, text)
	m := r.find(p.id)
	r.mu.Lock()
	r.roster.remove(p)
	going := false
	if m != nil {
		m.putOut, going = true, m.going
	}
	r.mu.Unlock()
	if m == nil {
		return
	}
	here := m.gone.CompareAndSwap(false, true)
	r.forget(m)
	r.dropForgotten()
	if msg.Kind == Ban {
		if source := m.source(); barrable(source) {
			r.common.decree(Bar, source, msg.From) // the errand comes too late if this was the last member
			r.errand(Message{Kind: Bar, From: msg.From, Text: sourceText(source), Author: ID{Node: r.node}})
		} else {
			r.tellOperators(fmt.Sprintf(r.texts.CannotBar, p.nick))
		}
	}
	if here || going { // and does not arrive
		m.end(text, ErrKicked)
	}
}

// decree is for Mute, Unmute, Promote and Demote.
func (r *Room) decree(msg Message, p *person) {
	text, no := "", ""
	r.mu.Lock()
	switch {
	case msg.Kind == Mute && p.muted:
		no = r.texts.IsMuted
	case msg.Kind == Unmute && !p.muted:
		no = r.texts.NotMuted
	}
	switch msg.Kind {
	case Mute:
		p.muted, text = true, r.texts.MutedBy
	case Unmute:
		p.muted, text = false, r.texts.UnmutedBy
	case Promote:
		p.operator, text = true, r.texts.PromotedBy
	case Demote:
		p.operator, text = false, r.texts.DemotedBy
	}
	if m := r.ids[p.id.Member]; m != nil && p.id.Node == r.node {
		m.operator, m.muted = p.operator, p.muted
	}
	r.mu.Unlock()
	if no != "" { // in the room's order: where it was typed, the last word may not have come back yet
		if m := r.find(msg.Author); m != nil {
			r.showOne(m, r.out.notice(fmt.Sprintf(no, p.nick)))
		}
		return
	}
	if msg.Kind == Promote && p.id == msg.Author { // by the secret: nobody else's business
		if m := r.find(p.id); m != nil {
			r.showOne(m, r.out.notice(r.texts.NowOp))
		}
		return
	}
	r.tell(msg, p, fmt.Sprintf(text, p.nick, msg.From))
}

// tell shows everybody what msg has done to p.
func (r *Room) tell(msg Message, p *person, text string) {
	l := r.out.notice(text)
	l.To = p.nick
	l.Kind, l.Seq, l.Time, l.From = msg.Kind, msg.Seq, msg.Time, string(harmless(nil, []byte(msg.From)))
	r.show(&Block{Lines: []*Line{l}})
}

// tellOperators shows this Room's operators something.
func (r *Room) tellOperators(text string) {
	b := &Block{Lines: []*Line{r.out.notice(text)}}
	for _, m := range r.members {
		if m.isOperator() {
			r.showBlock(m, b)
		}
	}
}

func (m *Member) standing() standing {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	return standing{true, m.operator, m.muted}
}

func (m *Member) setOperator(is bool) {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	m.operator = is
}

func (m *Member) isOperator() bool {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	return m.operator
}

// op makes an operator of whoever knows the secret, or of somebody else.
func op(ctx context.Context, m *Member, args string) error {
	r := m.room
	r.mu.Lock()
	secret := r.secret
	r.mu.Unlock()
	right := func() bool { return subtle.ConstantTimeCompare([]byte(args), []byte(secret)) == 1 }
	if m.isOperator() {
		// Who was made one by somebody else may not try secrets out, either.
		if secret != "" && !r.has(args) && r.common.mayGuess(m.source(), time.Now()) && right() {
			return m.Tell(ctx, r.texts.OpAlready)
		}
		return about(Promote)(ctx, m, args)
	}
	switch {
	case secret == "":
		return m.Tell(ctx, r.texts.BadSecret)
	case !r.common.mayGuess(m.source(), time.Now()):
		return m.Tell(ctx, r.texts.TooManyGuesses)
	case !right():
		r.log.Warn("a wrong secret", "nick", m.Nick(), "source", m.from())
		return m.Tell(ctx, r.texts.BadSecret)
	}
	m.setOperator(true)                      // here and now, before it has come back; what comes after that counts
	_, err := r.publish(ctx, m, Promote, "") // who is silenced may, too
	if err != nil {
		r.mu.Lock()
		p := r.roster.byID[m.ID()]
		m.operator = p != nil && p.operator
		r.mu.Unlock()
		return fmt.Errorf("room %s: %s: %w", r.name, Promote, err)
	}
	return nil
}

func ban(ctx context.Context, m *Member, args string) error {
	r := m.room
	whom, _ := splitNick(args) // a reason is for who is put out; a bar keeps none
	source, ok := parseSource(whom)
	switch {
	case r.has(whom):
		return about(Ban)(ctx, m, args)
	case ok && !barrable(source):
		return m.Tell(ctx, fmt.Sprintf(r.texts.BarsUs, sourceText(source)))
	case ok:
		return m.setBar(ctx, Bar, source)
	case meantAsSource(whom):
		return m.Tell(ctx, fmt.Sprintf(r.texts.NoSource, whom))
	case whom != "":
		return about(Ban)(ctx, m, args)
	}
	return r.between(ctx, func() {
		text := r.texts.NoBarred
		r.mu.Lock()
		var list []string
		for _, p := range append(r.barred(), r.prefixes...) {
			list = append(list, sourceText(p))
		}
		r.mu.Unlock()
		if len(list) > 0 {
			text = fmt.Sprintf(r.texts.BarredList, strings.Join(list, ", "))
		}
		r.showOne(m, r.out.notice(text))
	})
}

// barred are the sources that are barred by operators, here or in another room of the house. r.mu is held.
func (r *Room) barred() []netip.Prefix {
	all := r.common.bars()
	if r.common.decrees.isKnown() {
		return all
	}
	for _, p := range r.roster.barred {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

func unban(ctx context.Context, m *Member, args string) error {
	r := m.room
	source, ok := parseSource(args)
	r.mu.Lock()
	ok = ok && slices.Contains(r.barred(), source)
	r.mu.Unlock()
	if !ok {
		return m.Tell(ctx, fmt.Sprintf(r.texts.NotBarred, args))
	}
	return m.setBar(ctx, Unbar, source)
}

// setBar has a source barred, or not any more: here at once, for the room may close before it hears of it.
func (m *Member) setBar(ctx context.Context, k Kind, source netip.Prefix) error {
	if m.standing().muted {
		return m.Tell(ctx, m.room.texts.Muted)
	}
	if why := m.room.refusing(); why != nil {
		return fmt.Errorf("%w: %w", ErrCutOff, why)
	}
	m.room.common.decree(k, source, m.Nick()) // before: once it is published, what comes after it in the room counts
	return m.say(ctx, k, sourceText(source))
}

// setTopic has the room be about what the configuration says.
func (r *Room) setTopic(topic string) {
	r.errand(Message{Kind: Topic, Text: topic, Author: ID{Node: r.node}})
}

func showTopic(ctx context.Context, m *Member, args string) error {
	r, t := m.room, m.room.texts
	switch {
	case args != "" && !m.isOperator():
		return m.Tell(ctx, fmt.Sprintf(t.Operators, "topic"))
	case args != "":
		return m.say(ctx, Topic, args)
	}
	return r.between(ctx, func() {
		text := t.NoTopic
		if r.roster.topic != "" {
			text = fmt.Sprintf(t.TopicIs, r.roster.topic)
		}
		r.showOne(m, r.out.notice(text))
	})
}
