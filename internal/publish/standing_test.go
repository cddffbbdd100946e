package publish_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"syndicate/internal/feeds"
	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/store/storetest"
)

// rendering notes which articles are rendered.
type rendering struct {
	mu     sync.Mutex
	titles map[string]bool
}

// watch makes a site's builds tell which articles they render.
func (s *site) watch() *rendering {
	r := &rendering{titles: map[string]bool{}}
	item := s.options.Item
	s.options.Item = func(ctx context.Context, a *newsletter.Article, full bool) (feeds.Item, []publish.Ref, error) {
		if full && a.Seq > 0 { // no sample
			r.mu.Lock()
			r.titles[a.Title] = true
			r.mu.Unlock()
		}
		return item(ctx, a, full)
	}
	return r
}

func (r *rendering) take() int {
	n := len(r.titles)
	r.titles = map[string]bool{}
	return n
}

// TestStanding: of the articles in a document that is made again, only those that
// changed are rendered; what somebody wrote into a document goes into no other.
func TestStanding(t *testing.T) {
	t.Parallel()
	storetest.Each(t, testStanding)
}

func testStanding(t *testing.T, open opener) {
	s := newSiteOn(t, open, func(o *publish.Options) {
		o.Items, o.Archives = 5, publish.ArchivesAll
		o.Named = []publish.Selection{{Path: "brief", Title: "Brief"}} // summaries
	})
	var all []newsletter.Article
	for n := range 12 {
		all = append(all, article(n, tagged("sea"), saying("</item> ]]> <entry> {\"items\": [ "+strings.Repeat("x", n))))
	}
	s.put(all...)
	r := s.watch()
	s.build()
	if n := r.take(); n != 12 {
		t.Errorf("rendered %d, want all 12", n)
	}
	for n, want := range map[int]int{11: 1, 0: 1} { // in what people subscribe to, and in the archive
		s.put(article(n, tagged("sea"), saying("Corrected.")))
		s.build()
		if n := r.take(); n != want {
			t.Errorf("rendered %d, want %d", n, want)
		}
		s.fresh()
		r.take()
	}
	s.put(article(20, tagged("sea"), saying("New."))) // three pages are full by now
	s.build()
	if n := r.take(); n != 1 {
		t.Errorf("rendered %d, want the new one", n)
	}
	s.fresh()
	r.take()

	// One letter changed, and the time set back.
	name := filepath.Join(s.options.Dir, "tags", "sea", "feed.atom")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	forged := strings.Replace(string(data), "Article 10", "Article lO", 1)
	if err = errors.Join(os.WriteFile(name, []byte(forged), 0o600), os.Chtimes(name, st.ModTime(), st.ModTime())); err != nil {
		t.Fatal(err)
	}
	if forged == string(data) {
		t.Fatal("nothing was changed")
	}
	s.put(article(20, tagged("sea"), saying("Corrected.")))
	s.build()
	s.fresh()
}

// TestCorrectedMeanwhile: an article that is corrected while a build is on its way,
// after it asked what changed and before it read a document's list, is not left as
// it was.
func TestCorrectedMeanwhile(t *testing.T) {
	t.Parallel()
	storetest.Each(t, testCorrectedMeanwhile)
}

func testCorrectedMeanwhile(t *testing.T, open opener) {
	s := newSiteOn(t, open, func(o *publish.Options) { o.Archives = publish.ArchivesMain })
	for n := range 8 {
		s.put(article(n))
	}
	s.build()
	// The page of the archive is read for the sake of article 0; a new feed's place is
	// dated between the two.
	s.put(article(0, saying("Corrected."), tagged("new")))
	meanwhile := false
	now := s.options.Now
	s.options.Now = func() time.Time {
		if !meanwhile {
			meanwhile = true
			s.put(article(1, saying("Corrected meanwhile.")))
		}
		return now()
	}
	s.build()
	if !meanwhile {
		t.Fatal("nothing came in between")
	}
	s.build()
	s.fresh()
}

// TestFlawedAgain: an article that could not be rendered is tried again when a
// document with it is made, though it did not change.
func TestFlawedAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put(article(1), article(2))
	item, bad := s.options.Item, errors.New("not today")
	s.options.Item = func(ctx context.Context, a *newsletter.Article, full bool) (feeds.Item, []publish.Ref, error) {
		it, refs, err := item(ctx, a, full)
		if full && a.Title == "Article 1" && bad != nil {
			it.HTML, err = "", bad
		}
		return it, refs, err
	}
	if r, err := publish.New(s.options).Build(t.Context()); err != nil || len(r.Problems) != 1 {
		t.Fatalf("%v, %q", err, r.Problems)
	}
	s.put(article(2, saying("Corrected.")))
	if r, err := publish.New(s.options).Build(t.Context()); err != nil || len(r.Problems) != 1 {
		t.Fatalf("it is told no more: %v, %q", err, r.Problems)
	}
	bad = nil
	s.put(article(2, saying("Corrected again.")))
	s.build()
	s.fresh()
}

// TestLinksOfSummaries: that an article was encoded for a feed of summaries does not
// make forgotten what its body, in another feed, links to.
func TestLinksOfSummaries(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *publish.Options) {
		o.Items = 1
		o.Named = []publish.Selection{{Path: "brief", Title: "Brief", Items: 5, Select: newsletter.Selection{Tags: []string{"brief"}}}}
	})
	draft := article(0, func(a *newsletter.Article) { a.Draft = true })
	s.put(article(1, tagged("brief", "whole"), saying("see "+draft.File)), article(2, tagged("brief")), draft)
	s.build()
	if err := os.Remove(filepath.Join(s.options.Dir, "brief", "feed.rss")); err != nil {
		t.Fatal(err)
	}
	s.build()
	s.put(article(0))
	s.build()
	s.fresh()
}
