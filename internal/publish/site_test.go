package publish_test

import (
	"context"
	"fmt"
	"html"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"syndicate/internal/feeds"
	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

var day = time.Date(2026, 5, 4, 6, 0, 0, 0, time.UTC)

// site is a store with articles, and what is built of them.
type site struct {
	*testing.T
	store   *store.Store
	options publish.Options
	now     time.Time
}

// opener opens the database of a test.
type opener = func(...storetest.Option) *store.Store

// newSite is a site on SQLite.
func newSite(t *testing.T, set ...func(*publish.Options)) *site {
	t.Helper()
	return newSiteOn(t, func(o ...storetest.Option) *store.Store { return storetest.Open(t, storetest.SQLite(t), o...) }, set...)
}

func newSiteOn(t *testing.T, open opener, set ...func(*publish.Options)) *site {
	t.Helper()
	s := &site{T: t, store: open(), now: day}
	s.options = publish.Options{
		Store: s.store, Dir: t.TempDir(), Items: 3, Full: true, Archives: publish.ArchivesNone,
		Site: newsletter.Site{Title: "The Harbour Letter", Description: "Boats.", URL: "https://news.example.org", Language: "en"},
		Item: func(_ context.Context, a *newsletter.Article, full bool) (feeds.Item, []publish.Ref, error) {
			it := feeds.Item{Article: *a, URL: a.URL("https://news.example.org")}
			if !full {
				return it, nil, nil
			}
			it.HTML = "<p>" + html.EscapeString(a.Body) + "</p>"
			var refs []publish.Ref
			if _, link, ok := strings.Cut(a.Body, "see "); ok {
				refs = append(refs, publish.Ref{Source: a.Source, File: link})
				if other, err := s.store.ArticleByFile(t.Context(), a.Source, link); err == nil {
					it.HTML += "<p>" + html.EscapeString(other.URL("https://news.example.org")) + "</p>"
				}
			}
			return it, refs, nil
		},
		Now: func() time.Time { return s.now },
	}
	for _, f := range set {
		f(&s.options)
	}
	return s
}

// article returns article n: later ones are newer.
func article(n int, set ...func(*newsletter.Article)) newsletter.Article {
	a := newsletter.Article{
		Key: fmt.Sprintf("%d.md", n), File: fmt.Sprintf("%d.md", n), Slug: fmt.Sprintf("article-%d", n), Title: fmt.Sprintf("Article %d", n),
		Summary: "A summary.", Language: "en", Format: newsletter.Markdown, Body: fmt.Sprintf("Body %d.", n),
		Published: day.Add(-1000*time.Hour + time.Duration(n)*time.Hour),
	}
	for _, f := range set {
		f(&a)
	}
	return a
}

func tagged(tags ...string) func(*newsletter.Article) {
	return func(a *newsletter.Article) { a.Tags = tags }
}

func saying(body string) func(*newsletter.Article) {
	return func(a *newsletter.Article) { a.Body = body }
}

// put stores articles.
func (s *site) put(list ...newsletter.Article) {
	s.Helper()
	if _, err := s.store.UpsertArticles(s.Context(), store.UpsertBatch{Source: "articles", SiteURL: s.options.Site.URL, Articles: list}, s.now); err != nil {
		s.Fatal(err)
	}
}

// remove takes articles away.
func (s *site) remove(keys ...string) {
	s.Helper()
	if _, err := s.store.FinishListing(s.Context(), "articles", nil, keys, s.now); err != nil {
		s.Fatal(err)
	}
}

// build builds with a new builder, as a new process would.
func (s *site) build(set ...func(*publish.Options)) (publish.Report, *publish.Catalogue) {
	s.Helper()
	o := s.options
	for _, f := range set {
		f(&o)
	}
	b := publish.New(o)
	r, err := b.Build(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	if len(r.Problems) > 0 {
		s.Errorf("problems: %q", r.Problems)
	}
	return r, b.Catalogue()
}

// files returns the content of all files in a folder but the build's own memory.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == ".syndicate.json" {
			return err
		}
		name, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(p)
		out[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// folders returns the folders of the documents among names, sorted.
func folders(names []string) string {
	var out []string
	for _, n := range names {
		if folder, ok := strings.CutSuffix(n, "feed.rss"); ok {
			out = append(out, "/"+folder)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (s *site) wrote(r publish.Report, want string) {
	s.Helper()
	if got := folders(r.Written); got != want {
		s.Errorf("wrote feeds %s\nwant %s\n(%v)", got, want, r.Written)
	}
}
