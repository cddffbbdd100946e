package feeds

import (
	"cmp"
	"encoding/xml"
	"time"

	"github.com/gorilla/feeds"
)

// The structs below extend gorilla/feeds' by embedding: in encoding/xml a
// shallower field replaces the embedded one of the same element name.
type (
	rssRoot struct {
		feeds.RssFeedXml
		XMLName xml.Name `xml:"rss"`
		rssModules
		Channel *rssChannel // replaces RssFeedXml.Channel
	}
	// rssModules are named at the root of every feed, since entries may use any.
	rssModules struct {
		Atom    string `xml:"xmlns:atom,attr"`
		DC      string `xml:"xmlns:dc,attr"`
		Media   string `xml:"xmlns:media,attr"`
		License string `xml:"xmlns:creativeCommons,attr"`
		History string `xml:"xmlns:fh,attr"`
		ITunes  string `xml:"xmlns:itunes,attr"`
		Podcast string `xml:"xmlns:podcast,attr"`
	}
	rssChannel struct {
		XMLName xml.Name `xml:"channel"`
		feeds.RssFeed
		Title       text  `xml:"title"`
		Description text  `xml:"description"`
		Copyright   *text `xml:"copyright"`
		Image       *rssImage
		Links       []rssLink
		License     string    `xml:"creativeCommons:license,omitempty"`
		Archive     *struct{} `xml:"fh:archive"`
		Complete    *struct{} `xml:"fh:complete"`
		*itunesChannel
	}
	rssImage struct {
		XMLName xml.Name `xml:"image"`
		feeds.RssImage
		Title text `xml:"title"`
	}
	// rssLink is atom:link inside a channel or item; feeds.AtomLink has another name.
	rssLink struct {
		XMLName xml.Name `xml:"atom:link"`
		Href    string   `xml:"href,attr"`
		Rel     string   `xml:"rel,attr"`
		Type    string   `xml:"type,attr,omitempty"`
	}
)

// FeedXml makes rssRoot a feeds.XmlFeed.
func (r *rssRoot) FeedXml() any { return r } //nolint:staticcheck // the name is gorilla/feeds'

// RSS writes an RSS 2.0 document (rssboard.org/rss-specification) with the
// modules that rssModules names. It ends with a line end.
func RSS(f Feed, entries []Entry) ([]byte, error) {
	head, err := writeXML(newRSSRoot(f.clean(), entries))
	if err != nil {
		return nil, err
	}
	const end = "\n  </channel>\n</rss>\n"
	return splice(head, end, entries, func(e *Entry) []byte { return e.RSS }, "\n", "\n", end)
}

func newRSSRoot(f Feed, entries []Entry) *rssRoot {
	ch := &rssChannel{
		Title:       rssText(f.Title),
		Description: rssText(cmp.Or(f.Description, f.Title)),
		RssFeed: feeds.RssFeed{
			Link:      f.HomeURL,
			Language:  f.Language,
			Generator: "Syndicate",
			Docs:      "https://www.rssboard.org/rss-specification",
		},
		License:       f.License,
		itunesChannel: newITunesChannel(&f),
	}
	if f.Copyright != "" {
		c := rssText(f.Copyright)
		ch.Copyright = &c
	}
	if t := lastUpdated(entries); !t.IsZero() {
		ch.LastBuildDate = rssDate(t) // the last change, not the moment of the build
	}
	if f.Logo != "" {
		ch.Image = &rssImage{RssImage: feeds.RssImage{Url: f.Logo, Link: f.HomeURL}, Title: ch.Title}
	}
	for _, l := range f.links(".rss", TypeRSS) {
		ch.Links = append(ch.Links, rssLink{Href: l.Href, Rel: l.Rel, Type: l.Type})
	}
	if f.Pages.Archive {
		ch.Archive = &struct{}{}
	}
	if f.Pages.Complete {
		ch.Complete = &struct{}{}
	}
	return &rssRoot{
		RssFeedXml: feeds.RssFeedXml{Version: "2.0", ContentNamespace: "http://purl.org/rss/1.0/modules/content/"},
		rssModules: rssModules{
			Atom:    "http://www.w3.org/2005/Atom",
			DC:      "http://purl.org/dc/elements/1.1/",
			Media:   nsMedia,
			License: "http://backend.userland.com/creativeCommonsRssModule",
			History: nsHistory,
			ITunes:  "http://www.itunes.com/dtds/podcast-1.0.dtd",
			Podcast: "https://podcastindex.org/namespace/1.0",
		},
		Channel: ch,
	}
}

// Namespaces that RSS and Atom documents name.
const (
	nsMedia   = "http://search.yahoo.com/mrss/"
	nsHistory = "http://purl.org/syndication/history/1.0"
)

// links are those of a document of the format with that ending: itself, its
// neighbours (RFC 5005), its hubs (WebSub).
func (f *Feed) links(ext, mediaType string) []feeds.AtomLink {
	var out []feeds.AtomLink
	for _, l := range []struct{ rel, url string }{
		{"self", f.Self},
		{"current", f.Pages.Current},
		{"prev-archive", f.Pages.PrevArchive},
		{"next-archive", f.Pages.NextArchive},
	} {
		if l.url != "" {
			out = append(out, feeds.AtomLink{Href: l.url + ext, Rel: l.rel, Type: mediaType})
		}
	}
	for _, h := range f.Hubs {
		out = append(out, feeds.AtomLink{Href: h, Rel: "hub"})
	}
	return out
}

// rssDate formats a time as RSS wants it (RFC 822 with four-digit years).
func rssDate(t time.Time) string { return t.UTC().Format(time.RFC1123Z) }
