// Package handler has ready-made handlers: what a conversation is held with
// when no program holds it.
//
// [Echo] and [Discard] are for tests and measurements, [Reply] answers every
// message with the same text, [Stdio] joins one conversation to a program's
// input and output, [Terminal] several to one, and [Chat] is the door into a
// room. It is the only package that knows both package session and package
// room.
//
//	srv := session.Server{Handler: handler.Echo}
//	err := srv.Serve(ctx, listener)
package handler

import (
	"context"

	"sockeye.dev/session"
)

// Echo sends every message back, byte for byte.
var Echo session.Handler = session.HandlerFunc(echo)

func echo(ctx context.Context, s *session.Session) error {
	for {
		m, err := s.Recv(ctx)
		if err != nil {
			return err
		}
		if err := s.Send(ctx, m); err != nil {
			return err
		}
	}
}

// Discard reads everything and answers nothing (RFC 863).
var Discard session.Handler = session.HandlerFunc(discard)

func discard(ctx context.Context, s *session.Session) error {
	for {
		if _, err := s.Recv(ctx); err != nil {
			return err
		}
	}
}
