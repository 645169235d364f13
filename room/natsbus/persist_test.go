package natsbus

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What a server says of a message that it is still storing is no refusal: what is said once more is answered then.
func TestPassing(t *testing.T) {
	said := func(code jetstream.ErrorCode) error { return &jetstream.APIError{Code: 409, ErrorCode: code} }
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{said(10158), true},             // duplicate message id is in process
		{said(10167), true},             // too many requests
		{said(10008), true},             // no leader
		{said(10077), false},            // the store fails
		{permanent(said(10158)), false}, // whoever says so knows
		{nats.ErrConnectionClosed, false},
		{fmt.Errorf("wrapped: %w", nats.ErrTimeout), true},
		{errors.New("whatever else"), true},
	} {
		if got := passing(tt.err); got != tt.want {
			t.Errorf("%v: %v", tt.err, got)
		}
	}
}
