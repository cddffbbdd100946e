package publish_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
)

// held builds and returns the files that were held, and why.
func (s *site) held(accept bool) (files []string, reason string) {
	s.Helper()
	b := publish.New(s.options)
	build := b.Build
	if accept {
		build = b.Accept
	}
	r, err := build(s.Context())
	if err != nil || len(r.Problems) > 0 {
		s.Fatal(err, r.Problems)
	}
	for _, h := range r.Held {
		files, reason = append(files, h.File), h.Reason
	}
	return files, reason
}

// many puts ten articles into a site whose feeds hold twenty.
func many(t *testing.T, set ...func(*newsletter.Article)) (*site, []newsletter.Article) {
	t.Helper()
	s := newSite(t, func(o *publish.Options) { o.Items, o.Archives = 20, publish.ArchivesAll })
	var all []newsletter.Article
	for n := range 10 {
		all = append(all, article(n, set...))
	}
	s.put(all...)
	s.build()
	return s, all
}

// fresh compares what stands with what a build from nothing leaves.
func (s *site) fresh() {
	s.Helper()
	dir := s.TempDir()
	s.build(func(o *publish.Options) { o.Dir = dir })
	if d := cmp.Diff(files(s.T, dir), files(s.T, s.options.Dir)); d != "" {
		s.Errorf("(-from nothing +as it stands):\n%s", d)
	}
}

// feedFiles is files without the list of pages, which says what there is whatever is held.
func feedFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := files(t, dir)
	delete(all, publish.SitemapFile)
	return all
}

// TestHeld: feeds that lose most of what they have stay as they are, until somebody
// says that it is meant or the articles are there again.
func TestHeld(t *testing.T) {
	t.Parallel()
	s, all := many(t, tagged("sea"))
	before := feedFiles(t, s.options.Dir)
	s.remove("0.md", "1.md", "2.md")
	if got, _ := s.held(false); len(got) > 0 {
		t.Fatalf("a few left, and %v are held", got)
	}
	s.put(all[:3]...)
	s.build()
	s.remove("0.md", "1.md", "2.md", "3.md", "4.md", "5.md", "6.md")
	want := []string{"feed.rss", "tags/sea/feed.rss", "languages/en/feed.rss"}
	for range 2 { // it is told again, though nothing changed
		got, reason := s.held(false)
		if d := cmp.Diff(want, got); d != "" || reason != "3 of the 10 articles in it would be left" {
			t.Fatalf("held %v: %s", got, reason)
		}
	}
	if d := cmp.Diff(before, feedFiles(t, s.options.Dir)); d != "" {
		t.Errorf("held, and changed:\n%s", d)
	}
	// What happens meanwhile is in the feeds afterwards.
	s.put(article(8, tagged("sea"), saying("Corrected.")))
	s.held(false)
	s.put(article(20, tagged("sea", "land")))
	if got, _ := s.held(false); len(got) != 3 {
		t.Errorf("held %v", got)
	}
	if _, ok := files(t, s.options.Dir)["tags/land/feed.rss"]; !ok {
		t.Error("another feed is not built")
	}
	if got, _ := s.held(true); len(got) > 0 {
		t.Errorf("accepted, and %v are held", got)
	}
	s.fresh()
	if got, _ := s.held(false); len(got) > 0 {
		t.Errorf("accepted, and %v are held later", got)
	}
}

// TestHeldThoughDamaged: what a copy of the folder does to times, and a twin or a
// page of an archive that is missing, does not let a held feed go.
func TestHeldThoughDamaged(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *publish.Options) { o.Items, o.Archives, o.Compressed = 10, publish.ArchivesMain, true })
	var all []newsletter.Article
	for n := range 10 {
		all = append(all, article(n))
	}
	s.put(all...)
	s.build()
	at := func(name string) string { return filepath.Join(s.options.Dir, filepath.FromSlash(name)) }
	damage := func() {
		t.Helper()
		if err := errors.Join(os.Chtimes(at("feed.rss"), day, day), os.Remove(at("feed.json.gz"))); err != nil {
			t.Fatal(err)
		}
	}
	before := feedFiles(t, s.options.Dir)
	for i := range all {
		s.remove(all[i].Key)
	}
	damage()
	for range 2 { // found so at first, and while it is held
		if got, _ := s.held(false); len(got) != 2 {
			t.Fatalf("held %v", got)
		}
		if d := cmp.Diff(before, feedFiles(t, s.options.Dir)); d != "" {
			t.Fatalf("held, and changed:\n%s", d)
		}
		if !publish.New(s.options).Standing() {
			t.Error("the time of a file is not known, and each look would build")
		}
		damage()
	}
	if err := os.Remove(at("archive/1.atom")); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.held(false); len(got) != 2 {
		t.Fatalf("held %v", got)
	}
	s.put(all...)
	if got, _ := s.held(false); len(got) > 0 {
		t.Errorf("held %v", got)
	}
	s.fresh()

	// What was overwritten is not worth being kept.
	if err := os.WriteFile(at("feed.rss"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range all {
		s.remove(all[i].Key)
	}
	if got, _ := s.held(false); !cmp.Equal(got, []string{"languages/en/feed.rss"}) {
		t.Errorf("held %v", got)
	}
}

// TestHeldUntilBack: what is there again is held no more.
func TestHeldUntilBack(t *testing.T) {
	t.Parallel()
	s, all := many(t)
	for _, a := range all {
		s.remove(a.Key)
	}
	if got, reason := s.held(false); len(got) != 2 || reason != "nothing would be left of the 10 articles in it" {
		t.Fatalf("held %v: %s", got, reason)
	}
	s.put(all...)
	if got, _ := s.held(false); len(got) > 0 {
		t.Errorf("held %v", got)
	}
	s.fresh()
}

// TestHeldTag: a tag that everything loses at once is held, and gone when that is
// accepted; one in a few articles goes at once.
func TestHeldTag(t *testing.T) {
	t.Parallel()
	s, all := many(t, tagged("sea"))
	for i := range all {
		all[i].Tags = []string{"land"}
	}
	all[0].Tags = []string{"brief"}
	s.put(all...)
	if got, _ := s.held(false); !cmp.Equal(got, []string{"tags/sea/feed.rss"}) {
		t.Fatalf("held %v", got)
	}
	all[0].Tags = nil
	s.put(all[0])
	b := publish.New(s.options)
	if r, err := b.Build(t.Context()); err != nil || len(r.Held) != 1 {
		t.Fatalf("%v, held %v", err, r.Held)
	}
	if c := b.Catalogue(); c.IsGone("/tags/sea/feed.rss") || !c.IsGone("/tags/brief/feed.rss") || !c.WasHome("/tags/brief/") || c.WasHome("/tags/sea/") {
		t.Errorf("gone: %v", c.Gone)
	}
	if _, err := b.Accept(t.Context()); err != nil || !b.Catalogue().IsGone("/tags/sea/feed.rss") {
		t.Errorf("%v, gone: %v", err, b.Catalogue().Gone)
	}
}

// TestHeldIDs: articles at the same addresses with other ids, as another database
// gives them under other keys.
func TestHeldIDs(t *testing.T) {
	t.Parallel()
	s, all := many(t)
	before := feedFiles(t, s.options.Dir)
	same := newSite(t, func(o *publish.Options) { *o = s.options })
	same.options.Store = same.store
	same.put(all...)
	if got, _ := same.held(false); len(got) > 0 {
		t.Fatalf("another database with the same ids, and %v are held", got)
	}
	other := newSite(t, func(o *publish.Options) { *o = s.options })
	other.options.Store = other.store
	for i := range all {
		all[i].Key += "x"
	}
	other.put(all...)
	for range 2 {
		got, reason := other.held(false)
		if len(got) != 2 || !strings.HasPrefix(reason, "10 of its 10 articles would get other ids") {
			t.Fatalf("held %v: %s", got, reason)
		}
		if d := cmp.Diff(before, feedFiles(t, s.options.Dir)); d != "" {
			t.Fatalf("held, and changed:\n%s", d)
		}
		other.put(article(0, func(a *newsletter.Article) { a.Key += "x"; a.Body = "Corrected." }))
	}
	other.held(true)
	other.fresh()
}

// TestNotHeld: what the operator's configuration says is meant.
func TestNotHeld(t *testing.T) {
	t.Parallel()
	s, _ := many(t, tagged("sea"))
	s.options.Named = []publish.Selection{{Path: "boats", Title: "Boats", Select: newsletter.Selection{Tags: []string{"sea"}}}}
	s.build()
	s.options.Items = 2
	if got, _ := s.held(false); len(got) > 0 {
		t.Errorf("fewer items wanted, and %v are held", got)
	}
	s.options.Items = 20
	s.build()
	s.options.Named[0].Select.Tags = []string{"land"}
	if got, _ := s.held(false); len(got) > 0 {
		t.Errorf("another selection wanted, and %v are held", got)
	}
	s.options.Named[0].Select.Tags = []string{"sea"}
	s.build()
	s.options.Named = nil
	if got, _ := s.held(false); len(got) > 0 {
		t.Errorf("a feed wanted no more, and %v are held", got)
	}
}
