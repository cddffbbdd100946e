package feeds

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/feeds"
)

// The structs below extend gorilla/feeds' by embedding: in encoding/xml a
// shallower field replaces the embedded one of the same element name.
type (
	rssRoot struct {
		feeds.RssFeedXml
		XMLName xml.Name    `xml:"rss"`
		Atom    string      `xml:"xmlns:atom,attr"`
		DC      string      `xml:"xmlns:dc,attr"`
		Media   string      `xml:"xmlns:media,attr"`
		Channel *rssChannel // replaces RssFeedXml.Channel
	}
	rssChannel struct {
		XMLName xml.Name `xml:"channel"`
		feeds.RssFeed
		Title       rssText `xml:"title"`
		Description rssText `xml:"description"`
		Image       *rssImage
		Links       []rssLink
		Items       []*rssItem `xml:"item"`
	}
	rssItem struct {
		XMLName xml.Name `xml:"item"`
		feeds.RssItem
		Title       rssText           `xml:"title"`
		Description *rssText          `xml:"description"`
		Content     *feeds.RssContent // after the description: some readers keep the later one
		Category    []rssText         `xml:"category"`
		Creator     string            `xml:"dc:creator,omitempty"`
		Language    string            `xml:"dc:language,omitempty"`
		Media       []rssMedia
	}
	rssImage struct {
		XMLName xml.Name `xml:"image"`
		feeds.RssImage
		Title rssText `xml:"title"`
	}
	// rssText is escaped by escapeText, not by encoding/xml.
	rssText struct {
		Raw string `xml:",innerxml"`
	}
	// rssLink is atom:link inside a channel; feeds.AtomLink has another name.
	rssLink struct {
		XMLName xml.Name `xml:"atom:link"`
		Href    string   `xml:"href,attr"`
		Rel     string   `xml:"rel,attr"`
		Type    string   `xml:"type,attr,omitempty"`
	}
	// rssMedia is media:content (Media RSS 1.5.1).
	rssMedia struct {
		XMLName xml.Name   `xml:"media:content"`
		URL     string     `xml:"url,attr"`
		Size    int64      `xml:"fileSize,attr,omitempty"`
		Type    string     `xml:"type,attr,omitempty"`
		Medium  string     `xml:"medium,attr,omitempty"`
		Width   int        `xml:"width,attr,omitempty"`
		Height  int        `xml:"height,attr,omitempty"`
		Alt     *mediaText `xml:"media:description"`
	}
	mediaText struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	}
)

// FeedXml makes rssRoot a feeds.XmlFeed.
func (r *rssRoot) FeedXml() any { return r } //nolint:staticcheck // the name is gorilla/feeds'

// RSS renders the feed as RSS 2.0 (rssboard.org/rss-specification), with the
// content, dc, media and atom modules. The document ends with a line end.
func RSS(f Feed) ([]byte, error) {
	f = f.clean()
	ch := &rssChannel{
		Title:       rssText{escapeText(f.Title)},
		Description: rssText{escapeText(cmp.Or(f.Description, f.Title))},
		RssFeed: feeds.RssFeed{
			Link:      f.HomeURL,
			Language:  f.Language,
			Copyright: f.Copyright,
			Generator: "Syndicate",
			Docs:      "https://www.rssboard.org/rss-specification",
		},
	}
	if t := f.updated(); !t.IsZero() {
		ch.LastBuildDate = rssDate(t) // the last change, not the moment of the build
	}
	if f.Logo != "" {
		ch.Image = &rssImage{RssImage: feeds.RssImage{Url: f.Logo, Link: f.HomeURL}, Title: ch.Title}
	}
	ch.Links = append(ch.Links, rssLink{Href: f.SelfRSS, Rel: "self", Type: TypeRSS})
	for _, h := range f.Hubs {
		ch.Links = append(ch.Links, rssLink{Href: h, Rel: "hub"})
	}
	for i := range f.Items {
		ch.Items = append(ch.Items, newRSSItem(&f.Items[i], f.Language))
	}
	root := &rssRoot{
		RssFeedXml: feeds.RssFeedXml{Version: "2.0", ContentNamespace: "http://purl.org/rss/1.0/modules/content/"},
		Atom:       "http://www.w3.org/2005/Atom",
		DC:         "http://purl.org/dc/elements/1.1/",
		Media:      "http://search.yahoo.com/mrss/",
		Channel:    ch,
	}
	return writeXML(root)
}

func newRSSItem(it *Item, feedLanguage string) *rssItem {
	x := &rssItem{
		RssItem: feeds.RssItem{
			Link: it.URL,
			Guid: &feeds.RssGuid{Id: ItemID(&it.Article), IsPermaLink: "false"},
		},
		Title: rssText{escapeText(it.Title)},
	}
	for _, t := range it.Tags {
		x.Category = append(x.Category, rssText{escapeText(t)})
	}
	if !it.Published.IsZero() {
		x.PubDate = rssDate(it.Published)
	}
	if it.Summary != "" {
		x.Description = &rssText{escapeText(it.Summary)}
	}
	if it.HTML != "" {
		x.Content = &feeds.RssContent{Content: it.HTML}
	}
	if it.Language != feedLanguage {
		x.Language = it.Language
	}
	names := make([]string, len(it.Authors))
	for i, a := range it.Authors {
		names[i] = a.Name
	}
	x.Creator = strings.Join(names, ", ") // one element: readers keep the first, the last, or all of several
	if img := it.Image; img != nil && img.URL != "" {
		m := rssMedia{URL: img.URL, Size: img.Size, Type: img.Type, Medium: "image", Width: img.Width, Height: img.Height}
		if img.Alt != "" {
			m.Alt = &mediaText{Type: "plain", Text: img.Alt}
		}
		x.Media = append(x.Media, m)
	}
	for i, e := range it.Enclosures {
		if i == 0 { // RSS allows one
			x.Enclosure = &feeds.RssEnclosure{Url: e.URL, Length: strconv.FormatInt(e.Size, 10), Type: e.Type}
			continue
		}
		x.Media = append(x.Media, rssMedia{URL: e.URL, Size: e.Size, Type: e.Type, Medium: medium(e.Type)})
	}
	return x
}

func medium(mediaType string) string {
	for _, m := range []string{"image", "audio", "video"} {
		if isType(mediaType, m) {
			return m
		}
	}
	return "document"
}

// rssDate formats a time as RSS wants it (RFC 822 with four-digit years).
func rssDate(t time.Time) string { return t.UTC().Format(time.RFC1123Z) }

// writeXML encodes a document with gorilla/feeds' writer.
func writeXML(root feeds.XmlFeed) ([]byte, error) {
	var b bytes.Buffer
	if err := feeds.WriteXML(root, &b); err != nil {
		return nil, fmt.Errorf("encoding the feed: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
