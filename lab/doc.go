// Package lab shows what TCP does, and what UDP does not, on real packets: two
// or more hosts with a whole TCP/IP stack each (gVisor's, in userspace) on
// simulated lines that lose, delay and damage, in virtual time.
//
//	setup, err := lab.Find("fast-retransmit?seed=7")
//	run, err := lab.Do(ctx, setup)
//	run.Ladder(os.Stdout, lab.LadderOptions{})
//
// A run hangs on its [Setup] and on nothing else: not on the machine, the number
// of its processors or the time of day. Equal setups have equal digests, to the
// byte, for one version of gVisor.
//
// # How it works
//
// A clock (clock.go) holds what is due. After each event it waits until the
// stack it concerned has come to rest, so that what a packet brings about can be
// read from the stack's own counters and probes, packet by packet (explain.go).
// A wire (wire.go) lies between each two hosts: impairment from package impair,
// and faults by the script. Applications (tcp.go, udp.go) are callbacks.
// [Run.Score] judges from the log of packets and from what applications have
// received, which is numbered (payload.go), and from nothing else.
//
// It is gVisor's TCP and not the textbook's, nor Linux's: docs/lab.md says where
// they differ. [Kernel] puts Linux's own on the same wire.
package lab
