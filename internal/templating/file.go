package templating

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"unicode/utf8"
)

const maxFile = 1_000_000 // bytes

// Read returns the text of a template file: UTF-8, without a byte order mark,
// lines ended as on Unix. One that is too large to be meant is not read.
func Read(fsys fs.FS, file string) (string, error) {
	info, err := fs.Stat(fsys, file)
	if err != nil {
		return "", err
	}
	if info.Size() > maxFile {
		return "", fmt.Errorf("a template of %d MB is not read; the limit is %d MB", info.Size()/1_000_000, maxFile/1_000_000)
	}
	text, err := fs.ReadFile(fsys, file)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(text) {
		return "", errors.New("the file is not UTF-8; save it as UTF-8")
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	return string(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))), nil
}
