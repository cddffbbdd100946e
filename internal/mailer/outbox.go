package mailer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/mail"
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
// the file's name, and deletes it if remove is set. An error of found ends it.
func EachCaught(dir string, before time.Time, remove bool, found func() error) error {
	return eachFile(dir, func(name string) error {
		stale := remove && leftover(dir, name)
		if !stale && !caughtBefore(name, before) {
			return nil
		}
		if remove {
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("empty the outbox: %w", nameless(err))
			}
		}
		if stale {
			return nil
		}
		return found()
	})
}

// eachFile calls found with the names of the files in an outbox, in pieces: there may be
// millions. An outbox that is not there is empty.
func eachFile(dir string, found func(name string) error) error {
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
			if err := found(name); err != nil {
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

// DropCaught deletes the messages that a catcher kept in dir for an address, and returns
// how many there were.
func DropCaught(dir, address string) (dropped int, err error) {
	suffix := "-" + strings.ToLower(fileName(address)) + ".eml"
	err = eachFile(dir, func(name string) error {
		if !strings.HasSuffix(strings.ToLower(name), suffix) || !caughtBefore(name, time.Unix(1<<40, 0)) || !isFor(filepath.Join(dir, name), address) {
			return nil
		}
		switch err := os.Remove(filepath.Join(dir, name)); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("delete from the outbox: %w", nameless(err))
		default:
			dropped++
		}
		return nil
	})
	return dropped, err
}

// isFor reports whether a message whose file is named after an address is for it, and not
// for one that has the same name: a file's name has not all signs of an address.
func isFor(path, address string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true // removing it says what is wrong
	}
	defer f.Close()
	m, err := mail.ReadMessage(bufio.NewReader(f))
	if err != nil {
		return true
	}
	to, err := mail.ParseAddress(m.Header.Get("To"))
	return err != nil || strings.EqualFold(to.Address, address)
}
