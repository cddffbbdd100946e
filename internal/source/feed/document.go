package feed

import (
	encoding "encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
	"github.com/mmcdole/gofeed/atom"
	ext "github.com/mmcdole/gofeed/extensions"
	"github.com/mmcdole/gofeed/json"
	"github.com/mmcdole/gofeed/rss"

	"syndicate/internal/fetch"
	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
	"syndicate/internal/source"
	"syndicate/internal/source/remote"
)

// document is what a feed says.
type document struct {
	base     *url.URL // what addresses in it are relative to
	origin   newsletter.Origin
	language string
	authors  []newsletter.Author
	offer    Offer
	fresh    time.Duration
	// durations of enclosures by their addresses, as they are written (JSON Feed).
	durations map[string]time.Duration
	items     []remote.Item
	deleted   []string
	problems  []source.Problem
}

// parse reads a feed. What cannot be read of an item is a problem of the whole, told
// once.
func parse(resp *fetch.Response) (*document, error) {
	text := utf8Text(resp.Body, resp.Header.Get("Content-Type"))
	if tooDeep(text) && !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return nil, errors.New("it cannot be read as a feed: its elements are nested too deep")
	}
	f, err := parseFeed(text)
	switch {
	case errors.Is(err, gofeed.ErrFeedTypeNotDetected) && looksLikePage(text[:min(len(text), 4096)], resp):
		return nil, fmt.Errorf("it is a page: %w", errNoFeed)
	case errors.Is(err, gofeed.ErrFeedTypeNotDetected):
		return nil, errNoFeed
	case err != nil:
		return nil, fmt.Errorf("it cannot be read as a feed: %w", err)
	}
	d := &document{}
	if d.base, err = url.Parse(resp.URL); err != nil {
		return nil, err
	}
	d.head(f, resp, text)
	d.all(f)
	return d, nil
}

// parseFeed calls gofeed. What a stranger wrote must not end the program, so a
// panic in there is an error.
func parseFeed(text string) (f *gofeed.Feed, err error) {
	defer func() {
		if p := recover(); p != nil {
			f, err = nil, fmt.Errorf("the parser gave up: %v", p)
		}
	}()
	p := gofeed.NewParser()
	p.KeepOriginalFeed = true
	p.RSSTranslator = &gofeed.DefaultRSSTranslator{DisableContentImageScan: true}
	f, err = p.ParseString(text)
	if err == nil && f == nil {
		err = gofeed.ErrFeedTypeNotDetected
	}
	return f, err
}

// head reads what is said of the feed as a whole.
func (d *document) head(f *gofeed.Feed, resp *fetch.Response, text string) {
	home := d.absolute(f.Link)
	d.origin = newsletter.Origin{Title: remote.Plain(f.Title), Feed: withoutUser(resp.URL)}
	d.language = f.Language
	d.authors = people(f.Authors)
	self := f.FeedLink
	switch original := f.OriginalFeed().(type) {
	case *atom.Feed:
		d.origin.ID = markup.CleanLine(original.ID)
		for _, l := range original.Links {
			if l != nil && l.Rel == "hub" {
				d.offer.Hubs = append(d.offer.Hubs, d.absolute(l.Href))
			}
		}
	case *rss.Feed:
		if minutes, err := strconv.Atoi(strings.TrimSpace(original.TTL)); err == nil && minutes > 0 {
			d.fresh = time.Duration(min(minutes, 7*24*60)) * time.Minute
		}
	case *json.Feed:
		d.offer.Hubs = jsonHubs(text)
		d.durations = durations(original)
	}
	for _, l := range extensions(f.Extensions, "link") {
		if l.Attrs["rel"] == "hub" {
			d.offer.Hubs = append(d.offer.Hubs, d.absolute(l.Attrs["href"]))
		}
	}
	d.fresh = max(d.fresh, updatePeriod(f.Extensions))
	hubs, selfLink := linkHeaders(resp.Header)
	for _, h := range hubs {
		d.offer.Hubs = append(d.offer.Hubs, d.absolute(h))
	}
	if selfLink != "" {
		self = selfLink
	}
	d.offer.Hubs = slices.DeleteFunc(d.offer.Hubs, func(h string) bool { return h == "" })
	slices.Sort(d.offer.Hubs)
	d.offer.Hubs = slices.Compact(d.offer.Hubs)
	if len(d.offer.Hubs) > 0 {
		d.offer.Topic = d.absolute(self)
		if d.offer.Topic == "" {
			d.offer.Topic = resp.URL
		}
	}
	for _, gone := range extensions(f.Extensions, "deleted-entry") { // RFC 6721
		if ref := strings.TrimSpace(gone.Attrs["ref"]); ref != "" {
			d.deleted = append(d.deleted, ref)
		}
	}
	if home != "" && d.base.Host == "" {
		d.base, _ = url.Parse(home)
	}
}

// all makes the items.
func (d *document) all(f *gofeed.Feed) {
	empty, undatable := 0, 0
	for _, it := range f.Items {
		if it == nil {
			continue
		}
		item, ok := d.item(it)
		if !ok {
			empty++
			continue
		}
		if it.PublishedParsed == nil && strings.TrimSpace(it.Published) != "" {
			undatable++
		}
		d.items = append(d.items, item)
	}
	if empty > 0 {
		d.warn(some(empty, "item has", "items have")+" neither title nor text nor link, and stay out", "")
	}
	if undatable > 0 {
		d.warn(some(undatable, "item has a date that is none", "items have dates that are none")+"; the time at which they were seen first is taken", "")
	}
}

func (d *document) warn(message, hint string) {
	d.problems = append(d.problems, source.Problem{Message: message, Hint: hint, Warning: true})
}

func some(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// absolute resolves an address; empty: it is none that leads to the web.
func (d *document) absolute(ref string) string { return remote.Resolve(d.base, ref) }

func withoutUser(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.User = nil
	return u.String()
}

// extensions returns the elements of that name in any namespace: feeds bind
// prefixes as they like.
func extensions(x ext.Extensions, name string) (out []ext.Extension) {
	for _, prefix := range []string{"atom", "atom10", "atom03", "a10", "at", "sy", "media", "thr", ""} {
		out = append(out, x[prefix][name]...)
	}
	return out
}

// updatePeriod is how often a feed says that it changes (the syndication module of
// RSS 1.0).
func updatePeriod(x ext.Extensions) time.Duration {
	value := func(name string) string {
		if e := extensions(x, name); len(e) > 0 {
			return strings.ToLower(strings.TrimSpace(e[0].Value))
		}
		return ""
	}
	period := map[string]time.Duration{"hourly": time.Hour, "daily": 24 * time.Hour, "weekly": 7 * 24 * time.Hour}[value("updatePeriod")]
	if times, err := strconv.Atoi(value("updateFrequency")); err == nil && times > 0 {
		period /= time.Duration(times)
	}
	return period
}

func durations(f *json.Feed) map[string]time.Duration {
	out := map[string]time.Duration{}
	for _, it := range f.Items {
		if it == nil || it.Attachments == nil {
			continue
		}
		for _, a := range *it.Attachments {
			out[a.URL] = time.Duration(min(max(a.DurationInSeconds, 0), 1<<31)) * time.Second
		}
	}
	return out
}

func jsonHubs(text string) (hubs []string) {
	var f struct {
		Hubs []struct {
			Type string `json:"type"`
			URL  string `json:"url"`
		} `json:"hubs"`
	}
	if encoding.Unmarshal([]byte(text), &f) != nil {
		return nil
	}
	for _, h := range f.Hubs {
		if strings.EqualFold(h.Type, "websub") || strings.EqualFold(h.Type, "pubsubhubbub") {
			hubs = append(hubs, h.URL)
		}
	}
	return hubs
}

// linkHeader is one link of a Link header (RFC 8288), near enough.
var linkHeader = regexp.MustCompile(`<([^>]*)>\s*((?:;\s*[A-Za-z*]+\s*=\s*(?:"[^"]*"|[^",;\s]*)\s*)*)`)

var linkRel = regexp.MustCompile(`(?i);\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]*))`)

func linkHeaders(h http.Header) (hubs []string, self string) {
	for _, m := range linkHeader.FindAllStringSubmatch(strings.Join(h.Values("Link"), ", "), 50) {
		rel := linkRel.FindStringSubmatch(m[2])
		if rel == nil {
			continue
		}
		for _, r := range strings.Fields(strings.ToLower(rel[1] + rel[2])) {
			switch {
			case r == "hub":
				hubs = append(hubs, m[1])
			case r == "self" && self == "":
				self = m[1]
			}
		}
	}
	return hubs, self
}
