package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"syndicate/internal/fetch"
	"syndicate/internal/jobs"
	"syndicate/internal/store"
)

// hubStatus is how WebSub stands, in JSON.
type hubStatus struct {
	Own           bool            `json:"own"`           // the site has a hub of its own
	Subscriptions int             `json:"subscriptions"` // to it
	Failing       int             `json:"failing"`       // of them
	Waiting       int             `json:"waiting"`       // requests that are not verified yet
	Callbacks     []failingOwner  `json:"callbacks"`     // that fail, by whom they belong to
	Others        []otherHubState `json:"others"`        // hubs of others
}

type failingOwner struct {
	Owner string    `json:"owner"`
	Count int       `json:"count"`
	Since time.Time `json:"since"`
	Error string    `json:"error"`
}

type otherHubState struct {
	Hub    string    `json:"hub"`
	Behind int       `json:"behind"` // documents of whose change it was not told
	Error  string    `json:"error,omitempty"`
	Since  time.Time `json:"since,omitzero"`
}

// hubStatus looks at it; nil where feeds have no hubs.
func (s *site) hubStatus(ctx context.Context) (*hubStatus, error) {
	if len(s.options.Feeds.Hubs) == 0 {
		return nil, nil //nolint:nilnil // there is none, and that is no error
	}
	st, err := s.service.HubState(ctx)
	if err != nil {
		return nil, err
	}
	v := &hubStatus{
		Own: s.service.OwnHub(), Subscriptions: st.Subscriptions, Failing: st.Failing, Waiting: st.Waiting,
		Callbacks: []failingOwner{}, Others: []otherHubState{},
	}
	for _, o := range st.Owners {
		v.Callbacks = append(v.Callbacks, failingOwner(o))
	}
	for _, h := range st.Hubs {
		v.Others = append(v.Others, otherHubState(h))
	}
	return v, nil
}

// pushStatus is how a hub tells this site of changes of a source, in JSON.
type pushStatus struct {
	Source   string    `json:"source"`
	Hub      string    `json:"hub"`
	State    string    `json:"state"`
	Until    time.Time `json:"until,omitzero"`
	PushedAt time.Time `json:"pushed_at,omitzero"`
	Error    string    `json:"error,omitempty"`
}

func (s *site) pushStatuses(ctx context.Context) ([]pushStatus, error) {
	all, err := s.service.Pushes(ctx)
	list := []pushStatus{}
	for _, p := range all {
		list = append(list, pushStatus{p.Source, hostOf(p.Hub), string(p.State), p.Expires, p.PushedAt, p.Error})
	}
	return list, err
}

func (s *site) tellPushes(l *lines, all []pushStatus) {
	zone := s.cfg.Site.TimeZone
	for _, p := range all {
		state := p.Hub + " is asked to tell of changes"
		if p.State == string(store.PushActive) {
			state = p.Hub + " tells of changes until " + moment(p.Until, zone)
		}
		l.add(p.Source, "%s", join(": ", state, p.Error))
	}
}

func (s *site) tellHub(l *lines, v *hubStatus) {
	if v == nil {
		return
	}
	if v.Own {
		l.add("hub", "%s", join(" · ", count(v.Subscriptions, "subscription"), counted(v.Failing, "failing"), counted(v.Waiting, "to be verified")))
	}
	for _, h := range v.Others {
		state := "told of everything"
		if h.Behind > 0 {
			state = "to be told of " + count(h.Behind, "document")
		}
		l.add("hub", "%s · %s", hostOf(h.Hub), state)
	}
}

// warnHub tells of hubs and callbacks that take nothing.
func (s *site) warnHub(v *hubStatus) {
	if v == nil {
		return
	}
	zone := s.cfg.Site.TimeZone
	for _, h := range v.Others {
		if h.Error != "" {
			s.warn("hub "+hostOf(h.Hub), fmt.Sprintf("since %s: %s", moment(h.Since, zone), h.Error), "")
		}
	}
	for _, o := range v.Callbacks {
		s.warn("callbacks at "+o.Owner, fmt.Sprintf("%s failing since %s: %s", number(o.Count), moment(o.Since, zone), o.Error), "")
	}
}

// hubs looks whether the hubs that feeds name are there. The own one is where serve
// is, which may not run yet.
func (k *check) hubs(s *site) {
	for _, t := range s.service.TryHubs(k.ctx) {
		what := "hub " + hostOf(t.URL)
		var status *fetch.StatusError
		switch {
		case t.Err == nil && t.Own:
			k.ok(what, "%s is the hub of this site", t.URL)
		case t.Err == nil:
			k.ok(what, "it is there")
		case t.Own && !errors.Is(t.Err, jobs.ErrNotOurHub) && !errors.As(t.Err, &status):
			k.ok(what, "%s does not answer yet; syndicate serve does", t.URL)
		case t.Own:
			k.warning(what, t.URL+": "+message(t.Err), "readers that subscribe there hear nothing: what stands before syndicate serve has to pass it on")
		default:
			k.warning(what, message(t.Err), "feeds name it, and readers that subscribe there hear nothing; feeds.hubs in config.yaml")
		}
	}
}

// hostOf is the host of an address, which may hold more than is to be shown.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	return u.Host
}
