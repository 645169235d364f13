//go:build windows && sockeye_exec

package handler

import (
	"os/exec"
	"syscall"
)

func shell() []string { return []string{"cmd.exe", "/c"} }

func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// Windows has no signal that asks, and a group is not killed as one.
func askGroup(cmd *exec.Cmd)  { _ = cmd.Process.Kill() }
func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
