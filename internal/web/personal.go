package web

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"syndicate/internal/feeds"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// ownFeed is a newsletter of the owner's and their personal feed of it.
type ownFeed struct {
	Name, Title string
	Lang        string     // of the title
	HasFeed     bool       //
	ByFeed      bool       // no mail comes
	Links       []feedLink // just made: they are shown once
	Changed     bool       // just now
}

// ownFeeds returns the newsletters that the owner gets; of those that were changed
// just now it keeps the links.
func (s *server) ownFeeds(ctx context.Context, o owner, changed []ownFeed) ([]ownFeed, error) {
	var out []ownFeed
	for _, n := range s.o.Newsletters {
		sub, err := s.store.Subscription(ctx, o.claim.Subscriber, n.Name)
		if errors.Is(err, store.ErrNotFound) || err == nil && sub.State != newsletter.SubscriptionConfirmed {
			continue
		}
		if err != nil {
			return nil, err
		}
		f := ownFeed{Name: n.Name, Title: n.Title, Lang: n.Language, HasFeed: sub.HasFeed, ByFeed: sub.ByFeed}
		for _, c := range changed {
			if c.Name == n.Name {
				f.Links, f.Changed = c.Links, true
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// changeFeed does something with a personal feed of the owner's.
func (s *server) changeFeed(ctx context.Context, o owner, wish, name string) ([]ownFeed, error) {
	if !isName(name) {
		return nil, status(http.StatusBadRequest)
	}
	sub, err := s.store.Subscription(ctx, o.claim.Subscriber, name)
	if errors.Is(err, store.ErrNotFound) || err == nil && sub.State != newsletter.SubscriptionConfirmed {
		return nil, status(http.StatusBadRequest)
	}
	f := ownFeed{Name: name}
	if err != nil {
		return nil, err
	}
	switch wish {
	case "feed":
		secret := rand.Text()
		if err = s.store.SetFeed(ctx, sub.Subscriber.ID, name, s.store.Keyring().FeedHash(secret), s.now()); err == nil {
			f.Links = s.personalLinks(secret)
		}
	case "revoke":
		err = s.store.SetFeed(ctx, sub.Subscriber.ID, name, "", s.now())
	default:
		err = s.store.ByFeed(ctx, sub.Subscriber.ID, name, wish == "by feed", s.now())
	}
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		err = status(http.StatusBadRequest)
	}
	return []ownFeed{f}, err
}

func (s *server) personalLinks(secret string) []feedLink {
	base := s.o.WebURL + "/personal/" + secret + "/feed"
	return []feedLink{
		{Name: "RSS", Type: feeds.TypeRSS, URL: base + ".rss"},
		{Name: "Atom", Type: feeds.TypeAtom, URL: base + ".atom"},
		{Name: "JSON Feed", Type: feeds.TypeJSON, URL: base + ".json"},
	}
}

// personalFeed answers with somebody's own feed. Its address is a secret: what is
// wrong with one is told to nobody, and clients that try some out are slowed down.
func (s *server) personalFeed(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex")
	var format feeds.Format
	for _, f := range feeds.Formats() {
		if r.PathValue("file") == "feed"+f.Ext {
			format = f
		}
	}
	secret := r.PathValue("secret")
	sub, err := s.store.FeedOwner(r.Context(), s.store.Keyring().FeedHash(secret))
	if err == nil && format.Ext == "" {
		err = store.ErrNotFound
	}
	if errors.Is(err, store.ErrNotFound) {
		client, now := s.client(r), s.now()
		if _, over := s.wrong.over(client, now); over {
			return status(http.StatusTooManyRequests)
		}
		s.wrong.add(client, now)
		h.Set("Cache-Control", "no-store")
		return status(http.StatusNotFound)
	}
	if err != nil {
		return err
	}
	version, err := s.o.Service.PersonalVersion(r.Context(), &sub)
	if err != nil {
		return err
	}
	h.Set("Cache-Control", "private, max-age=900")
	if tag := versionTag(r, version); tag != "" {
		h.Set("Etag", tag)
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	body, err := s.o.Service.PersonalFeed(r.Context(), &sub, format, strings.TrimSuffix(s.o.WebURL, "/")+"/personal/"+secret+"/feed")
	if err != nil {
		return err
	}
	hash := hashOf(body)
	h.Set("Etag", `W/"`+version+"."+hash+`"`)
	for tag := range entityTags(r.Header["If-None-Match"]) {
		if tag == "*" || strings.HasSuffix(tag, "."+hash+`"`) { // what changed shows elsewhere
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	// Not compressed: the secret stands in it, and others could learn it from the length.
	h.Set("Content-Type", format.Type+"; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, err = w.Write(body)
	}
	return err
}

// versionTag returns the tag of what a client has, if that was made from the same
// version: then nothing need be rendered. A tag is the version, a dot, and the hash of
// the document. Empty: it has none.
func versionTag(r *http.Request, version string) string {
	for tag := range entityTags(r.Header["If-None-Match"]) {
		if strings.HasPrefix(tag, `"`+version+".") {
			return "W/" + tag
		}
	}
	return ""
}
