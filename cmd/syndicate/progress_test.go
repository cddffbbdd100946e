package main

import (
	"bytes"
	"strings"
	"testing"

	"syndicate/internal/jobs"
)

// TestProgressNote: a note that changes all the time does not make another step of
// it, which would never be old enough to get a bar; and a line fits into 80 columns.
func TestProgressNote(t *testing.T) {
	t.Parallel()
	var screen bytes.Buffer
	p := &progress{a: &app{system: system{err: &screen}}, show: true, noted: true}
	p.note = ", 1,020/s"
	p.tell(jobs.Progress{Step: "weekly/123", Done: 10_000, Total: 100_000})
	p.since = p.since.Add(-patience)
	p.note = ", 1,021/s, about 80 seconds left"
	p.tell(jobs.Progress{Step: "weekly/123", Done: 20_000, Total: 100_000})
	lines := strings.Split(screen.String(), "\r")
	last := plain(strings.TrimSuffix(lines[len(lines)-1], "\x1b[0K"))
	if !strings.HasPrefix(last, "weekly/123"+p.note) || !strings.Contains(last, "(20000/100000)") {
		t.Errorf("the screen says %q", screen.String())
	}
	if n := len([]rune(strings.TrimSpace(last))); n > 80 {
		t.Errorf("%d columns: %q", n, last)
	}
}
