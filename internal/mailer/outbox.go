package mailer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	outboxTime = "20060102T150405.000000Z" // how the names of caught messages begin
	incoming   = ".incoming-"              // and of those that are being written
)

// EachCaught calls found for each message that a catcher kept in dir before a time, by
// the file's name, and deletes it if remove is set. An error of found ends it. It reads
// the folder in pieces: there may be millions.
func EachCaught(dir string, before time.Time, remove bool, found func() error) error {
	folder, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into the outbox: %w", err)
	}
	defer folder.Close()
	for done := false; !done; {
		names, err := folder.Readdirnames(1000)
		if done = errors.Is(err, io.EOF); err != nil && !done {
			return fmt.Errorf("look into the outbox: %w", err)
		}
		for _, name := range names {
			stale := remove && leftover(dir, name)
			if !stale && !caughtBefore(name, before) {
				continue
			}
			if remove {
				if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("empty the outbox: %w", nameless(err))
				}
			}
			if stale {
				continue
			}
			if err := found(); err != nil {
				return err
			}
		}
	}
	return nil
}

// caughtBefore reports whether a file is a message that was caught before a time.
// Others in the folder are somebody else's.
func caughtBefore(name string, before time.Time) bool {
	stamp, rest, ok := strings.Cut(name, "-")
	at, err := time.Parse(outboxTime, stamp)
	return ok && err == nil && strings.HasSuffix(rest, ".eml") && at.Before(before)
}

// leftover reports whether a file is what a catcher began to write that was killed.
func leftover(dir, name string) bool {
	if !strings.HasPrefix(name, incoming) {
		return false
	}
	info, err := os.Lstat(filepath.Join(dir, name))
	return err == nil && time.Since(info.ModTime()) > 24*time.Hour // no message takes so long
}

// nameless is an error without the name of the file, in which there is an address.
func nameless(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
