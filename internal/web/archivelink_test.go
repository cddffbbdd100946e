package web_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/web"
)

// askForArchive sends the form that mails the link to the issues of the board.
func (s *site) askForArchive(t *testing.T, page, email string) string {
	t.Helper()
	made := regexp.MustCompile(`name="made" value="([^"]+)"`).FindStringSubmatch(page)
	if made == nil || !strings.Contains(page, `action="/newsletters/board/archive"`) {
		t.Fatalf("no form in\n%s", page)
	}
	s.pass(3 * time.Second)
	return text(t, s.post("/newsletters/board/archive", url.Values{"email": {email}, "made": {made[1]}, "website": {""}}), 200)
}

// TestArchiveByMail: a mail of when the archive was public leads to a page that helps:
// whoever is subscribed has a link mailed that opens the issues; others are told the same
// and get nothing. It works where nobody can sign up, too.
func TestArchiveByMail(t *testing.T) {
	t.Parallel()
	s := newSite(t, withBoard(newsletter.ArchivePublic, func(n *newsletter.Newsletter) { n.Closed = true }))
	s.join(her, "board", nil)
	s.join("gone@example.org", "board", nil)
	s.join("left@example.org", "board", nil)
	s.board(2)
	const mailed = "/newsletters/board/issues/1?digest=2"
	contains(t, text(t, s.get(mailed), 200), "paper 1 short")
	if r := s.get("/newsletters/board/archive"); r.StatusCode != 302 || r.Header.Get("Location") != "/newsletters/board" {
		t.Errorf("while it is public: %d %v", r.StatusCode, r.Header)
	}
	text(t, s.post("/newsletters/board/archive", url.Values{"email": {her}}), 404)
	s.check(s.store.Suppress(t.Context(), "gone@example.org", newsletter.CauseBounce, 0, "", s.clock()))
	_, err := s.store.Unsubscribe(t.Context(), s.subscriber("left@example.org", "board").Subscriber.ID, "board", "page", s.clock())
	s.check(err)

	s.again(func(o *web.Options) { o.Newsletters[2].Archive = newsletter.ArchivePrivate })
	page := text(t, s.get(mailed), 403)
	contains(t, page, "This is for subscribers", "in your newest issue", "Mail me my link", `<a href="/newsletters/board" hreflang="en">Papers of the board</a>`)
	lacks(t, page, "paper 1", "Paper 1")
	contains(t, text(t, s.get("/newsletters/board"), 200), `href="/newsletters/board/archive"`)
	contains(t, text(t, s.get("/newsletters/board/archive"), 200), "Mail me my link")

	first := ""
	for _, email := range []string{her, other, "nobody@example.net", "gone@example.org", "left@example.org"} {
		body := strings.ReplaceAll(s.askForArchive(t, page, email), email, "…")
		contains(t, body, "Look into your mailbox", "is subscribed to Papers of the board")
		if first == "" {
			first = body
		}
		if body != first {
			t.Errorf("%s is answered otherwise:\n%s", email, body)
		}
	}
	s.serveUntil("all are answered", s.idle)
	mails := s.mails()
	if len(mails) != 1 || !strings.Contains(mails[0].to, her) || mails[0].subject != "Your link to the issues: Papers of the board" {
		t.Fatalf("%d mails: %+v", len(mails), mails)
	}
	link := mails[0].path(t, "read")
	contains(t, text(t, s.get(link), 200), "Papers of the board", "Paper 1", "Paper 2")
	contains(t, text(t, s.get(link+"/1"), 200), "paper 1 whole")
	for _, email := range []string{other, "nobody@example.net"} { // nobody was signed up
		if sub, err := s.store.SubscriberByEmail(t.Context(), email); err == nil {
			if got, err := s.store.Subscription(t.Context(), sub.ID, "board"); err == nil {
				t.Errorf("%s: %+v", email, got)
			}
		}
	}

	// As often as letters go to an address in a day.
	for range 5 {
		s.askForArchive(t, page, her)
	}
	s.serveUntil("all are answered", s.idle)
	if n := len(s.mails()); n != 3 {
		t.Errorf("%d mails, want 3", n)
	}
}

// TestArchiveFormChecks: what programs send, and what is no address, is no request.
func TestArchiveFormChecks(t *testing.T) {
	t.Parallel()
	s := newSite(t, withBoard(newsletter.ArchivePrivate))
	page := text(t, s.get("/newsletters/board/archive"), 200)
	made := regexp.MustCompile(`name="made" value="([^"]+)"`).FindStringSubmatch(page)[1]
	post := func(want int, pairs ...string) string {
		t.Helper()
		f := url.Values{}
		for i := 0; i+1 < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
		}
		r := s.post("/newsletters/board/archive", f)
		body := text(t, r, want)
		wantPrivate(t, r)
		return body
	}
	contains(t, post(200, "email", her, "made", made), "That was very quick", `value="`+her+`"`)
	s.pass(5 * time.Second)
	contains(t, post(200, "email", her), "That was very quick")
	contains(t, post(200, "email", her, "made", "forged.AAAA"), "That was very quick")
	contains(t, post(422, "email", "nadia", "made", made), `role="alert"`, "does not look like an email address")
	contains(t, post(200, "email", her, "made", made, "website", "x"), "Look into your mailbox") // a program
	waiting, err := s.store.SignUps(t.Context(), 0, 10)
	s.check(err)
	if len(waiting) != 0 {
		t.Errorf("%+v", waiting)
	}
	text(t, s.get("/newsletters/none/archive"), 404)
	text(t, s.post("/newsletters/weekly/archive", url.Values{"email": {her}}), 404)
	for range 40 {
		s.post("/newsletters/board/archive", url.Values{"email": {"x"}})
	}
	if r := s.post("/newsletters/board/archive", url.Values{"email": {her}, "made": {made}}); r.StatusCode != 429 || r.Header.Get("Retry-After") == "" {
		t.Errorf("status %d", r.StatusCode)
	}
}

// TestPreferencesLeadToIssues: the owner of a subscription finds its past issues, by a
// link of their own where they are for subscribers.
func TestPreferencesLeadToIssues(t *testing.T) {
	t.Parallel()
	for archive, want := range map[newsletter.Archive]string{
		newsletter.ArchivePublic: "/newsletters/board", newsletter.ArchivePrivate: "/read/[A-Za-z0-9_-]+/issues", newsletter.ArchiveNone: "",
	} {
		s := newSite(t, withBoard(archive))
		s.join(her, "board", nil)
		s.board(2)
		preferences := s.link(newsletter.PurposePreferences, her, "board")
		board, _, _ := strings.Cut(text(t, s.get(preferences), 200), "The Weekly</a>")
		found := regexp.MustCompile(`<a href="([^"]+)" aria-describedby="newsletter-0">Past issues</a>`).FindStringSubmatch(board)
		if want == "" {
			if found != nil {
				t.Errorf("%s: the issues are at %s", archive, found[1])
			}
			continue
		}
		if len(found) < 2 || !regexp.MustCompile("^"+want+"$").MatchString(found[1]) {
			t.Fatalf("%s: %v in\n%s", archive, found, board)
		}
		contains(t, text(t, s.get(found[1]), 200), "Paper 1", "Paper 2")

		// Who has left is not led there.
		lacks(t, text(t, s.post(preferences, url.Values{"newsletter": {"board"}, "confirm": {"1"}}), 200), "/read/")
	}
}
