package main

import (
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"time"

	"syndicate"
	"syndicate/internal/config"
	"syndicate/internal/jobs"
	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/store"
)

// This file is the only place that knows both the configuration and the options of
// the rooms below: what one calls so, the other calls so.

// outboxDir is where the catcher keeps its mail, in the site folder.
const outboxDir = "data/outbox"

// options translates the configuration for the jobs.
func options(cfg *config.Config, st *store.Store, log *slog.Logger) (o jobs.Options, err error) {
	o = jobs.Options{
		Store:       st,
		Site:        siteOf(cfg),
		Newsletters: newsletters(cfg),
		Feeds: jobs.FeedOptions{
			Items: cfg.Feeds.Items, Full: cfg.Feeds.Content == "full", Hubs: cfg.Feeds.Hubs,
			Archives: publish.Archives(cfg.Feeds.Archives), Compressed: cfg.Feeds.Compressed,
			Named: namedFeeds(cfg), Moved: movedFeeds(cfg),
		},
		Hub:       hub(cfg.Feeds.Hub),
		Agent:     agent(cfg),
		SiteFS:    os.DirFS(cfg.Path(".")),
		WebURL:    cfg.Web.URL,
		Delivery:  delivery(cfg),
		Letters:   jobs.LetterOptions{Confirm: cfg.SignUp.ConfirmWithin, Daily: cfg.SignUp.PerAddress},
		SignUps:   jobs.SignUpOptions{PerNetwork: cfg.SignUp.PerNetwork, PerDay: cfg.SignUp.PerDay, Waiting: cfg.SignUp.MaxWaiting, Forget: cfg.SignUp.ForgetAfter},
		Retention: retention(cfg.Retention),
		Bounces: jobs.BounceOptions{
			ReturnPath: cfg.Bounces.ReturnPath.Address, Unsubscribe: cfg.Bounces.Unsubscribe.Address, Soft: newsletter.SoftLimit(cfg.Bounces.Soft),
		},
		Lists: func(name string) (io.ReadCloser, error) {
			return os.Open(cfg.Path(listFile(name)))
		},
		ListName: listFile,
		Log:      log,
	}
	if o.Builtin, err = fs.Sub(syndicate.Starter, "templates"); err != nil {
		return o, err
	}
	if o.Feeds.Dir, err = absolute(cfg, cfg.Feeds.Dir); err != nil {
		return o, err
	}
	if o.Bounces.Maildir, err = absolute(cfg, cfg.Bounces.Maildir); err != nil {
		return o, err
	}
	if o.Bounces.IMAP, err = imapAccount(cfg); err != nil {
		return o, err
	}
	if o.OutboxDir, err = absolute(cfg, outboxDir); err != nil {
		return o, err
	}
	if cfg.Delivery.Receivers == "mx" {
		o.LookupMX = net.DefaultResolver.LookupMX
	}
	if err := addSources(&o, cfg); err != nil {
		return o, err
	}
	for _, folder := range []string{"subscribers", "intros"} {
		path, err := absolute(cfg, folder)
		if err != nil {
			return o, err
		}
		o.Watch = append(o.Watch, path)
	}
	if o.Signer, err = signer(cfg); err != nil {
		return o, err
	}
	o.Relays, err = relays(cfg)
	return o, err
}

// listFile is the operator's own list of a newsletter's subscribers, in the site
// folder.
func listFile(name string) string { return "subscribers/" + name + ".csv" }

func siteOf(cfg *config.Config) newsletter.Site {
	s := cfg.Site
	return newsletter.Site{
		Title: s.Title, Description: s.Description, URL: s.URL, Language: s.Language, Location: s.TimeZone,
		Author: s.Author, Copyright: s.Copyright, PostalAddress: s.PostalAddress, Icon: s.Icon, Logo: s.Logo,
		License: s.License, Podcast: podcastOf(cfg.Podcast),
	}
}

func podcastOf(p *config.Podcast) *newsletter.Podcast {
	if p == nil {
		return nil
	}
	return &newsletter.Podcast{
		Author: p.Author, Email: p.Email.Address, Image: p.Image, Categories: p.Categories, Explicit: p.Explicit, Serial: p.Type == "serial",
	}
}

func newsletters(cfg *config.Config) []newsletter.Newsletter {
	list := make([]newsletter.Newsletter, len(cfg.Newsletters))
	for i, n := range cfg.Newsletters {
		list[i] = newsletter.Newsletter{
			Name: n.Name, Title: n.Title, Description: n.Description,
			From: n.From, ReplyTo: n.ReplyTo.Address,
			Schedule: n.Schedule, Location: n.TimeZone, Language: n.Language,
			Select: newsletter.Selection(n.Select), Min: n.Min, Max: n.Max,
			Subject: n.Subject, Intro: n.Intro,
			Missed: newsletter.Missed(n.Missed), MaxLate: n.MaxLate,
			Approval: n.Approval == "required", Templates: n.Templates, Closed: n.SignUp == "closed", Archive: archive(n.Archive),
			MaxRate: n.MaxRate.PerSecond(),
			Quiet:   newsletter.Quiet{From: int(n.Quiet.From), To: int(n.Quiet.To)},
			Counts:  newsletter.Counts(n.Counts),
			Canary:  newsletter.Canary{Share: float64(n.Canary.Share), Wait: n.Canary.Wait},
		}
	}
	return list
}

// archive is where issues can be read.
func archive(key string) newsletter.Archive {
	switch key {
	case "private":
		return newsletter.ArchivePrivate
	case "none":
		return newsletter.ArchiveNone
	}
	return newsletter.ArchivePublic
}

func hub(h config.Hub) jobs.HubOptions {
	return jobs.HubOptions{
		Lease: h.Lease, MaxLease: h.MaxLease, Subscriptions: h.Subscriptions, PerOwner: h.PerOwner, PerClient: h.PerClient,
		Verify: h.Verify, Connections: h.Connections, GiveUpAfter: h.GiveUpAfter, Private: h.Private,
	}
}

func namedFeeds(cfg *config.Config) []publish.Selection {
	var list []publish.Selection
	for _, n := range cfg.Feeds.Named {
		list = append(list, publish.Selection{
			Path: n.Path, Title: n.Title, Description: n.Description, Language: n.Language,
			Select: newsletter.Selection(n.Select), Items: n.Items, Full: n.Content == "full",
		})
	}
	return list
}

func movedFeeds(cfg *config.Config) map[string]string {
	moved := map[string]string{}
	for _, m := range cfg.Feeds.Moved {
		moved[m.From] = m.To
	}
	return moved
}

func delivery(cfg *config.Config) jobs.DeliveryOptions {
	d := cfg.Delivery
	named, others := groups(d.Groups)
	return jobs.DeliveryOptions{
		Groups: named, Others: others,
		Chunk: d.Chunk, Lease: d.Lease, Renew: d.Renew, GiveUpAfter: d.GiveUpAfter,
		BackoffFirst: d.Backoff.First, BackoffMax: d.Backoff.Max,
		Hold: d.Uncertain == "hold", Grace: d.Grace, Workers: d.Workers,
		Breaker: jobs.BreakerOptions{
			After: d.Breaker.After, Failures: float64(d.Breaker.Failures),
			Complaints: float64(d.Breaker.Complaints), Refusals: d.Breaker.Refusals,
		},
	}
}

// retention is how long things are kept. Never is jobs.Forever.
func retention(r config.Retention) jobs.RetentionOptions {
	return jobs.RetentionOptions{
		Deliveries: time.Duration(r.Deliveries), Replies: time.Duration(r.Replies), Letters: r.Letters, Unsubscribed: time.Duration(r.Unsubscribed),
		Bounces: time.Duration(r.Bounces), BounceMessages: r.BounceMessages, Reasons: time.Duration(r.Reasons), Imports: time.Duration(r.Imports),
		Outbox: time.Duration(r.Outbox),
	}
}

// groups returns the limits of the groups by name, and that of all others.
func groups(list []config.Group) (named map[string]jobs.GroupLimit, others jobs.GroupLimit) {
	named = map[string]jobs.GroupLimit{}
	for _, g := range list {
		limit := jobs.GroupLimit{Rate: g.Rate.PerSecond(), Connections: g.Connections}
		if g.Name == "default" {
			others = limit
			continue
		}
		named[newsletter.DomainGroup(g.Name)] = limit // gmail.com means gmail
	}
	return named, others
}

func relays(cfg *config.Config) ([]mailer.Relay, error) {
	var list []mailer.Relay
	for i, r := range cfg.Relays {
		m := mailer.Relay{
			Name: r.Name, Host: r.Host, Port: r.Port,
			TLS: r.TLS, InsecureSkipVerify: r.InsecureSkipVerify,
			Auth: r.Auth, Username: r.Username, Password: r.Password.Reveal(), Helo: r.Helo,
			Timeouts: mailer.Timeouts{
				Connect: r.Timeouts.Connect, Command: r.Timeouts.Command, Data: r.Timeouts.Data, Dot: r.Timeouts.Dot,
			},
			Connections: r.Connections, Rate: r.Rate.PerSecond(), MessagesPerConnection: r.MessagesPerConnection,
			Weight: r.Weight, WarmUp: warmUp(r.WarmUp),
		}
		if r.CAFile != "" {
			pool, err := mailer.ReadCAs(cfg.Path(r.CAFile))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", cfg.Where(fmt.Sprintf("relays[%d].ca_file", i)), err)
			}
			m.RootCAs = pool
		}
		list = append(list, m)
	}
	return list, nil
}

// warmUp is the plan of a relay; without a first day there is none.
func warmUp(w config.WarmUp) newsletter.WarmUp {
	if w.From.IsZero() {
		return newsletter.WarmUp{}
	}
	return newsletter.WarmUp{From: w.From.Time, Until: w.Until.Time, First: w.First, Growth: float64(w.Growth)}
}

// relayNames says where mail goes, for people: those that share it, then those that
// stand by.
func relayNames(cfg *config.Config) string {
	var share, spare []string
	for _, r := range cfg.Relays {
		if r.Weight > 0 {
			share = append(share, r.Name)
		} else {
			spare = append(spare, r.Name)
		}
	}
	return join(", then ", append([]string{enumerate(share)}, spare...)...)
}
