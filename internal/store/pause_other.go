//go:build !linux

package store

import "time"

func pause(d time.Duration) { time.Sleep(d) }
