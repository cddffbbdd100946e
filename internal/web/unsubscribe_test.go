package web_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
)

const (
	her   = "marguerite@example.org"
	other = "other@example.org"
)

// state returns the states of all subscriptions, so that a test sees that nothing
// else changed.
func (s *site) state() string {
	s.t.Helper()
	var all []string
	for _, x := range [][2]string{{her, "weekly"}, {her, "quotidien"}, {other, "weekly"}} {
		all = append(all, string(s.subscriber(x[0], x[1]).State))
	}
	return strings.Join(all, " ")
}

func (s *site) wantState(want string) {
	s.t.Helper()
	if got := s.state(); got != want {
		s.t.Errorf("subscriptions are %s, want %s", got, want)
	}
}

const (
	nobodyLeft  = "confirmed confirmed confirmed"
	sheLeft     = "unsubscribed confirmed confirmed"
	oneClick    = "List-Unsubscribe=One-Click"
	formType    = "application/x-www-form-urlencoded"
	nothingSaid = ""
)

func TestUnsubscribePage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposeUnsubscribe, her, "weekly")

	// Opening the link, again and again, by whatever means, changes nothing.
	for _, method := range []string{"GET", "HEAD"} {
		for _, target := range []string{link, link + "?confirm=1", link + "?List-Unsubscribe=One-Click", link + "/"} {
			r := s.do(method, target, nothingSaid)
			if r.StatusCode != 200 && r.StatusCode != 301 {
				t.Errorf("%s: %d", method, r.StatusCode)
			}
		}
	}
	s.wantState(nobodyLeft)

	r := s.get(link)
	body := text(t, r, 200)
	contains(t, body, "Unsubscribe from The Weekly?", "m…@example.org", `<form method="post" action="`+link+`">`, `name="confirm" value="1"`)
	lacks(t, body, her, "<script", "http-equiv", "onload", `<link rel="canonical"`)
	if strings.Count(body, "<button") != 1 {
		t.Error("not exactly one button")
	}
	wantPrivate(t, r)

	body = text(t, s.post(link, url.Values{"confirm": {"1"}}), 200)
	contains(t, body, "You are unsubscribed", "Subscribe again", `name="undo" value="1"`)
	s.wantState(sheLeft)
	contains(t, text(t, s.get(link), 200), "You were unsubscribed already", "Subscribe again")
	contains(t, text(t, s.post(link, url.Values{"confirm": {"1"}}), 200), "You are unsubscribed") // again
	s.wantState(sheLeft)

	contains(t, text(t, s.post(link, url.Values{"undo": {"1"}}), 200), "You are subscribed again")
	s.wantState(nobodyLeft)
	contains(t, text(t, s.post(link, url.Values{"undo": {"1"}}), 200), "You are subscribed again")
	s.wantState(nobodyLeft)

	// A post that says nothing does nothing.
	for _, fields := range []url.Values{{}, {"confirm": {"0"}}, {"undo": {""}}, {"List-Unsubscribe": {"Two-Clicks"}}} {
		text(t, s.post(link+"?confirm=1", fields), 400)
	}
	s.wantState(nobodyLeft)
}

// TestUndoEnds: a link in an old mail that others hold by now does not bring back
// who left long ago; the pages lead to the form.
func TestUndoEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposeUnsubscribe, her, "weekly")
	preferences := s.link(newsletter.PurposePreferences, her, "quotidien")
	undo := url.Values{"undo": {"1"}, "newsletter": {"weekly"}}
	text(t, s.post(link, url.Values{"confirm": {"1"}}), 200)

	s.pass(newsletter.UndoLeaving)
	text(t, s.post(preferences, undo), 200)
	s.wantState(nobodyLeft)
	text(t, s.post(link, url.Values{"confirm": {"1"}}), 200)

	s.pass(newsletter.UndoLeaving + time.Second)
	for _, body := range []string{
		text(t, s.get(link), 200), text(t, s.post(link, undo), 200), text(t, s.post(link, url.Values{"confirm": {"1"}}), 200),
	} {
		contains(t, body, "You were unsubscribed already", "sign up once more", `href="/newsletters/weekly/subscribe"`)
		lacks(t, body, `name="undo"`, "<form")
	}
	for _, body := range []string{text(t, s.get(preferences), 200), text(t, s.post(preferences, undo), 200)} {
		contains(t, body, "Pas d’abonnement", `href="/newsletters/weekly/subscribe"`)
		lacks(t, body, `name="undo"`)
	}
	text(t, s.do("POST", link, oneClick, "Content-Type", formType), 200)
	s.wantState(sheLeft)
}

// wantPrivate checks what keeps the address of a page secret and the page out of
// caches and indexes.
func wantPrivate(t *testing.T, r *http.Response) {
	t.Helper()
	for header, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex", "Set-Cookie": "", "Etag": ""} {
		if got := r.Header.Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
}

func TestOneClick(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposeUnsubscribe, her, "weekly")
	for range 2 { // idempotent
		r := s.do("POST", link, oneClick, "Content-Type", formType, "Cookie", "a=b")
		if body := text(t, r, 200); len(body) > 100 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%q %v", body, r.Header)
		}
		wantPrivate(t, r)
		s.wantState(sheLeft)
	}

	// RFC 8058 3.2: multipart/form-data is fine too.
	link = s.link(newsletter.PurposeUnsubscribe, other, "weekly")
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	s.check(m.WriteField("List-Unsubscribe", "One-Click"))
	s.check(m.Close())
	text(t, s.do("POST", link, b.String(), "Content-Type", m.FormDataContentType()), 200)
	s.wantState("unsubscribed confirmed unsubscribed")
}

// TestOneClickOfMany: programs that press the button for somebody do not all keep to the
// letter of RFC 8058. What it demands is that it is said: an empty body ends nothing.
func TestOneClickOfMany(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposeUnsubscribe, her, "weekly")
	for _, c := range []struct{ what, query, body, contentType string }{
		{"to the letter", "", oneClick, formType},
		{"with a charset", "", oneClick, formType + "; charset=UTF-8"},
		{"a line that ends", "", oneClick + "\r\n", formType},
		{"a space behind", "", oneClick + " ", formType},
		{"of no type", "", oneClick, ""},
		{"as text", "", oneClick + "\r\n", "text/plain"},
		{"of a broken type", "", oneClick, "application/x-www-form-urlencoded;;"},
		{"a query of somebody else", "?x=1;y=2&%zz", oneClick, formType},
		{"in parts", "?x=1;y=2", "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n", `Multipart/Form-Data; boundary="b"`},
	} {
		var headers []string
		if c.contentType != "" {
			headers = []string{"Content-Type", c.contentType}
		}
		if r := s.do("POST", link+c.query, c.body, headers...); r.StatusCode != 200 {
			t.Errorf("%s: status %d", c.what, r.StatusCode)
		}
		s.wantState(sheLeft)
		text(t, s.post(link, url.Values{"undo": {"1"}}), 200)
		s.wantState(nobodyLeft)
	}
	for _, nothing := range []string{"", " ", "\r\n", "List-Unsubscribe=", "List-Unsubscribe", "One-Click"} {
		for _, query := range []string{"", "?" + oneClick} {
			text(t, s.do("POST", link+query, nothing, "Content-Type", formType), 400)
		}
	}
	s.wantState(nobodyLeft)
	text(t, s.do("POST", link, oneClick+"&"+strings.Repeat("x", 70_000), "Content-Type", formType), 413)
}

// TestTails: mail programs that find links by themselves take what stands behind for a
// part of them.
func TestTails(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	leave, choose := s.link(newsletter.PurposeUnsubscribe, her, "weekly"), s.link(newsletter.PurposePreferences, her, "weekly")
	for _, tail := range []string{
		".", ">", "%3E", ",", ")", "=", "%20", "%0A", "%0D%0A", "]", "*", "%22", "&gt;", "%C2%A0", "%E2%80%8B", "%EF%BB%BF", ").", "%FF", "?utm_source=x", "?a;b=c",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			for _, link := range []string{leave, choose} {
				if r := s.do(method, link+tail, nothingSaid); r.StatusCode != 200 {
					t.Errorf("%s, with %q behind: status %d", method, tail, r.StatusCode)
				}
			}
		}
		contains(t, text(t, s.get(leave+tail), 200), `action="`+leave+`"`)
		if r := s.do("POST", leave+tail, oneClick, "Content-Type", formType); r.StatusCode != 200 {
			t.Errorf("one click, with %q behind: status %d", tail, r.StatusCode)
		}
		s.wantState(sheLeft)
		text(t, s.post(leave+tail, url.Values{"undo": {"1"}}), 200)
		s.wantState(nobodyLeft)
	}
}

// TestUnsubscribeSource: the store is told where a wish came from; its undo is no
// new consent.
func TestUnsubscribeSource(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposeUnsubscribe, her, "weekly")
	before := s.subscriber(her, "weekly")
	text(t, s.post(link, url.Values{"confirm": {"1"}}), 200)
	if got := s.subscriber(her, "weekly").LeftBy; got != "unsubscribe page" {
		t.Errorf("she left by %q", got)
	}
	text(t, s.post(link, url.Values{"undo": {"1"}}), 200)
	if got := s.subscriber(her, "weekly"); got.Source != before.Source || !got.ConsentAt.Equal(before.ConsentAt) {
		t.Errorf("the consent came from %q at %v", got.Source, got.ConsentAt)
	}
}

// TestWrongLinks: whatever is wrong with a link, the answer is the same and
// nothing changes.
func TestWrongLinks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	good := strings.TrimPrefix(s.link(newsletter.PurposeUnsubscribe, her, "weekly"), "/unsubscribe/")
	sub, theirs := s.subscriber(her, "weekly"), s.subscriber(other, "weekly")
	keys := s.store.Keyring()
	stranger, err := newsletter.NewKeyring(map[byte][]byte{1: bytes.Repeat([]byte{7}, 32)})
	s.check(err)
	claim := newsletter.Claim{Purpose: newsletter.PurposeUnsubscribe, Subscriber: sub.Subscriber.ID, Issue: 1, Newsletter: "weekly"}
	with := func(change func(*newsletter.Claim)) newsletter.Claim { c := claim; change(&c); return c }
	raw, err := base64.RawURLEncoding.DecodeString(good)
	s.check(err)
	otherRaw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(s.link(newsletter.PurposeUnsubscribe, other, "weekly"), "/unsubscribe/"))
	s.check(err)
	exchanged := func(hash string) string { // another one's, in the place of hers
		mine, err := hex.DecodeString(keys.AddressHash(her))
		s.check(err)
		theirs, err := hex.DecodeString(hash)
		s.check(err)
		return base64.RawURLEncoding.EncodeToString(bytes.Replace(raw, mine, theirs, 1))
	}
	altered := func(i int) string {
		b := bytes.Clone(raw)
		b[i] ^= 1
		return base64.RawURLEncoding.EncodeToString(b)
	}

	tokens := map[string]string{
		"nonsense":           "nonsense",
		"short":              "AXU",
		"cut by one":         good[:len(good)-1],
		"cut in half":        good[:len(good)/2],
		"with a tail":        good + "AAAA",
		"not base64":         good[:9] + "!" + good[9:],
		"standard base64":    "=" + good,
		"last bit":           altered(len(raw) - 1),
		"version":            altered(0),
		"purpose":            altered(1),
		"subscriber":         altered(2),
		"newsletter":         altered(5),
		"other's hash":       exchanged(keys.AddressHash(theirs.Subscriber.Email)),
		"other's, re-signed": base64.RawURLEncoding.EncodeToString(append(bytes.Clone(raw[:len(raw)-16]), otherRaw[len(otherRaw)-16:]...)),
		"no newsletter":      keys.Token(with(func(c *newsletter.Claim) { c.Newsletter = "" }), sub.Subscriber.Email),
		"strange newsletter": keys.Token(with(func(c *newsletter.Claim) { c.Newsletter = "\xff\x00'; --" }), sub.Subscriber.Email),
		"preferences":        keys.Token(with(func(c *newsletter.Claim) { c.Purpose = newsletter.PurposePreferences }), sub.Subscriber.Email),
		"another site's key": stranger.Token(claim, sub.Subscriber.Email),
		"long":               strings.Repeat("A", 400),
		"very long":          strings.Repeat("A", 8000),
	}
	for _, path := range []string{"/unsubscribe/preview", "/preferences/preview"} {
		contains(t, text(t, s.get(path), 200), "This link is only an example", "It stands in a preview")
		text(t, s.do("POST", path, oneClick, "Content-Type", formType), 200)
	}
	want := text(t, s.get("/unsubscribe/x"), 404)
	contains(t, want, "This link does not work", "use the link in a newer issue")
	lacks(t, want, "<form", her)
	for name, token := range tokens {
		for _, method := range []string{"GET", "POST"} {
			r := s.do(method, "/unsubscribe/"+token, oneClick, "Content-Type", formType, "remote", "[2001:db8::"+base(len(name))+"]:99")
			if got := text(t, r, 404); got != want {
				t.Errorf("%s %s: another answer", method, name)
			}
			wantPrivate(t, r)
		}
	}
	for _, token := range []string{"x", good} { // a token is good for one thing
		if got := text(t, s.get("/preferences/"+token), 404); got != want {
			t.Error("/preferences: another answer")
		}
	}
	s.wantState(nobodyLeft)
}

func base(n int) string { return string("0123456789abcdef"[n%16]) }

func TestGuessingIsSlow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposeUnsubscribe, her, "weekly")
	from := func(a string) []string { return []string{"remote", a} }
	for range 60 {
		text(t, s.get("/unsubscribe/guess", from("198.51.100.1:1")...), 404)
	}
	r := s.get("/unsubscribe/guess", from("198.51.100.1:2")...)
	contains(t, text(t, r, 429), "Too many requests")
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	text(t, s.get("/preferences/guess", from("198.51.100.1:3")...), 429)
	text(t, s.get(link, from("198.51.100.1:3")...), 200) // whoever tries links out leaves no reader without a way out
	text(t, s.get(link, from("198.51.100.2:1")...), 200) // others are not concerned
	text(t, s.get("/", from("198.51.100.1:4")...), 200)
	s.pass(time.Minute)
	text(t, s.get(link, from("198.51.100.1:5")...), 200)

	// Good links are never counted: receivers send them in bulk from one address.
	for range 200 {
		text(t, s.do("POST", link, oneClick, "Content-Type", formType, "remote", "198.51.100.3:1"), 200)
	}
	// A network of 64 bits is one client.
	for i := range 61 {
		r = s.get("/unsubscribe/guess", from("[2001:db8:1:2::"+base(i)+"]:1")...)
	}
	text(t, r, 429)
}

func TestPreferences(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposePreferences, her, "quotidien")
	r := s.get(link)
	body := text(t, r, 200)
	wantPrivate(t, r)
	contains(t, body, `<html lang="fr"`, "m…@example.org", "Le Quotidien", "The Weekly", "Abonnement en cours")
	lacks(t, body, her, "<script")
	if strings.Index(body, "Le Quotidien") > strings.Index(body, "The Weekly") {
		t.Error("the newsletter of the link is not the first")
	}
	s.wantState(nobodyLeft)

	body = text(t, s.post(link, url.Values{"newsletter": {"weekly"}, "confirm": {"1"}}), 200)
	contains(t, body, "Pas d’abonnement", `name="undo"`)
	s.wantState(sheLeft)
	text(t, s.post(link, url.Values{"newsletter": {"weekly"}, "undo": {"1"}}), 200)
	s.wantState(nobodyLeft)

	// A form of a page that was open for long, or of none of ours: how things stand now.
	for _, fields := range []url.Values{
		{"confirm": {"1"}},
		{"newsletter": {"none"}, "confirm": {"1"}},
		{"newsletter": {"\xff\x00"}, "confirm": {"1"}},
		{"newsletter": {"weekly"}},
		{"newsletter": {"weekly"}, "save": {"1"}},
		chosen("weekly", url.Values{"cadence": {"fortnightly"}}), chosen("weekly", url.Values{"hour": {"25"}}),
	} {
		contains(t, text(t, s.post(link, fields), 422), "n’était plus à jour", "The Weekly", "Abonnement en cours", `role="alert"`)
	}
	s.wantState(nobodyLeft)

	// Somebody who takes one newsletter sees one.
	body = text(t, s.get(s.link(newsletter.PurposePreferences, other, "weekly")), 200)
	if n := strings.Count(body, `<h2 id="newsletter-`); n != 1 {
		t.Errorf("%d newsletters", n)
	}
	contains(t, text(t, s.post(s.link(newsletter.PurposePreferences, other, "weekly"), url.Values{"newsletter": {"quotidien"}, "confirm": {"1"}}), 422), "This page was out of date")
}

// TestReason: who left may say why, once, and it is kept without them.
func TestReason(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposeUnsubscribe, her, "weekly")
	why := url.Values{"reason": {"often"}, "words": {"  too\nmuch " + strings.Repeat("x", 600)}}
	contains(t, text(t, s.post(link, why), 200), "Unsubscribe from The Weekly?") // she is still there: not counted
	contains(t, text(t, s.post(link, url.Values{"confirm": {"1"}}), 200), "Why do you leave?", `value="often"`)
	for _, nothing := range []url.Values{{"words": {""}}, {"words": {" \t"}, "reason": {""}}} { // she is asked once more
		contains(t, text(t, s.post(link, nothing), 422), "You are unsubscribed", "Choose one of these", `value="often"`, `role="alert"`, `name="undo"`)
	}
	for range 2 {
		contains(t, text(t, s.post(link, why), 200), "Thank you", "Subscribe again")
	}
	counts, words, err := s.store.Reasons(t.Context(), "weekly", 0)
	s.check(err)
	if len(counts) != 1 || counts[0].Count != 1 || len(words) != 1 || !strings.HasPrefix(words[0].Words, "too much x") || len(words[0].Words) != 500 {
		t.Errorf("%+v %+v", counts, words)
	}
	s.wantState(sheLeft)
}
