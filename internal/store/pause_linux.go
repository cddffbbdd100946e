package store

import (
	"syscall"
	"time"
)

// pause sleeps for less than a millisecond, which time.Sleep cannot while nothing
// else runs: its timers wait by epoll, in whole milliseconds. A signal may cut it
// short.
func pause(d time.Duration) {
	t := syscall.NsecToTimespec(d.Nanoseconds())
	_ = syscall.Nanosleep(&t, nil)
}
