package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"syndicate/internal/jobs"
)

// This file tells of the operator's own lists, subscribers/NEWSLETTER.csv.

// addLists says what the operator's lists changed, if they did.
func (l *lines) addLists(lists []jobs.ListReport) {
	var added, changed, pruned int
	for _, x := range lists {
		added, changed, pruned = added+x.Result.Added, changed+x.Result.Changed, pruned+x.Result.Pruned
	}
	if text := join(", ", counted(added, "new"), counted(changed, "changed"), counted(pruned, "removed")); text != "" {
		l.add("subscribers", "%s", text)
	}
}

// warnLists tells of lines that were left out, and of lists that nobody reads.
func (s *site) warnLists(lists []jobs.ListReport) {
	for _, f := range s.strayLists() {
		s.warn("", f.text, f.hint)
	}
	for _, l := range lists {
		more := l.Skipped
		for _, p := range l.Problems {
			if p.Columns {
				s.warn(fmt.Sprintf("%s:%d", l.File, p.Line), p.Message, "")
				continue
			}
			more--
			s.warn(fmt.Sprintf("%s:%d", l.File, p.Line), p.Message+" (left out)", "")
		}
		if more > 0 {
			s.warn(l.File, count(more, "more line")+" left out", "")
		}
		if l.Unpruned != "" {
			s.warn(l.File, l.Unpruned, "mend the list and try again")
		}
		if l.Error != "" {
			s.complain(hinted(errors.New(at(l.File, l.Error)), "its subscribers stay as they were"))
		}
	}
}

// at says where in a list something is wrong, as editors understand it: file:3: text.
func at(file, text string) string {
	line, said, ok := strings.Cut(strings.TrimPrefix(text, "line "), ": ")
	if _, err := strconv.Atoi(line); ok && err == nil && strings.HasPrefix(text, "line ") {
		return file + ":" + line + ": " + said
	}
	return file + ": " + text
}

// stray is a list that no newsletter has.
type stray struct{ text, hint string }

// strayLists looks for lists that no newsletter has: a name may be wrong.
func (s *site) strayLists() []stray {
	files, err := fs.Glob(s.options.SiteFS, listFile("*"))
	if err != nil {
		return nil // it is the pattern that can be wrong, and it is not
	}
	names := newsletterNames(s.cfg)
	var list []stray
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".csv")
		if slices.Contains(names, name) {
			continue
		}
		hint := "lists are named after newsletters; this one is not read"
		if n := nearest(name, names); n != "" {
			hint = fmt.Sprintf("did you mean %s?", path.Base(listFile(n)))
		}
		list = append(list, stray{file + " belongs to no newsletter", hint})
	}
	return list
}
