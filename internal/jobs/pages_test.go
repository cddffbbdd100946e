package jobs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

var viewLink = regexp.MustCompile(`https://news\.example\.org/(?:read/[A-Za-z0-9_-]+|newsletters/weekly/issues/[0-9?a-z=]+)`)

// viewLinks are the links in texts that show a mail on the web.
func viewLinks(t *testing.T, texts ...string) []string {
	t.Helper()
	text := strings.Join(texts, "\n")
	if strings.Contains(text, "SYNDICATEx") {
		t.Error("a placeholder was left")
	}
	return viewLink.FindAllString(text, -1)
}

// TestViewInBrowser: a mail leads to the very digest that it is; where the archive is
// private, by a link of its owner that is good for reading only; and where there is none,
// nowhere.
func TestViewInBrowser(t *testing.T) {
	t.Parallel()
	for _, archive := range []newsletter.Archive{newsletter.ArchivePublic, newsletter.ArchivePrivate, newsletter.ArchiveNone} {
		s := newSite(t)
		s.edit(func(n *newsletter.Newsletter) { n.Archive = archive })
		k := newSink(t)
		s.article()
		s.subscribe(2)
		s.subscribe(1, speaking("fr"))
		s.counts(s.issue(s.run(s.service(withRelay(k.relay("main"))))), newsletter.IssueSent, 3, 0, 0, 0)
		issues, err := s.store.Issues(t.Context(), store.IssueQuery{Newsletter: "weekly"})
		if err != nil {
			t.Fatal(err)
		}
		digests, err := s.store.Digests(t.Context(), issues[0].ID)
		if err != nil || len(digests) != 2 {
			t.Fatalf("%d digests, %v", len(digests), err)
		}
		keys := s.store.Keyring()
		seen := map[string]string{}
		for _, m := range k.messages() {
			links, list := viewLinks(t, m.Text, m.HTML), m.Header.Get("List-Archive")
			if archive == newsletter.ArchiveNone {
				if len(links) != 0 || list != "" || strings.Contains(m.Text+m.HTML, "View in your browser") {
					t.Errorf("%q: %q, List-Archive %q", archive, links, list)
				}
				continue
			}
			if len(links) != 2 || links[0] != links[1] {
				t.Fatalf("%q: %q in two parts", archive, links)
			}
			sub, err := s.store.SubscriberByEmail(t.Context(), m.To)
			if err != nil {
				t.Fatal(err)
			}
			b, err := s.store.Subscription(t.Context(), sub.ID, "weekly")
			if err != nil {
				t.Fatal(err)
			}
			digest := digests[slices.IndexFunc(digests, func(d newsletter.Digest) bool { return (d.Language == "fr") == (b.Subscriber.Language == "fr") })].N
			if archive == newsletter.ArchivePublic {
				want := "https://news.example.org/newsletters/weekly/issues/1?digest=" + string('0'+rune(digest))
				if links[0] != want || list != "<https://news.example.org/newsletters/weekly>" {
					t.Errorf("%s: %s, want %s; List-Archive %s", m.To, links[0], want, list)
				}
				continue
			}
			token := strings.TrimPrefix(links[0], "https://news.example.org/read/")
			if other := seen[token]; other != "" {
				t.Errorf("%s and %s have one link", other, m.To)
			}
			seen[token] = m.To
			c, err := keys.ParseToken(token, newsletter.PurposeRead)
			want := newsletter.Claim{Purpose: newsletter.PurposeRead, Subscriber: sub.ID, Issue: issues[0].ID, Digest: digest, Newsletter: "weekly"}
			if err != nil || c != want || !keys.Verify(token, m.To) || list != "" {
				t.Errorf("%s: %+v, %v, want %+v; List-Archive %q", m.To, c, err, want, list)
			}
			for _, p := range []newsletter.Purpose{newsletter.PurposeUnsubscribe, newsletter.PurposePreferences} {
				if _, err := keys.ParseToken(token, p); err == nil {
					t.Errorf("the link of %s is good for %c, too", m.To, p)
				}
			}
		}
	}
}

// TestViewOfPreview: the links of a preview and of a test copy are nobody's.
func TestViewOfPreview(t *testing.T) {
	t.Parallel()
	for archive, want := range map[newsletter.Archive][]string{
		newsletter.ArchivePublic:  {"https://news.example.org/read/preview", "https://news.example.org/read/preview"}, // the issue is not on the web yet
		newsletter.ArchivePrivate: {"https://news.example.org/read/preview", "https://news.example.org/read/preview"},
		newsletter.ArchiveNone:    nil,
	} {
		s := newSite(t)
		s.edit(func(n *newsletter.Newsletter) { n.Archive = archive })
		s.article()
		s.subscribe(1)
		v := s.service()
		p, err := v.Preview(t.Context(), "weekly")
		if err != nil {
			t.Fatal(err)
		}
		raw, err := v.Message(p, "me@example.org")
		if err != nil {
			t.Fatal(err)
		}
		if got := viewLinks(t, strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(raw))); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", archive, got, want)
		}
	}
}

// TestArchiveTurnsPrivate: what was composed while everybody could read goes out with
// the links of its readers, and its feed goes.
func TestArchiveTurnsPrivate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir := filepath.Join(t.TempDir(), "public")
	s.options.Feeds = jobs.FeedOptions{Dir: dir}
	k := newSink(t)
	s.article()
	s.subscribe(1)
	v := s.service(withRelay(k.relay("main")))
	if _, err := v.Send(t.Context(), sendNoWait); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	feed := filepath.Join(dir, "newsletters", "weekly", "feed.rss")
	if _, err := os.Stat(feed); err != nil {
		t.Fatal(err)
	}
	s.edit(func(n *newsletter.Newsletter) { n.Archive = newsletter.ArchivePrivate })
	v = s.service(withRelay(k.relay("main")))
	if _, err := v.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := k.messages()
	if len(got) != 1 {
		t.Fatalf("%d messages", len(got))
	}
	if links := viewLinks(t, got[0].Text, got[0].HTML); len(links) != 2 || !strings.Contains(links[0], "/read/") {
		t.Errorf("links: %q", links)
	}
	if _, err := v.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(feed); err == nil {
		t.Error("the feed stands")
	}
}
