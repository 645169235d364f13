//go:build !windows || sockeye_exec

package handler

import "time"

// SetGrace gives programs, and what they leave running, another time than
// execGrace.
func (h *Exec) SetGrace(d time.Duration) { h.grace = d }
