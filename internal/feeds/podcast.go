package feeds

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

type (
	// itunesChannel is what programs that play podcasts want to know of the whole
	// (help.apple.com/itc/podcasts_connect, "Podcast RSS feed requirements").
	itunesChannel struct {
		Author     text             `xml:"itunes:author"`
		Picture    *itunesImage     `xml:"itunes:image"`
		Categories []itunesCategory `xml:"itunes:category"`
		Explicit   string           `xml:"itunes:explicit"`
		Kind       string           `xml:"itunes:type"`
		Owner      *itunesOwner     `xml:"itunes:owner"`
	}
	itunesOwner struct {
		Name  text   `xml:"itunes:name"`
		Email string `xml:"itunes:email"`
	}
	itunesCategory struct {
		Text string          `xml:"text,attr"`
		Sub  *itunesCategory `xml:"itunes:category"`
	}
	itunesImage struct {
		Href string `xml:"href,attr"`
	}
	// itunesItem is an episode, with what Podcasting 2.0 (podcastindex.org/namespace/1.0)
	// and Podlove (podlove.org/simple-chapters) add.
	itunesItem struct {
		EpisodeAuthor   *text            `xml:"itunes:author"`
		EpisodeImage    *itunesImage     `xml:"itunes:image"`
		Duration        int64            `xml:"itunes:duration,omitempty"` // seconds
		Season          int              `xml:"itunes:season,omitempty"`
		Episode         int              `xml:"itunes:episode,omitempty"`
		EpisodeType     string           `xml:"itunes:episodeType,omitempty"`
		EpisodeExplicit string           `xml:"itunes:explicit,omitempty"`
		ChaptersFile    *podcastFile     `xml:"podcast:chapters"`
		Transcript      *podcastFile     `xml:"podcast:transcript"`
		Chapters        *podloveChapters `xml:"psc:chapters"`
	}
	podcastFile struct {
		URL  string `xml:"url,attr"`
		Type string `xml:"type,attr"`
	}
	// podloveChapters names its module itself: few feeds have it, and validators
	// that do not know it then warn of those only.
	podloveChapters struct {
		Namespace string           `xml:"xmlns:psc,attr"`
		Version   string           `xml:"version,attr"`
		Chapters  []podloveChapter `xml:"psc:chapter"`
	}
	podloveChapter struct {
		Start string `xml:"start,attr"`
		Title string `xml:"title,attr"`
		Href  string `xml:"href,attr,omitempty"`
	}
)

// newITunesChannel returns nil if the feed is no podcast.
func newITunesChannel(f *Feed) *itunesChannel {
	p := f.Podcast
	if p == nil {
		return nil
	}
	x := &itunesChannel{
		Author:   rssText(cmp.Or(p.Author, f.Author, f.Title)),
		Explicit: strconv.FormatBool(p.Explicit),
		Kind:     "episodic",
	}
	if p.Serial {
		x.Kind = "serial"
	}
	if picture := cmp.Or(p.Image, f.Logo); picture != "" {
		x.Picture = &itunesImage{picture}
	}
	for _, c := range p.Categories {
		main, sub, nested := strings.Cut(c, ">")
		category := itunesCategory{Text: strings.TrimSpace(main)}
		if nested {
			category.Sub = &itunesCategory{Text: strings.TrimSpace(sub)}
		}
		x.Categories = append(x.Categories, category)
	}
	if p.Email != "" {
		x.Owner = &itunesOwner{x.Author, p.Email}
	}
	return x
}

// newITunesItem returns nil if the item is no episode of a podcast.
func newITunesItem(it *Item) *itunesItem {
	if !it.Podcast || len(it.Enclosures) == 0 || !isPlayed(it.Enclosures[0].Type) {
		return nil
	}
	audio := &it.Enclosures[0]
	e := it.Episode
	x := &itunesItem{
		Duration:    int64(audio.Duration.Round(time.Second) / time.Second),
		Season:      max(e.Season, 0),
		Episode:     max(e.Number, 0),
		EpisodeType: e.Type,
	}
	if by := it.byline(); by != "" {
		author := rssText(by)
		x.EpisodeAuthor = &author
	}
	if it.Image != nil {
		x.EpisodeImage = &itunesImage{it.Image.URL}
	}
	if e.Explicit != nil {
		x.EpisodeExplicit = strconv.FormatBool(*e.Explicit)
	}
	if e.ChaptersURL != "" {
		x.ChaptersFile = &podcastFile{e.ChaptersURL, "application/json+chapters"}
	}
	if e.Transcript != "" {
		x.Transcript = &podcastFile{e.Transcript, cmp.Or(mediaType("", e.Transcript), "text/html")}
	}
	if len(e.Chapters) > 0 {
		x.Chapters = &podloveChapters{Namespace: "http://podlove.org/simple-chapters", Version: "1.2"}
		for _, c := range e.Chapters {
			x.Chapters.Chapters = append(x.Chapters.Chapters, podloveChapter{playTime(c.Start), c.Title, c.URL})
		}
	}
	return x
}

// isPlayed reports whether what has that media type is heard or watched.
func isPlayed(mediaType string) bool { return isType(mediaType, "audio") || isType(mediaType, "video") }

// playTime writes a place in a recording, as 01:02:03.500.
func playTime(d time.Duration) string {
	ms := d.Milliseconds()
	return fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}
