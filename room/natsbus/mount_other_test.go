//go:build !linux

package natsbus

import "errors"

func mountSmall(string, int) error   { return errors.ErrUnsupported }
func remountSmall(string, int) error { return errors.ErrUnsupported }
func unmount(string) error           { return nil }
