package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"syndicate/internal/feeds"
	"syndicate/internal/markup"
	"syndicate/internal/store"
)

// PublishReport says what was built.
type PublishReport struct {
	Dir      string   `json:"dir"`
	Items    int      `json:"items"`              // articles in the site's feeds
	Written  []string `json:"written"`            // files whose bytes changed
	Problems []string `json:"problems,omitempty"` // articles that went out without their body
	Error    string   `json:"error,omitempty"`    // they could not be built; those of before stay

	files map[string]int64 // that stand now: name → size
}

// published is what the store remembers of the last build, as JSON under
// publishedKey.
type published struct {
	FeedID      string            `json:"feed_id"`     // minted once, the identity of the site's feeds
	Fingerprint string            `json:"fingerprint"` // of everything the files depend on
	Hashes      map[string]string `json:"hashes"`      // of the files, by name
	Items       int               `json:"items"`
}

const publishedKey = "published feeds"

// feedsRevision is raised when the same articles would give other bytes, so that
// an upgrade builds anew.
const feedsRevision = 3

// Publish builds the feeds into public/. When nothing changed since the last
// build and its files are there, it does nothing.
func (s *Service) Publish(ctx context.Context) (PublishReport, error) {
	r := PublishReport{Dir: s.o.Feeds.Dir}
	if r.Dir == "" {
		return r, nil
	}
	if st, err := os.Stat(r.Dir); err == nil && !st.IsDir() {
		return r, fmt.Errorf("%s is a file, not a folder; feeds.dir in config.yaml names the folder", r.Dir)
	}
	last, err := s.lastPublished(ctx)
	if err != nil {
		return r, err
	}
	// The version is read before the articles: what changes in between is built
	// again next time, never missed.
	print, err := s.feedsFingerprint(ctx)
	if err != nil {
		return r, err
	}
	if last.Fingerprint == print && filesAre(r.Dir, last.Hashes) {
		r.Items, r.files = last.Items, sizes(r.Dir, last.Hashes)
		return r, nil
	}
	feed, entries, err := s.siteFeed(ctx, last.FeedID, &r)
	if err != nil {
		return r, err
	}
	last.Fingerprint, last.Hashes, last.Items = print, map[string]string{}, r.Items
	r.files = map[string]int64{}
	for _, format := range feeds.Formats() {
		name := "feed" + format.Ext
		data, err := format.Render(feed, entries)
		if err != nil {
			return r, fmt.Errorf("building %s: %w", name, err)
		}
		changed, err := feeds.Write(r.Dir, name, data)
		if err != nil {
			return r, fmt.Errorf("writing %s: %w", name, err)
		}
		if changed {
			r.Written = append(r.Written, name)
		}
		last.Hashes[name], r.files[name] = hashOf(data), int64(len(data))
	}
	// Before it counts as published: what a crash keeps from being announced is
	// announced when it is built again.
	if err := s.announce(ctx, last.Hashes); err != nil {
		return r, fmt.Errorf("announcing the feeds: %w", err)
	}
	value, err := json.Marshal(last)
	if err != nil {
		return r, err
	}
	return r, s.store.SetValue(ctx, publishedKey, value)
}

func (s *Service) lastPublished(ctx context.Context) (published, error) {
	p := published{FeedID: "urn:uuid:" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(s.o.Site.URL+"\x00feed")).String()}
	value, err := s.store.Value(ctx, publishedKey)
	if errors.Is(err, store.ErrNotFound) || err == nil && value == nil {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(value, &p); err != nil {
		return p, fmt.Errorf("reading what was published: %w", err)
	}
	return p, nil
}

// feedsFingerprint hashes everything that the feeds depend on: the version of the
// store's public articles and the settings.
func (s *Service) feedsFingerprint(ctx context.Context) (string, error) {
	version, err := s.store.ArticlesVersion(ctx)
	if err != nil {
		return "", err
	}
	site := s.o.Site
	site.Location = nil
	data, err := json.Marshal([]any{feedsRevision, version, site, s.o.Feeds, s.HubURLs()})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// filesAre reports whether the files hold what was built last. Another node may
// have built it: this one's files are older then, and may be as large.
func filesAre(dir string, hashes map[string]string) bool {
	for name, hash := range hashes {
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil || hashOf(data) != hash {
			return false
		}
	}
	return len(hashes) > 0
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// sizes returns the sizes of files that stand.
func sizes(dir string, names map[string]string) map[string]int64 {
	out := map[string]int64{}
	for name := range names {
		if st, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err == nil {
			out[name] = st.Size()
		}
	}
	return out
}

// filesStand reports whether the files are there, which costs little.
func filesStand(dir string, files map[string]int64) bool {
	for name, size := range files {
		st, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil || st.Size() != size {
			return false
		}
	}
	return len(files) > 0
}

// siteFeed selects and renders the newest articles. One whose body cannot be
// rendered goes out with its summary.
func (s *Service) siteFeed(ctx context.Context, id string, r *PublishReport) (feeds.Feed, []feeds.Entry, error) {
	site := s.o.Site
	f := feeds.Feed{
		ID: id, Title: site.Title, Description: site.Description, Language: site.Language,
		HomeURL: site.URL + "/", Author: site.Author, Copyright: site.Copyright,
		Icon: s.siteFile(site.Icon), Logo: s.siteFile(site.Logo),
		License: site.License, Hubs: s.HubURLs(), Self: site.URL + "/feed",
	}
	if site.Podcast != nil {
		p := *site.Podcast
		p.Image = s.siteFile(p.Image)
		f.Podcast = &p
	}
	articles, err := s.store.Articles(ctx, store.ArticleQuery{Limit: s.o.Feeds.Items, Bodies: s.o.Feeds.Full})
	if err != nil {
		return f, nil, err
	}
	var entries []feeds.Entry
	for i := range articles {
		a := &articles[i]
		it := feeds.Item{URL: s.ArticleURL(a), Podcast: f.Podcast != nil}
		if s.o.Feeds.Full {
			if it.HTML, err = s.ArticleHTML(ctx, a); err != nil {
				r.Problems = append(r.Problems, err.Error())
			}
		}
		resolve := s.resolver(ctx, a)
		it.Article = feeds.WithFiles(*a, func(ref string) string { return resolve(ref, markup.Media) })
		e, err := feeds.Encode(it)
		if err != nil {
			return f, nil, err
		}
		entries = append(entries, e)
		s.tell(Progress{Step: "feeds", Done: i + 1, Total: len(articles)})
	}
	r.Items = len(entries)
	return f, entries, nil
}

// siteFile makes a path of the site absolute; empty stays empty.
func (s *Service) siteFile(ref string) string {
	if ref != "" && ref[0] == '/' {
		return s.o.Site.URL + ref
	}
	return ref
}
