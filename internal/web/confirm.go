package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// confirmView is the page behind the link of a letter that asks to confirm.
type confirmView struct {
	State          string // "ask", "done" (just now), "already", "expired", "sent" (a new link), "left", "refused"
	Address        string // masked
	Newsletter     string // title
	Lang           string // of the title
	NewsletterURL  string
	SubscribeURL   string    // the form
	Action         string    // where the forms go: this page
	PreferencesURL string    // of whoever is subscribed
	Next           time.Time // when the next issue is due; zero: unknown
}

// confirmPage answers GET and HEAD. It changes nothing: mail scanners open every link.
func (s *server) confirmPage(w http.ResponseWriter, r *http.Request) error {
	return s.mailed(newsletter.PurposeConfirm, func(w http.ResponseWriter, r *http.Request, o owner) error {
		served, err := s.served(r, o)
		if err != nil {
			return err
		}
		state := "ask"
		switch {
		case served:
			state = "already"
		case o.claim.Expired(s.now()):
			state = "expired"
		default: // the button is not offered where it would be refused
			err := s.store.MayConfirm(r.Context(), o.claim.Letter, s.now())
			if refusal := refusedConfirm(err); refusal != "" {
				state = refusal
			} else if err != nil {
				return err
			}
		}
		return s.showConfirm(w, r, o, state)
	})(w, r)
}

// confirm answers POST: the page's button, or the one that asks for a new link. Doing
// it again changes nothing.
func (s *server) confirm(w http.ResponseWriter, r *http.Request) error {
	return s.mailed(newsletter.PurposeConfirm, func(w http.ResponseWriter, r *http.Request, o owner) error {
		if err := form(r); err != nil {
			return err
		}
		served, err := s.served(r, o)
		if err != nil {
			return err
		}
		var state string
		switch {
		case r.PostForm.Get("again") == "1":
			state, err = s.confirmAgain(r, o)
		case r.PostForm.Get("confirm") != "1":
			err = status(http.StatusBadRequest)
		case o.claim.Expired(s.now()) && !served:
			state = "expired"
		default:
			state, err = s.confirmNow(r, o)
		}
		if err != nil {
			return err
		}
		return s.showConfirm(w, r, o, state)
	})(w, r)
}

// served reports whether there is nothing to confirm: who complained while they were
// subscribed gets nothing until they confirm once more.
func (s *server) served(r *http.Request, o owner) (bool, error) {
	if o.subscription.State != newsletter.SubscriptionConfirmed {
		return false, nil
	}
	_, err := s.store.Suppression(r.Context(), o.subscription.Subscriber.Email)
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	return false, err
}

func (s *server) confirmNow(r *http.Request, o owner) (state string, err error) {
	fresh, err := s.store.Confirm(r.Context(), o.claim.Letter, s.networkOf(r), s.now())
	if state := refusedConfirm(err); state != "" {
		return state, nil
	}
	if fresh {
		return "done", err
	}
	return "already", err
}

// refusedConfirm returns what the page says where the store does not confirm; empty: it is
// no refusal.
func refusedConfirm(err error) (state string) {
	switch {
	case errors.Is(err, store.ErrStale), errors.Is(err, store.ErrNotFound):
		return "left"
	case errors.Is(err, store.ErrConflict):
		return "refused"
	}
	return ""
}

// confirmAgain mails a new link, if it may: the page is the same.
func (s *server) confirmAgain(r *http.Request, o owner) (state string, err error) {
	l, err := s.store.Letter(r.Context(), o.claim.Letter)
	if errors.Is(err, store.ErrNotFound) || err == nil && l.Kind != newsletter.LetterConfirm {
		return "left", nil
	}
	if err == nil {
		_, err = s.o.Service.ConfirmAgain(r.Context(), l)
	}
	return "sent", err
}

// askedIn returns the language of the form in which somebody signed up; empty: the
// newsletter's.
func (s *server) askedIn(r *http.Request, o owner) (string, error) {
	l, err := s.store.Letter(r.Context(), o.claim.Letter)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	var asked newsletter.SignUp
	if err == nil && l.Asked != "" {
		err = json.Unmarshal([]byte(l.Asked), &asked)
	}
	return asked.Language, err
}

func (s *server) showConfirm(w http.ResponseWriter, r *http.Request, o owner, state string) error {
	n := s.newsletterOf(o.subscription.Newsletter)
	language, err := s.askedIn(r, o)
	if err != nil {
		return err
	}
	p := s.private(language, o.subscription.Subscriber.Language, n.Language)
	v := confirmView{
		State: state, Address: newsletter.MaskAddress(o.subscription.Subscriber.Email), Newsletter: n.Title, Lang: n.Language,
		NewsletterURL: s.base + "/newsletters/" + url.PathEscape(n.Name), SubscribeURL: s.base + signUpPath(n.Name),
		Action: s.base + "/confirm/" + r.PathValue("token"),
	}
	if state == "done" || state == "already" {
		v.Next = s.nextIssue(n, s.now())
		confirmed := o.subscription
		confirmed.State = newsletter.SubscriptionConfirmed
		v.NewsletterURL = s.archiveLink(n, &confirmed)
		v.PreferencesURL = s.base + "/preferences/" + s.store.Keyring().Token(newsletter.Claim{
			Purpose: newsletter.PurposePreferences, Subscriber: o.claim.Subscriber, Newsletter: n.Name,
		}, o.subscription.Subscriber.Email)
	}
	p.Title = p.words.T("confirm." + state)
	p.View = v
	return s.show(w, r, http.StatusOK, "confirm.html", p)
}
