package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
	"sockeye.dev/room"
	"sockeye.dev/session"
)

// request is what a member says in JSON: exactly one of its fields but ID.
type request struct {
	ID     json.RawMessage `json:"id,omitempty"`     // comes back with the answer
	Say    *string         `json:"say,omitempty"`    // text, whatever it begins with
	Line   *string         `json:"line,omitempty"`   // as if it were typed: /nick bob
	Resume *uint64         `json:"resume,omitempty"` // what was said since this message
}

// event is what a member is told in JSON.
type event struct {
	Kind string          `json:"kind"`
	ID   json.RawMessage `json:"id,omitempty"`
	Seq  uint64          `json:"seq,omitempty"`
	Time *time.Time      `json:"time,omitempty"`
	Room string          `json:"room,omitempty"`
	From string          `json:"from,omitempty"`
	To   string          `json:"to,omitempty"`
	Text string          `json:"text,omitempty"`
	Past bool            `json:"past,omitempty"`

	Unconfirmed bool `json:"unconfirmed,omitempty"` // an error; what was said may have been stored nevertheless
}

func (e event) String() string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return `{"kind":"error","text":"` + err.Error() + `"}`
	}
	return string(bytes.TrimRight(b.Bytes(), "\n"))
}

// lineJSON is what a program sees of a line.
func lineJSON(b *room.Block, l *room.Line) string {
	e := event{Kind: l.Kind.String(), Seq: l.Seq, Room: b.Room, From: l.From, To: l.To, Text: l.Body, Past: b.Past}
	switch l.Kind {
	case room.Kick, room.Ban, room.Mute, room.Unmute, room.Promote, room.Demote:
		e.Text = l.Text
	}
	if !l.Time.IsZero() {
		t := l.Time.UTC()
		e.Time = &t
	}
	return e.String()
}

// resume is what /json returns: from now on JSON, and what was said since a
// message if one was given.
type resume struct {
	after uint64
	given bool
}

func (resume) Error() string { return "speaking JSON from now on" }

// speakJSON makes the conversation one in JSON: UTF-8, an object a line (RFC
// 8259, section 8.1).
func (v *visit) speakJSON() {
	f := v.s.Format()
	f.Encoding, f.Send, f.Decode, f.Encode = charset.UTF8, nil, charset.Replace, charset.Replace
	if !v.s.Bounded() {
		f.Framing = frame.Line{}
	}
	v.s.SetFormat(f)
	v.json.Store(true)
}

// resume shows what was said since, and returns the number up to which that goes.
func (v *visit) resume(ctx context.Context, to resume) (seq uint64, err error) {
	v.speakJSON()
	if !to.given {
		return 0, nil
	}
	return v.member().Resume(ctx, to.after, func(l *room.Line) error {
		return v.s.Send(ctx, session.Text(lineJSON(&room.Block{Room: v.member().Room().Name(), Past: true}, l)))
	})
}

// hearJSON does what a program asks. Every request that has an id is answered:
// with what it did, or why it did not.
func (v *visit) hearJSON(ctx context.Context, text string) error {
	var q request
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.DisallowUnknownFields()
	if len(bytes.TrimSpace([]byte(text))) == 0 {
		return nil
	}
	err := dec.Decode(&q)
	if err == nil && dec.More() {
		err = errors.New("one object a line")
	}
	if err != nil {
		return v.reply(ctx, q.ID, 0, fmt.Errorf("not a request: %w", plain(err)))
	}
	switch {
	case q.Say != nil && strings.TrimSpace(*q.Say) == "":
		return v.reply(ctx, q.ID, 0, errors.New("there is nothing to say"))
	case q.Say != nil && q.Line == nil && q.Resume == nil:
		seq, err := v.member().Say(ctx, *q.Say)
		return v.reply(ctx, q.ID, seq, err)
	case q.Line != nil && q.Say == nil && q.Resume == nil:
		err := v.take(ctx, *q.Line)
		if err == nil && q.ID == nil {
			return nil
		}
		if err == nil {
			err = v.member().Flush(ctx) // its answers come first
		}
		return v.reply(ctx, q.ID, 0, err)
	case q.Resume != nil && q.Say == nil && q.Line == nil:
		seq, err := v.resume(ctx, resume{*q.Resume, true})
		return v.reply(ctx, q.ID, seq, err)
	}
	return v.reply(ctx, q.ID, 0, errors.New(`not a request: want one of "say", "line", "resume"`))
}

// plain says what is wrong with a request in words of JSON, not of Go.
func plain(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field == "":
		return fmt.Errorf("want an object, not a JSON %s", wrong.Value)
	case errors.As(err, &wrong):
		return fmt.Errorf("%q cannot be a JSON %s", wrong.Field, wrong.Value)
	case err == io.ErrUnexpectedEOF:
		return errors.New("the object is not complete")
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

var errLong = errors.New("the line is too long")

// reply answers a request: an ack once what was asked for is done, and what was
// said is stored.
func (v *visit) reply(ctx context.Context, id json.RawMessage, seq uint64, err error) error {
	e := event{Kind: "ack", ID: id, Seq: seq}
	if err != nil {
		if errors.Is(err, net.ErrClosed) || err == io.EOF || ctx.Err() != nil {
			return err
		}
		e.Kind, e.Text, e.Unconfirmed = "error", err.Error(), errors.Is(err, room.ErrUnconfirmed)
	}
	return v.s.Post(session.Text(e.String()))
}
