package web_test

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// letters returns the letters that were written, oldest first.
func (s *site) letters() []newsletter.Letter {
	s.t.Helper()
	var all []newsletter.Letter
	for chunk := int64(1); chunk < 60; chunk++ {
		if l, err := s.store.Letter(s.t.Context(), chunk); err == nil {
			all = append(all, l)
		}
	}
	return all
}

// letterLink returns the path of the link in the latest letter, which must be of a kind.
func (s *site) letterLink(kind newsletter.LetterKind) string {
	s.t.Helper()
	all := s.letters()
	if len(all) == 0 || all[len(all)-1].Kind != kind {
		s.t.Fatalf("no letter %s: %+v", kind, all)
	}
	l := all[len(all)-1]
	sub, err := s.store.Subscription(s.t.Context(), l.Subscriber, l.Newsletter)
	s.check(err)
	l.Owner = sub.Subscriber.Email
	path := map[newsletter.LetterKind]string{newsletter.LetterAccess: "/access/", newsletter.LetterChange: "/change/"}[kind]
	return path + s.store.Keyring().Token(newsletter.Claim{
		Purpose: kind.Purpose(), Subscriber: l.Subscriber, Newsletter: l.Newsletter, Letter: l.Chunk, Expires: l.Expires,
	}, l.SignedFor())
}

// accessLink asks for the link of one hour, as its owner does.
func (s *site) accessLink(email, name string) string {
	s.t.Helper()
	r := s.post(s.link(newsletter.PurposePreferences, email, name), url.Values{"access": {"1"}})
	if r.StatusCode != 200 {
		s.t.Fatalf("status %d", r.StatusCode)
	}
	return s.letterLink(newsletter.LetterAccess)
}

func doing(what string, more ...string) url.Values {
	f := url.Values{"do": {what}}
	for i := 0; i+1 < len(more); i += 2 {
		f.Set(more[i], more[i+1])
	}
	return f
}

// TestAccessIsMailed: the mailed preferences link does not open the owner's data, only
// mails the link that does, to the owner; as often as letters go to an address, with
// one and the same answer.
func TestAccessIsMailed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposePreferences, her, "weekly")
	first := ""
	for i := range 5 {
		body := text(t, s.post(link, url.Values{"access": {"1"}}), 200)
		contains(t, body, "Look into your mail", "m…@example.org")
		lacks(t, body, her)
		if first == "" {
			first = body
		}
		if body != first {
			t.Errorf("answer %d differs", i)
		}
	}
	if n := len(s.letters()); n != 3 {
		t.Errorf("%d letters", n)
	}
	for _, l := range s.letters() {
		if l.Kind != newsletter.LetterAccess || l.Address != her || !l.Expires.Equal(start.Add(time.Hour)) {
			t.Errorf("%+v", l)
		}
	}
	token := strings.TrimPrefix(link, "/preferences/")
	text(t, s.get("/access/"+token), 404)
	text(t, s.post("/access/"+token, doing("erase for good")), 404)
	s.wantState(nobodyLeft)
}

func TestAccess(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.accessLink(her, "quotidien")
	for range 2 {
		s.do("HEAD", link, "")
		r := s.get(link)
		wantPrivate(t, r)
		body := text(t, r, 200)
		contains(t, body, `<html lang="fr"`, her, "Tout effacer", "Le Quotidien", "The Weekly", `href="/preferences/`)
		lacks(t, body, "<script", "/personal/")
	}
	for _, f := range []url.Values{{}, doing("everything"), doing("feed"), doing("feed", "newsletter", "none"), doing("by feed", "newsletter", "weekly")} {
		text(t, s.post(link, f), 400)
	}
	s.wantState(nobodyLeft)

	// The download.
	_, err := s.store.Bounce(t.Context(), store.Bounced{
		Kind: newsletter.ReportBlock, Said: []byte("1"), Returned: &newsletter.Returned{Subscriber: s.subscriber(her, "weekly").Subscriber.ID, Issue: 1},
	}, newsletter.SoftLimit{}, s.clock())
	s.check(err)
	s.check(s.store.AskSignUp(t.Context(), "weekly", strings.ToUpper(her), newsletter.SignUp{Source: "form", Page: "/newsletters/weekly"}, 10))
	_, err = s.store.SyncList(t.Context(), "weekly", []newsletter.Line{{N: 2, Email: her}}, false, s.clock())
	s.check(err)
	r := s.post(link, doing("download"))
	wantPrivate(t, r)
	var record struct {
		Address       string
		Subscriptions []struct{ Newsletter, State, Source string }
		Deliveries    []any
		Letters       []struct{ Kind, Address, State string }
		Reports       []struct{ Kind, Outcome string }
		Messages      []any
		SignUps       []struct{ Address, Page string } `json:"sign_ups"`
	}
	body := text(t, r, 200)
	s.check(json.Unmarshal([]byte(body), &record))
	contains(t, body, `"cursor": `, `"list": {}`, `"list": null`, `"messages": []`)
	if len(record.SignUps) != 1 || record.SignUps[0].Page != "/newsletters/weekly" || record.Letters[0].State != "pending" {
		t.Errorf("%+v", record)
	}
	if record.Address != her || len(record.Subscriptions) != 2 || record.Subscriptions[0].State != "confirmed" || record.Subscriptions[0].Source != "cli" ||
		len(record.Letters) != 1 || record.Letters[0].Kind != "access" || record.Letters[0].Address != her || len(record.Reports) != 1 || record.Reports[0].Kind != "block" {
		t.Errorf("%+v", record)
	}

	// An hour later it opens nothing, but helps.
	s.pass(time.Hour)
	for _, r := range []string{text(t, s.get(link), 200), text(t, s.post(link, doing("download")), 200), text(t, s.post(link, doing("erase for good")), 200)} {
		contains(t, r, "Ce lien a expiré", "m…@example.org", `value="again"`)
		lacks(t, r, her)
	}
	s.wantState(nobodyLeft)
	contains(t, text(t, s.post(link, doing("again")), 200), "Regardez dans votre courrier")
	if n := len(s.letters()); n != 2 {
		t.Errorf("%d letters", n)
	}
	text(t, s.get(s.letterLink(newsletter.LetterAccess)), 200)
}

func TestErase(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.check(os.MkdirAll(s.outbox, 0o700))
	for _, email := range []string{her, other} { // what the catcher kept
		s.check(os.WriteFile(filepath.Join(s.outbox, "20261124T070000.000000Z-000001-"+email+".eml"), []byte("To: <"+email+">\r\n\r\n"), 0o600))
	}
	link := s.accessLink(her, "weekly")
	preferences := s.link(newsletter.PurposePreferences, her, "weekly")
	contains(t, text(t, s.post(link, doing("erase")), 200), "Erase everything?", `value="erase for good"`)
	s.wantState(nobodyLeft)
	contains(t, text(t, s.post(link, doing("erase for good")), 200), "Everything is erased", her)
	if _, err := s.store.SubscriberByEmail(t.Context(), her); err == nil {
		t.Error("still a subscriber")
	}
	kept, err := filepath.Glob(filepath.Join(s.outbox, "*.eml"))
	s.check(err)
	if len(kept) != 1 || !strings.Contains(kept[0], other) {
		t.Errorf("in the outbox: %s", kept)
	}
	for _, target := range []string{link, preferences} {
		text(t, s.get(target), 404)
		text(t, s.post(target, doing("erase for good")), 404)
	}
	result, err := s.store.AddSubscriber(t.Context(), "weekly", newsletter.Line{Email: her}, "import 1", s.clock())
	s.check(err)
	if result != store.Suppressed {
		t.Errorf("an import: %s", result)
	}
}

func TestChangeOfAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const to = "m.tanguide@example.net"
	access := s.accessLink(her, "weekly")
	preferences := s.link(newsletter.PurposePreferences, her, "weekly")
	for _, typed := range []string{"", "nobody", "a@b@c", "é@example.org"} {
		contains(t, text(t, s.post(access, doing("change", "email", typed)), 422), `role="alert"`)
	}
	for _, typed := range []string{her, " M" + her[1:] + " "} { // their own
		body := text(t, s.post(access, doing("change", "email", typed)), 422)
		contains(t, body, "You have this address already.")
		lacks(t, body, "on its way")
	}
	// Whether an address is known, or takes mail, is not to be seen.
	const unknown, bounced = "unknown@example.net", "gone@example.net"
	s.check(s.store.Suppress(t.Context(), bounced, newsletter.CauseBounce, 0, "", s.clock()))
	want := strings.ReplaceAll(text(t, s.post(access, doing("change", "email", unknown)), 200), unknown, "x")
	contains(t, want, "If <span class=\"together\">x</span> can get our mail, a message is on its way there.")
	for _, typed := range []string{other, bounced} {
		if got := text(t, s.post(access, doing("change", "email", typed)), 200); strings.ReplaceAll(got, typed, "x") != want {
			t.Errorf("%s is answered otherwise", typed)
		}
	}
	text(t, s.post(access, doing("change", "email", to)), 200)
	link := s.letterLink(newsletter.LetterChange)
	s.do("HEAD", link, "")
	contains(t, text(t, s.get(link), 200), "Use this address from now on?", to, "The Weekly")
	text(t, s.post(link, url.Values{}), 400)
	if got := s.subscriber(her, "weekly"); got.Subscriber.Email != her {
		t.Errorf("changed by looking: %+v", got)
	}
	body := text(t, s.post(link, url.Values{"confirm": {"1"}}), 200)
	contains(t, body, "Your address is changed", to)
	lacks(t, body, her)
	got := s.subscriber(to, "weekly")
	if got.State != newsletter.SubscriptionConfirmed {
		t.Errorf("%+v", got)
	}
	// Links of before are dead, and say what helps; the one on the page works.
	contains(t, text(t, s.get(access), 404), "This link does not work any more", "at the foot of your preferences")
	text(t, s.post(access, doing("erase for good")), 404)
	contains(t, text(t, s.get(preferences), 404), "This link has ended", "The address was changed")
	// Pressed twice, the one that made the change says so: as long as it is true.
	for _, body := range []string{text(t, s.get(link), 200), text(t, s.post(link, url.Values{"confirm": {"1"}}), 200)} {
		contains(t, body, "Your address is changed already", to)
		lacks(t, body, her, "<form", "/preferences/")
	}
	fresh := regexp.MustCompile(`href="(/preferences/[^"]+)"`).FindStringSubmatch(body)
	contains(t, text(t, s.get(fresh[1]), 200), "m…@example.net")

	notice := s.letters()[len(s.letters())-1]
	if notice.Kind != newsletter.LetterChanged || notice.Address != her {
		t.Errorf("%+v", notice)
	}
	_, err := s.store.SyncList(t.Context(), "weekly", []newsletter.Line{{N: 2, Email: her}}, false, s.clock())
	s.check(err)
	if _, err := s.store.SubscriberByEmail(t.Context(), her); err == nil {
		t.Error("a list brought the former address back")
	}
	s.move(t, to, "weekly", "third@example.net")
	contains(t, text(t, s.get(link), 404), "This link does not work any more")
}

// TestChangeTellsStrangersNothing: the new address was typed, and may be anybody's. Who
// gets the mail learns of which newsletter it is, and nothing of who asked.
func TestChangeTellsStrangersNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const from, to = "solveig@tanguide.example", "stranger@example.net"
	name := "Solveig Tanguidé"
	_, err := s.store.AddSubscriber(t.Context(), "weekly", newsletter.Line{Email: from, Name: &name}, "cli", s.clock())
	s.check(err)
	access := s.accessLink(from, "weekly")
	text(t, s.post(access, doing("change", "email", to)), 200)
	s.serveUntil("the letters are sent", s.idle)
	var letter *received
	for _, m := range s.mails() {
		if strings.Contains(m.to, to) {
			letter = &m
		} else if recipient, err := mail.ParseAddress(m.to); err != nil || recipient.Name != name {
			t.Errorf("to %q, %v", m.to, err)
		}
	}
	if letter == nil {
		t.Fatal("the new address got nothing")
	}
	told := []string{"olveig", "anguid"}
	if recipient, err := mail.ParseAddress(letter.to); err != nil || recipient.Name != "" || recipient.Address != to {
		t.Errorf("to %q, %v", letter.to, err)
	}
	for _, part := range []string{letter.subject, letter.text, letter.html, fmt.Sprint(letter.header)} {
		lacks(t, part, told...)
	}
	contains(t, letter.text, "The Weekly")
	link := letter.path(t, "change")
	lacks(t, text(t, s.get(link), 200), told...)
	s.pass(25 * time.Hour)
	lacks(t, text(t, s.get(link), 200), told...)
}

// TestLinksAreTheirOwners: a link of one person, purpose or time is none of another.
func TestLinksAreTheirOwners(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	mine := s.accessLink(her, "weekly")
	theirs := s.accessLink(other, "weekly")
	text(t, s.post(mine, doing("change", "email", "new@example.net")), 200)
	change := s.letterLink(newsletter.LetterChange)
	swapped := func(a, b string) string { // the claim of one, the signature of the other
		return a[:len(a)-10] + b[len(b)-10:]
	}
	bad := []string{
		swapped(mine, theirs), mine[:len(mine)-1], mine + "A", strings.Replace(mine, "/access/", "/change/", 1), strings.Replace(change, "/change/", "/access/", 1),
		swapped(change, mine), change[:20], "/access/x", "/change/%00",
	}
	for _, link := range bad {
		text(t, s.get(link), 404)
		text(t, s.post(link, doing("erase for good", "confirm", "1")), 404)
	}
	for _, link := range []string{"/access/preview", "/change/preview"} { // nobody's, and says so
		contains(t, text(t, s.get(link), 200), "This link is only an example")
		contains(t, text(t, s.post(link, doing("erase for good", "confirm", "1")), 200), "This link is only an example")
	}
	s.wantState(nobodyLeft)

	// Expired: nothing but another way.
	s.pass(25 * time.Hour)
	contains(t, text(t, s.get(change), 200), "This link has expired")
	contains(t, text(t, s.post(change, url.Values{"confirm": {"1"}}), 200), "This link has expired")
	if got := s.subscriber(her, "weekly"); got.Subscriber.Email != her {
		t.Error("an expired link changed the address")
	}
}

// TestNobodyIsFlooded: one subscriber has no more than a few strangers written to.
func TestNobodyIsFlooded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.accessLink(her, "weekly")
	for i := range 20 {
		contains(t, text(t, s.post(link, doing("change", "email", "victim"+string(rune('a'+i))+"@example.net")), 200), "a message is on its way")
	}
	n := 0
	for _, l := range s.letters() {
		if l.Kind == newsletter.LetterChange {
			n++
		}
	}
	if n != 5 {
		t.Errorf("%d letters", n)
	}
}

func TestPersonalFeed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	who := s.subscriber(her, "weekly").Subscriber.ID
	topics := []string{"sea"}
	s.check(s.store.SetPreferences(t.Context(), who, "weekly", store.Preferences{Topics: &topics}, s.clock()))
	link := s.accessLink(her, "weekly")
	fresh := func() string {
		t.Helper()
		body := text(t, s.post(link, doing("feed", "newsletter", "weekly")), 200)
		m := regexp.MustCompile(`value="` + regexp.QuoteMeta(siteURL) + `(/personal/[A-Z0-9]{26}/feed)\.rss"`).FindStringSubmatch(body)
		if m == nil {
			t.Fatalf("no address in\n%s", body)
		}
		return m[1]
	}
	feed := fresh()
	lacks(t, text(t, s.get(link), 200), feed) // shown once
	for ext, mediaType := range map[string]string{".rss": "application/rss+xml", ".atom": "application/atom+xml", ".json": "application/feed+json"} {
		r := s.get(feed + ext)
		body := text(t, r, 200)
		contains(t, body, "Mending a net", siteURL+feed+ext)
		lacks(t, body, "Bread", "La soupe", her)
		for header, want := range map[string]string{"Content-Type": mediaType + "; charset=utf-8", "X-Robots-Tag": "noindex", "Cache-Control": "private, max-age=900"} {
			if got := r.Header.Get(header); got != want {
				t.Errorf("%s: %q", header, got)
			}
		}
		text(t, s.get(feed+ext, "If-None-Match", r.Header.Get("Etag")), 304)
	}
	// What a client has is told from what it is made from, before anything is rendered;
	// if that changed, from the document. The secret stands in it: it is not compressed.
	r := s.get(feed+".atom", "Accept-Encoding", "gzip, br, zstd")
	version, hash, ok := strings.Cut(strings.Trim(strings.TrimPrefix(r.Header.Get("Etag"), "W/"), `"`), ".")
	if !ok || r.Header.Get("Content-Encoding") != "" || !strings.Contains(text(t, r, 200), feed) {
		t.Errorf("%v", r.Header)
	}
	for tag, want := range map[string]int{
		`W/"` + version + `.else"`: 304, `W/"else.` + hash + `"`: 304, `"x", "` + version + "." + hash + `"`: 304, "*": 304,
		`W/"else.else"`: 200, `W/"` + version + `"`: 200, hash: 200,
	} {
		text(t, s.get(feed+".atom", "If-None-Match", tag), want)
	}
	s.add(newsletter.Article{Tags: []string{"sea"}})
	contains(t, text(t, s.get(feed+".atom", "If-None-Match", r.Header.Get("Etag")), 200), "More 0")
	for _, target := range []string{feed, feed + ".xml", "/personal/x/feed.rss", strings.ToLower(feed) + ".rss"} {
		text(t, s.get(target), 404)
	}

	// By feed alone, and back: articles of the time between are in the feed.
	contains(t, text(t, s.post(link, doing("by feed", "newsletter", "weekly")), 200), "Comes in your feed only")
	if got := s.subscriber(her, "weekly"); !got.ByFeed || !got.HasFeed {
		t.Errorf("%+v", got)
	}
	contains(t, text(t, s.get(s.link(newsletter.PurposePreferences, her, "weekly")), 200), "Comes in your feed only")
	contains(t, text(t, s.post(link, doing("by mail", "newsletter", "weekly")), 200), "Comes by mail, and there is a feed")
	highest, err := s.store.HighestSeq(t.Context())
	s.check(err)
	if got := s.subscriber(her, "weekly"); got.ByFeed || got.Cursor != highest {
		t.Errorf("%+v", got)
	}

	// Renewed, the former address is dead; revoked, each of them.
	renewed := fresh()
	text(t, s.get(feed+".rss"), 404)
	text(t, s.get(renewed+".rss"), 200)
	contains(t, text(t, s.post(link, doing("revoke", "newsletter", "weekly")), 200), "Comes by mail<")
	text(t, s.get(renewed+".rss"), 404)
	if strings.Contains(s.log.String(), strings.Split(feed, "/")[2]) {
		t.Error("the secret is in the log")
	}
}
