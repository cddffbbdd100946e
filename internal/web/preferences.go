package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"syndicate/internal/i18n"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// preferencesView is what the owner of an address can change.
type preferencesView struct {
	Address       string // masked
	Action        string // where the forms go: this page
	Subscriptions []subscriptionView
	Mailed        bool // the link to the page of the owner's data, just now
	Others        []newsletterLink
	Stale         bool   // the form was of another time, and did nothing
	Stopped       string // why no mail goes to the address; empty: it does
	ComeBack      string // with Stopped: the form that lets mail go there again; empty: there is none
}

// subscriptionView is one newsletter of the owner's.
type subscriptionView struct {
	Name, Title, Description, URL string
	Lang                          string // of title and description
	Subscribed                    bool
	CanReturn                     bool          // they left, and that can be undone
	SubscribeURL                  string        // the form, where it cannot; empty: there is none
	ByFeed                        bool          // in the owner's feed only
	ArchiveURL                    string        // the past issues, for this owner; empty: there are none on the web
	Current                       bool          // the one whose mail carried the link
	Changed                       bool          // just now
	Said                          string        // what was done with its settings just now: "saved", "undone"; empty: nothing
	Clock                         string        // what time it is in the zone chosen just now; empty: none was
	Paused                        time.Time     // until that day, in the owner's zone; zero: it is not
	Counts                        string        // what is counted of its mails; empty: nothing is
	Settings                      *settingsView // nil: there is nothing to choose
}

// change is what a form did, or could not do.
type change struct {
	newsletter string
	said       string  // see subscriptionView
	zone       bool    // the time zone is another one
	before     []field // what undoes it
	problem    string  // see readWish
	wish       wish    // with problem: what was asked for
	mailed     bool    // the link to the page of the owner's data
	stale      bool    // it was of a page as it is no more
}

// preferencesPage answers GET and HEAD; it changes nothing.
func (s *server) preferencesPage(w http.ResponseWriter, r *http.Request) error {
	return s.mailed(newsletter.PurposePreferences, func(w http.ResponseWriter, r *http.Request, o owner) error {
		return s.showPreferences(w, r, o, change{})
	})(w, r)
}

// preferences answers POST: it ends one of the owner's subscriptions, undoes that,
// or changes what it brings.
func (s *server) preferences(w http.ResponseWriter, r *http.Request) error {
	return s.mailed(newsletter.PurposePreferences, func(w http.ResponseWriter, r *http.Request, o owner) error {
		if err := form(r); err != nil {
			return err
		}
		ctx, name := r.Context(), r.PostForm.Get("newsletter")
		if r.PostForm.Get("access") == "1" {
			if err := s.o.Service.AskAccess(ctx, &o.subscription); err != nil {
				return err
			}
			return s.showPreferences(w, r, o, change{mailed: true})
		}
		if !isName(name) {
			return s.showPreferences(w, r, o, change{stale: true})
		}
		sub, err := s.store.Subscription(ctx, o.claim.Subscriber, name)
		if errors.Is(err, store.ErrNotFound) { // not any more
			return s.showPreferences(w, r, o, change{stale: true})
		}
		if err != nil {
			return err
		}
		c := change{newsletter: name}
		switch {
		case r.PostForm.Get("undo") == "1":
			if err = s.comeBack(ctx, sub); errors.Is(err, store.ErrStale) || errors.Is(err, store.ErrConflict) { // the page has the form instead
				err = nil
			}
		case r.PostForm.Get("confirm") == "1":
			err = s.leave(ctx, sub, "preferences page")
		case r.PostForm.Get("save") == "1":
			c, err = s.choose(ctx, r.PostForm, &sub)
		default:
			c = change{stale: true}
		}
		if err != nil {
			return err
		}
		return s.showPreferences(w, r, o, c)
	})(w, r)
}

// choose saves a form of settings.
func (s *server) choose(ctx context.Context, f url.Values, sub *newsletter.Subscription) (change, error) {
	c := change{newsletter: sub.Newsletter}
	n := s.newsletterOf(sub.Newsletter)
	w, problem, ok := s.readWish(f, n, sub)
	switch {
	case !ok:
		return change{stale: true}, nil
	case problem != "":
		c.wish, c.problem = w, problem
		return c, nil
	}
	c.said = "saved"
	if f.Get("back") == "1" {
		c.said = "undone"
	}
	p, changed := s.changes(w, n, sub)
	if !changed {
		return c, nil
	}
	c.before, c.zone = s.fields(n, sub), p.TimeZone != nil
	return c, s.store.SetPreferences(ctx, sub.Subscriber.ID, sub.Newsletter, p, s.now())
}

func (s *server) showPreferences(w http.ResponseWriter, r *http.Request, o owner, c change) error {
	ctx := r.Context()
	if c.newsletter == o.claim.Newsletter { // it may speak another language now
		sub, err := s.store.Subscription(ctx, o.claim.Subscriber, o.claim.Newsletter)
		if err != nil {
			return err
		}
		o.subscription = sub
	}
	p := s.ownPage(o.subscription, s.newsletterOf(o.subscription.Newsletter))
	subs, err := s.subscriptions(ctx, p.words, o, c)
	if err != nil {
		return err
	}
	p.Title = p.words.T("preferences.title")
	v := preferencesView{
		Address:       newsletter.MaskAddress(o.subscription.Subscriber.Email),
		Action:        s.base + "/preferences/" + r.PathValue("token"),
		Subscriptions: subs,
		Mailed:        c.mailed,
		Others:        s.others(subs, p.Language),
		Stale:         c.stale,
	}
	cause, err := s.stopped(ctx, o.subscription)
	if err != nil {
		return err
	}
	if cause != "" {
		v.Stopped = s.stoppedWords(p.words, cause, v.Address)
		if v.ComeBack, err = s.wayBack(ctx, o.subscription); err != nil {
			return err
		}
	}
	p.View = v
	code := http.StatusOK
	if c.problem != "" || c.stale {
		code = http.StatusUnprocessableEntity
	}
	return s.show(w, r, code, "preferences.html", p)
}

// subscriptions returns the owner's newsletters, the one of the link first.
func (s *server) subscriptions(ctx context.Context, words *i18n.Words, o owner, c change) ([]subscriptionView, error) {
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
		v, err := s.subscriptionView(ctx, words, &sub, c)
		if err != nil {
			return nil, err
		}
		v.Current = name == o.claim.Newsletter
		out = append(out, v)
	}
	return out, nil
}

// others returns the newsletters of the site, besides the owner's, that anybody can sign
// up to and that are listed. They lead to the form: the link of this page may be in
// other hands, and subscribes nobody to what they never had.
func (s *server) others(have []subscriptionView, language string) []newsletterLink {
	var out []newsletterLink
	for _, n := range s.o.Newsletters {
		if n.Closed || n.Archive == newsletter.ArchivePrivate || slices.ContainsFunc(have, func(v subscriptionView) bool { return v.Name == n.Name }) {
			continue
		}
		l := newsletterLink{Title: n.Title, Description: n.Description, URL: s.base + "/newsletters/" + n.Name, SubscribeURL: s.subscribeURL(n.Name)}
		l.Language, l.LanguageName = foreign(n.Language, language)
		out = append(out, l)
	}
	return out
}

// offerForm puts the form in the place of what does not bring an owner back: they left long
// ago, or no mail goes to the address.
func (s *server) offerForm(ctx context.Context, v *subscriptionView, sub *newsletter.Subscription) error {
	if v.CanReturn {
		cause, err := s.stopped(ctx, *sub)
		if err != nil || cause == "" {
			return err
		}
		v.CanReturn = false
	}
	var err error
	v.SubscribeURL, err = s.wayBack(ctx, *sub)
	return err
}

func (s *server) subscriptionView(ctx context.Context, words *i18n.Words, sub *newsletter.Subscription, c change) (subscriptionView, error) {
	n := s.newsletterOf(sub.Newsletter)
	v := subscriptionView{
		Name: n.Name, Title: n.Title, Description: n.Description, Lang: n.Language, URL: s.base + "/newsletters/" + n.Name,
		Subscribed: sub.State == newsletter.SubscriptionConfirmed, ByFeed: sub.ByFeed && sub.State == newsletter.SubscriptionConfirmed,
	}
	if !v.Subscribed {
		v.Changed = c.newsletter == n.Name
		v.CanReturn = sub.State == newsletter.SubscriptionUnsubscribed && !s.leftLongAgo(*sub)
		return v, s.offerForm(ctx, &v, sub)
	}
	if sub.PausedTill.After(s.now()) {
		v.Paused = sub.PausedTill.In(s.zoneOf(n, sub))
	}
	if _, err := s.o.Service.Newsletter(n.Name); err != nil { // not published any more
		return v, nil //nolint:nilerr // it can be left all the same
	}
	v.Counts = countsNote(n, words)
	if n.Archive != newsletter.ArchiveNone {
		v.ArchiveURL = s.archiveLink(n, sub)
	}
	problem := ""
	if c.newsletter == n.Name {
		v.Changed, v.Said = c.said == "" && c.problem == "", c.said
		if c.problem != "" {
			sub.Topics, sub.Cadence, sub.MaxItems, sub.Hour = c.wish.topics, c.wish.cadence, c.wish.items, c.wish.hour
			sub.Subscriber.Language, sub.Subscriber.TimeZone = c.wish.language, c.wish.zone
			problem = words.T(c.problem, problemArgs(c)...)
		}
	}
	var err error
	if v.Settings, err = s.settings(ctx, words, n, sub); err != nil {
		return v, err
	}
	if c.newsletter == n.Name {
		v.Settings.Open = c.said != "" || problem != ""
		v.Settings.Problem, v.Settings.Before = problem, c.before
		if problem != "" {
			v.Settings.Pause = c.wish.pause
			v.Settings.Wrong = strings.TrimSuffix(strings.TrimPrefix(c.problem, "preferences."), "_wrong")
		}
		switch {
		case c.zone:
			v.Clock = v.Settings.Clock
		case c.problem == wrongZone:
			v.Settings.Clock = ""
		}
	}
	return v, nil
}

func problemArgs(c change) []any {
	if c.problem == wrongZone {
		return []any{"zone", c.wish.zone}
	}
	return nil
}
