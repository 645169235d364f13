package room

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"sockeye.dev/charset"
)

// Texts is every sentence a room says, as formats for fmt; a translation may take the arguments in another order with
// %[2]s. The "* " before a notice is not part of them.
type Texts struct {
	Welcome    string // room, your nick, who is here
	Alone      string // instead of who is here
	WithYou    string // nicks
	HelpHint   string
	Joined     string // nick
	Left       string // nick
	LeftWhy    string // nick, reason
	Renamed    string // old nick, new nick
	AndMore    string // nicks, how many more
	Closing    string
	Lost       string // why: the reason of a member that was dropped
	Who        string // how many, nicks
	WhoNobody  string // the part of a nick that was asked for
	HelpSlash  string
	NoHistory  string
	BadNumber  string // what was typed
	JSONFormat string // in answer to a wish for another format
	BadAfter   string // what was typed
	NodeGone   string // the reason of members whose node has died
	CutOff     string // why
	Restored   string

	Whispers   string // nick, what was said
	Whispered  string // nick, what was said
	NoSuchNick string // what was typed
	KickedBy   string // nick, by whom
	KickedWhy  string // nick, by whom, reason
	MutedBy    string // nick, by whom
	UnmutedBy  string // nick, by whom
	PromotedBy string // nick, by whom
	DemotedBy  string // nick, by whom
	BarredBy   string // source, by whom
	UnbarredBy string // source, by whom
	NotBarred  string // source
	NoSource   string // what was typed
	CannotBar  string // nick
	IsMuted    string // nick
	NotMuted   string // nick
	BarsUs     string // source
	BarredList string // sources
	NoBarred   string
	TopicIs    string // topic
	TopicSet   string // by whom, topic; TopicIs where nobody in the room has
	NoTopic    string
	Muted      string
	Operators  string // command
	BadSecret  string
	NowOp      string
	OpAlready  string

	NotYourself string

	TooManyGuesses string

	BadRoom        string // what was typed, why
	NoSuchRoom     string // room
	TooManyRooms   string // limit
	RoomList       string // rooms
	Barred, Full   string
	RoomsElsewhere string // rooms; follows RoomList
	InFirst        string // room
	InAlready      string // room
	WentTo         string // room; the reason of a member that left for another

	NickInstead string // why the wished nick was refused, nick given instead
	NickSame    string // nick
	NickBusy    string
	NickLater   string
	NickEmpty   string
	NickTaken   string // nick
	NickLong    string // limit in characters
	NickSpace   string
	NickChar    string // the character
	NickHidden  string // the character's code point
	NickMark    string

	// What doors say.
	NotSent     string // why
	Unconfirmed string // why it is not known
	LineTooLong string
	TooFast     string
	TooOften    string
	Broken      string // the reason of a member whose connection has failed
	NotUTF8     string
	EncodingIs  string // encoding
	FrameIs     string // framing
	FrameFixed  string // framing
	FrameStream string // framing
	FrameLost   string // why
	BadFrame    string // the reason of a member that FrameLost was told to

	TooLong  string // length, limit, both in characters
	NoSuch   string // what was typed
	NoSuchDo string // what was typed, nearest command
	Usage    string // command and its arguments

	HelpNick, HelpWho, HelpMe, HelpHistory, HelpHelp, HelpQuit     string
	HelpMsg, HelpTopic, HelpOp, HelpKick, HelpBan, HelpUnban       string
	HelpDeop, HelpMute, HelpUnmute, HelpJoin, HelpLeave, HelpRooms string
	HelpEncoding, HelpFrame, HelpJSON                              string
}

// English is the default for Config.Texts.
var English = Texts{
	Welcome:    "welcome to %s, you are %s; %s",
	Alone:      "nobody else is here yet",
	WithYou:    "here: %s",
	HelpHint:   "/help lists the commands, /nick NAME changes your name",
	Joined:     "%s joined",
	Left:       "%s left",
	LeftWhy:    "%s left (%s)",
	Renamed:    "%s is now %s",
	AndMore:    "%s and %d more",
	Closing:    "the room is closing",
	Lost:       "lost: %s",
	Who:        "%d here: %s",
	WhoNobody:  "nobody here is called %s",
	HelpSlash:  "to say a line that begins with a slash, write // instead",
	NoHistory:  "nothing was said here that is still known",
	BadNumber:  "%s is no number of lines",
	JSONFormat: "JSON is in UTF-8, one object a line",
	BadAfter:   "%s is not the number of a message; /json takes one, or nothing",
	NodeGone:   "their server is gone",
	CutOff:     "cut off from the others: what is said now goes nowhere (%v)",
	Restored:   "back with the others; what they said meanwhile follows",

	Whispers:   "%s says to you alone: %s",
	Whispered:  "you said to %s alone: %s",
	NoSuchNick: "nobody here is called %s",
	KickedBy:   "%s was put out by %s",
	KickedWhy:  "%s was put out by %s (%s)",
	MutedBy:    "%s was silenced by %s",
	UnmutedBy:  "%s may speak again, says %s",
	PromotedBy: "%s was made an operator by %s",
	DemotedBy:  "%s is no operator any more, says %s",
	BarredBy:   "%s was barred by %s",
	UnbarredBy: "%s is not barred any more, says %s",
	NotBarred:  "%s is not barred",
	NoSource:   "%s is no address or network, and nobody's name",
	CannotBar:  "%s was put out, but has no address that could be barred",
	BarsUs:     "%s is this machine's own address, which cannot be barred",
	BarredList: "barred: %s",
	NoBarred:   "nobody is barred",
	TopicIs:    "topic: %s",
	TopicSet:   "%s set the topic: %s",
	NoTopic:    "the room has no topic",
	Muted:      "not sent: an operator has silenced you",
	Operators:  "/%s is for operators; /op SECRET makes you one",
	BadSecret:  "that is neither the secret nor are you an operator",
	IsMuted:    "%s is silenced already",
	NotMuted:   "%s is not silenced",
	OpAlready:  "you are an operator already",
	NowOp:      "you are an operator now; /help lists what you may do",

	NotYourself: "that is for others, not for yourself; /quit leaves",

	TooManyGuesses: "too many wrong secrets from where you are; try again in a minute",

	Barred:         "nobody from your address is let in",
	Full:           "the room is full",
	BadRoom:        "%s cannot be a room's name, which is like a nick: %s",
	NoSuchRoom:     "there is no room %s",
	TooManyRooms:   "there are %d rooms already, which is the limit",
	RoomList:       "rooms: %s",
	RoomsElsewhere: "; not open here: %s",
	InFirst:        "%s is where everybody enters; /quit leaves altogether",
	InAlready:      "you are in %s already",
	WentTo:         "to %s",

	NickInstead: "%s; you are %s for now",
	NickSame:    "you are already %s",
	NickLater:   "not now: the room is finding together again",
	NickBusy:    "your last change of name is still under way",
	NickEmpty:   "a nick needs at least one character",
	NickTaken:   "the nick %s is taken",
	NickLong:    "a name has at most %d characters",
	NickSpace:   "a nick has no spaces",
	NickChar:    "a nick has no %s",
	NickHidden:  "a nick has no invisible or unprintable characters (%s)",
	NickMark:    "a nick does not begin with a combining mark",

	NotSent:     "not sent: %v",
	Unconfirmed: "perhaps not sent: %v",
	LineTooLong: "not sent: the line is too long",
	TooFast:     "not sent: too many lines in a moment",
	TooOften:    "too many members from your address in a moment; try again later",
	Broken:      "connection lost",
	NotUTF8:     "your text is not UTF-8, and others see it as \\x escapes; say what it is, as in /encoding gbk",
	EncodingIs:  "your encoding is %v",
	FrameIs:     "your messages end by %v",
	FrameFixed:  "%v does not go with a room: what is said there has no fixed length; take line, crlf or len16",
	FrameStream: "%v does not go with this connection, which has no messages of its own; take line, crlf or len16",
	FrameLost:   "not sent, and you have to come again, for where your next message begins is not known: %v",
	BadFrame:    "their message was too long or broken",

	TooLong:  "not sent: it has %d characters, the limit is %d",
	NoSuch:   "there is no command %s; /help lists them",
	NoSuchDo: "there is no command %s; did you mean %s?",
	Usage:    "usage: %s",

	HelpNick:     "change your name",
	HelpWho:      "who is here, or those with PART in their name",
	HelpMe:       "say what you do",
	HelpHistory:  "what was said last",
	HelpHelp:     "the commands, or one of them",
	HelpQuit:     "leave",
	HelpEncoding: "how your text is encoded: gbk, utf-8, ...; auto finds out",
	HelpFrame:    "where your messages end: line, crlf, len16, quiet:20ms, ...",
	HelpJSON:     "speak JSON, one object a line; first what was said since message AFTER",
	HelpJoin:     "go to another room, or open it",
	HelpLeave:    "go back to the first room",
	HelpRooms:    "the rooms that are open, and how many are in each",
	HelpMsg:      "say something to one member alone",
	HelpTopic:    "what the room is about; operators may change it",
	HelpOp:       "become an operator; as one, make NICK one",
	HelpDeop:     "make NICK no operator any more",
	HelpKick:     "put somebody out",
	HelpBan:      "put somebody out and bar the address, or bar an address or network; alone: who is barred",
	HelpUnban:    "let an address or network in again",
	HelpMute:     "silence somebody",
	HelpUnmute:   "let somebody speak again",
}

// How many nicks a line lists before it says "and N more": a greeting must not grow with the room, and nor without end
// must the answer to /who.
const (
	namesGreeted = 10
	namesAsked   = 100
)

// Refusal is err as a member is told of it.
func (t *Texts) Refusal(err error) string {
	switch {
	case errors.Is(err, ErrBarred):
		return t.Barred
	case errors.Is(err, ErrFull):
		return t.Full
	case errors.Is(err, ErrClosed):
		return t.Closing
	}
	return err.Error()
}

// names joins the first limit nicks of total for a sentence.
func (t *Texts) names(nicks []string, total, limit int) string {
	shown := min(len(nicks), limit)
	list := strings.Join(nicks[:shown], ", ")
	if total > shown {
		return fmt.Sprintf(t.AndMore, list, total-shown)
	}
	return list
}

// render returns the sentence for m without making it harmless, appended to dst.
func (t *Texts) render(dst []byte, m Message) []byte {
	dst = append(dst, "* "...)
	switch m.Kind {
	case Join:
		return fmt.Appendf(dst, t.Joined, m.From)
	case Leave:
		if m.Text == "" {
			return fmt.Appendf(dst, t.Left, m.From)
		}
		return fmt.Appendf(dst, t.LeftWhy, m.From, m.Text)
	case Rename:
		return fmt.Appendf(dst, t.Renamed, m.From, m.Text)
	case Topic:
		switch {
		case m.From == "" && m.Text == "":
			return append(dst, t.NoTopic...)
		case m.From == "":
			return fmt.Appendf(dst, t.TopicIs, m.Text)
		}
		return fmt.Appendf(dst, t.TopicSet, m.From, m.Text)
	}
	return append(dst, m.Text...)
}

// A renderer makes lines and owns the scratch space for it. Not for concurrent use.
type renderer struct {
	texts        *Texts
	raw, visible []byte
}

// line renders m. Two allocations: the Line and its text.
func (r *renderer) line(m Message) *Line {
	l := &Line{Seq: m.Seq, Time: m.Time, Kind: m.Kind}
	before, between := "", ""
	switch m.Kind {
	case Say: // the only one that is hot: no fmt
		before, between = "<", "> "
	case Emote: // two stars: an emote must not pass for a notice
		before, between = "** ", " "
	default:
		r.raw = r.texts.render(r.raw[:0], m)
		r.visible = harmless(r.visible[:0], r.raw)
		l.Text, l.From = string(r.visible), string(harmless(nil, []byte(m.From)))
		switch m.Kind {
		case Notice:
			l.Body = l.Text[len("* "):]
		case Rename, Leave, Topic:
			l.Body = string(harmless(nil, []byte(m.Text)))
		}
		return l
	}
	r.visible = append(r.visible[:0], before...)
	r.visible = harmless(r.visible, append(r.raw[:0], m.From...))
	from := len(r.visible)
	r.visible = append(r.visible, between...)
	r.raw = append(r.raw[:0], m.Text...)
	r.visible = harmless(r.visible, r.raw)
	l.Text = string(r.visible)
	l.From, l.Body = l.Text[len(before):from], l.Text[from+len(between):]
	return l
}

// notice renders text for one member.
func (r *renderer) notice(text string) *Line {
	return r.line(Message{Time: time.Now(), Kind: Notice, Text: text})
}

// harmless appends raw to dst as one line that cannot do anything to a terminal. A line break becomes a visible one, or
// a message's second line could pass for somebody else's. Tabs become spaces, in raw itself.
func harmless(dst, raw []byte) []byte {
	for i, c := range raw {
		if c == '\t' {
			raw[i] = ' '
		}
	}
	return charset.AppendVisible(dst, raw, charset.VisibleOptions{SingleLine: true})
}
