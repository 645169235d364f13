//go:build !unix && !windows

package endpoint

import "errors"

func setReuseAddr(uintptr, int) error     { return errors.ErrUnsupported }
func setReusePort(uintptr, int) error     { return errors.ErrUnsupported }
func setReceiveBuffer(uintptr, int) error { return errors.ErrUnsupported }
func setSendBuffer(uintptr, int) error    { return errors.ErrUnsupported }
func relisten(uintptr, int) error         { return nil }
