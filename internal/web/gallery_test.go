package web_test

import (
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"syndicate/internal/i18n"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// gallery keeps pages and mails as people got them, to be looked at as often and under
// such light as one likes: also the pages that follow a form.
type gallery struct {
	*sample
	test  *testing.T
	url   string
	words *i18n.Words // of what is hung now
	shown []exhibit
	sent  []received // mail of before somebody was erased, who takes theirs along
}

// exhibit is one page or mail.
type exhibit struct {
	name, language, body string
	mail                 bool // or an issue on the web, which is one
}

func newGallery(t *testing.T) *gallery {
	t.Helper()
	return &gallery{sample: newSample(t, withBoard(newsletter.ArchivePrivate)), test: t}
}

// open lets visitors in: what is hung from now on is not to be seen.
func (g *gallery) open() {
	shown := g.shown
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, seen := strings.CutPrefix(r.URL.Path, "/seen/")
		if !seen {
			g.handler.ServeHTTP(w, r)
			return
		}
		if i, err := strconv.Atoi(n); err == nil && i < len(shown) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, shown[i].body) // the browser will tell
		}
	}))
	g.test.Cleanup(server.Close)
	g.url = server.URL
}

// hang keeps an answer, which must have a status and say the words of a key.
func (g *gallery) hang(name string, status int, r *http.Response, key string, args ...any) string {
	g.test.Helper()
	body := text(g.test, r, status)
	words := html.UnescapeString(regexp.MustCompile(`<[^>]+>`).ReplaceAllString(body, ""))
	if want := g.words.T(key, args...); !strings.Contains(words, want) {
		g.test.Errorf("%s does not say %q:\n%s", name, want, words)
	}
	g.shown = append(g.shown, exhibit{name: name, language: g.words.Language(), body: body})
	return body
}

// ended is the link of a letter as it is when its time is over.
func (g *gallery) ended(link string, purpose newsletter.Purpose, signedFor string) string {
	g.test.Helper()
	at := strings.LastIndexByte(link, '/') + 1
	claim, err := g.store.Keyring().ParseToken(link[at:], purpose)
	g.check(err)
	claim.Expires = g.clock().Add(-time.Minute)
	return link[:at] + g.store.Keyring().Token(claim, signedFor)
}

// fill hangs every page that a reader of a newsletter can meet, and the mails.
func (g *gallery) fill(name, language string) {
	g.words = i18n.For(language)
	n, err := g.service.Newsletter(name)
	g.check(err)
	g.public(n)
	g.signUps(n)
	reader := "reader-" + language + "@example.net"
	_, err = g.store.AddSubscriber(g.test.Context(), name, newsletter.Line{Email: reader}, "cli", g.clock())
	g.check(err)
	g.leaving(n, reader)
	g.preferences(n, reader)
	g.owner(n, reader)
	g.dead()
}

func (g *gallery) public(n newsletter.Newsletter) {
	lang := []string{"Accept-Language", g.words.Language()}
	article := map[string]string{"en": "/articles/the-lamp-on-the-north-pier", "fr": "/articles/le-chantier-du-fond-du-port"}[g.words.Language()]
	g.hang("home", 200, g.get("/", lang...), "site.latest")
	g.hang("article", 200, g.get(article, lang...), "site.all_articles")
	if g.words.Language() == "en" { // it is about the article's language
		g.hang("article with code", 200, g.get("/articles/a-feed-of-ones-own"), "site.all_articles")
	}
	g.hang("feeds", 200, g.get("/feeds", lang...), "feeds.heading")
	g.hang("feed", 200, g.get("/feed.atom", append(lang, "Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")...), "feeds.what")
	g.hang("tag", 200, g.get("/tags/sea/", lang...), "feeds.follow")
	g.hang("author", 200, g.get("/authors/solveig-tanguid%C3%A9/", lang...), "feeds.follow")
	g.hang("newsletter", 200, g.get("/newsletters/"+n.Name), "signup.heading")
	g.hang("embedded form", 200, g.get("/newsletters/"+n.Name+"/embed"), "signup.embed")
	g.hang("issue", 200, g.get("/newsletters/"+n.Name+"/issues/1"), "newsletter.all_issues")
	g.shown[len(g.shown)-1].mail = true
	if g.words.Language() == "en" { // the board's
		issues, err := g.store.Issues(g.test.Context(), store.IssueQuery{Newsletter: "board"})
		g.check(err)
		link := g.readLink(her, issues[0], 1)
		g.hang("issue for subscribers", 200, g.get(link), "newsletter.all_issues")
		g.shown[len(g.shown)-1].mail = true
		g.hang("issues for subscribers", 200, g.get(link+"/issues"), "archive.list")
		g.hang("newsletter for subscribers", 200, g.get("/newsletters/board"), "archive.subscribers")
		ask := g.hang("issue for subscribers, no link", 403, g.get("/newsletters/board/issues/1"), "archive.private")
		made := stampOf.FindStringSubmatch(ask)[1]
		g.pass(5 * time.Second)
		g.hang("link to the issues, wrong address", 422, g.post("/newsletters/board/archive", url.Values{"email": {"nadia"}, "made": {made}}), "signup.invalid")
		g.hang("link to the issues, asked for", 200, g.post("/newsletters/board/archive", url.Values{"email": {her}, "made": {made}}), "signup.sent")
	}
}

var stampOf = regexp.MustCompile(`name="made" value="([^"]+)"`)

// signUps signs up and confirms.
func (g *gallery) signUps(n newsletter.Newsletter) {
	page := "/newsletters/" + n.Name + "/subscribe"
	somebody := "somebody-" + g.words.Language() + "@example.net"
	form := g.hang("form", 200, g.get(page), "signup.title", "newsletter", n.Title)
	g.hang("form, wrong address", 422, g.post(page, url.Values{"email": {"nadia"}}), "signup.invalid")
	g.hang("form, in haste", 200, g.post(page, url.Values{"email": {somebody}, "made": {stampOf.FindStringSubmatch(form)[1]}}), "signup.again")
	g.hang("signed up", 200, g.post(page, url.Values{"email": {somebody}}), "signup.sent")
	g.hang("signed up, a slip", 200, g.post(page, url.Values{"email": {"nadia@gmial.com"}}), "signup.meant_button")
	g.hang("signed up again", 200, g.post(page, url.Values{"email": {her}}), "signup.sent")
	g.serveUntil("the letters are sent", g.idle)

	link := g.lastLink(somebody, "confirm")
	yes := url.Values{"confirm": {"1"}}
	g.hang("confirm", 200, g.get(link), "confirm.question", "newsletter", n.Title)
	late := g.ended(link, newsletter.PurposeConfirm, somebody)
	g.hang("confirm, too late", 200, g.get(late), "confirm.expired")
	g.hang("confirm, another link", 200, g.post(late, url.Values{"again": {"1"}}), "confirm.sent")
	g.hang("confirmed", 200, g.post(link, yes), "confirm.done")
	g.hang("confirmed before", 200, g.get(link), "confirm.already")
	_, err := g.store.Unsubscribe(g.test.Context(), g.subscriber(somebody, n.Name).Subscriber.ID, n.Name, "page", g.clock().Add(time.Second))
	g.check(err)
	g.hang("confirm after leaving", 200, g.post(link, yes), "confirm.left")
	g.check(g.store.Suppress(g.test.Context(), somebody, newsletter.CauseBounce, 0, "", g.clock()))
	g.hang("confirm refused", 200, g.post(link, yes), "confirm.refused")
}

// leaving unsubscribes and comes back.
func (g *gallery) leaving(n newsletter.Newsletter, reader string) {
	link := g.link(newsletter.PurposeUnsubscribe, reader, n.Name)
	yes := url.Values{"confirm": {"1"}}
	g.hang("unsubscribe", 200, g.get(link), "unsubscribe.question", "newsletter", n.Title)
	g.hang("unsubscribed", 200, g.post(link, yes), "unsubscribe.done")
	g.hang("unsubscribed before", 200, g.get(link), "unsubscribe.already")
	g.hang("no reason given", 422, g.post(link, url.Values{"words": {""}}), "reasons.choose")
	g.hang("a reason given", 200, g.post(link, url.Values{"reason": {"often"}}), "reasons.heard")
	g.hang("undone", 200, g.post(link, url.Values{"undo": {"1"}}), "unsubscribe.undone")
}

// preferences chooses.
func (g *gallery) preferences(n newsletter.Newsletter, reader string) {
	link := g.link(newsletter.PurposePreferences, reader, n.Name)
	g.hang("preferences", 200, g.get(link), "preferences.title")
	g.hang("preferences saved", 200, g.post(link, chosen(n.Name, url.Values{"items": {"3"}, "pause": {"2026-12-24"}})), "preferences.saved")
	g.hang("preferences wrong", 422, g.post(link, chosen(n.Name, url.Values{"time_zone": {"Atlantis"}})), "preferences.check")
	g.hang("preferences of before", 422, g.post(link, url.Values{"newsletter": {"none"}, "confirm": {"1"}}), "preferences.stale")
	g.hang("preferences left", 200, g.post(link, url.Values{"newsletter": {n.Name}, "confirm": {"1"}}), "preferences.unsubscribed")
	g.post(link, url.Values{"newsletter": {n.Name}, "undo": {"1"}})
	g.hang("link asked for", 200, g.post(link, url.Values{"access": {"1"}}), "access.mailed")
}

// owner does what only the link of one hour can do.
func (g *gallery) owner(n newsletter.Newsletter, reader string) {
	yes := url.Values{"confirm": {"1"}}
	link := g.letterLink(newsletter.LetterAccess)
	g.hang("data", 200, g.get(link), "access.title")
	g.hang("data, wrong address", 422, g.post(link, doing("change", "email", "nadia")), "access.address_wrong")
	g.hang("data, a feed", 200, g.post(link, doing("feed", "newsletter", n.Name)), "access.feed_made")
	g.hang("data, by feed", 200, g.post(link, doing("by feed", "newsletter", n.Name)), "access.by_feed")
	g.hang("data, by mail", 200, g.post(link, doing("by mail", "newsletter", n.Name)), "access.both")
	g.hang("erase", 200, g.post(link, doing("erase")), "access.erase_question")
	late := g.ended(link, newsletter.PurposeAccess, reader)
	g.hang("data, too late", 200, g.get(late), "link.expired")
	g.hang("data, another link", 200, g.post(late, doing("again")), "access.mailed")

	refused, moved := "refused-"+g.words.Language()+"@example.net", "moved-"+g.words.Language()+"@example.net"
	g.post(link, doing("change", "email", refused))
	change := g.letterLink(newsletter.LetterChange)
	g.check(g.store.Suppress(g.test.Context(), refused, newsletter.CauseBounce, 0, "", g.clock()))
	g.hang("change refused", 200, g.post(change, yes), "change.refused")
	g.hang("data, asked", 200, g.post(link, doing("change", "email", moved)), "access.asked", "address", moved)
	change = g.letterLink(newsletter.LetterChange)
	g.hang("change", 200, g.get(change), "change.ask")
	g.hang("change, too late", 200, g.get(g.ended(change, newsletter.PurposeChange, newsletter.ChangeKey(reader, moved))), "change.expired")
	g.serveUntil("the letters are sent", g.idle) // those to the former address would be cancelled
	mailed := g.link(newsletter.PurposeUnsubscribe, reader, n.Name)
	g.hang("changed", 200, g.post(change, yes), "change.done")
	g.hang("unsubscribe after the change", 200, g.get(mailed), "unsubscribe.moved_text", "newsletter", n.Title)
	g.hang("unsubscribed after the change", 200, g.post(mailed, yes), "unsubscribe.moved_done", "newsletter", n.Title)
	g.serveUntil("the notice is sent", g.idle)
	g.sent = append(g.sent, g.mails()...)
	g.hang("erased", 200, g.post(g.accessLink(moved, n.Name), doing("erase for good")), "access.erased")
	g.hang("unsubscribe after the erasure", 200, g.get(mailed), "unsubscribe.gone")
}

// dead hangs what answers for links and addresses that lead nowhere.
func (g *gallery) dead() {
	lang := []string{"Accept-Language", g.words.Language()}
	remote := slices.Concat(lang, []string{"remote", "[2001:db8:" + g.words.Language()[:1] + "::1]:1"}) // none that is counted already
	g.hang("cut link", 404, g.get("/unsubscribe/x", remote...), "link.invalid")
	g.hang("ended link", 404, g.get("/access/x", remote...), "link.ended")
	g.hang("link in a preview", 200, g.get("/preferences/preview", lang...), "link.preview")
	g.hang("no such page", 404, g.get("/articles/mending-nets", lang...), "error.404.title")
	g.hang("nothing asked", 400, g.post(g.link(newsletter.PurposeUnsubscribe, her, "weekly"), url.Values{}, lang...), "error.400.title")
	g.hang("a form too large", 413, g.do("POST", g.link(newsletter.PurposeUnsubscribe, her, "weekly"), strings.Repeat("x", 70_000), append(lang, "Content-Type", formType)...), "error.413.title")
	for range 60 {
		g.get("/unsubscribe/x", remote...)
	}
	g.hang("too many", 429, g.get("/unsubscribe/x", remote...), "error.429.title")
}

// hangMails hangs one mail of each kind and language.
func (g *gallery) hangMails() {
	g.test.Helper()
	language := regexp.MustCompile(`<html lang="([a-z]+)"`)
	seen := map[string]bool{}
	for _, m := range append(g.sent, g.mails()...) {
		l := language.FindStringSubmatch(m.html)
		if l == nil {
			g.test.Fatalf("%q has no language", m.subject)
		}
		key := m.subject
		if m.header.Get("List-Id") == "" && m.header.Get("List-Unsubscribe") == "" {
			key = "letter: " + m.subject
		}
		if seen[l[1]+key] {
			continue
		}
		seen[l[1]+key] = true
		g.shown = append(g.shown, exhibit{name: "mail: " + m.subject, language: l[1], body: m.html, mail: true})
	}
	if len(seen) < 12 { // the issue and five letters, in two languages
		g.test.Errorf("only %d kinds of mail came", len(seen))
	}
}

// keep writes a picture into the folder that SYNDICATE_GALLERY names, for people to
// look at; where it is not set, nothing.
func keep(t *testing.T, name string, shot func() ([]byte, error)) {
	t.Helper()
	dir := os.Getenv("SYNDICATE_GALLERY")
	if dir == "" {
		return
	}
	picture, err := shot()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, regexp.MustCompile(`[^\pL\pN]+`).ReplaceAllString(name, "-")+".png"), picture, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
