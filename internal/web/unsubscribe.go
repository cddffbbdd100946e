package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"syndicate/internal/i18n"
	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// unsubscribeView is the page behind an unsubscribe link.
type unsubscribeView struct {
	// State is "ask", "done" (just now), "already", "undone", "heard" (said why), "why" (did not), "long" (they left too
	// long ago to undo it), "ended" (just now, not to be undone by such a link), "stopped" (no mail goes to the address)
	// or "gone" (there is nothing left to do).
	State         string
	Address       string // masked; empty: it is another one by now
	Newsletter    string // title
	NewsletterURL string
	SubscribeURL  string // with long, ended and stopped: the form; empty: there is none
	Stopped       string // with stopped: why no mail goes there
	Action        string // where the form goes: this page
	Reasons       []choice
	ReadOn        bool // everybody can go on reading it on the web
}

// unsubscribePage answers GET and HEAD. It changes nothing: mail scanners open
// every link, and some press buttons, so what the button does can be undone.
func (s *server) unsubscribePage(w http.ResponseWriter, r *http.Request) error {
	return s.mailed(newsletter.PurposeUnsubscribe, func(w http.ResponseWriter, r *http.Request, o owner) error {
		state, err := s.asks(r.Context(), o)
		if err != nil {
			return err
		}
		return s.showUnsubscribe(w, r, o, state)
	})(w, r)
}

// asks returns what the page says before anything is done.
func (s *server) asks(ctx context.Context, o owner) (state string, err error) {
	switch {
	case o.gone:
		return "gone", nil
	case o.subscription.State != newsletter.SubscriptionUnsubscribed:
		return "ask", nil
	case s.leftLongAgo(o.subscription), o.moved:
		return "long", nil
	}
	cause, err := s.stopped(ctx, o.subscription)
	if cause != "" { // nothing brings them back here
		return "stopped", err
	}
	return "already", err
}

// unsubscribe answers POST: a mail program's one click (RFC 8058), the page's
// button, or its undo. Doing any of them again changes nothing.
func (s *server) unsubscribe(w http.ResponseWriter, r *http.Request) error {
	return s.mailed(newsletter.PurposeUnsubscribe, func(w http.ResponseWriter, r *http.Request, o owner) error {
		if err := form(r); err != nil {
			return err
		}
		switch {
		case strings.TrimSpace(r.PostForm.Get("List-Unsubscribe")) == "One-Click": // some programs end the line
			if err := s.leaveAs(r.Context(), o, "one-click"); err != nil {
				return err
			}
			return oneClickDone(w)
		case o.gone:
			return s.showUnsubscribe(w, r, o, "gone")
		case o.moved && r.PostForm.Get("confirm") != "1": // it ends mail, and does nothing else
			state, err := s.asks(r.Context(), o)
			if err != nil {
				return err
			}
			return s.showUnsubscribe(w, r, o, state)
		case r.PostForm.Get("undo") == "1":
			state := "undone"
			if err := s.comeBack(r.Context(), o.subscription); errors.Is(err, store.ErrStale) {
				state = "long"
			} else if errors.Is(err, store.ErrConflict) {
				state = "stopped"
			} else if err != nil {
				return err
			}
			return s.showUnsubscribe(w, r, o, state)
		case r.PostForm.Get("confirm") == "1":
			if err := s.leaveAs(r.Context(), o, "unsubscribe page"); err != nil {
				return err
			}
			cause, err := s.stopped(r.Context(), o.subscription)
			if err != nil {
				return err
			}
			state := "done"
			switch {
			case s.leftLongAgo(o.subscription):
				state = "long"
			case o.moved, cause != "":
				state = "ended"
			}
			return s.showUnsubscribe(w, r, o, state)
		case r.PostForm.Has("reason") || r.PostForm.Has("words"):
			state, err := s.hear(r, o)
			if err != nil {
				return err
			}
			return s.showUnsubscribe(w, r, o, state)
		}
		return status(http.StatusBadRequest)
	})(w, r)
}

// oneClickDone is for a program: 200, no redirect, no cookie, a line that
// nobody reads.
func oneClickDone(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := io.WriteString(w, "Unsubscribed.\n")
	return err
}

// maxWords is how much of a reason in somebody's own words is kept, in runes.
const maxWords = 500

// hear notes why somebody left, if they did and were not heard before: the page says
// the same. Who says nothing is asked once more.
func (s *server) hear(r *http.Request, o owner) (state string, err error) {
	if state, err := s.asks(r.Context(), o); err != nil || state != "already" { // they came back in the meantime, or it was a while ago
		return state, err
	}
	reason := newsletter.LeaveReason(r.PostForm.Get("reason"))
	words := []rune(markup.CleanLine(strings.ToValidUTF8(r.PostForm.Get("words"), "")))
	if reason == "" && len(words) == 0 {
		return "why", nil
	}
	if !slices.Contains(newsletter.LeaveReasons(), reason) {
		reason = "else"
	}
	sub := o.subscription
	_, err = s.store.GiveReason(r.Context(), sub.Subscriber.ID, sub.Newsletter, reason, string(words[:min(len(words), maxWords)]), s.now())
	return "heard", err
}

// leaveAs ends what a link to unsubscribe is for, if there is anything.
func (s *server) leaveAs(ctx context.Context, o owner, how string) error {
	if o.gone {
		return nil
	}
	err := s.leave(ctx, o.subscription, how)
	if errors.Is(err, store.ErrNotFound) { // it went this very moment
		return nil
	}
	return err
}

// leave ends a subscription.
func (s *server) leave(ctx context.Context, sub newsletter.Subscription, how string) error {
	_, err := s.store.Unsubscribe(ctx, sub.Subscriber.ID, sub.Newsletter, how, s.now())
	return err
}

// leftLongAgo reports whether it is too late to undo that somebody left.
func (s *server) leftLongAgo(sub newsletter.Subscription) bool {
	return sub.State == newsletter.SubscriptionUnsubscribed && s.now().Sub(sub.LeftAt) > newsletter.UndoLeaving
}

// comeBack undoes leave. store.ErrStale: it is too late, they have to sign up.
// store.ErrConflict: no mail goes to the address, after a complaint for one.
func (s *server) comeBack(ctx context.Context, sub newsletter.Subscription) error {
	_, err := s.store.Resubscribe(ctx, sub.Subscriber.ID, sub.Newsletter, s.now())
	return err
}

// stopped returns why no mail goes to the address of a subscription; empty: it does.
func (s *server) stopped(ctx context.Context, sub newsletter.Subscription) (newsletter.Cause, error) {
	p, err := s.store.Suppression(ctx, sub.Subscriber.Email)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return p.Cause, err
}

// stoppedWords say why no mail goes to an address.
func (s *server) stoppedWords(words *i18n.Words, cause newsletter.Cause, address string) string {
	key := "unsubscribe.stopped_text"
	if cause == newsletter.CauseBounce || cause == newsletter.CauseOperator {
		key = "unsubscribe.stopped_" + string(cause)
	}
	return words.T(key, "address", address, "site", s.site.Title)
}

// wayBack returns the form by which an owner comes back whom a link does not bring back;
// empty: there is none, or only the operator lets mail go to the address again.
func (s *server) wayBack(ctx context.Context, sub newsletter.Subscription) (string, error) {
	cause, err := s.stopped(ctx, sub)
	if err != nil || cause != "" && !cause.Lets(newsletter.LetterConfirm) {
		return "", err
	}
	return s.subscribeURL(sub.Newsletter), nil
}

func (s *server) showUnsubscribe(w http.ResponseWriter, r *http.Request, o owner, state string) error {
	n := s.newsletterOf(o.claim.Newsletter)
	p := s.ownPage(o.subscription, n)
	v := unsubscribeView{
		State: state, Newsletter: n.Title,
		NewsletterURL: s.base + "/newsletters/" + n.Name,
		Action:        s.base + "/unsubscribe/" + r.PathValue("token"),
		ReadOn:        s.readable(n),
	}
	if !o.gone && !o.moved {
		v.Address = newsletter.MaskAddress(o.subscription.Subscriber.Email)
	}
	code := http.StatusOK
	for _, reason := range newsletter.LeaveReasons() {
		v.Reasons = append(v.Reasons, choice{Value: string(reason), Label: p.words.T("reasons." + string(reason))})
	}
	switch state {
	case "gone":
		p.Title = p.words.T("unsubscribe.gone")
	case "why":
		code, p.Title = http.StatusUnprocessableEntity, p.words.T("unsubscribe.done")
	case "ended":
		p.Title = p.words.T("unsubscribe.done")
	case "long":
		p.Title = p.words.T("unsubscribe.already")
	case "stopped":
		p.Title = p.words.T("unsubscribe.stopped")
		cause, err := s.stopped(r.Context(), o.subscription)
		if err != nil {
			return err
		}
		v.Stopped = s.stoppedWords(p.words, cause, v.Address)
	case "ask":
		p.Title = p.words.T("unsubscribe.title")
	case "undone":
		p.Title = p.words.T("unsubscribe.undone")
	default:
		p.Title = p.words.T("unsubscribe.done")
	}
	switch {
	case o.moved: // who reads at the former address learns nothing of the present one
		v.SubscribeURL = s.subscribeURL(n.Name)
	case state == "long" || state == "ended" || state == "stopped":
		var err error
		if v.SubscribeURL, err = s.wayBack(r.Context(), o.subscription); err != nil {
			return err
		}
	}
	p.View = v
	return s.show(w, r, code, "unsubscribe.html", p)
}

// readable reports whether everybody can read what a newsletter brings on the web.
func (s *server) readable(n newsletter.Newsletter) bool {
	_, err := s.o.Service.Newsletter(n.Name)
	return err == nil && n.Archive == newsletter.ArchivePublic
}
