package jobs

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/store"
	"syndicate/internal/websub"
)

// ownHub is what the configuration calls the hub of this site.
const ownHub = "self"

// HubOptions bounds what the hub of this site does for strangers. Zero values get
// their defaults from New.
type HubOptions struct {
	Lease         time.Duration // where a subscriber does not say; 0: 10 days
	MaxLease      time.Duration // 0: 30 days
	Subscriptions int           // of all; 0: 100,000
	PerOwner      int           // subscriptions of the callbacks of one domain or address; 0: 2000
	PerClient     int           // subscriptions that one network asked for; 0: 5000
	Verify        int           // requests about one owner's callbacks verified a minute; 0: 60
	Connections   int           // open to callbacks at once; 0: 64
	OwnerConns    int           // of them, to callbacks of one owner; 0: 8
	GiveUpAfter   time.Duration // a callback or a hub that takes nothing; 0: 3 days
	Settle        time.Duration // after a change, for others to come; 0: 5 s
	Interval      time.Duration // between two tellings of one document; 0: 30 s
	Private       []string      // hosts of callbacks that may be at private addresses
}

// minLease is granted to whoever asks for less.
const minLease = 10 * time.Minute

func (h *HubOptions) defaults() {
	for _, d := range []struct {
		value *time.Duration
		or    time.Duration
	}{
		{&h.Lease, 10 * 24 * time.Hour},
		{&h.MaxLease, 30 * 24 * time.Hour},
		{&h.GiveUpAfter, 3 * 24 * time.Hour},
		{&h.Settle, 5 * time.Second},
		{&h.Interval, 30 * time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.or
		}
	}
	for _, n := range []struct {
		value *int
		or    int
	}{
		{&h.Subscriptions, 100_000},
		{&h.PerOwner, 2000},
		{&h.PerClient, 5000},
		{&h.Verify, 60},
		{&h.Connections, 64},
		{&h.OwnerConns, 8},
	} {
		if *n.value <= 0 {
			*n.value = n.or
		}
	}
}

// OwnHub reports whether this site is its own hub.
func (s *Service) OwnHub() bool {
	for _, h := range s.o.Feeds.Hubs {
		if h == ownHub {
			return true
		}
	}
	return false
}

// HubURLs returns the addresses of the hubs that feeds name.
func (s *Service) HubURLs() []string {
	var all []string
	for _, h := range s.o.Feeds.Hubs {
		if h == ownHub {
			h = s.o.WebURL + "/hub"
		}
		all = append(all, h)
	}
	return all
}

// otherHubs returns those that are to be told of changes.
func (s *Service) otherHubs() []string {
	hubs := []string{}
	for _, h := range s.o.Feeds.Hubs {
		if h != ownHub {
			hubs = append(hubs, h)
		}
	}
	return hubs
}

// announce notes what the documents of the feeds hold, given the hashes of the
// files by name. What changed is told to hubs and subscribers afterwards.
func (s *Service) announce(ctx context.Context, c *publish.Catalogue, hashes map[string]string) error {
	var docs []store.Document // none where there are no hubs: whoever subscribed is told so
	for d := range c.Documents() {
		name := d.File()
		if hash := hashes[name]; hash != "" && len(s.o.Feeds.Hubs) > 0 {
			docs = append(docs, store.Document{URL: d.URL(s.o.Site.URL), Name: name, Hash: hash})
		}
	}
	_, err := s.store.Announce(ctx, docs, s.otherHubs(), store.TopicPace{Settle: s.o.Hub.Settle, Interval: s.o.Hub.Interval})
	return err
}

// AskHub takes a subscriber's request to the hub of this site: the form as it was
// posted, by a client at the address; the zero one may stand for many, and no limit of
// a client's holds for it. It is verified at the callback afterwards.
// The error is a *websub.Refusal, store.ErrNotFound (the topic is none of this
// site's), store.ErrLimit, or the store's.
func (s *Service) AskHub(ctx context.Context, form url.Values, client netip.Addr) error {
	r, err := websub.ParseRequest(form)
	if err != nil {
		return err
	}
	lease := r.Lease
	if lease == 0 {
		lease = s.o.Hub.Lease
	}
	lease = min(max(lease, minLease), s.o.Hub.MaxLease)
	asker := ""
	if client.IsValid() {
		asker = s.store.Keyring().NetworkHash(websub.Network(client))
	}
	err = s.store.AskHub(ctx, store.HubRequest{
		Mode: string(r.Mode), Topic: r.Topic, Callback: r.Callback, Secret: r.Secret, Lease: lease,
		Owner: websub.Owner(r.Callback), Client: asker,
	}, store.HubLimits{
		Subscriptions: s.o.Hub.Subscriptions, PerOwner: s.o.Hub.PerOwner, PerClient: s.o.Hub.PerClient,
		Waiting: 10 * s.o.Hub.Verify, Burst: s.o.Hub.Verify, Every: time.Minute / time.Duration(s.o.Hub.Verify),
	})
	if err != nil {
		return fmt.Errorf("asking the hub: %w", err)
	}
	poke(s.look)
	return nil
}

const (
	hubRetry    = time.Minute // after a first failure; it doubles
	hubRetryMax = 6 * time.Hour
)

// nextTry is when to try again what failed so many times before.
func nextTry(failures int, jitter float64) time.Duration {
	return newsletter.Backoff(failures+1, hubRetry, hubRetryMax, jitter)
}
