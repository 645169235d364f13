package handler

import (
	"context"
	"fmt"
	"strconv"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
	"sockeye.dev/room"
)

// ChatCommands are the commands of a room that are about the conversation with
// a member and not about the room: /encoding, /frame and /json. They are for
// members that came in through a [Chat]. auto is what /encoding auto means, t
// the room's texts.
func ChatCommands(auto *charset.Encoding, t *room.Texts) []room.Command {
	return []room.Command{
		{Name: "encoding", Args: "[NAME]", Help: t.HelpEncoding, Run: func(ctx context.Context, m *room.Member, args string) error {
			c, ok := m.Screen().(*screen)
			if !ok {
				return nil
			}
			f := c.s.Format()
			is := f.Encoding.String()
			if e := c.s.Spoken(); f.Encoding.IsAuto() && e != nil && e != charset.UTF8 {
				is += " (" + e.String() + ")"
			}
			if args != "" && c.json.Load() {
				return m.Tell(ctx, t.JSONFormat)
			}
			if args != "" {
				e, err := charset.Lookup(args)
				switch {
				case args == "auto":
					e = auto
				case err != nil:
					return m.Tell(ctx, err.Error())
				}
				if err := m.Flush(ctx); err != nil { // what was said before is shown as before
					return err
				}
				f.Encoding, f.Send = e, nil
				_ = m.Flush(ctx) // answers to earlier commands
				c.s.SetFormat(f)
				is = e.String()
			}
			return m.Tell(ctx, fmt.Sprintf(t.EncodingIs, is))
		}},
		{Name: "frame", Args: "[FRAMING]", Help: t.HelpFrame, Run: func(ctx context.Context, m *room.Member, args string) error {
			c, ok := m.Screen().(*screen)
			if !ok {
				return nil
			}
			now := c.s.Format().Framing
			if args != "" && c.json.Load() {
				return m.Tell(ctx, t.JSONFormat)
			}
			if args != "" {
				framing, err := frame.Parse(args)
				if err != nil {
					return m.Tell(ctx, err.Error())
				}
				if why := Unfit(framing, c.s.Bounded(), t); why != "" {
					return m.Tell(ctx, why)
				}
				if err := m.Flush(ctx); err != nil {
					return err
				}
				_ = m.Flush(ctx)
				c.s.SetFraming(framing)
				now = framing
			}
			return m.Tell(ctx, fmt.Sprintf(t.FrameIs, now))
		}},
		{Name: "json", Args: "[AFTER]", Help: t.HelpJSON, Run: func(ctx context.Context, m *room.Member, args string) error {
			if args == "" {
				return resume{}
			}
			after, err := strconv.ParseUint(args, 10, 64)
			if err != nil {
				return m.Tell(ctx, fmt.Sprintf(t.BadAfter, args))
			}
			return resume{after, true}
		}},
	}
}

// Unfit says why a member of a room cannot speak and be spoken to in a framing;
// "" if it can. bounded is whether its connection has messages of its own.
func Unfit(f frame.Framer, bounded bool, t *room.Texts) string {
	inner := f
	if q, ok := f.(frame.Quiet); ok && q.Inner != nil {
		inner = q.Inner
	}
	switch inner.(type) {
	case frame.Fixed: // nothing that is said would fit
		return fmt.Sprintf(t.FrameFixed, f)
	case frame.Datagram:
		if !bounded { // and nothing would be heard until the stream ends
			return fmt.Sprintf(t.FrameStream, f)
		}
	}
	return ""
}
