package feeds

import (
	"encoding/xml"
	"strconv"
	"strings"

	"github.com/gorilla/feeds"
)

type (
	rssItem struct {
		XMLName xml.Name `xml:"item"`
		feeds.RssItem
		Title       rssText           `xml:"title"`
		Description *rssText          `xml:"description"`
		Content     *feeds.RssContent // after the description: some readers keep the later one
		Category    []rssText         `xml:"category"`
		Source      *rssSource        `xml:"source"`
		Creator     string            `xml:"dc:creator,omitempty"`
		Language    string            `xml:"dc:language,omitempty"`
		Rights      string            `xml:"dc:rights,omitempty"`
		License     string            `xml:"creativeCommons:license,omitempty"`
		Links       []rssLink
		Media       []mediaContent
		Thumbnail   *mediaThumbnail
		*itunesItem
	}
	// rssSource is the feed that an item comes from.
	rssSource struct {
		URL   string `xml:"url,attr"`
		Title string `xml:",innerxml"` // see rssText
	}
)

func newRSSItem(it *Item) *rssItem {
	x := &rssItem{
		RssItem: feeds.RssItem{
			Link: it.URL,
			Guid: &feeds.RssGuid{Id: ItemID(&it.Article), IsPermaLink: "false"},
		},
		Title:      rssText{escapeText(it.Title)},
		Language:   it.Language,
		Rights:     it.Copyright,
		License:    it.License,
		itunesItem: newITunesItem(it),
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
	x.Creator = it.byline() // one element: readers keep the first, the last, or all of several
	if o := it.Origin; o != nil {
		if o.Feed != "" {
			x.Source = &rssSource{o.Feed, escapeText(o.Title)}
		}
		if o.URL != "" {
			x.Links = append(x.Links, rssLink{Href: o.URL, Rel: "via", Type: "text/html"})
		}
	}
	x.Media, x.Thumbnail = newPicture(it.Image)
	for i := range it.Enclosures {
		e := &it.Enclosures[i]
		if i == 0 { // RSS allows one
			x.Enclosure = &feeds.RssEnclosure{Url: e.URL, Length: strconv.FormatInt(e.Size, 10), Type: e.Type}
			continue
		}
		x.Media = append(x.Media, newMedia(e))
	}
	return x
}

// byline is the authors in one line.
func (it *Item) byline() string {
	names := make([]string, len(it.Authors))
	for i, a := range it.Authors {
		names[i] = a.Name
	}
	return strings.Join(names, ", ")
}
