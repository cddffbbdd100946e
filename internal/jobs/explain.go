package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// Explanation says what an address got, will get, and why not.
type Explanation struct {
	Email       string
	Subscriber  newsletter.Subscriber   // ID 0: it is nobody's now
	Suppression *newsletter.Suppression // nil: it is not suppressed
	Removed     []store.Tombstone
	Newsletters []ExplainedNewsletter // that are configured, and others it has subscribed to
	Got         []store.PastDelivery  // latest first; also what is to come of open issues
	Bounces     []store.StoredBounce  // what came back from there, latest first
}

// ExplainedNewsletter is one newsletter as seen from an address.
type ExplainedNewsletter struct {
	Name         string
	Subscription *newsletter.Subscription // nil: there is none
	Zone         *time.Location           // whose clock its owner lives by
	Cursor       int64                    // articles up to this seq are served
	Next         NextDue                  // that is due for it; zero: only by hand, or it gets nothing
	Mail         time.Time                // when its mail of Next comes: at the hour that its owner chose
	Waiting      []newsletter.Article     // what the next issue would bring, newest first
	More         int                      // that it would leave out
	WhyNot       []string                 // why it gets nothing; empty: it will
}

// How many bounces an explanation tells, and through how many issues it looks.
const (
	explainedBounces = 20
	explainedIssues  = 100
)

// Explain looks an address up.
func (s *Service) Explain(ctx context.Context, email string) (Explanation, error) {
	e := Explanation{Email: email}
	if p, err := s.store.Suppression(ctx, email); err == nil {
		e.Suppression = &p
	} else if !errors.Is(err, store.ErrNotFound) {
		return e, err
	}
	var err error
	if e.Removed, err = s.store.Tombstones(ctx, email); err != nil {
		return e, err
	}
	if e.Bounces, err = s.store.Bounces(ctx, store.BounceQuery{Email: email, Limit: explainedBounces}); err != nil {
		return e, err
	}
	e.Subscriber, err = s.store.SubscriberByEmail(ctx, email)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return e, err
	}
	var subscriptions []newsletter.Subscription
	if e.Subscriber.ID != 0 {
		subscriptions, err = s.store.Subscribers(ctx, store.SubscriberQuery{After: e.Subscriber.ID - 1, Through: e.Subscriber.ID})
		if err != nil {
			return e, err
		}
		if e.Got, err = s.store.History(ctx, e.Subscriber.ID, s.Rehearsal(), explainedIssues); err != nil {
			return e, err
		}
	}
	names := make([]string, 0, len(s.o.Newsletters))
	for _, n := range s.o.Newsletters {
		names = append(names, n.Name)
	}
	for _, b := range subscriptions {
		if !slices.Contains(names, b.Newsletter) {
			names = append(names, b.Newsletter)
		}
	}
	for _, name := range names {
		x, err := s.explain(ctx, &e, name, subscriptions)
		if err != nil {
			return e, err
		}
		e.Newsletters = append(e.Newsletters, x)
	}
	return e, nil
}

func (s *Service) explain(ctx context.Context, e *Explanation, name string, subscriptions []newsletter.Subscription) (ExplainedNewsletter, error) {
	x := ExplainedNewsletter{Name: name}
	why := func(format string, args ...any) { x.WhyNot = append(x.WhyNot, fmt.Sprintf(format, args...)) }
	if e.Suppression != nil {
		why("the address is suppressed (%s)", e.Suppression.Cause)
	}
	i := slices.IndexFunc(subscriptions, func(b newsletter.Subscription) bool { return b.Newsletter == name })
	if i < 0 {
		why("%s", e.notSubscribed(name))
		return x, nil
	}
	b := &subscriptions[i]
	x.Subscription, x.Cursor = b, b.Cursor
	if s.Rehearsal() {
		x.Cursor = b.RehearsalCursor
	}
	now := s.now()
	switch {
	case b.State == newsletter.SubscriptionPending:
		why("its owner has not confirmed the subscription")
	case b.State == newsletter.SubscriptionUnsubscribed:
		why("%s", left(b))
	case b.ByFeed:
		why("its owner reads it in a personal feed")
	case b.PausedTill.After(now):
		why("its owner paused it")
	}
	n, err := s.Newsletter(name)
	x.Zone = s.zoneOf(n, b)
	if errors.Is(err, store.ErrNotFound) {
		why("the newsletter is not in the configuration")
		return x, nil
	}
	if err != nil {
		return x, err
	}
	if err := s.waiting(ctx, &x, n, why); err != nil || len(x.WhyNot) > 0 {
		return x, err
	}
	served := b.Served
	if s.Rehearsal() {
		served = b.RehearsalServed
	}
	x.Next, err = s.nextTurn(ctx, n, b, served)
	if x.Mail = x.Next.At; b.Hour >= 0 && !x.Mail.IsZero() {
		if at := store.NextHour(x.Mail, b.Hour, x.Zone.String()); !at.IsZero() {
			x.Mail = at
		}
	}
	return x, err
}

// left says that there is a subscription no more, and who says so: a list of elsewhere is
// not the owner's own word.
func left(b *newsletter.Subscription) string {
	if strings.HasPrefix(b.LeftBy, "import ") {
		return "it left, says " + b.LeftBy
	}
	return "its owner left"
}

// zoneOf is the time zone of a subscriber: their own, the newsletter's, the site's.
func (s *Service) zoneOf(n newsletter.Newsletter, b *newsletter.Subscription) *time.Location {
	if own := b.Subscriber.TimeZone; own != "" {
		if zone, err := time.LoadLocation(own); err == nil {
			return zone
		}
	}
	if n.Location != nil {
		return n.Location
	}
	return s.o.Site.Location
}

// notSubscribed says why there is no subscription.
func (e *Explanation) notSubscribed(name string) string {
	why := "it is not subscribed"
	for _, t := range e.Removed {
		if t.Newsletter != "" && t.Newsletter != name {
			continue
		}
		if t.Cause == "left" { // and was removed, or it is long ago: see store.RetainedUnsubscribed
			return "its owner left: no list brings it back"
		}
		if why = "the address was " + t.Cause + ": no list brings it back"; t.Cause != "removed" {
			return why
		}
	}
	return why
}

// waiting finds what the next issue would bring, and why that is nothing.
func (s *Service) waiting(ctx context.Context, x *ExplainedNewsletter, n newsletter.Newsletter, why func(string, ...any)) error {
	horizon, err := s.store.HighestSeq(ctx)
	if err != nil {
		return err
	}
	b := x.Subscription
	g := newsletter.Group{Cursor: x.Cursor, Language: b.Subscriber.Language, Topics: newsletter.JoinTopics(b.Topics), Max: b.MaxItems}
	sel, err := newSelector(ctx, s.store, n.Select, n.Max, g.Cursor, horizon)
	if err != nil {
		return err
	}
	chosen, err := sel.choose(ctx, g)
	if err != nil {
		return err
	}
	x.Waiting, x.More = chosen.articles, chosen.more
	switch total := chosen.total(); {
	case total >= max(n.Min, 1):
	case total > 0:
		why("%d new %s for it, fewer than min (%d)", total, newsletter.Plural(total, "article"), n.Min)
	default:
		g.Topics = ""
		all, err := sel.choose(ctx, g)
		if err != nil {
			return err
		}
		if total := all.total(); total > 0 {
			why("no new article has one of its topics (%s); %d %s other ones", strings.Join(b.Topics, ", "), total, map[bool]string{true: "has", false: "have"}[total == 1])
		} else {
			why("no new article")
		}
	}
	return nil
}
