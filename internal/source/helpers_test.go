package source_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
)

// paris is the time zone of the test sites: not UTC, and with summer time.
func paris(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Skip("no time zone data:", err)
	}
	return loc
}

// site is a folder of articles with what is known of it, as a caller keeps it.
type site struct {
	t     *testing.T
	root  string
	dir   *source.Dir
	state []byte
	keep  bool // vanished keys
}

// newSite writes the files and returns the site. Its clock is an hour ahead, so
// that no file is fresh and times are trusted.
func newSite(t *testing.T, files map[string]string) *site {
	t.Helper()
	s := &site{t: t, root: t.TempDir()}
	s.dir = source.NewDir(source.DirOptions{
		Name: "articles", Root: s.root, Label: "articles", Language: "en",
		Now: func() time.Time { return time.Now().Add(time.Hour) },
	})
	for name, content := range files {
		s.write(name, content)
	}
	return s
}

func (s *site) path(name string) string { return filepath.Join(s.root, filepath.FromSlash(name)) }

func (s *site) write(name, content string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) remove(names ...string) {
	s.t.Helper()
	for _, n := range names {
		if err := os.RemoveAll(s.path(n)); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *site) rename(from, to string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(to)), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(s.path(from), s.path(to)); err != nil {
		s.t.Fatal(err)
	}
}

// found is what a listing told, as text that tests compare.
type found struct {
	Total, Known, Changed int
	Vanished              string // keys
	Read                  string // "key: title", in order of emission
	Problems              string
	Saved                 bool // the state changed
}

// ingest lists and reads the site, and remembers the state.
func (s *site) ingest() found {
	s.t.Helper()
	l := s.list()
	var read []string
	if err := l.Read(context.Background(), func(batch []newsletter.Article) error {
		for _, a := range batch {
			read = append(read, a.Key+": "+a.Title)
		}
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	var keep []string
	if s.keep {
		keep = l.Vanished
	}
	state, saved := l.State(keep)
	if !saved && !slices.Equal(state, s.state) {
		s.t.Error("the state changed, and is said not to have")
	}
	s.state = state
	f := found{
		Total: l.Total, Known: l.Known, Changed: l.Changed, Vanished: strings.Join(l.Vanished, ", "), Read: strings.Join(read, ", "), Saved: saved,
	}
	var problems []string
	for _, p := range l.Problems() {
		problems = append(problems, p.Error())
	}
	f.Problems = strings.Join(problems, "\n")
	return f
}

func (s *site) list() *source.Listing {
	s.t.Helper()
	l, err := s.dir.List(context.Background(), source.Ask{State: s.state})
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}
