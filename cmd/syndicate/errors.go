package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"syndicate/internal/config"
	"syndicate/internal/store"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1 // or the relay accepted nothing
	exitUsage  = 2
	exitLeft   = 3 // some deliveries failed, are held, or remain to be retried
)

// failure is an error with what the program makes of it.
type failure struct {
	err  error // nil: the report has said it all
	code int
	hint string
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit code %d", f.code)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// Hint returns what to do about it.
func (f *failure) Hint() string { return f.hint }

// usage is an error of the person at the keyboard.
func usage(hint, format string, args ...any) error {
	return &failure{err: fmt.Errorf(format, args...), code: exitUsage, hint: hint}
}

// hinted is an error with advice.
func hinted(err error, format string, args ...any) error {
	return &failure{err: err, code: exitFailed, hint: fmt.Sprintf(format, args...)}
}

// exit ends the program with a code and without another word.
func exit(code int) error {
	if code == exitDone {
		return nil
	}
	return &failure{code: code}
}

func exitCode(err error) int {
	var f *failure
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &f):
		return f.code
	}
	return exitFailed
}

// hints says what to do about errors that come from below.
var hints = []struct {
	is   error
	hint string
}{
	{store.ErrNewer, "install the version that wrote it, or go back to a copy of the database from before the upgrade"},
	{store.ErrLocked, "one at a time is enough for a site; all other commands work beside it"},
	{store.ErrBusy, "another syndicate is at work on it; try again when that one is done"},
	{syscall.ENOSPC, "the disk is full; free some space and try again: nothing was left half-written"},
	{syscall.EDQUOT, "the quota is used up; free some space and try again: nothing was left half-written"},
	{syscall.EROFS, "the disk is mounted read-only"},
	{syscall.EADDRINUSE, "something listens there already, perhaps another syndicate serve; web.listen in config.yaml takes another port"},
	{syscall.ECONNREFUSED, "nothing answers there: is the server running, and are host and port right in config.yaml?"},
	{fs.ErrPermission, "the user that runs syndicate needs access to it"},
	{context.Canceled, "what was begun is kept; the next run takes it up"},
}

// hintFor returns advice on an error, or nothing. The outermost error that knows
// what to do is asked first.
func hintFor(err error) string {
	if hint := ownHint(err); hint != "" {
		return hint
	}
	for _, h := range hints {
		if errors.Is(err, h.is) {
			return h.hint
		}
	}
	return ""
}

// ownHint asks the error itself, then those inside it.
func ownHint(err error) string {
	if h, ok := err.(interface{ Hint() string }); ok && h.Hint() != "" {
		return h.Hint()
	}
	switch e := err.(type) { //nolint:errorlint // this walks the tree itself
	case interface{ Unwrap() error }:
		return ownHint(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if hint := ownHint(inner); hint != "" {
				return hint
			}
		}
	}
	return ""
}

// message is an error in plain words, on one line.
func message(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	var one strings.Builder
	for line := range strings.Lines(err.Error()) { // joined errors stand on lines of their own
		switch text := one.String(); {
		case text == "":
		case strings.HasSuffix(text, ":"):
			one.WriteString(" ")
		default:
			one.WriteString("; ")
		}
		one.WriteString(strings.TrimSpace(line))
	}
	return plain(one.String())
}

// complain tells an error: "error:" and "hint:" lines, or a JSON document.
func (a *app) complain(err error) {
	var f *failure
	if errors.As(err, &f) && f.err == nil {
		return
	}
	type complaint struct {
		Error string `json:"error"`
		Hint  string `json:"hint,omitempty"`
	}
	list := []complaint{{Error: message(err), Hint: hintFor(err)}}
	var bad *config.Error
	if errors.As(err, &bad) {
		list = nil
		for _, p := range bad.Problems {
			list = append(list, complaint{Error: fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message), Hint: p.Hint})
		}
	}
	for _, c := range list {
		if a.json {
			line, err := json.Marshal(c)
			if err == nil {
				fmt.Fprintf(a.err, "%s\n", line)
			}
			continue
		}
		fmt.Fprintf(a.err, "%s %s\n", a.style(a.err).red("error:"), c.Error)
		if c.Hint != "" {
			fmt.Fprintf(a.err, "%s %s\n", a.style(a.err).bold("hint:"), c.Hint)
		}
	}
}
