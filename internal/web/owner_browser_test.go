package web_test

import (
	"context"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"syndicate/internal/newsletter"
)

// mailedLink delivers what waits and returns the link of a kind in the latest mail to
// an address.
func (s *sample) mailedLink(to, page string) string {
	s.t.Helper()
	s.pass(time.Second) // files are named by time
	_, err := s.service.Finish(s.t.Context())
	s.check(err)
	return s.url + s.lastLink(to, page)
}

// lastLink returns the path of the link of a kind in the latest mail to an address, as
// it lies in the outbox.
func (s *sample) lastLink(to, page string) string {
	s.t.Helper()
	link := regexp.MustCompile(regexp.QuoteMeta(s.url) + "(/" + page + `/[A-Za-z0-9_-]+)`)
	recipient := regexp.MustCompile(`\b` + regexp.QuoteMeta(to) + `\b`)
	for _, m := range slices.Backward(s.mails()) {
		if found := link.FindStringSubmatch(m.text); found != nil && recipient.MatchString(m.to) {
			return found[1]
		}
	}
	s.t.Fatalf("no mail to %s has a link to /%s/", to, page)
	return ""
}

// TestOwnersWithoutScripts chooses, undoes, and changes an address on a phone, with
// the keyboard, in both languages; the mails come out of the catcher.
func TestOwnersWithoutScripts(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	s := newSample(t)
	tab, cancel := chromedp.NewContext(browser)
	defer cancel()
	s.check(chromedp.Do(tab, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})))
	press := func(selector, keys string) chromedp.Action[chromedp.Void] {
		return chromedp.Steps(chromedp.Focus(selector), chromedp.KeyEvent(keys))
	}
	email := her
	for _, c := range []struct{ newsletter, to, saved, mailed, changed string }{
		{"weekly", "first@example.net", "Saved.", "Look into your mail.", "Your address is changed"},
		{"quotidien", "second@example.net", "C’est enregistré.", "Regardez dans votre courrier.", "Votre adresse est changée"},
	} {
		reads := func(selector, want string) {
			t.Helper()
			got, err := chromedp.Run(tab, chromedp.Text(selector))
			s.check(err)
			if got != want {
				t.Errorf("%s says %q, want %q", selector, got, want)
			}
		}
		s.check(chromedp.Do(tab,
			show(s.url+s.link(newsletter.PurposePreferences, email, c.newsletter), 360, "light"),
			press("input[name=topics]", " "), press("#cadence-0", kb.End), press("#items-0", kb.ArrowDown), press("details[open] .settings button", kb.Enter),
			chromedp.WaitReady(".said button")))
		reads(".said strong", c.saved)
		if got := s.subscriber(email, c.newsletter); len(got.Topics) != 1 || got.Cadence != newsletter.Monthly || got.MaxItems != 1 {
			t.Errorf("chosen: %+v", got)
		}
		s.check(chromedp.Do(tab, press(".said button", kb.Enter), chromedp.WaitReady("#cadence-0 option[value='']:checked")))
		if got := s.subscriber(email, c.newsletter); len(got.Topics) != 0 || got.Cadence != newsletter.EachIssue || got.MaxItems != 0 {
			t.Errorf("undone: %+v", got)
		}

		s.check(chromedp.Do(tab, press("#data button", kb.Enter), chromedp.WaitReady("#data .note")))
		reads("#data .note strong", c.mailed)
		s.check(chromedp.Do(tab,
			show(s.mailedLink(email, "access"), 360, "dark"),
			press("#email", c.to+kb.Enter), chromedp.WaitReady("section .note[role=status]")))
		s.check(chromedp.Do(tab,
			show(s.mailedLink(c.to, "change"), 360, "light"),
			press("button", kb.Enter), chromedp.WaitReady("main a[href^='/preferences/']")))
		reads("h1", c.changed)
		if got := s.subscriber(c.to, c.newsletter); got.State != newsletter.SubscriptionConfirmed {
			t.Errorf("changed: %+v", got)
		}
		email = c.to
	}
}
