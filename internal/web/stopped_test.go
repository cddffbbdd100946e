package web_test

import (
	"net/url"
	"testing"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestUndoAfterComplaint: a link does not bring back whom a complaint ended: no mail would
// go there. The form does.
func TestUndoAfterComplaint(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sub := s.subscriber(other, "weekly")
	outcome, err := s.store.Bounce(t.Context(), store.Bounced{
		Kind: newsletter.ReportComplaint, Said: []byte("x"), Returned: &newsletter.Returned{Subscriber: sub.Subscriber.ID, Issue: 1},
	}, newsletter.SoftLimit{}, s.clock())
	s.check(err)
	if outcome != store.BounceSuppressed {
		t.Fatal(outcome)
	}
	const form = `href="/newsletters/weekly/subscribe"`
	link := s.link(newsletter.PurposeUnsubscribe, other, "weekly")
	page := ""
	for _, page = range []string{text(t, s.get(link), 200), text(t, s.post(link, url.Values{"undo": {"1"}}), 200)} {
		contains(t, page, "No mail goes to this address", "after a complaint about spam", "You can sign up once more", form)
		lacks(t, page, "You are subscribed again", `name="undo"`)
	}

	preferences := s.link(newsletter.PurposePreferences, other, "weekly")
	page = text(t, s.post(preferences, url.Values{"newsletter": {"weekly"}, "undo": {"1"}}), 200)
	contains(t, page, form)
	lacks(t, page, `name="undo"`)
	if state := s.subscriber(other, "weekly").State; state != newsletter.SubscriptionUnsubscribed {
		t.Error(state)
	}

	// Nor does the form after a bounce: only the operator knows better.
	s.check(s.store.Suppress(t.Context(), other, newsletter.CauseBounce, 0, "", s.clock()))
	lacks(t, text(t, s.post(link, url.Values{"undo": {"1"}}), 200), form)
	lacks(t, text(t, s.get(preferences), 200), form, `name="undo"`)

	_, err = s.store.LiftSuppression(t.Context(), other)
	s.check(err)
	contains(t, text(t, s.post(link, url.Values{"undo": {"1"}}), 200), "You are subscribed again")
}

// TestStoppedByBounce: who is subscribed and gets no mail, for it came back, is told so, and
// is not offered what does not help.
func TestStoppedByBounce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const cameBack, form = "came back, so no more is sent there", `href="/newsletters/weekly/subscribe"`
	link, preferences := s.link(newsletter.PurposeUnsubscribe, other, "weekly"), s.link(newsletter.PurposePreferences, other, "weekly")
	lacks(t, text(t, s.get(preferences), 200), "No mail goes to this address")
	s.check(s.store.Suppress(t.Context(), other, newsletter.CauseBounce, 0, "", s.clock()))
	page := text(t, s.get(preferences), 200)
	contains(t, page, "No mail goes to this address", cameBack, "Write to the editors of", "Subscribed")
	lacks(t, page, "sign up once more")
	lacks(t, text(t, s.post(link, url.Values{"confirm": {"1"}}), 200), `name="undo"`, form)
	for _, page := range []string{text(t, s.get(link), 200), text(t, s.post(link, url.Values{"undo": {"1"}}), 200)} {
		contains(t, page, cameBack)
		lacks(t, page, "complaint", `name="undo"`, form)
	}
}
