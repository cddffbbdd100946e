//go:build !linux

package source

import (
	"io/fs"
	"os"
	"path/filepath"
)

// statIn tells of a name in an open folder, without following a link.
func statIn(dir *os.File, name string) (m meta, regular bool, err error) {
	info, err := os.Lstat(filepath.Join(dir.Name(), name))
	if err != nil {
		return meta{}, false, err
	}
	return metaOf(info), info.Mode().IsRegular(), nil
}

// metaOf takes the modification time for the change time, which has no portable
// name.
func metaOf(info fs.FileInfo) meta {
	m := info.ModTime().UnixNano()
	return meta{size: info.Size(), mtime: m, ctime: m}
}
