//go:build !linux

package workbench

import (
	"errors"
	"time"

	"sockeye.dev/endpoint"
)

// systemd is Linux's.
func inheritOne(uintptr, string) (endpoint.Socket, error) {
	return endpoint.Socket{}, errors.ErrUnsupported
}

func monotonic() (time.Duration, error) { return 0, errors.ErrUnsupported }
