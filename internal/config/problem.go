package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxProblems is how many problems are kept: nobody reads more, and a hostile file could have millions.
const maxProblems = 100

// Problem is one thing wrong with a configuration file.
type Problem struct {
	File   string // as given to Load or Parse
	Line   int    // from 1
	Column int    // from 1, in characters
	// Message says what is wrong, without a full stop.
	Message string
	// Hint says what to do about it; it may be empty.
	Hint string
}

// Error is file:line:column: message; hint.
func (p Problem) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return s
}

// Error is everything wrong with a configuration file, in the order of the file.
type Error struct{ Problems []Problem }

// newError sorts problems by their place.
func newError(problems []Problem) *Error {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Error{Problems: problems}
}

// Error has one line for each problem.
func (e *Error) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.Error())
	}
	return b.String()
}

// fault is what is wrong with one value, before it has a place: either it is not what was expected, or
// the message says it all.
type fault struct{ expected, message, hint string }

func (f fault) Error() string { return cmp.Or(f.message, "expected "+f.expected) }

// expected is the fault of a value that is not what it should be.
func expected(what string) error { return fault{expected: what} }

// wrong is the fault of a value that is well-formed but cannot be used.
func wrong(hint, format string, args ...any) error {
	return fault{message: fmt.Sprintf(format, args...), hint: hint}
}

// position is a place in the file, both numbers from 1.
type position struct{ line, column int }

// nearest returns the place of a key such as relays[0].host, or else of what it is part of, or else
// the start of the file.
func nearest(where map[string]position, key string) position {
	for key != "" {
		if p, ok := where[key]; ok {
			return p
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return position{1, 1}
}

// quote shows a piece of the file in a message: in quotation marks, on one line, not too long.
func quote(s string) string {
	const longest = 60
	if r := []rune(s[:min(len(s), 4*longest+4)]); len(r) > longest {
		return fmt.Sprintf("%q…", string(r[:longest]))
	}
	return fmt.Sprintf("%q", s)
}

// words joins a list for people: a, b or c.
func words(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " or " + list[last]
}
