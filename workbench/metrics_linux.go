package workbench

import (
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ticks is what the kernel calls a second in /proc: USER_HZ, which is 100 wherever Go runs.
const ticks = 100

// process writes what the kernel knows of the process; what cannot be read is left out.
func (m metrics) process() {
	if stat, err := os.ReadFile("/proc/self/stat"); err == nil {
		// The name, in parentheses, may have anything in it. State, the third of proc(5), is the first after it.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		at := func(i int) float64 {
			if i -= 3; i >= len(fields) {
				return 0
			}
			n, _ := strconv.ParseFloat(fields[i], 64)
			return n
		}
		m.counter("process_cpu_seconds_total", "Seconds of CPU time used, by the program and the kernel for it.", (at(14)+at(15))/ticks)
		m.gauge("process_virtual_memory_bytes", "Bytes of address space.", at(23))
		m.gauge("process_resident_memory_bytes", "Bytes of memory in use.", at(24)*float64(os.Getpagesize()))
		if boot, ok := bootTime(); ok {
			m.gauge("process_start_time_seconds", "When the process began, in seconds since 1970.", boot+at(22)/ticks)
		}
	}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		m.gauge("process_open_fds", "Descriptors that are open.", float64(len(open)-1)) // without the directory itself
	}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		m.gauge("process_max_fds", "Descriptors that may be open.", float64(limit.Cur))
	}
}

// bootTime is when the kernel began, in seconds since 1970.
func bootTime() (float64, bool) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, false
	}
	_, after, ok := strings.Cut(string(stat), "\nbtime ")
	line, _, _ := strings.Cut(after, "\n")
	n, err := strconv.ParseFloat(line, 64)
	return n, ok && err == nil
}
