package roster

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// role is what a column means.
type role string

const (
	email    role = "email"
	fullName role = "name"
	first    role = "first name"
	last     role = "last name"
	lang     role = "language"
	topics   role = "topics"
	zone     role = "time zone"
	state    role = "state"

	// Of exports only.
	suppressed role = "suppressed"
	cadence    role = "cadence"
	hour       role = "hour"
	items      role = "most items"
	paused     role = "paused until"
	byFeed     role = "by feed"
	owned      role = "set by owner"
	forLetter  role = "newsletter"
	consentAt  role = "consent"
	source     role = "source"
	proof      role = "proof"
	leftAt     role = "left"
	leftBy     role = "left by"
	optIn      role = "opt-in"
	optInIP    role = "opt-in IP"
	confirm    role = "confirmed"
	confirmIP  role = "confirmed IP"
	bouncedAt  role = "bounced"
	deletedAt  role = "deleted"
	mailed     role = "mailed" // no: no mail was wanted
	unmailed   role = "not mailed"
	tags       role = "tags"
	metadata   role = "metadata"
	known      role = "known" // read, and needed for nothing
)

// readHeader finds the columns; f nil: of which format they are, too.
func (x *Reader) readHeader(row []string, f *format) error {
	names := make([]string, len(row))
	for i, h := range row {
		names[i] = strings.ToLower(cell(h))
	}
	if f == nil {
		x.format = recognise(names)
	}
	if !slices.ContainsFunc(names, func(h string) bool { return x.format.role(h) == email }) {
		if i := slices.IndexFunc(names, isAddress); i >= 0 {
			names[i] = "email"
		}
	}
	for i, h := range names {
		r := x.format.role(h)
		switch _, double := x.columns[r]; {
		case r == "" && h != "", r == tags && !x.tags:
			x.ignored = append(x.ignored, h)
		case r == "", r == known:
		case double:
			x.pending = append(x.pending, &Problem{Line: x.last, Columns: true, Message: fmt.Sprintf("column %q is there twice; the first is read", r)})
		default:
			x.columns[r] = i
		}
	}
	if _, ok := x.columns[email]; !ok {
		return fmt.Errorf(`line %d: no column is called "email"; the first line names the columns, such as email,name,language,topics,time_zone`, x.last)
	}
	if x.format == &generic {
		x.tellIgnored()
	}
	return nil
}

// tellIgnored makes a problem of columns that are not read. Exports of other
// programs are full of them: of those Ignored tells.
func (x *Reader) tellIgnored() {
	quoted := make([]string, len(x.ignored))
	for i, h := range x.ignored {
		quoted[i] = strconv.Quote(h)
	}
	p := &Problem{Line: x.last, Columns: true}
	switch len(quoted) {
	case 0:
		return
	case 1:
		p.Message = "the column " + quoted[0] + " is not known and ignored"
	default:
		p.Message = "the columns " + strings.Join(quoted, ", ") + " are not known and ignored"
	}
	x.pending = append(x.pending, p)
}

// isAddress reports whether a column is called what e-mail addresses are called
// where there is no better name; beside one, it is where people live.
func isAddress(header string) bool { return header == "address" || header == "adresse" }

// recognise tells by its columns whose export a list is.
func recognise(names []string) *format {
	have := map[string]bool{}
	for _, h := range names {
		have[spaced(h)] = true
	}
	for _, f := range programs() {
		for _, set := range f.marks {
			if !slices.ContainsFunc(set, func(h string) bool { return !have[h] }) {
				return f
			}
		}
	}
	return &generic
}

// spaced makes one of names that differ in how their words are joined.
func spaced(header string) string { return strings.NewReplacer("_", " ", "-", " ").Replace(header) }

// role returns what a column of that name means; empty: nothing.
func (f *format) role(header string) role {
	header = spaced(header)
	for _, c := range f.columns {
		if slices.Contains(c.names, header) {
			return c.role
		}
	}
	return ""
}
