//go:build !linux

package lab

import (
	"context"
	"errors"
	"runtime"
)

func runKernel(context.Context, Setup) (*KernelRun, error) {
	return nil, &KernelError{"kernel's TCP on " + runtime.GOOS, errors.ErrUnsupported, "it needs Linux; gVisor's TCP runs everywhere"}
}
