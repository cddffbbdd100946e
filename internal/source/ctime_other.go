//go:build !linux

package source

import "io/fs"

// changeTime returns the modification time, where the system's change time has no
// portable name.
func changeTime(info fs.FileInfo) int64 { return info.ModTime().UnixNano() }
