package main

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// subscribersCommand looks after who gets what.
func subscribersCommand(a *app) *cobra.Command {
	return group("subscribers", "Who gets what: list, add, import, imports, undo-import, export, remove, erase, explain, reasons",
		subscribersList(a), subscribersAdd(a), subscribersImport(a), subscribersImports(a), subscribersUndoImport(a),
		subscribersExport(a), subscribersRemove(a), subscribersErase(a), subscribersExplain(a), subscribersReasons(a))
}

// subscriptionView is a subscription in JSON.
type subscriptionView struct {
	Email      string                       `json:"email"`
	Name       string                       `json:"name,omitempty"`
	Newsletter string                       `json:"newsletter"`
	State      newsletter.SubscriptionState `json:"state"`
	Suppressed newsletter.Cause             `json:"suppressed,omitempty"` // why it is never mailed
	Language   string                       `json:"language,omitempty"`
	Topics     []string                     `json:"topics,omitempty"`
	TimeZone   string                       `json:"time_zone,omitempty"`
	Source     string                       `json:"source"`
	ConsentAt  time.Time                    `json:"consent_at,omitzero"`
	CreatedAt  time.Time                    `json:"created_at"`
}

func subscribersList(a *app) *cobra.Command {
	var match, state string
	var limit int
	c := &cobra.Command{
		Use:   "list [NEWSLETTER]",
		Short: "List subscribers",
		Example: `    syndicate subscribers list weekly
    syndicate subscribers list --match example.org --state unsubscribed`,
		Args:              arguments(0, 1),
		ValidArgsFunction: a.completeNewsletter(1),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			q, err := s.subscriberQuery(args, state)
			if err != nil {
				return err
			}
			q.Match, q.Limit = match, limit
			list, err := s.store.Subscribers(ctx, q)
			if err != nil {
				return err
			}
			emails := make([]string, len(list))
			for i, x := range list {
				emails[i] = x.Subscriber.Email
			}
			causes, err := s.store.Causes(ctx, emails)
			if err != nil {
				return err
			}
			views, rows := []subscriptionView{}, [][]string{}
			for _, x := range list {
				v := viewSubscription(x)
				v.Suppressed = causes[v.Email]
				views = append(views, v)
				state := string(v.State)
				if v.Suppressed != "" {
					state += ", suppressed (" + string(v.Suppressed) + ")"
				}
				rows = append(rows, []string{v.Email, v.Name, v.Newsletter, state, v.Source, v.Language, strings.Join(v.Topics, ", ")})
			}
			if a.json {
				return a.printJSON(views)
			}
			if len(rows) == 0 {
				a.printf("There is no such subscriber. syndicate build and syndicate run take in subscribers/*.csv.\n")
				return nil
			}
			a.table([]string{"address", "name", "newsletter", "state", "source", "lang", "topics"}, rows)
			if limit > 0 && len(list) == limit {
				a.notef("The first %s; --limit 0 lists all.", number(limit))
			}
			return nil
		}),
	}
	c.Flags().StringVar(&match, "match", "", "only addresses and names with `TEXT` in them")
	c.Flags().StringVar(&state, "state", "", "only of this `STATE`: pending, confirmed, unsubscribed or suppressed")
	oneOf(c, "state", "pending", "confirmed", "unsubscribed", "suppressed")
	limitFlag(c, &limit, 100)
	return c
}

// exportView is all that is known of a subscription, in JSON.
type exportView struct {
	subscriptionView
	Cadence       string          `json:"cadence,omitempty"`
	Hour          int             `json:"hour"` // -1: when the issue is sent
	MaxItems      int             `json:"max_items,omitempty"`
	PausedTill    time.Time       `json:"paused_until,omitzero"`
	ByFeed        bool            `json:"by_feed,omitempty"` // no mail: it has a feed of its own
	SetByOwner    []string        `json:"set_by_owner,omitempty"`
	ConsentSource string          `json:"consent_source"`
	Proof         json.RawMessage `json:"proof,omitempty"`
	LeftAt        time.Time       `json:"left_at,omitzero"`
	LeftBy        string          `json:"left_by,omitempty"`
}

func viewSubscription(x newsletter.Subscription) subscriptionView {
	return subscriptionView{
		Email: x.Subscriber.Email, Name: x.Subscriber.Name, Newsletter: x.Newsletter, State: x.State,
		Language: x.Subscriber.Language, Topics: x.Topics, TimeZone: x.Subscriber.TimeZone,
		Source: x.Source, ConsentAt: x.ConsentAt, CreatedAt: x.CreatedAt,
	}
}

// subscriberQuery checks a newsletter's name and a state.
func (s *site) subscriberQuery(args []string, state string) (store.SubscriberQuery, error) {
	q := store.SubscriberQuery{State: newsletter.SubscriptionState(state)}
	switch q.State {
	case "suppressed": // not a state of subscriptions, but listed beside it
		q.State, q.Suppressed = "", true
	case "", newsletter.SubscriptionPending, newsletter.SubscriptionConfirmed, newsletter.SubscriptionUnsubscribed:
	default:
		return q, usage("it is pending, confirmed, unsubscribed or suppressed", "--state %s is not a state of subscriptions", state)
	}
	if len(args) > 0 {
		q.Newsletter = args[0]
		return q, known(s.cfg, args...)
	}
	return q, nil
}

func subscribersAdd(a *app) *cobra.Command {
	var name, language, zone string
	var topics []string
	c := &cobra.Command{
		Use:   "add NEWSLETTER ADDRESS",
		Short: "Subscribe somebody who asked for it",
		Long: `Add subscribes an address, confirmed: only for people who asked. One that was removed
is brought back; one that is suppressed, or whose owner left, changed or erased it, is not.`,
		Example:           `    syndicate subscribers add weekly ann@example.org --name "Ann Example" --language en`,
		Args:              arguments(2, 2, "a NEWSLETTER and an ADDRESS", "an ADDRESS"),
		ValidArgsFunction: a.completeNewsletter(1),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			if err := known(s.cfg, args[0]); err != nil {
				return err
			}
			line, err := lineOf(args[1], fields{name: name, language: language, zone: zone, topics: topics})
			if err != nil {
				return err
			}
			result, err := s.store.AddSubscriber(ctx, args[0], line, "cli", a.clock())
			if err != nil {
				return err
			}
			return s.tellAdded(ctx, args[0], line.Email, result)
		}),
	}
	c.Flags().StringVar(&name, "name", "", "the subscriber's `NAME`")
	c.Flags().StringVar(&language, "language", "", "the `LANGUAGE` of the mail; default: the newsletter's")
	c.Flags().StringSliceVar(&topics, "topics", nil, "only articles with one of these `TAGS`, separated by commas")
	c.Flags().StringVar(&zone, "time-zone", "", "the subscriber's time `ZONE`; default: the newsletter's")
	return c
}

func (s *site) tellAdded(ctx context.Context, name, address string, result store.AddResult) error {
	if result != store.Created && result != store.Exists {
		return s.notAdded(ctx, name, address, result)
	}
	if s.json {
		return s.printJSON(map[string]string{"newsletter": name, "email": address, "result": string(result)})
	}
	s.printf("%s %s %s.\n", address, map[store.AddResult]string{store.Created: "now gets", store.Exists: "already gets"}[result], name)
	return nil
}

func subscribersRemove(a *app) *cobra.Command {
	var from string
	c := &cobra.Command{
		Use:   "remove ADDRESS",
		Short: "Delete a subscriber; no list brings the address back",
		Long: `Remove deletes a subscriber, or one subscription, with what was still to be sent. A keyed
hash of the address is kept, so that no list and no import brings it back; add does. What its
owner had left stays left: to that only they come back, by signing up. What relays said of
the address, and why it is suppressed, is kept, too: erase takes that as well.`,
		Example: `    syndicate subscribers remove ann@example.org
    syndicate subscribers remove ann@example.org --newsletter weekly`,
		Args: arguments(1, 1, "an ADDRESS"),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			address, err := addressArgument(args[0])
			if err != nil {
				return err
			}
			if from != "" {
				if err := known(s.cfg, from); err != nil {
					return err
				}
			}
			if err := s.store.RemoveSubscriber(ctx, address, from, a.clock()); err != nil {
				return notThere(err, address)
			}
			if a.json {
				return a.printJSON(map[string]string{"email": address, "newsletter": from, "result": "removed"})
			}
			a.printf("%s was removed%s.\n", address, map[bool]string{true: " from " + from}[from != ""])
			return nil
		}),
	}
	c.Flags().StringVar(&from, "newsletter", "", "only from this `NEWSLETTER`")
	return c
}
