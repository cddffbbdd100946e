// Package feed reads the feeds of others: RSS, Atom and JSON Feed, whatever they
// are called and however they are written. It is a remote.Reader; what all sources
// elsewhere have in common, remote sees to.
//
// The procedure of a Read:
//
//   - The feed is asked with the validators of the last answer (fetch). A redirect
//     that is said to be for good is remembered, and told.
//   - If the address is that of a page, and never was anything else, the feed that
//     the page names is taken (discover.go).
//   - The bytes become UTF-8, whatever they say they are (charset.go).
//   - gofeed parses them (document.go), and each item becomes an article (item.go):
//     its text goes through markup's allow list, its addresses are made absolute.
//
// What is no feed is an error, and changes nothing.
package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"time"

	"syndicate/internal/fetch"
	"syndicate/internal/source"
	"syndicate/internal/source/remote"
)

// Options configures a Reader.
type Options struct {
	URL    string // of the feed, or of a page that names it
	Client *fetch.Client
	Now    func() time.Time // nil: time.Now
}

// Reader reads a feed. It is safe for concurrent use.
type Reader struct{ o Options }

// NewReader returns the Reader of a feed.
func NewReader(o Options) *Reader {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Reader{o}
}

// memory is what an answer leaves for the next one.
type memory struct {
	Asked      string           `json:"asked"`           // Options.URL
	URL        string           `json:"url,omitempty"`   // where the feed is, if that is elsewhere
	Found      bool             `json:"found,omitempty"` // a page named it
	Worked     bool             `json:"worked,omitempty"`
	Validators fetch.Validators `json:"validators"`
	Body       uint64           `json:"body,omitempty"` // hash of what came
	Offer      Offer            `json:"offer"`
	Fresh      time.Duration    `json:"fresh,omitempty"` // as the document says
}

// Offer is what a feed says of WebSub: hubs that tell of changes of a topic.
type Offer struct {
	Hubs  []string `json:"hubs,omitempty"`
	Topic string   `json:"topic,omitempty"` // rel=self
}

// OfferOf returns the offer that is remembered in the state of a source made of a
// Reader.
func OfferOf(state []byte) Offer {
	var m memory
	if json.Unmarshal(remote.Memory(state), &m) != nil {
		return Offer{}
	}
	return m.Offer
}

func (m *memory) encode() json.RawMessage {
	b, err := json.Marshal(m)
	if err != nil { // there is nothing in it that cannot be
		return nil
	}
	return b
}

// at is where the feed is asked for.
func (m *memory) at() string {
	if m.URL != "" {
		return m.URL
	}
	return m.Asked
}

// errNoFeed means that what came is not a feed.
var errNoFeed = errors.New("it is neither RSS, Atom nor JSON Feed")

// Read implements remote.Reader.
func (r *Reader) Read(ctx context.Context, last json.RawMessage, whole bool) (*remote.Answer, error) {
	var m memory
	if json.Unmarshal(last, &m) != nil || m.Asked != r.o.URL {
		m = memory{Asked: r.o.URL}
	}
	answer, err := r.ask(ctx, &m, whole)
	if err != nil && m.URL != "" && isLost(err) { // it may be where it was meant to be
		m = memory{Asked: r.o.URL, Worked: m.Worked}
		return &remote.Answer{Memory: m.encode()}, err
	}
	return answer, err
}

// isLost reports whether a failure says that the address is no more that of a feed.
func isLost(err error) bool {
	var status *fetch.StatusError
	return errors.Is(err, errNoFeed) || errors.As(err, &status) && (status.Code == http.StatusNotFound || status.Code == http.StatusGone)
}

func (r *Reader) ask(ctx context.Context, m *memory, whole bool) (*remote.Answer, error) {
	have := m.Validators
	if whole {
		have = fetch.Validators{}
	}
	resp, err := r.get(ctx, m.at(), have)
	if err != nil {
		return nil, err
	}
	if resp.NotModified {
		m.Validators = resp.Validators
		return r.unchanged(m, resp), nil
	}
	if !m.Worked && isPage(resp) {
		address, err := findFeed(resp)
		if err != nil {
			return nil, err
		}
		m.URL, m.Found = address, true
		if resp, err = r.get(ctx, address, fetch.Validators{}); err != nil {
			return nil, fmt.Errorf("the feed that the page names: %w", err)
		}
	}
	if resp.Moved != "" {
		m.URL = resp.Moved
	}
	m.Validators = resp.Validators
	sum := fnv.New64a()
	sum.Write(resp.Body) // never fails
	if sum.Sum64() == m.Body && !whole {
		return r.unchanged(m, resp), nil
	}
	d, err := parse(resp)
	if err != nil {
		return nil, err
	}
	m.Body, m.Worked, m.Offer, m.Fresh = sum.Sum64(), true, d.offer, d.fresh
	return &remote.Answer{
		Items: d.items, Deleted: d.deleted, Problems: append(r.moved(m), d.problems...),
		Memory: m.encode(), Fresh: r.fresh(m, resp),
	}, nil
}

func (r *Reader) get(ctx context.Context, address string, have fetch.Validators) (*fetch.Response, error) {
	resp, err := r.o.Client.Do(ctx, fetch.Request{URL: address, Have: have, Header: http.Header{
		"Accept": {"application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.8, application/json;q=0.8, text/html;q=0.5, */*;q=0.1"},
	}})
	var status *fetch.StatusError
	switch {
	case errors.As(err, &status) && status.Code == http.StatusGone:
		return nil, fmt.Errorf("it is gone for good: %w; take it out of config.yaml", err)
	case err == nil && !resp.NotModified && len(bytes.TrimSpace(resp.Body)) == 0:
		return nil, errors.New("the answer is empty")
	}
	return resp, err
}

func (r *Reader) unchanged(m *memory, resp *fetch.Response) *remote.Answer {
	return &remote.Answer{Unchanged: true, Memory: m.encode(), Fresh: r.fresh(m, resp)}
}

// fresh is how long the server, or the feed itself, says that nothing changes.
func (r *Reader) fresh(m *memory, resp *fetch.Response) time.Duration {
	return max(m.Fresh, fetch.Fresh(resp.Header, r.o.Now()))
}

// moved tells of an address that is not the one in the configuration any more.
func (r *Reader) moved(m *memory) []source.Problem {
	if m.URL == "" || m.Found {
		return nil
	}
	return []source.Problem{{
		Message: "it moved for good, and is read at " + shown(m.URL), Warning: true,
		Hint: "write that address into config.yaml, with name: so that it stays the same source",
	}}
}

// shown is an address without what may be secret in it.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "another address"
	}
	if u.User = nil; u.RawQuery != "" {
		u.RawQuery = "…"
	}
	return u.String()
}
