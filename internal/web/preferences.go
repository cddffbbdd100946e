package web

import (
	"context"
	"errors"
	"net/http"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// preferencesView is what the owner of an address can change.
type preferencesView struct {
	Address       string // masked
	Action        string // where the forms go: this page
	Subscriptions []subscriptionView
}

// subscriptionView is one newsletter of the owner's.
type subscriptionView struct {
	Name, Title, Description, URL string
	Lang                          string // of title and description
	Subscribed                    bool
	Current                       bool // the one whose mail carried the link
	Changed                       bool // just now
}

// preferencesPage answers GET and HEAD; it changes nothing.
func (s *server) preferencesPage(w http.ResponseWriter, r *http.Request) error {
	return s.mailed(newsletter.PurposePreferences, func(w http.ResponseWriter, r *http.Request, o owner) error {
		return s.showPreferences(w, r, o, "")
	})(w, r)
}

// preferences answers POST: it ends one of the owner's subscriptions or undoes that.
func (s *server) preferences(w http.ResponseWriter, r *http.Request) error {
	return s.mailed(newsletter.PurposePreferences, func(w http.ResponseWriter, r *http.Request, o owner) error {
		if err := form(r); err != nil {
			return err
		}
		ctx, name := r.Context(), r.PostForm.Get("newsletter")
		if !isName(name) {
			return status(http.StatusBadRequest)
		}
		sub, err := s.store.Subscription(ctx, o.claim.Subscriber, name)
		if errors.Is(err, store.ErrNotFound) {
			return status(http.StatusBadRequest)
		}
		if err != nil {
			return err
		}
		switch {
		case r.PostForm.Get("undo") == "1":
			err = s.comeBack(ctx, sub)
		case r.PostForm.Get("confirm") == "1":
			err = s.leave(ctx, sub, "preferences page")
		default:
			err = status(http.StatusBadRequest)
		}
		if err != nil {
			return err
		}
		return s.showPreferences(w, r, o, sub.Newsletter)
	})(w, r)
}

func (s *server) showPreferences(w http.ResponseWriter, r *http.Request, o owner, changed string) error {
	p := s.ownPage(o.subscription, s.newsletterOf(o.subscription.Newsletter))
	subs, err := s.subscriptions(r.Context(), o, changed)
	if err != nil {
		return err
	}
	p.Title = p.words.T("preferences.title")
	p.View = preferencesView{
		Address:       newsletter.MaskAddress(o.subscription.Subscriber.Email),
		Action:        s.base + "/preferences/" + r.PathValue("token"),
		Subscriptions: subs,
	}
	return s.show(w, r, http.StatusOK, "preferences.html", p)
}

// subscriptions returns the owner's newsletters, the one of the link first.
func (s *server) subscriptions(ctx context.Context, o owner, changed string) ([]subscriptionView, error) {
	names := []string{o.claim.Newsletter}
	for _, n := range s.o.Newsletters {
		if n.Name != o.claim.Newsletter {
			names = append(names, n.Name)
		}
	}
	var out []subscriptionView
	for _, name := range names {
		sub, err := s.store.Subscription(ctx, o.claim.Subscriber, name)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		n := s.newsletterOf(name)
		out = append(out, subscriptionView{
			Name: name, Title: n.Title, Description: n.Description, Lang: n.Language, URL: s.base + "/newsletters/" + name,
			Subscribed: sub.State == newsletter.SubscriptionConfirmed,
			Current:    name == o.claim.Newsletter, Changed: name == changed,
		})
	}
	return out, nil
}
