package web_test

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"syndicate/internal/newsletter"
)

// TestSignUpInBrowser signs up and confirms as on a phone, with the keyboard only and
// where scripts are switched off, in both languages; and looks at each page on the way.
func TestSignUpInBrowser(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	s := newSample(t)
	s.serve()
	before := len(s.mails())
	for n, c := range []struct{ name, email, sent, question, done string }{
		{"weekly", "nadia@example.net", "Look into your mailbox", "Subscribe to The Harbour Letter, weekly?", "Welcome: you are subscribed"},
		{"quotidien", "noemie@example.net", "Regardez dans votre boîte aux lettres", "S’abonner à «\u00a0La lettre du port\u00a0»\u202f?", "Bienvenue\u00a0: l’abonnement est confirmé"},
	} {
		tab, cancel := chromedp.NewContext(browser)
		t.Cleanup(cancel)
		looks := func(page string) {
			t.Helper()
			s.check(chromedp.Do(tab, scripts(true)))
			wrong, err := chromedp.Run(tab, chromedp.Evaluate[[]string](inspect))
			s.check(err)
			for _, w := range wrong {
				t.Errorf("%s %s: %s", c.name, page, w)
			}
			s.check(chromedp.Do(tab, scripts(false)))
		}
		heading := func(want string) {
			t.Helper()
			got, err := chromedp.Run(tab, chromedp.Text("h1"))
			s.check(err)
			if got != want {
				t.Errorf("the heading is %q, want %q", got, want)
			}
		}
		s.check(chromedp.Do(tab, scripts(false), show(s.url+"/newsletters/"+c.name, 360, "dark")))
		looks("form")
		s.pass(5 * time.Second)
		s.check(chromedp.Do(tab, chromedp.Focus("#signup-email"), chromedp.KeyEvent(c.email), chromedp.KeyEvent("\r"), chromedp.WaitReady("h1[role=status]")))
		heading(c.sent)
		looks("sent")

		link := s.mail(before+n+1).pathAt(t, s.url, "confirm")
		s.check(chromedp.Do(tab, chromedp.Navigate(s.url+link), chromedp.WaitReady("input[name=confirm]")))
		heading(c.question)
		looks("question")
		s.check(chromedp.Do(tab, chromedp.Focus("main button"), chromedp.KeyEvent("\r"), chromedp.WaitReady("h1[role=status]")))
		heading(c.done)
		looks("done")
		if got := s.subscriber(c.email, c.name); got.State != newsletter.SubscriptionConfirmed {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// scripts switches those of pages on or off.
func scripts(on bool) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	})
}
