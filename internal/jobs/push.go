package jobs

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"syndicate/internal/markup"
	"syndicate/internal/source/feed"
	"syndicate/internal/store"
	"syndicate/internal/websub"
)

// This site as a subscriber: where a feed that it reads names a hub, the hub is asked
// to tell of changes. What it sends is a hint and no more: the source is asked, now
// instead of later. It goes on being asked now and then, whatever the hub does.

const (
	pushLease    = 10 * 24 * time.Hour // asked for
	pushForEver  = 30 * 24 * time.Hour // taken for a lease that a hub does not name
	pushPatience = time.Hour           // until a hub that took a request asks back
	pushDenied   = 24 * time.Hour      // until a hub that denied is asked again
	pushPause    = 10 * time.Second    // between two visits because of a hub
	pushReason   = 200                 // bytes of what a hub says why
)

// pushJob asks hubs to tell of changes, and to go on when their leases end.
type pushJob struct {
	Fence int64 `json:"fence"`
}

func (pushJob) name() string { return "push" }

func (pushJob) at(fence int64) job { return pushJob{fence} }

// Kind implements river.JobArgs.
func (pushJob) Kind() string { return "push" }

// InsertOpts keeps it apart.
func (pushJob) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: hubQueue} }

// wantPushes notes which hubs are to tell of changes, as the sources say by now.
func (s *Service) wantPushes(ctx context.Context) error {
	var wanted []store.Push
	if s.canBePushed() {
		for _, src := range s.o.Sources {
			st, err := s.store.SourceState(ctx, src.Name())
			if err != nil {
				return err
			}
			offer := feed.OfferOf(st.State)
			if hub := chosenHub(offer.Hubs); hub != "" && offer.Topic != "" {
				wanted = append(wanted, store.Push{Source: src.Name(), Hub: hub, Topic: offer.Topic, Token: rand.Text(), Secret: rand.Text()})
			}
		}
	}
	return s.store.WantPushes(ctx, wanted)
}

// canBePushed reports whether hubs can find this site, and nobody between can read
// the secret: behind https, or inside a network that the operator speaks for.
func (s *Service) canBePushed() bool {
	u, err := url.Parse(s.o.WebURL)
	return err == nil && (u.Scheme == "https" || slices.Contains(s.o.Hub.Private, u.Hostname()))
}

// chosenHub is the first of the hubs that a feed names, one behind https if there is
// any: each would tell the same.
func chosenHub(hubs []string) string {
	for _, h := range hubs {
		if strings.HasPrefix(h, "https:") {
			return h
		}
	}
	if len(hubs) > 0 {
		return hubs[0]
	}
	return ""
}

// askHubs asks the hubs that are to be asked.
func (t *tasks) askHubs(ctx context.Context) error {
	round := &calls[store.Push]{
		gate: t.callers.gate, count: &t.called.pushes,
		claim: func(ctx context.Context, limit int) ([]store.Push, error) {
			return t.store.ClaimPushes(ctx, limit, callClaim)
		},
		owner: func(p store.Push) string { return websub.Owner(p.Hub) },
		call: func(ctx context.Context, p store.Push) error {
			r := websub.Request{Mode: websub.Subscribe, Topic: p.Topic, Callback: t.o.WebURL + "/websub/" + p.Token, Secret: p.Secret, Lease: pushLease}
			return post(ctx, t.callers.callbacks, p.Hub, http.Header{"Content-Type": {websub.FormType}}, []byte(r.Form().Encode()))
		},
		judge: func(p store.Push, err error) store.Outcome { return t.judgeCall(err, p.Failures, time.Time{}) },
		settle: func(ctx context.Context, all []called[store.Push]) error {
			for _, a := range all {
				patience := max(pushPatience, nextTry(a.item.Failures, mathrand.Float64()))
				if err := t.store.SettlePush(ctx, a.item, a.outcome, patience); err != nil {
					return err
				}
			}
			return nil
		},
	}
	_, err := round.run(ctx)
	return err
}

// AnswerHub answers a hub that asks a callback of this site, or denies it something:
// with the challenge to be echoed, empty if there is none. The error is a
// *websub.Refusal, store.ErrNotFound (this site did not mean it), or the store's.
func (s *Service) AnswerHub(ctx context.Context, token string, query url.Values) (challenge string, err error) {
	i, err := websub.ParseIntent(query)
	if err != nil {
		return "", err
	}
	p, err := s.store.PushOf(ctx, token)
	if err != nil {
		return "", err
	}
	if i.Topic != p.Topic || i.Mode == websub.Unsubscribe {
		return "", fmt.Errorf("nobody here asked for that: %w", store.ErrNotFound)
	}
	if i.Mode == websub.Denied {
		reason := "its hub denied the subscription"
		if said := markup.CleanLine(i.Reason); said != "" {
			reason += ": " + said[:min(len(said), pushReason)]
		}
		s.log.Info("hub denied a subscription", "source", p.Source)
		return "", s.store.DenyPush(ctx, token, strings.ToValidUTF8(reason, ""), pushDenied)
	}
	lease := i.Lease
	if lease == 0 {
		lease = pushForEver
	}
	s.log.Info("hub tells of changes", "source", p.Source, "lease", lease)
	return i.Challenge, s.store.ConfirmPush(ctx, token, lease, lease*4/5)
}

// PushOf returns what the callback with a token is for; store.ErrNotFound: for
// nothing, any more.
func (s *Service) PushOf(ctx context.Context, token string) (store.Push, error) {
	return s.store.PushOf(ctx, token)
}

// Pushed takes note that a hub told of a change.
func (s *Service) Pushed(ctx context.Context, p store.Push) error {
	if err := s.store.Pushed(ctx, p.Token, pushPause); err != nil {
		return err
	}
	s.log.Debug("hub told of a change", "source", p.Source)
	poke(s.look)
	return nil
}

// Pushes returns the subscriptions of this site at hubs, by source.
func (s *Service) Pushes(ctx context.Context) ([]store.Push, error) { return s.store.Pushes(ctx) }
