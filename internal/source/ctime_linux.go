package source

import (
	"io/fs"
	"syscall"
)

// changeTime returns when the inode last changed, in Unix nanoseconds. Unlike the
// modification time it cannot be set, so it betrays files that were replaced by
// others of the same size and time, as archives and image builders do.
func changeTime(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ctim.Nano()
	}
	return info.ModTime().UnixNano()
}
