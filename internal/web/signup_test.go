package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
	"syndicate/internal/web"
)

const newcomer = "nadia@example.net"

// serve runs the daemon until the test ends.
func (s *site) serve() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.service.Serve(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("serve: %v", err)
		}
	})
}

// serveUntil runs the daemon until something has come about, and no longer: then
// nobody but the test changes anything.
func (s *site) serveUntil(what string, ok func() bool) {
	s.t.Helper()
	s.pass(time.Second) // files in the outbox are named by time
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.service.Serve(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("serve: %v", err)
		}
	}()
	s.until(what, ok)
}

// idle reports whether nobody who signed up waits, and no mail is to be sent.
func (s *site) idle() bool {
	s.t.Helper()
	waiting, err := s.store.SignUps(s.t.Context(), 0, 1)
	s.check(err)
	open, _, err := s.store.OpenWork(s.t.Context(), true)
	s.check(err)
	return len(waiting) == 0 && open == 0
}

// received is a mail in the outbox.
type received struct {
	to, subject, text, html string
	header                  mail.Header
}

// mails reads the outbox.
func (s *site) mails() []received {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.outbox, "*.eml"))
	s.check(err)
	slices.Sort(files)
	var out []received
	for _, file := range files {
		f, err := os.Open(file)
		s.check(err)
		m, err := mail.ReadMessage(f)
		s.check(err)
		_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
		s.check(err)
		parts := multipart.NewReader(m.Body, params["boundary"])
		var bodies [2]string
		for i := range bodies {
			part, err := parts.NextPart()
			s.check(err)
			text, err := io.ReadAll(part)
			s.check(err)
			bodies[i] = string(text)
		}
		s.check(f.Close())
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		s.check(err)
		out = append(out, received{m.Header.Get("To"), subject, bodies[0], bodies[1], m.Header})
	}
	return out
}

// until waits for what the daemon does, however slow the machine is.
func (s *site) until(what string, ok func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatalf("never happened: %s", what)
		}
	}
}

// mail waits for the n-th mail.
func (s *site) mail(n int) received {
	s.t.Helper()
	s.until(fmt.Sprintf("mail %d", n), func() bool { return len(s.mails()) >= n })
	return s.mails()[n-1]
}

// path returns the path of the link in a mail.
func (m received) path(t *testing.T, page string) string {
	t.Helper()
	return m.pathAt(t, siteURL, page)
}

// pathAt is path for a site elsewhere.
func (m received) pathAt(t *testing.T, base, page string) string {
	t.Helper()
	link := regexp.MustCompile(regexp.QuoteMeta(base) + "(/" + page + `/\S+)`).FindStringSubmatch(m.text)
	if len(link) == 0 {
		t.Fatalf("no link to %s in\n%s", page, m.text)
	}
	return link[1]
}

// signUp sends the form of a newsletter's page, after a while.
func (s *site) signUp(t *testing.T, name string, fields url.Values, headers ...string) string {
	t.Helper()
	page := text(t, s.get("/newsletters/"+name), 200)
	made := regexp.MustCompile(`name="made" value="([^"]+)"`).FindStringSubmatch(page)
	if len(made) == 0 {
		t.Fatal("the form has no stamp")
	}
	fields.Set("made", made[1])
	s.pass(5 * time.Second)
	return text(t, s.post("/newsletters/"+name+"/subscribe", fields, headers...), 200)
}

// TestWhereAFormStood: the proof of a consent says which page of the site had the form, or
// which other site, and no more.
func TestWhereAFormStood(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	field := func(page, name string) string {
		t.Helper()
		m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page)
		if m == nil {
			t.Fatalf("the form has no %s", name)
		}
		return m[1]
	}
	const action = "/newsletters/weekly/subscribe"
	ours := func(at string) url.Values {
		page := text(t, s.get(at), 200)
		return url.Values{"made": {field(page, "made")}, "page": {field(page, "page")}}
	}
	stamp := func(page ...string) url.Values { return url.Values{"made": ours(action)["made"], "page": page} }
	for i, c := range []struct {
		fields  url.Values
		headers []string
		source  string
		page    string
	}{
		{ours("/newsletters/weekly"), []string{"Origin", "null"}, "form", "/newsletters/weekly"},
		{ours(action), nil, "form", action},
		{stamp(), []string{"Referer", siteURL + "/newsletters/weekly?email=x"}, "form", "/newsletters/weekly"},
		{stamp(), []string{"Referer", "https://blog.example/ann"}, "form", "https://blog.example"},
		{stamp("https://blog.example/ann?x=y"), nil, "form", "https://blog.example"},
		{stamp("/a?email=ann"), nil, "form", "/a"},
		{stamp("//blog.example/a"), nil, "form", ""},
		{stamp("javascript:alert(1)"), nil, "form", ""},
		{stamp("/" + strings.Repeat("x", 300)), nil, "form", ""},
		{url.Values{"page": {"/newsletters/weekly"}}, []string{"Origin", "https://blog.example", "Referer", "https://blog.example/ann?x=y"}, "embed", "https://blog.example"},
		{url.Values{}, []string{"Origin", "null", "Referer", "https://blog.example/ann?x=y"}, "embed", "https://blog.example"},
		{url.Values{}, []string{"Origin", "null"}, "embed", ""},
		{url.Values{}, []string{"Origin", "https://" + strings.Repeat("x", 300)}, "embed", ""},
	} {
		s.pass(time.Minute)
		c.fields.Set("email", fmt.Sprintf("p%d@example.net", i))
		text(t, s.post(action, c.fields, c.headers...), 200)
		waiting, err := s.store.SignUps(t.Context(), 0, 100)
		s.check(err)
		if len(waiting) != i+1 || waiting[i].Source != c.source || waiting[i].Page != c.page {
			t.Errorf("%d: %+v", i, waiting[len(waiting)-1])
		}
	}
	// A form that is shown again for a slip of the pen still says where it was.
	page := text(t, s.post(action, url.Values{"email": {"ann"}}, "Origin", "https://blog.example"), 422)
	if got := field(page, "page"); got != "https://blog.example" {
		t.Errorf("%q", got)
	}
}

func TestSignUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.serve()
	body := s.signUp(t, "weekly", url.Values{"email": {" Nadia@Example.net "}, "language": {"fr"}, "website": {""}}, "Referer", siteURL+"/newsletters/weekly?secret=1")
	contains(t, body, "Nadia@Example.net", `lang="fr"`, "Regardez dans votre boîte")

	m := s.mail(1)
	if !strings.Contains(m.to, "Nadia@example.net") || m.subject != "À confirmer\u00a0: The Weekly" {
		t.Errorf("%+v", m)
	}
	link := m.path(t, "confirm")
	sub := s.subscriber(newcomer, "weekly")
	if sub.State != newsletter.SubscriptionPending || !sub.ConsentAt.IsZero() {
		t.Fatalf("%+v", sub)
	}

	// A scanner opens the link and whatever it finds there, by whatever means.
	for _, method := range []string{"GET", "HEAD"} {
		for _, target := range []string{link, link + "?confirm=1", link + "/"} {
			if r := s.do(method, target, ""); r.StatusCode != 200 && r.StatusCode != 301 {
				t.Errorf("%s: %d", method, r.StatusCode)
			}
		}
	}
	r := s.get(link)
	page := text(t, r, 200)
	wantPrivate(t, r)
	contains(t, page, `<html lang="fr"`, "S’abonner à «\u00a0The Weekly\u00a0»", "N…@example.net", `name="confirm" value="1"`)
	lacks(t, page, "Nadia@", "<script", "http-equiv", "onload")
	if strings.Count(page, "<button") != 1 {
		t.Error("not exactly one button")
	}
	if got := s.subscriber(newcomer, "weekly"); got.State != newsletter.SubscriptionPending {
		t.Fatalf("somebody who looked subscribed: %+v", got)
	}

	page = text(t, s.post(link, url.Values{"confirm": {"1"}}), 200)
	contains(t, page, "Bienvenue", "/preferences/")
	sub = s.subscriber(newcomer, "weekly")
	if sub.State != newsletter.SubscriptionConfirmed || sub.Source != "form" || sub.Subscriber.Language != "fr" || sub.ConsentAt.IsZero() {
		t.Errorf("%+v", sub)
	}
	var proof newsletter.Consent
	s.check(json.Unmarshal([]byte(sub.Proof), &proof))
	if proof.Source != "form" || proof.Page != "/newsletters/weekly" || proof.Network != "203.0.113.0/24" || proof.ConfirmedNetwork != "203.0.113.0/24" ||
		len(proof.Form) != 12 || proof.At.IsZero() || proof.Confirmed.IsZero() {
		t.Errorf("the proof is %+v", proof)
	}
	preferences := regexp.MustCompile(`"(/preferences/[^"]+)"`).FindStringSubmatch(page)
	contains(t, text(t, s.get(preferences[1]), 200), "The Weekly")

	// Again: fine, and nothing changes.
	contains(t, text(t, s.post(link, url.Values{"confirm": {"1"}}), 200), "L’abonnement est en cours")
	contains(t, text(t, s.get(link), 200), "L’abonnement est en cours")
	if again := s.subscriber(newcomer, "weekly"); again.ConsentAt != sub.ConsentAt || again.Proof != sub.Proof {
		t.Errorf("%+v", again)
	}
	text(t, s.post(link, url.Values{}), 400)

	// Whoever left is not brought back by an old link.
	_, err := s.store.Unsubscribe(t.Context(), sub.Subscriber.ID, "weekly", "page", s.clock().Add(time.Second))
	s.check(err)
	contains(t, text(t, s.post(link, url.Values{"confirm": {"1"}}), 200), "Ce lien a fait son temps")
	if got := s.subscriber(newcomer, "weekly"); got.State != newsletter.SubscriptionUnsubscribed {
		t.Errorf("%+v", got)
	}
	if log := s.log.String(); strings.Contains(strings.ToLower(log), "nadia") || strings.Contains(log, strings.TrimPrefix(link, "/confirm/")) {
		t.Error("an address or a token is in the log")
	}
}

// TestSignUpAnswers: who signs up is mailed what fits, and is told the same.
func TestSignUpAnswers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.serve()
	s.check(s.store.Suppress(t.Context(), "gone@example.org", newsletter.CauseBounce, 0, "", s.clock()))
	s.check(s.store.Suppress(t.Context(), "cross@example.org", newsletter.CauseComplaint, 0, "", s.clock()))
	_, err := s.store.Unsubscribe(t.Context(), s.subscriber(other, "weekly").Subscriber.ID, "weekly", "page", s.clock())
	s.check(err)
	s.pass(time.Second)
	mails := 0
	for _, c := range []struct{ email, page, subject string }{
		{her, "preferences", "You are subscribed already: The Weekly"},
		{other, "confirm", "Confirm: The Weekly"},
		{"gone@example.org", "", ""},
		{"cross@example.org", "confirm", "Confirm: The Weekly"},
	} {
		contains(t, s.signUp(t, "weekly", url.Values{"email": {c.email}}), c.email, "Look into your mailbox")
		s.until("it is dealt with", func() bool {
			waiting, err := s.store.SignUps(t.Context(), 0, 10)
			s.check(err)
			return len(waiting) == 0
		})
		if c.page == "" {
			continue
		}
		mails++
		m := s.mail(mails)
		if !strings.Contains(m.to, c.email) || m.subject != c.subject {
			t.Errorf("%s got %+v", c.email, m)
		}
		if link := m.path(t, c.page); c.page == "confirm" {
			contains(t, text(t, s.post(link, url.Values{"confirm": {"1"}}), 200), "Welcome")
			if got := s.subscriber(c.email, "weekly"); got.State != newsletter.SubscriptionConfirmed || got.Source != "form" {
				t.Errorf("%s: %+v", c.email, got)
			}
		}
	}
	if _, err := s.store.Suppression(t.Context(), "cross@example.org"); err == nil {
		t.Error("the owner's own confirmation lifted no complaint")
	}
	if n := len(s.mails()); n != mails {
		t.Errorf("%d mails, want %d", n, mails)
	}
}

// TestSignUpAfterComplaint: who complained while they were subscribed comes back by a
// letter of now, and by none of before.
func TestSignUpAfterComplaint(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.serve()
	s.signUp(t, "weekly", url.Values{"email": {newcomer}})
	old := s.mail(1).path(t, "confirm")
	contains(t, text(t, s.post(old, url.Values{"confirm": {"1"}}), 200), "Welcome")
	s.pass(time.Minute)
	email := s.subscriber(newcomer, "weekly").Subscriber.Email
	s.check(s.store.Suppress(t.Context(), email, newsletter.CauseComplaint, 0, "", s.clock()))
	contains(t, text(t, s.get(old), 200), "This link has done its work")
	contains(t, text(t, s.post(old, url.Values{"confirm": {"1"}}), 200), "This link has done its work")

	s.signUp(t, "weekly", url.Values{"email": {newcomer}})
	fresh := s.mail(2).path(t, "confirm")
	contains(t, text(t, s.get(fresh), 200), `name="confirm" value="1"`)
	contains(t, text(t, s.post(fresh, url.Values{"confirm": {"1"}}), 200), "Welcome")
	contains(t, text(t, s.get(fresh), 200), "You are subscribed")
	if _, err := s.store.Suppression(t.Context(), email); err == nil {
		t.Error("the complaint is not lifted")
	}
}

// TestConfirmPageAfterLeaving: the page promises nothing that its button would refuse.
func TestConfirmPageAfterLeaving(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.serve()
	s.signUp(t, "weekly", url.Values{"email": {newcomer}})
	link := s.mail(1).path(t, "confirm")
	contains(t, text(t, s.post(link, url.Values{"confirm": {"1"}}), 200), "Welcome")
	s.pass(time.Minute)
	text(t, s.post(s.link(newsletter.PurposePreferences, newcomer, "weekly"), url.Values{"newsletter": {"weekly"}, "confirm": {"1"}}), 200)
	for range 2 {
		body := text(t, s.get(link), 200)
		contains(t, body, "This link has done its work")
		lacks(t, body, `name="confirm"`)
		text(t, s.post(link, url.Values{"confirm": {"1"}}), 200)
	}
	s.check(s.store.Suppress(t.Context(), newcomer, newsletter.CauseBounce, 0, "", s.clock()))
	body := text(t, s.get(link), 200)
	contains(t, body, "This address cannot be subscribed")
	lacks(t, body, `name="confirm"`)
}

// TestSignUpTellsNothing: the answer is the same bytes after the same work, whatever
// is known of an address: one row is written, nothing else, and nothing is read of it.
func TestSignUpTellsNothing(t *testing.T) {
	t.Parallel()
	dsn := storetest.SQLite(t)
	s := newSiteOn(t, dsn)
	ctx := t.Context()
	for cause, email := range map[newsletter.Cause]string{
		newsletter.CauseBounce: "gone@example.org", newsletter.CauseComplaint: "cross@example.org", newsletter.CauseOperator: "barred@example.org",
	} {
		s.check(s.store.Suppress(ctx, email, cause, 0, "", s.clock()))
	}
	for _, email := range []string{"left@example.org", "erased@example.org", "removed@example.org"} {
		_, err := s.store.AddSubscriber(ctx, "weekly", newsletter.Line{Email: email}, "form", s.clock())
		s.check(err)
	}
	_, err := s.store.Unsubscribe(ctx, s.subscriber("left@example.org", "weekly").Subscriber.ID, "weekly", "page", s.clock())
	s.check(err)
	s.check(s.store.Erase(ctx, "erased@example.org", s.clock()))
	s.check(s.store.RemoveSubscriber(ctx, "removed@example.org", "", s.clock()))
	s.check(s.service.SignUp(ctx, "weekly", "waits@example.org", newsletter.SignUp{At: s.clock(), Source: "embed"}))
	s.serveUntil("somebody waits to confirm", s.idle)
	if got := s.subscriber("waits@example.org", "weekly").State; got != newsletter.SubscriptionPending {
		t.Fatalf("who waits is %s", got)
	}

	var first string
	before := storetest.Dump(t, dsn)
	for n, email := range []string{
		"unknown@example.org", her, other, "waits@example.org", "left@example.org", "erased@example.org", "removed@example.org",
		"gone@example.org", "cross@example.org", "barred@example.org",
	} {
		r := s.post("/newsletters/weekly/subscribe", url.Values{"email": {email}})
		wantPrivate(t, r)
		body := strings.ReplaceAll(text(t, r, 200), email, "…")
		if first == "" {
			first = body
		}
		if body != first {
			t.Errorf("%s is answered otherwise:\n%s", email, body)
		}
		waiting, err := s.store.SignUps(ctx, 0, 20)
		s.check(err)
		if len(waiting) != n+1 || waiting[n].Email != email || waiting[n].Source != "embed" {
			t.Errorf("%+v", waiting)
		}
		after := storetest.Dump(t, dsn)
		for _, row := range after {
			if _, known := slices.BinarySearch(before, row); !known && !strings.HasPrefix(row, "signups: ") {
				t.Errorf("%s: not only a sign-up is written, but %s", email, row)
			}
		}
		if len(after) != len(before)+1 {
			t.Errorf("%s: %d rows more", email, len(after)-len(before))
		}
		before = after
	}
}

func TestSignUpChecks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	post := func(want int, fields url.Values) string {
		t.Helper()
		return text(t, s.post("/newsletters/weekly/subscribe", fields), want)
	}
	waiting := func(want int) {
		t.Helper()
		all, err := s.store.SignUps(t.Context(), 0, 100)
		s.check(err)
		if len(all) != want {
			t.Errorf("%d sign-ups wait, want %d", len(all), want)
		}
	}
	for _, email := range []string{"", "nadia", "nadia@", "nadia@example", "n\r\n@example.net", strings.Repeat("x", 400) + "@example.net"} {
		contains(t, post(422, url.Values{"email": {email}}), `role="alert"`, "does not look like an email address")
	}
	waiting(0)
	contains(t, post(200, url.Values{"email": {newcomer}, "website": {"https://spam.example"}}), "Look into your mailbox") // a program
	waiting(0)

	page := text(t, s.get("/newsletters/weekly/subscribe"), 200)
	made := regexp.MustCompile(`name="made" value="([^"]+)"`).FindStringSubmatch(page)[1]
	again := post(200, url.Values{"email": {newcomer}, "made": {made}})
	contains(t, again, "That was very quick", `value="nadia@example.net"`)
	waiting(0)
	made = regexp.MustCompile(`name="made" value="([^"]+)"`).FindStringSubmatch(again)[1]
	contains(t, post(200, url.Values{"email": {newcomer}, "made": {made}}), "Look into your mailbox")
	post(200, url.Values{"email": {newcomer}, "made": {"forged.AAAA"}}) // as from another site
	waiting(2)

	body := post(200, url.Values{"email": {"nadia@gmial.com"}, "language": {"fr"}})
	contains(t, body, "Vouliez-vous dire", `value="nadia@gmail.com"`, `name="language" value="fr"`)
	waiting(3)

	text(t, s.post("/newsletters/none/subscribe", url.Values{"email": {newcomer}}), 404)
	snippet := text(t, s.get("/newsletters/quotidien/embed"), 200)
	contains(t, snippet, `&lt;form method=&#34;post&#34; action=&#34;`+siteURL+`/newsletters/quotidien/subscribe&#34;`, "Votre adresse électronique")
	lacks(t, snippet, "&lt;script")

	// One network has to wait after a while, the others have not.
	for range 40 {
		s.post("/newsletters/weekly/subscribe", url.Values{"email": {"x"}})
	}
	if r := s.post("/newsletters/weekly/subscribe", url.Values{"email": {newcomer}}); r.StatusCode != 429 || r.Header.Get("Retry-After") == "" {
		t.Errorf("status %d", r.StatusCode)
	}
	text(t, s.post("/newsletters/weekly/subscribe", url.Values{"email": {newcomer}}, "remote", "198.51.100.7:99"), 200)
}

// TestSignUpInHaste: a form sent sooner than anybody types is not taken in, on whichever
// page of the site it stands; and whoever has the page already is not sent it again for
// the sake of another stamp.
func TestSignUpInHaste(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *web.Options) { o.Newsletters[1].Closed = true }) // the front page has the form of the other
	s.pass(20 * time.Minute)
	made := regexp.MustCompile(`name="made" value="([^"]+)"`)
	for n, page := range []string{"/", "/newsletters/weekly", "/newsletters/weekly/subscribe"} {
		r := s.get(page)
		body := text(t, r, 200)
		fields := url.Values{"email": {fmt.Sprintf("n%d@example.net", n)}, "made": {made.FindStringSubmatch(body)[1]}}
		contains(t, text(t, s.post("/newsletters/weekly/subscribe", fields), 200), "That was very quick")
		s.pass(3 * time.Second)
		contains(t, text(t, s.post("/newsletters/weekly/subscribe", fields), 200), "Look into your mailbox")
		if tag := r.Header.Get("Etag"); tag != "" {
			s.pass(90 * time.Minute)
			if again := s.get(page, "If-None-Match", tag); again.StatusCode != 304 {
				t.Errorf("%s: %d with its own tag", page, again.StatusCode)
			}
			if later := text(t, s.get(page), 200); later == body {
				t.Errorf("%s: the stamp is the one of before", page)
			}
		}
	}
	all, err := s.store.SignUps(t.Context(), 0, 10)
	s.check(err)
	if len(all) != 3 {
		t.Errorf("%d sign-ups wait, want 3", len(all))
	}
}

func TestSignUpClosed(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *web.Options) { o.Newsletters[0].Closed = true })
	lacks(t, text(t, s.get("/newsletters/weekly"), 200), "<form")
	contains(t, text(t, s.get("/newsletters/weekly/subscribe"), 200), "Nobody can sign up here")
	text(t, s.post("/newsletters/weekly/subscribe", url.Values{"email": {newcomer}}), 403)
	text(t, s.get("/newsletters/weekly/embed"), 404)
}

// TestConfirmLinks: what was tampered with is refused with one and the same page; what
// expired can be asked for again.
func TestConfirmLinks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.serve()
	s.signUp(t, "weekly", url.Values{"email": {newcomer}})
	link := s.mail(1).path(t, "confirm")
	s.signUp(t, "weekly", url.Values{"email": {"second@example.net"}})
	other := s.mail(2).path(t, "confirm")

	token := strings.TrimPrefix(link, "/confirm/")
	preferences := strings.TrimPrefix(s.link(newsletter.PurposePreferences, her, "weekly"), "/preferences/")
	for name, bad := range map[string]string{
		"cut": token[:len(token)-3], "forged": token[:12] + flip(token[12:13]) + token[13:], "mixed": token[:8] + strings.TrimPrefix(other, "/confirm/")[8:], "another purpose": preferences, "empty": "AAAA",
	} {
		if body := text(t, s.post("/confirm/"+bad, url.Values{"confirm": {"1"}}), 404); !strings.Contains(body, "This link does not work") {
			t.Errorf("%s: %.300s", name, body)
		}
	}
	if got := s.subscriber(newcomer, "weekly"); got.State != newsletter.SubscriptionPending {
		t.Errorf("%+v", got)
	}

	s.pass(8 * 24 * time.Hour)
	contains(t, text(t, s.get(link), 200), "This link has expired", `name="again" value="1"`)
	contains(t, text(t, s.post(link, url.Values{"confirm": {"1"}}), 200), "This link has expired")
	contains(t, text(t, s.post(link, url.Values{"again": {"1"}}), 200), "A new link is on its way")
	fresh := s.mail(3)
	if !strings.Contains(fresh.to, newcomer) {
		t.Errorf("%+v", fresh)
	}
	contains(t, text(t, s.post(fresh.path(t, "confirm"), url.Values{"confirm": {"1"}}), 200), "Welcome")
	if got := s.subscriber(newcomer, "weekly"); got.State != newsletter.SubscriptionConfirmed || !strings.Contains(got.Proof, `"source":"form"`) {
		t.Errorf("%+v", got)
	}
}

func flip(letter string) string {
	if letter == "A" {
		return "B"
	}
	return "A"
}

// TestListBombing: ten thousand sign-ups of one address over HTTP, from as many
// networks, fill nobody's mailbox.
func TestListBombing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	attempts := 10_000
	if testing.Short() {
		attempts = 500
	}
	var first string
	for n := range attempts {
		body := text(t, s.post([]string{"/newsletters/weekly/subscribe", "/newsletters/quotidien/subscribe"}[n%2], url.Values{"email": {newcomer}, "language": {"en"}},
			"remote", fmt.Sprintf("10.%d.%d.%d:1", n/250, n%250, n%200)), 200)
		body = strings.NewReplacer("Le Quotidien", "The Weekly", "/quotidien", "/weekly", ` lang="fr"`, ` lang="en"`).Replace(body)
		if first == "" {
			first = body
		}
		if body != first {
			t.Fatalf("attempt %d is answered otherwise than the first:\n%s", n+1, body)
		}
	}
	s.serve()
	s.until("all of them are dealt with", s.idle)
	if n := len(s.mails()); n != 3 {
		t.Errorf("%d mails went to one address in a day", n)
	}
	if n, err := s.store.Subscribers(t.Context(), store.SubscriberQuery{Match: newcomer}); err != nil || len(n) != 2 {
		t.Errorf("%d subscriptions, %v", len(n), err)
	}
}
