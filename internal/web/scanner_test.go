package web_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"syndicate/internal/newsletter"
	"syndicate/internal/store/storetest"
)

// TestScannersChangeNothing: what scans mail for its recipients may open every link of
// every mail and of every page behind it, fill in forms as far as GET goes, and run
// scripts; nothing in the database is other than before.
func TestScannersChangeNothing(t *testing.T) {
	t.Parallel()
	for engine, dsn := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			scan(t, dsn(t))
		})
	}
}

func scan(t *testing.T, dsn string) {
	browser := chromium(t)
	s := sampleOn(t, dsn, withBoard(newsletter.ArchivePrivate))
	s.everyMail(t)
	mails := s.mails()
	feed := s.aFeed(her, "weekly")
	s.pass(time.Minute)
	before := storetest.Dump(t, dsn)
	if len(before) < 100 {
		t.Fatalf("there are only %d rows", len(before))
	}

	x := &scanner{sample: s, seen: map[string]bool{}}
	var mailed []string
	for _, m := range mails {
		x.found(m.html, s.url)
		mailed = append(mailed, x.addresses(m.text+" "+m.header.Get("List-Unsubscribe")+" "+m.header.Get("List-Archive")+" "+m.header.Get("List-Help"))...)
	}
	mailed = append(mailed, x.todo...)
	x.todo = append(x.todo, mailed...)
	x.todo = append(x.todo, feed)
	x.scan()
	for _, kind := range []string{"/unsubscribe/", "/preferences/", "/confirm/", "/access/", "/change/", "/read/", "/personal/", "/articles/", "/newsletters/weekly/issues/1", "/newsletters/quotidien/issues/1", "/tags/", "/feed.atom"} {
		if !slices.ContainsFunc(x.order, func(a string) bool { return strings.HasPrefix(a, s.url+kind) }) {
			t.Errorf("nothing at %s was opened", kind)
		}
	}

	tab, cancel := chromedp.NewContext(browser)
	defer cancel()
	slices.Sort(mailed)
	for _, address := range slices.Compact(mailed) {
		if strings.Contains(address, "/files/") { // pictures
			continue
		}
		s.check(chromedp.Do(tab, chromedp.Navigate(address), chromedp.WaitReady("body")))
	}
	if diff := cmp.Diff(before, storetest.Dump(t, dsn)); diff != "" {
		t.Errorf("the scanner changed something (-before +after):\n%s", diff)
	}
	t.Logf("%d addresses, %d of them in mails", len(x.order), len(slices.Compact(mailed)))
}

// everyMail has the catcher get every kind of mail: issues in two languages, and each
// letter on request.
func (s *sample) everyMail(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	const moving = "moving@example.net"
	_, err := s.store.AddSubscriber(ctx, "weekly", newsletter.Line{N: 3, Email: moving}, "cli", s.clock())
	s.check(err)
	for _, email := range []string{newcomer, her} { // to confirm; known already
		s.check(s.service.SignUp(ctx, "weekly", email, newsletter.SignUp{At: s.clock(), Source: "embed"}))
	}
	known, leaves := s.subscriber(her, "weekly"), s.subscriber(moving, "weekly")
	s.check(s.service.AskAccess(ctx, &known))
	s.check(s.service.AskChange(ctx, &known, "elsewhere@example.net"))
	s.check(s.service.AskChange(ctx, &leaves, "moved@example.net"))
	s.serveUntil("the letters are sent", s.idle)
	text(t, s.post(s.lastLink("moved@example.net", "change"), url.Values{"confirm": {"1"}}), 200)
	s.serveUntil("the notice is sent", s.idle)
	kinds := map[string]bool{}
	for _, m := range s.mails() {
		kinds[m.subject] = true
	}
	if len(kinds) != 8 { // three issues, and five letters
		t.Fatalf("%d kinds of mail came: %v", len(kinds), kinds)
	}
}

// aFeed makes somebody's feed and returns its address.
func (s *sample) aFeed(email, name string) string {
	s.t.Helper()
	const secret = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	s.check(s.store.SetFeed(s.t.Context(), s.subscriber(email, name).Subscriber.ID, name, s.store.Keyring().FeedHash(secret), s.clock()))
	return s.url + "/personal/" + secret + "/feed.atom"
}

// scanner opens all that it finds on this site.
type scanner struct {
	*sample
	todo  []string
	seen  map[string]bool
	order []string // what was opened
}

// scan opens what is to be opened, and what it finds there.
func (x *scanner) scan() {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for len(x.todo) > 0 {
		address, _, _ := strings.Cut(x.todo[0], "#")
		x.todo = x.todo[1:]
		if x.seen[address] || !strings.HasPrefix(address, x.url+"/") {
			continue
		}
		x.seen[address] = true
		x.order = append(x.order, address)
		for _, method := range []string{http.MethodHead, http.MethodGet, http.MethodOptions} {
			r, err := http.NewRequestWithContext(x.t.Context(), method, address, http.NoBody)
			x.check(err)
			r.Header.Set("User-Agent", "Mozilla/5.0 (compatible; a scanner of mail)")
			answer, err := client.Do(r)
			x.check(err)
			body, err := io.ReadAll(answer.Body)
			x.check(err)
			answer.Body.Close()
			if answer.StatusCode >= 500 {
				x.t.Errorf("%s %s: %d", method, address, answer.StatusCode)
			}
			if to, err := answer.Location(); err == nil {
				x.todo = append(x.todo, to.String())
			}
			if method == http.MethodGet && strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
				x.found(string(body), address)
			}
		}
	}
}

// found notes every address in a page or mail, and those that its forms would lead to
// if they were sent by GET.
func (x *scanner) found(page, at string) {
	base, err := url.Parse(at)
	x.check(err)
	add := func(ref string, query url.Values) {
		u, err := base.Parse(ref)
		if err != nil {
			return
		}
		if len(query) > 0 {
			u.RawQuery = query.Encode()
		}
		x.todo = append(x.todo, u.String())
	}
	root, err := html.Parse(strings.NewReader(page))
	x.check(err)
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		for _, a := range n.Attr {
			switch a.Key {
			case "href", "src", "action", "formaction", "data", "poster", "background":
				add(a.Val, nil)
			}
		}
		if n.Data == "form" {
			add(attribute(n, "action"), fields(n))
		}
	}
	x.todo = append(x.todo, x.addresses(page)...)
}

// fields are what a form would send with every box ticked and every button pressed.
func fields(form *html.Node) url.Values {
	f := url.Values{}
	for n := range form.Descendants() {
		if n.Type == html.ElementNode && attribute(n, "name") != "" {
			value := attribute(n, "value")
			if value == "" {
				value = "x@example.net"
			}
			f.Add(attribute(n, "name"), value)
		}
	}
	return f
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// addresses are those of this site in a text.
func (x *scanner) addresses(text string) []string {
	return regexp.MustCompile(regexp.QuoteMeta(x.url)+`/[^\s<>"'&]*`).FindAllString(text, -1)
}
