//go:build !linux

package workbench

import (
	"errors"
	"time"
)

// systemd is Linux's.
func inheritOne(uintptr, string) (Inherited, error) { return Inherited{}, errors.ErrUnsupported }

func monotonic() (time.Duration, error) { return 0, errors.ErrUnsupported }
