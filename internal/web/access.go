package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
	"syndicate/internal/store"
)

// accessView is the page behind the link of one hour: what a forwarded digest must not
// let others do.
type accessView struct {
	State          string // "open", "expired", "again" (another link was mailed), "erase" (are they sure), "erased"
	Address        string
	Action         string // where the forms go: this page
	PreferencesURL string
	Typed          string // the new address, as typed
	Problem        string // what is wrong with it, empty: nothing
	Asked          string // the address that was just asked to confirm, if it takes our mail; empty: none was
	Feeds          []ownFeed
}

// accessPage answers GET and HEAD; it changes nothing.
func (s *server) accessPage(w http.ResponseWriter, r *http.Request) error {
	return s.mailed(newsletter.PurposeAccess, func(w http.ResponseWriter, r *http.Request, o owner) error {
		return s.showAccess(w, r, o, accessView{State: "open"})
	})(w, r)
}

// access answers POST: it does one of the things that the page offers.
func (s *server) access(w http.ResponseWriter, r *http.Request) error {
	return s.mailed(newsletter.PurposeAccess, func(w http.ResponseWriter, r *http.Request, o owner) error {
		if err := form(r); err != nil {
			return err
		}
		ctx, wish := r.Context(), r.PostForm.Get("do")
		v := accessView{State: "open"}
		if wish == "again" {
			v.State = "again"
			if err := s.o.Service.AskAccess(ctx, &o.subscription); err != nil {
				return err
			}
			return s.showAccess(w, r, o, v)
		}
		if o.claim.Expired(s.now()) {
			return s.showAccess(w, r, o, v)
		}
		var err error
		switch wish {
		case "download":
			return s.download(w, r, o)
		case "change":
			err = s.askChange(r, o, &v)
		case "erase":
			v.State = "erase"
		case "erase for good":
			v.State = "erased"
			_, err = s.o.Service.Erase(ctx, o.subscription.Subscriber.Email)
		case "feed", "revoke", "by feed", "by mail":
			v.Feeds, err = s.changeFeed(ctx, o, wish, r.PostForm.Get("newsletter"))
		default:
			err = status(http.StatusBadRequest)
		}
		if err != nil {
			return err
		}
		return s.showAccess(w, r, o, v)
	})(w, r)
}

// askChange mails a link to the address that was typed.
func (s *server) askChange(r *http.Request, o owner, v *accessView) error {
	v.Typed = r.PostForm.Get("email")
	address, err := roster.Address(v.Typed)
	if err != nil {
		v.Problem = "access.address_wrong"
		return nil //nolint:nilerr // it is said on the page
	}
	if strings.EqualFold(address, o.subscription.Subscriber.Email) {
		v.Problem = "access.address_same"
		return nil
	}
	v.Asked = address
	return s.o.Service.AskChange(r.Context(), &o.subscription, address)
}

// download answers with everything that is held about the owner.
func (s *server) download(w http.ResponseWriter, r *http.Request, o owner) error {
	record, err := s.o.Service.Record(r.Context(), o.claim.Subscriber)
	if err != nil {
		return err
	}
	body, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="subscription.json"`)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, err = w.Write(body)
	return err
}

func (s *server) showAccess(w http.ResponseWriter, r *http.Request, o owner, v accessView) error {
	p := s.ownPage(o.subscription, s.newsletterOf(o.subscription.Newsletter))
	v.Address, v.Action = o.subscription.Subscriber.Email, s.base+"/access/"+r.PathValue("token")
	code := http.StatusOK
	switch {
	case v.State == "again" || v.State == "open" && o.claim.Expired(s.now()):
		v.Address = newsletter.MaskAddress(v.Address) // the link opens nothing any more
		if v.State == "open" {
			v.State = "expired"
		}
	case v.State == "open":
		v.PreferencesURL = s.preferencesLink(o.subscription.Subscriber, o.claim.Newsletter)
		var err error
		if v.Feeds, err = s.ownFeeds(r.Context(), o, v.Feeds); err != nil {
			return err
		}
	}
	if v.Problem != "" {
		code, v.Problem = http.StatusUnprocessableEntity, p.words.T(v.Problem)
	}
	p.Title = p.words.T("access.title")
	p.View = v
	return s.show(w, r, code, "access.html", p)
}

// preferencesLink returns the address of somebody's preferences.
func (s *server) preferencesLink(who newsletter.Subscriber, name string) string {
	return s.base + "/preferences/" + s.store.Keyring().Token(newsletter.Claim{Purpose: newsletter.PurposePreferences, Subscriber: who.ID, Newsletter: name}, who.Email)
}

// changeView is the page behind the link that a new address got. Whose address that is
// is not known before the button is pressed, so it tells nothing of the subscriber.
type changeView struct {
	State          string // "ask", "done" (just now), "already" (before), "expired", "refused"
	New            string // the new address
	Newsletter     string // title
	Lang           string // of the title
	Action         string // where the form goes: this page
	PreferencesURL string // with done
}

// changePage answers GET and HEAD; it changes nothing.
func (s *server) changePage(w http.ResponseWriter, r *http.Request) error {
	return s.mailed(newsletter.PurposeChange, func(w http.ResponseWriter, r *http.Request, o owner) error {
		state := "ask"
		if o.changed {
			state = "already"
		}
		return s.showChange(w, r, o, state)
	})(w, r)
}

// changeAddress answers POST: the address is the subscriber's from now on.
func (s *server) changeAddress(w http.ResponseWriter, r *http.Request) error {
	return s.mailed(newsletter.PurposeChange, func(w http.ResponseWriter, r *http.Request, o owner) error {
		if err := form(r); err != nil {
			return err
		}
		if r.PostForm.Get("confirm") != "1" {
			return status(http.StatusBadRequest)
		}
		if o.changed {
			return s.showChange(w, r, o, "already")
		}
		if o.claim.Expired(s.now()) {
			return s.showChange(w, r, o, "ask")
		}
		id, err := s.o.Service.ChangeAddress(r.Context(), o.letter, &o.subscription)
		switch {
		case errors.Is(err, store.ErrConflict):
			return s.showChange(w, r, o, "refused")
		case errors.Is(err, store.ErrStale), errors.Is(err, store.ErrNotFound): // by another request
			o, err := s.owner(r.Context(), r.PathValue("token"), newsletter.PurposeChange)
			switch {
			case errors.Is(err, errLink), err == nil && !o.changed:
				return s.deadLink(w, r, "link.ended")
			case err != nil:
				return err
			}
			return s.showChange(w, r, o, "already")
		case err != nil:
			return err
		}
		if err := s.follow(r.Context(), &o, id); err != nil {
			return err
		}
		return s.showChange(w, r, o, "done")
	})(w, r)
}

// follow finds the subscription where it is now.
func (s *server) follow(ctx context.Context, o *owner, subscriber int64) error {
	sub, err := s.store.Subscription(ctx, subscriber, o.claim.Newsletter)
	if err == nil {
		o.subscription = sub
	}
	return err
}

func (s *server) showChange(w http.ResponseWriter, r *http.Request, o owner, state string) error {
	n := s.newsletterOf(o.subscription.Newsletter)
	p := s.ownPage(o.subscription, n)
	v := changeView{State: state, New: o.letter.Address, Newsletter: n.Title, Lang: n.Language, Action: s.base + "/change/" + r.PathValue("token")}
	switch {
	case state == "done":
		v.PreferencesURL = s.preferencesLink(o.subscription.Subscriber, o.claim.Newsletter)
	case state == "ask" && o.claim.Expired(s.now()):
		v.State = "expired"
	}
	p.Title = p.words.T("change." + v.State)
	p.View = v
	return s.show(w, r, http.StatusOK, "change.html", p)
}
