package web_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/web"
)

// withBoard adds a newsletter whose archive is of some kind.
func withBoard(archive newsletter.Archive, set ...func(*newsletter.Newsletter)) func(*web.Options) {
	return func(o *web.Options) {
		n := newsletter.Newsletter{
			Name: "board", Title: "Papers of the board", Description: "What the board is told.", From: mail.Address{Name: "The chair", Address: "chair@example.org"},
			Location: time.UTC, Language: "en", Min: 1, Max: 20, Archive: archive,
		}
		for _, f := range set {
			f(&n)
		}
		o.Newsletters = append(o.Newsletters, n)
	}
}

// mailed is a digest as templates make it, with everything that is spliced in.
func mailed(says string) string {
	return "<!DOCTYPE html><html><head><title>x</title></head><body><p>" + says + " " + newsletter.PlaceholderName + newsletter.PlaceholderNameEnd + `</p><a href="` + newsletter.PlaceholderUnsubscribe + `">u</a> <a href="` +
		newsletter.PlaceholderPreferences + `">p</a> <a href="` + newsletter.PlaceholderWeb + `">v</a> for ` + newsletter.PlaceholderAddress + "</body></html>"
}

// board sends issues of the newsletter board, each in three digests, and returns them.
func (s *site) board(n int) []newsletter.Issue {
	s.t.Helper()
	var out []newsletter.Issue
	for k := 1; k <= n; k++ {
		out = append(out, s.send("board", false, fmt.Sprintf("Paper %d", k),
			newsletter.Digest{Language: "en", Articles: []int64{1, 2}, Subject: "Paper", HTML: mailed(fmt.Sprintf("paper %d whole", k))},
			newsletter.Digest{Language: "en", Articles: []int64{1}, Subject: "Paper", HTML: mailed(fmt.Sprintf("paper %d short", k))},
			newsletter.Digest{Language: "fr", Articles: []int64{1}, Subject: "Paper", HTML: mailed(fmt.Sprintf("paper %d en français", k))}))
	}
	return out
}

// readLink is the link in a mail of an issue of the board.
func (s *site) readLink(email string, issue newsletter.Issue, digest int) string {
	s.t.Helper()
	sub := s.subscriber(email, "board")
	return "/read/" + s.store.Keyring().Token(newsletter.Claim{
		Purpose: newsletter.PurposeRead, Subscriber: sub.Subscriber.ID, Issue: issue.ID, Digest: digest, Newsletter: "board",
	}, sub.Subscriber.Email)
}

func (s *site) join(email, name string, language *string) {
	s.t.Helper()
	_, err := s.store.AddSubscriber(s.t.Context(), name, newsletter.Line{N: 9, Email: email, Language: language}, "cli", s.clock())
	s.check(err)
}

// TestPrivateArchive: who has the link of a mail sees what the mail was, and everything
// before, and nothing that is somebody's.
func TestPrivateArchive(t *testing.T) {
	t.Parallel()
	s := newSite(t, withBoard(newsletter.ArchivePrivate))
	s.join(her, "board", nil)
	issues := s.board(3)
	link := s.readLink(her, issues[1], 2)

	r := s.get(link, "Accept-Encoding", "gzip")
	body := text(t, r, 200)
	contains(t, body, "paper 2 short", " Previous</a>", ">Next ", ">All issues</a>", "This is the web version of a mail.",
		`href="`+link+`/issues/1" rel="prev"`, `href="`+link+`/issues/3" rel="next"`, `href="`+link+`/issues"`, `<meta name="robots" content="noindex">`, `<meta name="referrer" content="no-referrer">`)
	nothingPersonal := []string{her, "marguerite", "m…@", "/unsubscribe/", "/preferences/", "SYNDICATEx", "canonical", "og:"}
	lacks(t, body, nothingPersonal...)
	for header, want := range map[string]string{
		"Cache-Control": "private, no-cache", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer", "Set-Cookie": "", "Content-Encoding": "", "Link": "", "Content-Language": "en",
	} {
		if got := r.Header.Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
	if r := s.get(link, "If-None-Match", r.Header.Get("Etag")); r.StatusCode != 304 || r.Header.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("with its tag: %d %v", r.StatusCode, r.Header)
	}
	text(t, s.do("POST", link, ""), 405)
	if h := s.do("HEAD", link, ""); h.StatusCode != 200 || h.Header.Get("Etag") != r.Header.Get("Etag") || h.Header.Get("Content-Length") != r.Header.Get("Content-Length") {
		t.Errorf("HEAD: %d %v", h.StatusCode, h.Header)
	}

	// Other issues are in the reader's language, where there is one of it.
	contains(t, text(t, s.get(link+"/issues/1"), 200), "paper 1 whole")
	contains(t, text(t, s.get(link+"/issues/3"), 200), "paper 3 whole", `rel="prev"`)
	lacks(t, text(t, s.get(link+"/issues/3"), 200), `rel="next"`)
	french := "fr"
	s.join(other, "board", &french)
	theirs := s.readLink(other, issues[0], 3)
	contains(t, text(t, s.get(theirs), 200), "paper 1 en français", ">Suivant ", "Tous les numéros")
	contains(t, text(t, s.get(theirs+"/issues/2"), 200), "paper 2 en français")
	text(t, s.get(link+"/issues/4"), 404)
	text(t, s.get(link+"/issues/01"), 404)

	r = s.get(link + "/issues")
	body = text(t, r, 200)
	wantPrivate(t, r)
	contains(t, body, "Papers of the board", "This page is for subscribers.", `<a href="`+link+`/issues/3">Paper 3</a>`, `<a href="`+link+`/issues/1">Paper 1</a>`)
	lacks(t, body, append(nothingPersonal, "<form", "/newsletters/board")...)
	text(t, s.get(link+"/issues?page=2"), 404)

	contains(t, text(t, s.get("/read/preview"), 200), "This link is only an example")
}

// TestPrivateWithoutLink: who comes without a link learns nothing of the issues, and
// how to read them.
func TestPrivateWithoutLink(t *testing.T) {
	t.Parallel()
	s := newSite(t, withBoard(newsletter.ArchivePrivate))
	before := s.get("/newsletters/board/issues/1")
	none := text(t, before, 403)
	contains(t, none, "This is for subscribers", "View in your browser", `<meta name="robots" content="noindex">`)
	s.board(2)
	for _, target := range []string{"/newsletters/board/issues/1", "/newsletters/board/issues/2?digest=2", "/newsletters/board/issues/99", "/newsletters/board/issues/x"} {
		r := s.get(target)
		if got := text(t, r, 403); got != none || r.Header.Get("Etag") != "" {
			t.Errorf("%s: another answer", target)
		}
	}
	r := s.get("/newsletters/board")
	body := text(t, r, 200)
	contains(t, body, "Papers of the board", "Its issues are for subscribers.", `action="/newsletters/board/subscribe"`, `<meta name="robots" content="noindex">`)
	lacks(t, body, "Paper 1", "/issues/", "canonical", "og:", "/newsletters/board/feed")
	if r.Header.Get("X-Robots-Tag") != "noindex" {
		t.Error("the page of a private newsletter can be indexed")
	}
	lacks(t, text(t, s.get("/newsletters/board?page=2"), 200), "Paper 1")
}

// TestReadingEnds: the link works for as long as the subscription does.
func TestReadingEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t, withBoard(newsletter.ArchivePrivate))
	ctx := t.Context()
	s.join(her, "board", nil)
	s.join(other, "board", nil)
	issue := s.board(1)[0]
	link, theirs := s.readLink(her, issue, 1), s.readLink(other, issue, 1)
	who := s.subscriber(her, "board").Subscriber.ID
	_, err := s.store.Unsubscribe(ctx, who, "board", "test", s.clock())
	s.check(err)
	for _, target := range []string{link, link + "/issues", link + "/issues/1", link + "/issues/99"} {
		r := s.get(target)
		body := text(t, r, 403)
		contains(t, body, "This link has ended", `href="/newsletters/board"`)
		lacks(t, body, "paper 1", "Paper 1", her, "m…")
		wantPrivate(t, r)
	}
	contains(t, text(t, s.get(theirs), 200), "paper 1 whole") // nobody else is concerned
	_, err = s.store.Resubscribe(ctx, who, "board", s.clock())
	s.check(err)
	contains(t, text(t, s.get(link), 200), "paper 1 whole")

	s.check(s.store.RemoveSubscriber(ctx, her, "", s.clock()))
	contains(t, text(t, s.get(link), 404), "This link does not work")
	contains(t, text(t, s.get(theirs), 200), "paper 1 whole")
}

// TestReadLinksRefused: a link that is not the one of a mail opens nothing, and the one
// of a mail opens nothing but issues.
func TestReadLinksRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, withBoard(newsletter.ArchivePrivate))
	s.join(her, "board", nil)
	s.join(other, "board", nil)
	issues := s.board(2)
	weekly := s.send("weekly", false, "The weekly", newsletter.Digest{Language: "en", Articles: []int64{1}, HTML: mailed("weekly")})
	good := strings.TrimPrefix(s.readLink(her, issues[0], 1), "/read/")
	sub, them := s.subscriber(her, "board"), s.subscriber(other, "board")
	keys := s.store.Keyring()
	stranger, err := newsletter.NewKeyring(map[byte][]byte{1: bytes.Repeat([]byte{7}, 32)})
	s.check(err)
	claim := newsletter.Claim{Purpose: newsletter.PurposeRead, Subscriber: sub.Subscriber.ID, Issue: issues[0].ID, Digest: 1, Newsletter: "board"}
	with := func(change func(*newsletter.Claim)) newsletter.Claim { c := claim; change(&c); return c }
	tokens := map[string]string{
		"nonsense": "nonsense", "cut": good[:len(good)-1], "half": good[:len(good)/2], "tail": good + "AAAA", "not base64": good[:9] + "!" + good[9:], "long": strings.Repeat("A", 8000),
		"other's address":    keys.Token(claim, them.Subscriber.Email),
		"other's id":         keys.Token(with(func(c *newsletter.Claim) { c.Subscriber = them.Subscriber.ID }), sub.Subscriber.Email),
		"nobody":             keys.Token(with(func(c *newsletter.Claim) { c.Subscriber = 1 << 40 }), sub.Subscriber.Email),
		"no newsletter":      keys.Token(with(func(c *newsletter.Claim) { c.Newsletter = "" }), sub.Subscriber.Email),
		"not subscribed":     keys.Token(with(func(c *newsletter.Claim) { c.Newsletter = "none" }), sub.Subscriber.Email),
		"unsubscribe":        keys.Token(with(func(c *newsletter.Claim) { c.Purpose = newsletter.PurposeUnsubscribe }), sub.Subscriber.Email),
		"preferences":        keys.Token(with(func(c *newsletter.Claim) { c.Purpose = newsletter.PurposePreferences }), sub.Subscriber.Email),
		"another site's key": stranger.Token(claim, sub.Subscriber.Email),
	}
	raw, err := base64.RawURLEncoding.DecodeString(good)
	s.check(err)
	for i := range raw { // every byte counts
		b := bytes.Clone(raw)
		b[i] ^= 1
		tokens[fmt.Sprint("byte ", i)] = base64.RawURLEncoding.EncodeToString(b)
	}
	want := text(t, s.get("/read/x"), 404)
	contains(t, want, "This link does not work", "use the link in a newer issue")
	n := 0
	for name, token := range tokens {
		for _, rest := range []string{"", "/issues", "/issues/1"} {
			n++
			r := s.get("/read/"+token+rest, "remote", fmt.Sprintf("[2001:db8::%x:0:0:0:1]:99", n))
			if got := text(t, r, 404); got != want {
				t.Errorf("%s%s: another answer", name, rest)
			}
			wantPrivate(t, r)
		}
	}
	// An issue of another newsletter is not read by it, though it is signed.
	foreign := keys.Token(with(func(c *newsletter.Claim) { c.Issue = weekly.ID }), sub.Subscriber.Email)
	lacks(t, text(t, s.get("/read/"+foreign), 404), "weekly</p>")
	text(t, s.get("/read/"+keys.Token(with(func(c *newsletter.Claim) { c.Issue = 1 << 40 }), sub.Subscriber.Email)), 404)

	for _, path := range []string{"/unsubscribe/", "/preferences/", "/confirm/", "/access/", "/change/"} {
		for _, method := range []string{"GET", "POST"} {
			text(t, s.do(method, path+good, oneClick, "Content-Type", formType), 404)
		}
	}
	if got := s.subscriber(her, "board").State; got != newsletter.SubscriptionConfirmed {
		t.Errorf("the subscription is %s", got)
	}
}

// TestReadingAfterChangeOfAddress: the links of before end with the address, as all do.
func TestReadingAfterChangeOfAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t, withBoard(newsletter.ArchivePrivate))
	s.join(her, "board", nil)
	link := s.readLink(her, s.board(1)[0], 1)
	text(t, s.get(link), 200)
	s.post(s.accessLink(her, "weekly"), doing("change", "email", "new@example.net"))
	contains(t, text(t, s.post(s.letterLink(newsletter.LetterChange), doing("confirm", "confirm", "1")), 200), "Your address is changed")
	text(t, s.get(link), 404)
}

// TestArchiveChangesItsKind: links of before lead on when an archive is opened, and say
// what is the matter when there is none any more.
func TestArchiveChangesItsKind(t *testing.T) {
	t.Parallel()
	s := newSite(t, withBoard(newsletter.ArchivePublic))
	s.join(her, "board", nil)
	issues := s.board(1)
	link := s.readLink(her, issues[0], 2)
	for target, to := range map[string]string{link: "/newsletters/board/issues/1?digest=2", link + "/issues/1": "/newsletters/board/issues/1", link + "/issues": "/newsletters/board"} {
		r := s.get(target)
		if r.StatusCode != 302 || r.Header.Get("Location") != to || r.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%d %v", r.StatusCode, r.Header)
		}
	}
	contains(t, text(t, s.get("/newsletters/board/issues/1?digest=2"), 200), "paper 1 short")

	s = newSite(t, withBoard(newsletter.ArchiveNone))
	s.join(her, "board", nil)
	issues = s.board(1)
	for _, target := range []string{s.readLink(her, issues[0], 1), "/newsletters/board/issues/1", "/newsletters/board/issues/7"} {
		contains(t, text(t, s.get(target), 404), "This issue is not on the web")
	}
	body := text(t, s.get("/newsletters/board"), 200)
	contains(t, body, "Its issues come by mail only.", `<link rel="canonical" href="https://letter.example.org/newsletters/board">`)
	lacks(t, body, "Paper 1", "/issues/")
	contains(t, text(t, s.get("/"), 200), `<a href="/newsletters/board">Papers of the board</a>`) // it is not secret
}

// TestIssueLeadsToFeeds: an issue names the feeds of its newsletter, where there are any.
func TestIssueLeadsToFeeds(t *testing.T) {
	t.Parallel()
	s := newSite(t, withBoard(newsletter.ArchivePublic))
	s.board(1)
	s.publish()
	r := s.get("/newsletters/board/issues/1")
	body, links := text(t, r, 200), strings.Join(r.Header.Values("Link"), ", ")
	for name, kind := range map[string]string{"feed.rss": "application/rss+xml", "feed.atom": "application/atom+xml", "feed.json": "application/feed+json"} {
		contains(t, body, `<link rel="alternate" type="`+kind+`" title="`, `href="/newsletters/board/`+name+`">`)
		contains(t, links, `</newsletters/board/`+name+`>; rel="alternate"; type="`+kind+`"`)
		text(t, s.get("/newsletters/board/"+name), 200)
	}

	s = newSite(t, withBoard(newsletter.ArchivePrivate))
	s.join(her, "board", nil)
	issues := s.board(1)
	s.publish()
	r = s.get(s.readLink(her, issues[0], 1))
	lacks(t, text(t, r, 200), "alternate", "/newsletters/board/feed")
	lacks(t, strings.Join(r.Header.Values("Link"), ", "), "alternate")
}

// localLinks are the addresses of the site in a page, a feed or a list.
var localLinks = regexp.MustCompile(`(?:https://letter\.example\.org|(?:href|src|action)=")(/[^"'<>\\\s]*)`)

// crawl follows all links of the site and returns what it found by address: the body,
// and the headers in front.
func (s *site) crawl(from ...string) map[string]string {
	s.t.Helper()
	found := map[string]string{}
	for queue := from; len(queue) > 0; queue = queue[1:] {
		target := html.UnescapeString(queue[0])
		if _, ok := found[target]; ok || len(found) > 2000 {
			continue
		}
		r := s.get(target)
		b, err := io.ReadAll(r.Body)
		s.check(err)
		var head strings.Builder
		s.check(r.Header.Write(&head))
		found[target] = head.String() + string(b)
		for _, m := range localLinks.FindAllStringSubmatch(found[target], -1) {
			queue = append(queue, m[1])
		}
	}
	return found
}

// files returns what is in public/ by name.
func (s *site) files() map[string]string {
	s.t.Helper()
	found := map[string]string{}
	s.check(filepath.WalkDir(s.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		found[strings.TrimPrefix(name, s.dir)] = string(b)
		return err
	}))
	return found
}

// TestPrivateIsListedNowhere follows every link of the site, and reads every file of
// public/: a private newsletter is in none of them; a public one is, so the search finds.
func TestPrivateIsListedNowhere(t *testing.T) {
	t.Parallel()
	starts := []string{"/", "/robots.txt", "/sitemap.xml", "/opml.xml", "/feeds", "/feed.json", "/newsletters", "/nothing-here", "/hub"}
	for archive, listed := range map[newsletter.Archive]bool{newsletter.ArchivePrivate: false, newsletter.ArchivePublic: true} {
		s := newSite(t, withBoard(archive))
		s.join(her, "board", nil)
		s.board(2)
		s.send("weekly", false, "The weekly", newsletter.Digest{Language: "en", Articles: []int64{1}, HTML: mailed("weekly")})
		s.publish()
		pages := s.crawl(starts...)
		if len(pages) < 40 || pages["/newsletters/weekly/issues/1"] == "" || pages["/tags/sea/feed.atom"] == "" {
			t.Fatalf("the search saw %d pages only", len(pages))
		}
		in := map[string]bool{}
		for _, all := range []map[string]string{pages, s.files()} {
			for where, what := range all {
				if strings.Contains(where+what, "newsletters/board") || strings.Contains(what, "Papers of") || strings.Contains(what, "paper 1") {
					in[where] = true
					if !listed {
						t.Errorf("the private newsletter is in %s", where)
					}
				}
			}
		}
		want := []string{"/", "/sitemap.xml", "/opml.xml", "/feeds", "/newsletters/board", "/newsletters/board/issues/1", "/newsletters/board/feed.rss", "/newsletters/board/feed.json"}
		if listed && slices.ContainsFunc(want, func(x string) bool { return !in[x] }) {
			t.Errorf("the search found the public newsletter in %v only, want %v among them", in, want)
		}
	}
}

// TestPrivateFromNowOn: when a public newsletter becomes private, what was built of it
// goes.
func TestPrivateFromNowOn(t *testing.T) {
	t.Parallel()
	s := newSite(t, withBoard(newsletter.ArchivePublic))
	s.board(1)
	s.publish()
	contains(t, text(t, s.get("/newsletters/board/feed.atom"), 200), "Paper 1")
	s.again(func(o *web.Options) { o.Newsletters[2].Archive = newsletter.ArchivePrivate })
	s.publish()
	for _, format := range []string{"rss", "atom", "json"} {
		text(t, s.get("/newsletters/board/feed."+format), 410)
		if _, err := os.Stat(filepath.Join(s.dir, "newsletters", "board", "feed."+format)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("feed.%s stands: %v", format, err)
		}
	}
	for _, format := range []string{"rss", "atom", "json"} {
		text(t, s.get("/newsletters/other/feed."+format), 404)
	}
	for _, data := range s.files() { // gone.txt, _redirects, what the next build knows …
		lacks(t, data, "Papers of the board", "Paper 1", "newsletters/board", `"board"`)
	}
	text(t, s.get("/newsletters/board/issues/1"), 403)
	contains(t, text(t, s.get("/newsletters/board"), 200), "Its issues are for subscribers.")
}

// TestConfirmedReaders: the page after confirming leads to the issues so far.
func TestConfirmedReaders(t *testing.T) {
	t.Parallel()
	s := newSite(t, withBoard(newsletter.ArchivePrivate))
	s.join(her, "board", nil)
	s.board(2)
	sub := s.subscriber(her, "board")
	link := "/confirm/" + s.store.Keyring().Token(newsletter.Claim{
		Purpose: newsletter.PurposeConfirm, Subscriber: sub.Subscriber.ID, Newsletter: "board", Letter: 1, Expires: s.clock().Add(time.Hour),
	}, her)
	m := regexp.MustCompile(`href="(/read/[^"]+)"`).FindStringSubmatch(text(t, s.get(link), 200))
	if m == nil {
		t.Fatal("no way to the issues")
	}
	contains(t, text(t, s.get(m[1]), 200), "Paper 1", "Paper 2")
}
