package web_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"syndicate/internal/i18n"
	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// walker is somebody on a phone, with a keyboard and without scripts.
type walker struct {
	*sample
	test       *testing.T
	tab        context.Context
	newsletter newsletter.Newsletter
	email      string
	words      *i18n.Words
	scheme     string
	seen       int // pages
}

// TestWholeWalk signs up and confirms, chooses and takes it back, gets an issue, leaves
// by its link, says why, and comes back: at phone width, by the keyboard alone, where
// scripts are switched off, in both languages. The links come out of the catcher; each
// page on the way is looked at.
func TestWholeWalk(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	s := newSample(t)
	for i, c := range []struct{ newsletter, language, email string }{{"weekly", "en", "nadia@example.net"}, {"quotidien", "fr", "noemie@example.net"}} {
		tab, cancel := chromedp.NewContext(browser)
		t.Cleanup(cancel)
		n, err := s.service.Newsletter(c.newsletter)
		s.check(err)
		w := &walker{sample: s, test: t, tab: tab, newsletter: n, email: c.email, words: i18n.For(c.language), scheme: []string{"light", "dark"}[i]}
		w.subscribe()
		w.choose()
		w.leave()
	}
}

// subscribe signs up and confirms, and goes on to the preferences.
func (w *walker) subscribe() {
	w.open(w.url + "/newsletters/" + w.newsletter.Name)
	w.look()
	w.pass(5 * time.Second)
	w.tabTo("#signup-email")
	w.press(w.email, kb.Enter)
	w.arrive("h1", w.words.T("signup.sent"))
	w.serveUntil("a letter asks to confirm", w.idle)

	w.open(w.url + w.lastLink(w.email, "confirm"))
	w.arrive("h1", w.words.T("confirm.question", "newsletter", w.newsletter.Title))
	if got := w.subscriber(w.email, w.newsletter.Name).State; got != newsletter.SubscriptionPending {
		w.test.Errorf("%s before the button: %s", w.email, got)
	}
	w.tabTo("main button")
	w.press(kb.Enter)
	w.arrive("h1", w.words.T("confirm.done"))
	if got := w.subscriber(w.email, w.newsletter.Name); got.State != newsletter.SubscriptionConfirmed || got.Source != "form" {
		w.test.Errorf("%s after the button: %+v", w.email, got)
	}
	w.tabTo("main a[href*='/preferences/']")
	w.press(kb.Enter)
	w.arrive("h1", w.words.T("preferences.title"))
}

// choose chooses a topic and fewer articles, and takes it back.
func (w *walker) choose() {
	w.tabTo("input[name=topics]")
	w.press(" ")
	w.tabTo("#items-0")
	w.press(kb.ArrowDown)
	w.tabTo(".settings .button")
	w.press(kb.Enter)
	w.arrive(".said strong", w.words.T("preferences.saved")+".")
	if got := w.subscriber(w.email, w.newsletter.Name); len(got.Topics) != 1 || got.MaxItems != 1 {
		w.test.Errorf("%s chose: %+v", w.email, got)
	}
	w.tabTo(".said button")
	w.press(kb.Enter)
	w.arrive(".said strong", w.words.T("preferences.undone")+".")
	if got := w.subscriber(w.email, w.newsletter.Name); len(got.Topics) != 0 || got.MaxItems != 0 {
		w.test.Errorf("%s took it back: %+v", w.email, got)
	}
}

// leave gets an issue and leaves by the link in it, and comes back.
func (w *walker) leave() {
	ctx := w.test.Context()
	w.pass(24 * time.Hour)
	_, err := w.store.UpsertArticles(ctx, store.UpsertBatch{Source: "more", SiteURL: w.url, Articles: []newsletter.Article{{
		Key: w.newsletter.Name, Slug: w.newsletter.Name + "-tide", Title: "La marée", Language: w.words.Language(),
		Format: newsletter.PlainText, Body: "La marée.", Published: w.clock().Add(-time.Hour),
	}}}, w.clock())
	w.check(err)
	_, err = w.service.Run(ctx, jobs.RunOptions{})
	w.check(err)

	w.open(w.url + w.lastLink(w.email, "unsubscribe"))
	w.arrive("h1", w.words.T("unsubscribe.question", "newsletter", w.newsletter.Title))
	if got := w.subscriber(w.email, w.newsletter.Name).State; got != newsletter.SubscriptionConfirmed {
		w.test.Errorf("%s before the button: %s", w.email, got)
	}
	w.tabTo("main button")
	w.press(kb.Enter)
	w.arrive("h1", w.words.T("unsubscribe.done"))
	if got := w.subscriber(w.email, w.newsletter.Name).State; got != newsletter.SubscriptionUnsubscribed {
		w.test.Errorf("%s after the button: %s", w.email, got)
	}
	w.tabTo("input[name=reason]")
	w.press(" ")
	w.tabTo("form.settings .button")
	w.press(kb.Enter)
	w.arrive("p[role=status]", w.words.T("reasons.heard"))
	w.tabTo("main button")
	w.press(kb.Enter)
	w.arrive("h1", w.words.T("unsubscribe.undone"))
	if got := w.subscriber(w.email, w.newsletter.Name).State; got != newsletter.SubscriptionConfirmed {
		w.test.Errorf("%s came back: %s", w.email, got)
	}
}

// open opens a page.
func (w *walker) open(page string) {
	w.test.Helper()
	w.check(chromedp.Do(w.tab, scripts(false), show(page, 360, w.scheme)))
}

// arrive waits for a page that says these words in an element, and looks at it.
func (w *walker) arrive(selector, words string) {
	w.test.Helper()
	var got string
	w.until(fmt.Sprintf("%s says %q", selector, words), func() bool {
		var err error // while pages change there is none
		got, err = chromedp.Run(w.tab, chromedp.Evaluate[string](fmt.Sprintf("document.readyState === 'complete' ? document.querySelector(%q)?.innerText ?? '' : ''", selector)))
		return err == nil && got == words
	})
	w.look()
}

// look finds what is wrong with the page, see inspect.
func (w *walker) look() {
	w.test.Helper()
	w.seen++
	w.check(chromedp.Do(w.tab, scripts(true)))
	wrong, err := chromedp.Run(w.tab, chromedp.Evaluate[[]string](inspect))
	w.check(err)
	for _, x := range wrong {
		w.test.Errorf("%s, page %d: %s", w.newsletter.Name, w.seen, x)
	}
	keep(w.test, fmt.Sprintf("walk %s %02d", w.newsletter.Name, w.seen), func() ([]byte, error) { return chromedp.Run(w.tab, chromedp.FullScreenshot(100)) })
	w.check(chromedp.Do(w.tab, scripts(false)))
}

// tabTo goes on by the tabulator to the next element of a kind, which must show that it
// has the focus, as must all before it.
func (w *walker) tabTo(selector string) {
	w.test.Helper()
	for range 60 {
		w.press(kb.Tab)
		at, err := chromedp.Run(w.tab, chromedp.Evaluate[focus](fmt.Sprintf(`(() => {
			const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
			return {is: e.matches(%q), body: e === document.body, html: e.outerHTML.slice(0, 120) + ' (' + [s.outline, r.top, r.bottom, innerHeight, e.matches(':focus'), e.matches(':focus-within'), e.matches(':focus-visible')].join(', ') + ')',
				seen: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 && r.width > 1 && r.bottom > 0 && r.top < innerHeight};
		})()`, selector)))
		w.check(err)
		if !at.Body && !at.Seen {
			w.test.Errorf("%s, page %d: the focus is not to be seen on %s", w.newsletter.Name, w.seen, at.HTML)
		}
		if at.Is {
			return
		}
	}
	w.test.Fatalf("%s, page %d: the tabulator never leads to %s", w.newsletter.Name, w.seen, selector)
}

// focus is where the keyboard is.
type focus struct {
	Is, Seen, Body bool
	HTML           string
}

func (w *walker) press(keys ...string) {
	w.test.Helper()
	for _, k := range keys {
		w.check(chromedp.Do(w.tab, chromedp.KeyEvent(k)))
	}
}

// scripts switches those of pages on or off.
func scripts(on bool) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	})
}
