package jobs

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"syndicate/internal/fetch"
	"syndicate/internal/publish"
	"syndicate/internal/store"
	"syndicate/internal/websub"
)

// hubQueue is the queue of jobs that call machines of strangers: however slow those
// are, the other jobs do not wait.
const hubQueue = "hub"

// pingJob tells other hubs which documents changed.
type pingJob struct {
	Fence int64 `json:"fence"`
}

// verifyJob asks callbacks whether they meant what this site's hub was asked.
type verifyJob struct {
	Fence int64 `json:"fence"`
}

// distributeJob sends a document that changed to its subscribers. What the job
// sends is what the node has that does it: if that is not what was announced last,
// another will.
type distributeJob struct {
	Topic string `json:"topic"`
	Fence int64  `json:"fence"`
}

func (pingJob) name() string { return "ping" }

func (verifyJob) name() string { return "verify" }

func (j distributeJob) name() string { return "distribute " + j.Topic }

func (pingJob) at(fence int64) job { return pingJob{fence} }

func (verifyJob) at(fence int64) job { return verifyJob{fence} }

func (j distributeJob) at(fence int64) job {
	j.Fence = fence
	return j
}

// Kind implements river.JobArgs.
func (pingJob) Kind() string { return "ping" }

// Kind implements river.JobArgs.
func (verifyJob) Kind() string { return "verify" }

// Kind implements river.JobArgs.
func (distributeJob) Kind() string { return "distribute" }

// InsertOpts keeps them apart.
func (pingJob) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: hubQueue} }

// InsertOpts keeps them apart.
func (verifyJob) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: hubQueue} }

// InsertOpts keeps them apart.
func (distributeJob) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: hubQueue} }

// callers are what a daemon calls strangers with.
type callers struct {
	gate      *gate
	hubs      *fetch.Client // those of the configuration, which may be anywhere
	callbacks *fetch.Client
}

func (s *Service) newCallers() *callers {
	var hosts []string
	for _, h := range s.otherHubs() {
		if u, err := url.Parse(h); err == nil {
			hosts = append(hosts, u.Hostname())
		}
	}
	o := fetch.Options{
		Agent: s.o.Agent, Redirects: -1, Limit: 4 << 10, Idle: s.o.Hub.OwnerConns,
		Connect: 5 * time.Second, Answer: 10 * time.Second, Total: 30 * time.Second, Now: s.now,
	}
	c := &callers{gate: newGate(s.o.Hub.Connections, s.o.Hub.OwnerConns)}
	o.Private = s.o.Hub.Private
	c.callbacks = fetch.New(o)
	o.Private = hosts
	c.hubs = fetch.New(o)
	return c
}

func (c *callers) close() {
	c.hubs.Close()
	c.callbacks.Close()
}

// ping tells other hubs what they have not been told.
func (s *Service) ping(ctx context.Context, c *callers) error {
	round := &calls[store.Ping]{
		gate: c.gate, count: &s.called.pings,
		claim: func(ctx context.Context, limit int) ([]store.Ping, error) {
			return s.store.ClaimPings(ctx, limit, callClaim)
		},
		owner: func(p store.Ping) string { return websub.Owner(p.Hub) },
		call: func(ctx context.Context, p store.Ping) error {
			return post(ctx, c.hubs, p.Hub, http.Header{"Content-Type": {websub.FormType}}, []byte(websub.Ping(p.Topic).Encode()))
		},
		judge: func(p store.Ping, err error) store.Outcome { return s.judgeCall(err, p.Failures, p.FailingSince) },
		settle: func(ctx context.Context, all []called[store.Ping]) error {
			for _, a := range all {
				if err := s.store.SettlePing(ctx, a.item, a.outcome); err != nil {
					return err
				}
			}
			return nil
		},
	}
	n, err := round.run(ctx)
	if n > 0 {
		s.log.Debug("hubs told", "pings", n)
		poke(s.look)
	}
	return err
}

// PingHubs tells other hubs at once of everything that they were not told of.
func (s *Service) PingHubs(ctx context.Context) error {
	if len(s.otherHubs()) == 0 {
		return nil
	}
	if err := s.store.HastenPings(ctx); err != nil {
		return err
	}
	c := s.newCallers()
	defer c.close()
	return s.ping(ctx, c)
}

// post posts; what is answered beside the status is nobody's business.
func post(ctx context.Context, c *fetch.Client, address string, header http.Header, body []byte) error {
	_, err := c.Do(ctx, fetch.Request{URL: address, Method: http.MethodPost, Header: header, Body: body})
	if errors.Is(err, fetch.ErrTooLong) {
		return nil
	}
	return err
}

// judgeCall says what follows from how a call ended.
func (s *Service) judgeCall(err error, failures int, since time.Time) store.Outcome {
	if err == nil {
		return store.Outcome{OK: true}
	}
	o := store.Outcome{Reason: err.Error(), After: nextTry(failures, mathrand.Float64())}
	var status *fetch.StatusError
	if errors.As(err, &status) {
		o.After = min(max(o.After, status.RetryAfter), hubRetryMax)
	}
	o.End = !since.IsZero() && s.now().Sub(since) >= s.o.Hub.GiveUpAfter
	return o
}

// distribution is a version of a document on its way.
type distribution struct {
	store.Topic
	data   []byte
	header http.Header
}

// distribute sends a document to those of its subscribers who have not got it.
func (t *tasks) distribute(ctx context.Context, topic string) error {
	d, err := t.distribution(ctx, topic)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrStale) {
		t.log.Debug("nothing to distribute", "topic", topic, "reason", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("distributing %s: %w", topic, err)
	}
	ended := 0
	round := &calls[store.HubDelivery]{
		gate: t.callers.gate, count: &t.called.documents,
		claim: func(ctx context.Context, limit int) ([]store.HubDelivery, error) {
			return t.store.ClaimHubDeliveries(ctx, d.Topic, limit, callClaim)
		},
		owner: func(to store.HubDelivery) string { return to.Owner },
		call:  func(ctx context.Context, to store.HubDelivery) error { return d.send(ctx, t.callers.callbacks, to) },
		judge: func(to store.HubDelivery, err error) store.Outcome {
			o := t.judgeCall(err, to.Failures, to.FailingSince)
			var status *fetch.StatusError
			if errors.As(err, &status) && status.Code == http.StatusGone { // section 7: the subscription is no more
				o.End = true
			}
			return o
		},
		settle: func(ctx context.Context, all []called[store.HubDelivery]) error {
			outcomes := make([]store.HubOutcome, len(all))
			for i, a := range all {
				outcomes[i] = store.HubOutcome{HubDelivery: a.item, Outcome: a.outcome}
				if a.outcome.End {
					ended++
				}
			}
			return t.store.SettleHubDeliveries(ctx, outcomes)
		},
	}
	n, err := round.run(ctx)
	if n > 0 {
		t.log.Info("document distributed", "topic", topic, "callbacks", n, "ended", ended)
		poke(t.look)
	}
	return err
}

// distribution reads the document that a topic is. ErrStale: this node's is
// another than the one that was announced.
func (t *tasks) distribution(ctx context.Context, topic string) (*distribution, error) {
	of, err := t.store.Topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(t.o.Feeds.Dir, filepath.FromSlash(of.Name)))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err != nil || publish.Hash(data) != of.Hash {
		return nil, fmt.Errorf("%s is not what was announced: %w", of.Name, store.ErrStale)
	}
	mediaType := publish.Format(strings.TrimPrefix(path.Ext(of.Name), ".")).MediaType()
	d := &distribution{of, data, http.Header{"Content-Type": {mediaType + "; charset=utf-8"}}}
	for _, h := range t.HubURLs() { // section 7: the links of the topic go along
		d.header.Add("Link", "<"+h+`>; rel="hub"`)
	}
	d.header.Add("Link", "<"+topic+`>; rel="self"`)
	return d, nil
}

// send sends the document to one callback.
func (d *distribution) send(ctx context.Context, c *fetch.Client, to store.HubDelivery) error {
	h := d.header
	if to.Secret != "" {
		h = h.Clone()
		h.Set(websub.SignatureHeader, websub.Sign(to.Secret, d.data))
	}
	return post(ctx, c, to.Callback, h, d.data)
}

// The ends of a verification that no other try would change.
var (
	errEcho   = errors.New("it does not confirm that it meant that")
	errDenied = errors.New("it was told that the topic is no more")
)

// verifyTries is how often a callback is asked that does not answer.
const verifyTries = 3

// verify asks callbacks whether they meant what was asked of the hub.
func (t *tasks) verify(ctx context.Context) error {
	round := &calls[store.HubRequest]{
		gate: t.callers.gate, count: &t.called.requests,
		claim: func(ctx context.Context, limit int) ([]store.HubRequest, error) {
			return t.store.ClaimHubRequests(ctx, limit, callClaim)
		},
		owner: func(r store.HubRequest) string { return r.Owner },
		call:  t.verifyAt,
		judge: func(r store.HubRequest, err error) store.Outcome {
			o := t.judgeCall(err, r.Failures, time.Time{})
			o.End = err != nil && (isFinal(err) || r.Failures+1 >= verifyTries)
			if o.End {
				t.log.Info("request to the hub not verified", "mode", r.Mode, "topic", r.Topic, "owner", r.Owner, "reason", o.Reason)
			}
			return o
		},
		settle: func(ctx context.Context, all []called[store.HubRequest]) error {
			outcomes := make([]store.RequestOutcome, len(all))
			for i, a := range all {
				outcomes[i] = store.RequestOutcome{HubRequest: a.item, Outcome: a.outcome}
			}
			return t.store.SettleHubRequests(ctx, outcomes)
		},
	}
	n, err := round.run(ctx)
	if n > 0 {
		poke(t.look)
	}
	return err
}

// isFinal reports whether a callback will not say anything else later.
func isFinal(err error) bool {
	var status *fetch.StatusError
	if errors.As(err, &status) {
		return status.Code/100 != 5 && status.Code != http.StatusTooManyRequests && status.Code != http.StatusRequestTimeout
	}
	for _, final := range []error{errEcho, errDenied, fetch.ErrPrivate, fetch.ErrAddress, fetch.ErrTooLong} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}

// verifyAt asks the callback of one request (section 5.3), or tells it that its
// topic is no more (section 5.2).
func (t *tasks) verifyAt(ctx context.Context, r store.HubRequest) error {
	i := websub.Intent{Mode: websub.Mode(r.Mode), Topic: r.Topic, Challenge: rand.Text(), Lease: r.Lease}
	if i.Mode == websub.Subscribe {
		if _, err := t.store.Topic(ctx, r.Topic); errors.Is(err, store.ErrNotFound) {
			i.Mode = websub.Denied
		} else if err != nil {
			return err
		}
	}
	if i.Mode == websub.Denied {
		i.Challenge, i.Reason = "", "this feed is no more"
	}
	address, err := i.URL(r.Callback)
	if err != nil {
		return errors.Join(fetch.ErrAddress, err)
	}
	resp, err := t.callers.callbacks.Get(ctx, address, fetch.Validators{})
	switch {
	case err != nil:
		return err
	case i.Mode == websub.Denied && r.Mode == string(websub.Denied):
		return nil
	case i.Mode == websub.Denied:
		return errDenied
	case !i.Echoes(bytes.TrimSpace(resp.Body)):
		return errEcho
	}
	return nil
}
