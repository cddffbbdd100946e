package feed

import (
	"cmp"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
	ext "github.com/mmcdole/gofeed/extensions"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
	"syndicate/internal/source/remote"
)

// What an item may have.
const (
	maxLabels     = 50  // authors, enclosures
	maxLabel      = 255 // bytes of each
	summaryLength = 280 // characters
)

// item makes an article of an item of a feed; false: there is nothing in it.
func (d *document) item(it *gofeed.Item) (remote.Item, bool) {
	link := d.absolute(cmp.Or(it.Link, linkOfID(it.GUID)))
	base := d.base
	if u, err := url.Parse(link); err == nil && link != "" {
		base = u
	}
	a := newsletter.Article{Permalink: link, Title: remote.Title(it.Title), Language: d.language}
	content := cmp.Or(it.Content, it.Description)
	a.Format, a.Body = remote.Body(content, base)
	if it.Content != "" && strings.TrimSpace(it.Description) != "" && it.Description != it.Content {
		format, text := remote.Body(it.Description, base)
		a.Summary = markup.Excerpt(format, text, summaryLength)
	}
	if a.Title == "" && a.Body == "" && link == "" {
		return remote.Item{}, false
	}
	if it.PublishedParsed != nil {
		a.Published = *it.PublishedParsed
	} else if it.UpdatedParsed != nil && strings.TrimSpace(it.Published) == "" {
		a.Published = *it.UpdatedParsed
	}
	if it.UpdatedParsed != nil {
		a.Updated = *it.UpdatedParsed
	}
	if it.DublinCoreExt != nil && len(it.DublinCoreExt.Language) > 0 {
		a.Language = it.DublinCoreExt.Language[0]
	}
	if a.Authors = people(it.Authors); len(a.Authors) == 0 {
		a.Authors = d.authors
	}
	a.Tags = remote.Labels(it.Categories)
	d.media(&a, it, base)
	origin := d.origin
	origin.URL = link
	a.Origin = &origin
	return remote.Item{ID: it.GUID, Article: a}, true
}

// linkOfID is an id that is an address, where an item has no other.
func linkOfID(id string) string {
	if strings.HasPrefix(id, "http://") || strings.HasPrefix(id, "https://") {
		return id
	}
	return ""
}

func people(list []*gofeed.Person) (out []newsletter.Author) {
	for _, p := range list {
		if p == nil {
			continue
		}
		a := newsletter.Author{Name: remote.Plain(p.Name), Email: markup.CleanLine(p.Email)}
		if !strings.Contains(a.Email, "@") || strings.ContainsAny(a.Email, " <>") || len(a.Email) > maxLabel {
			a.Email = ""
		}
		known := slices.ContainsFunc(out, func(x newsletter.Author) bool { return strings.EqualFold(x.Name, a.Name) })
		if a.Name != "" && len(a.Name) <= maxLabel && !known && len(out) < maxLabels {
			out = append(out, a)
		}
	}
	return out
}

// media sets the image, the enclosures and what is known of an episode.
func (d *document) media(a *newsletter.Article, it *gofeed.Item, base *url.URL) {
	var duration time.Duration
	if x := it.ITunesExt; x != nil {
		duration = parseDuration(x.Duration)
		a.Episode = episode(x)
	}
	for _, e := range it.Enclosures {
		if e == nil {
			continue
		}
		address := remote.Resolve(base, e.URL)
		kind := mediaType(e.Type, address)
		switch {
		case address == "" || len(address) > 1000:
		case strings.HasPrefix(kind, "image/"):
			if a.Image == nil {
				a.Image = &newsletter.Image{URL: address, Type: kind, Size: size(e.Length)}
			}
		case len(a.Enclosures) < maxLabels && !slices.ContainsFunc(a.Enclosures, func(x newsletter.Enclosure) bool { return x.URL == address }):
			x := newsletter.Enclosure{URL: address, Type: kind, Size: size(e.Length), Duration: d.durations[e.URL]}
			if len(a.Enclosures) == 0 && duration > 0 {
				x.Duration = duration
			}
			a.Enclosures = append(a.Enclosures, x)
		}
	}
	if len(a.Enclosures) == 0 {
		a.Episode = nil
	}
	if it.Image != nil {
		d.image(a, base, it.Image.URL, nil)
	}
	groups := it.Extensions["media"]["group"]
	for _, name := range []string{"content", "thumbnail"} {
		list := slices.Clone(it.Extensions["media"][name])
		for _, g := range groups {
			list = append(list, g.Children[name]...)
		}
		for _, e := range list {
			if name == "thumbnail" || e.Attrs["medium"] == "image" || strings.HasPrefix(e.Attrs["type"], "image/") {
				d.image(a, base, e.Attrs["url"], &e)
			}
		}
	}
}

// image sets the image, if there is none yet.
func (d *document) image(a *newsletter.Article, base *url.URL, ref string, e *ext.Extension) {
	address := remote.Resolve(base, ref)
	if a.Image != nil || address == "" || len(address) > 1000 {
		return
	}
	a.Image = &newsletter.Image{URL: address}
	if e == nil {
		return
	}
	a.Image.Width, a.Image.Height = int(min(size(e.Attrs["width"]), 1<<16)), int(min(size(e.Attrs["height"]), 1<<16))
	if strings.HasPrefix(e.Attrs["type"], "image/") {
		a.Image.Type = markup.CleanLine(e.Attrs["type"])
	}
	for _, t := range e.Children["description"] {
		a.Image.Alt = remote.Plain(t.Value)
	}
}

func episode(x *ext.ITunesItemExtension) *newsletter.Episode {
	e := &newsletter.Episode{Season: int(min(size(x.Season), 9999)), Number: int(min(size(x.Episode), 99999))}
	if kind := strings.ToLower(strings.TrimSpace(x.EpisodeType)); kind == "trailer" || kind == "bonus" {
		e.Type = kind
	}
	switch strings.ToLower(strings.TrimSpace(x.Explicit)) {
	case "yes", "true", "explicit":
		yes := true
		e.Explicit = &yes
	case "no", "false", "clean":
		no := false
		e.Explicit = &no
	}
	if e.Season == 0 && e.Number == 0 && e.Type == "" && e.Explicit == nil {
		return nil
	}
	return e
}

// mediaType is the type that is said, else that of the name.
func mediaType(said, address string) string {
	if kind, _, err := mime.ParseMediaType(said); err == nil && strings.Contains(kind, "/") {
		return kind
	}
	if u, err := url.Parse(address); err == nil {
		if kind := newsletter.MediaType(u.Path); kind != "" {
			return kind
		}
	}
	return "application/octet-stream"
}

func size(text string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// parseDuration reads seconds, minutes:seconds or hours:minutes:seconds.
func parseDuration(text string) time.Duration {
	total := int64(0)
	parts := strings.Split(strings.TrimSpace(text), ":")
	if len(parts) > 3 {
		return 0
	}
	for _, p := range parts {
		p, _, _ = strings.Cut(p, ".")
		n, err := strconv.ParseInt(p, 10, 32)
		if err != nil || n < 0 {
			return 0
		}
		total = total*60 + n
	}
	return time.Duration(min(total, 1<<31)) * time.Second
}
