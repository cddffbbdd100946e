package jobs_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"

// countedName is the name of a counted link.
var countedName = regexp.MustCompile(`https://news\.example\.org/r/([\w-]+)"`)

// counting has everything counted.
func counting(n *newsletter.Newsletter) { n.Counts = newsletter.Counts{Clicks: true, Opens: true} }

// names returns the names of counted links in HTML, each once, in order.
func names(html string) []string {
	var out []string
	for _, m := range countedName.FindAllStringSubmatch(html, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

// visit follows a link of a service and returns where it leads.
func (s *site) visit(v *jobs.Service, name, agent string) string {
	s.t.Helper()
	target, err := v.Follow(s.t.Context(), name, newsletter.Visit{Agent: agent}, true)
	if err != nil {
		s.t.Fatalf("%s: %v", name, err)
	}
	return target
}

// seen returns what is written down of an issue.
func (s *site) seen(v *jobs.Service, issue int64) *jobs.CountsReport {
	s.t.Helper()
	d, err := v.Inspect(s.t.Context(), issue)
	if err != nil {
		s.t.Fatal(err)
	}
	return d.Counts
}

// TestCounts: from the mail to the report. Everybody's mail has the same links; they
// lead on for ever, and count while that is wanted.
func TestCounts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		s.edit(counting)
		k := newSink(t)
		s.article()
		s.article(func(a *newsletter.Article) { a.Permalink = "https://elsewhere.example.net/a?b=c&d=e" })
		s.subscribe(3)
		v := s.service(withRelay(k.relay("main")))
		i := s.issue(s.run(v)).Issue

		all := k.messages()
		links := names(all[0].HTML)
		if len(links) != 3 { // two articles, an image
			t.Fatalf("links %v in\n%s", links, all[0].HTML)
		}
		for _, m := range all {
			if !slices.Equal(names(m.HTML), links) {
				t.Errorf("%s has links of their own: %v", m.To, names(m.HTML))
			}
			if strings.Contains(m.Text, "/r/") || !strings.Contains(m.Text, "https://elsewhere.example.net/a?b=c&d=e") || !strings.Contains(m.Text, "recorded.") {
				t.Errorf("the text part:\n%s", m.Text)
			}
			if strings.Contains(m.HTML, "elsewhere.example.net") || !strings.Contains(m.HTML, `href="https://news.example.org/unsubscribe/`) ||
				!strings.Contains(m.HTML, `href="https://news.example.org/preferences/`) || !strings.Contains(m.HTML, `href="https://news.example.org/newsletters/weekly/issues/1`) ||
				!strings.Contains(m.HTML, "not recorded") {
				t.Errorf("the HTML part:\n%s", m.HTML)
			}
		}

		// The newest article leads.
		first, second, image := links[0], links[1], links[2]
		s.clock.add(time.Hour)
		for range 3 {
			if got := s.visit(v, first, browser); got != "https://elsewhere.example.net/a?b=c&d=e" {
				t.Errorf("leads to %s", got)
			}
		}
		if got := s.visit(v, second, browser); got != "https://news.example.org/articles/tide-1" {
			t.Errorf("leads to %s", got)
		}
		s.visit(v, second, "curl/8.17.0")
		if got := s.visit(v, image, "Mozilla/5.0"); got != "" {
			t.Errorf("the image leads to %s", got)
		}
		if _, err := v.Follow(t.Context(), first, newsletter.Visit{Agent: browser}, false); err != nil { // a look only
			t.Error(err)
		}
		if err := v.SaveCounts(t.Context()); err != nil {
			t.Fatal(err)
		}
		other := s.service(withRelay(k.relay("main"))) // another node
		s.visit(other, image, browser)
		other.EndCounts(canceled(t)) // the grace period is over: nothing is lost by it, or counted twice
		other.EndCounts(t.Context())

		r := s.seen(v, i.ID)
		if r == nil || r.Clicks.People != 4 || r.Clicks.Machines != 1 || r.Clicks.Kinds[newsletter.VisitorScanner] != 1 ||
			r.Opens.People != 1 || r.Opens.Machines != 1 || r.Opens.Kinds[newsletter.VisitorApple] != 1 {
			t.Fatalf("report %+v", r)
		}
		if len(r.Links) != 2 || r.Links[0].People != 3 || r.Links[0].URL != "https://elsewhere.example.net/a?b=c&d=e" || r.Links[1].People != 1 || r.Links[1].Machines != 1 {
			t.Errorf("links %+v", r.Links)
		}

		// Elsewhere than in mail, links lead straight.
		d, err := s.store.Digest(t.Context(), i.ID, 1)
		if err != nil {
			t.Fatal(err)
		}
		html, err := v.Uncounted(t.Context(), d)
		if err != nil || strings.Contains(html, "/r/") || !strings.Contains(html, `href="https://elsewhere.example.net/a?b=c&amp;d=e"`) || strings.Contains(html, `width="1"`) {
			t.Errorf("%v:\n%s", err, html)
		}

		// Off: old links lead on, and count nothing; new mail has none.
		s.edit(func(n *newsletter.Newsletter) { n.Counts = newsletter.Counts{Opens: true} })
		off := s.service(withRelay(k.relay("main")))
		s.visit(off, first, browser)
		s.visit(off, image, browser)
		s.options.Newsletters = nil
		gone := s.service(withRelay(k.relay("main")))
		s.visit(gone, second, browser)
		s.visit(gone, image, browser)
		off.EndCounts(t.Context())
		gone.EndCounts(t.Context())
		if r := s.seen(v, i.ID); r.Clicks.People != 4 || r.Opens.People != 2 {
			t.Errorf("report %+v", r)
		}

		if _, err := v.Follow(t.Context(), first+"A", newsletter.Visit{}, true); !errors.Is(err, newsletter.ErrToken) {
			t.Errorf("a forged link: %v", err)
		}
		for _, link := range [][2]int64{{i.ID, 999}, {i.ID + 1, 1}, {i.ID + 1, 0}} { // made by us, of nothing
			if _, err := v.Follow(t.Context(), s.store.Keyring().Link(link[0], link[1]), newsletter.Visit{}, true); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%v: %v", link, err)
			}
		}
	})
}

// canceled is a context that is over.
func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// TestCountsOff: without the setting no byte of a mail knows of counting, and a
// preview never has links that count.
func TestCountsOff(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := newSink(t)
	s.article()
	s.subscribe(1)
	v := s.service(withRelay(k.relay("main")))
	off, err := v.Preview(t.Context(), "weekly")
	if err != nil {
		t.Fatal(err)
	}
	s.edit(counting)
	on, err := s.service(withRelay(k.relay("main"))).Preview(t.Context(), "weekly")
	if err != nil {
		t.Fatal(err)
	}
	if off.Hash == on.Hash {
		t.Error("what is approved does not say what is counted")
	}
	if html := on.Groups[0].Digest.HTML; strings.Contains(html, "/r/") || !strings.Contains(html, "not recorded") {
		t.Errorf("a preview:\n%s", html)
	}
	i := s.issue(s.run(v)).Issue
	m := k.messages()[0]
	if strings.Contains(m.HTML+m.Text, "/r/") || strings.Contains(m.HTML+m.Text, "counted") || strings.Contains(m.HTML, `width="1"`) {
		t.Errorf("a mail that counts:\n%s\n%s", m.HTML, m.Text)
	}
	if r := s.seen(v, i.ID); r != nil {
		t.Errorf("report %+v", r)
	}
}

// TestCountsAtOnce: who comes in the first minute of an issue is taken for a scanner.
func TestCountsAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.edit(counting)
	k := newSink(t)
	s.article()
	s.subscribe(1)
	v := s.service(withRelay(k.relay("main")))
	i := s.issue(s.run(v)).Issue
	for _, name := range names(k.messages()[0].HTML) {
		s.visit(v, name, browser)
	}
	s.clock.add(newsletter.AtOnce)
	for _, name := range names(k.messages()[0].HTML) {
		s.visit(v, name, browser)
	}
	v.EndCounts(t.Context())
	r := s.seen(v, i.ID)
	if r.Clicks.People != 1 || r.Clicks.Kinds[newsletter.VisitorAtOnce] != 1 || r.Opens.People != 1 || r.Opens.Kinds[newsletter.VisitorAtOnce] != 1 {
		t.Errorf("report %+v", r)
	}
}

// TestCountsKept: the daemon writes counts down by itself.
func TestCountsKept(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.edit(counting)
	k := newSink(t)
	s.article()
	s.subscribe(1)
	v := s.service(withRelay(k.relay("main")), func(o *jobs.Options) { o.CountsEvery = 10 * time.Millisecond })
	i := s.issue(s.run(v)).Issue
	link := names(k.messages()[0].HTML)[0]
	s.clock.add(time.Hour)
	s.visit(v, link, browser)
	if r := s.seen(v, i.ID); r.Clicks.People != 0 {
		t.Errorf("a click was written down at once: %+v", r)
	}
	s.serve(v)
	eventually(t, "the click is written down", func() bool { return s.seen(v, i.ID).Clicks.People == 1 })
	s.visit(v, link, browser)
	eventually(t, "one more is", func() bool { return s.seen(v, i.ID).Clicks.People == 2 })
}
