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
		Title       text              `xml:"title"`
		Description *text             `xml:"description"`
		Content     *feeds.RssContent // after the description: some readers keep the later one
		Category    []text            `xml:"category"`
		Source      *rssSource        `xml:"source"`
		Creator     *text             `xml:"dc:creator"`
		Language    string            `xml:"dc:language,omitempty"`
		Rights      *text             `xml:"dc:rights"`
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
		Title:      rssText(it.Title),
		Language:   it.Language,
		License:    it.License,
		itunesItem: newITunesItem(it),
	}
	for _, t := range it.Tags {
		x.Category = append(x.Category, rssText(t))
	}
	if !it.Published.IsZero() {
		x.PubDate = rssDate(it.Published)
	}
	if it.Summary != "" {
		x.Description = &text{Raw: htmlText(it.Summary)} // HTML by custom; the channel's is text
	}
	if it.Copyright != "" {
		c := rssText(it.Copyright)
		x.Rights = &c
	}
	if it.HTML != "" {
		x.Content = &feeds.RssContent{Content: it.HTML}
	}
	if by := it.byline(); by != "" { // one element: readers keep the first, the last, or all of several
		creator := rssText(by)
		x.Creator = &creator
	}
	if o := it.Origin; o != nil {
		if o.Feed != "" {
			x.Source = &rssSource{o.Feed, rssText(o.Title).Raw}
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
