package jobs

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"syndicate/internal/fetch"
	"syndicate/internal/store"
)

// HubState says how the hub and the pings of other hubs stand.
func (s *Service) HubState(ctx context.Context) (store.HubState, error) {
	return s.store.HubState(ctx, 10)
}

// hubCounts count calls by what they are for.
type hubCounts struct{ documents, requests, pings, pushes callCount }

// HubCalls are the calls of one purpose that this process made since it began.
type HubCalls struct {
	Purpose    string // document, verification, ping, subscription
	OK, Failed int64
}

// HubCalls returns them, purpose by purpose.
func (s *Service) HubCalls() []HubCalls {
	var all []HubCalls
	for _, c := range []struct {
		purpose string
		count   *callCount
	}{
		{"document", &s.called.documents},
		{"verification", &s.called.requests},
		{"ping", &s.called.pings},
		{"subscription", &s.called.pushes},
	} {
		all = append(all, HubCalls{c.purpose, c.count.ok.Load(), c.count.failed.Load()})
	}
	return all
}

// HubPage is how the hub of this site introduces itself to people; TryHubs knows it
// again by that.
const HubPage = "This is the WebSub hub of "

// HubTrial is what became of looking whether a hub is there.
type HubTrial struct {
	URL string
	Own bool
	Err error // nil: it is there
}

// ErrNotOurHub is for an address of the own hub at which something else answers.
var ErrNotOurHub = errors.New("what answers there is not the hub of this site")

// TryHubs looks whether the hubs that feeds name are there. They are told nothing. A
// hub of others need not have a page: any answer will do that is no fault of the
// server's.
func (s *Service) TryHubs(ctx context.Context) []HubTrial {
	var all []HubTrial
	for i, address := range s.HubURLs() {
		t := HubTrial{URL: address, Own: s.o.Feeds.Hubs[i] == ownHub}
		t.Err = s.tryHub(ctx, &t)
		all = append(all, t)
	}
	return all
}

func (s *Service) tryHub(ctx context.Context, t *HubTrial) error {
	o := fetch.Options{Agent: s.o.Agent, Limit: 4 << 10, Total: siteTimeout, Now: s.now}
	if u, err := url.Parse(t.URL); err == nil {
		o.Private = []string{u.Hostname()} // the operator's own choice
	}
	c := fetch.New(o)
	defer c.Close()
	r, err := c.Get(ctx, t.URL, fetch.Validators{})
	var status *fetch.StatusError
	switch {
	case t.Own && err == nil && !strings.HasPrefix(string(r.Body), HubPage):
		return ErrNotOurHub
	case t.Own:
		return err
	case errors.As(err, &status) && status.Code < http.StatusInternalServerError, errors.Is(err, fetch.ErrTooLong):
		return nil
	}
	return err
}
