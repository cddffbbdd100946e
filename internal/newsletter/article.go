package newsletter

import (
	"time"
	"unicode"
)

// Format says how the body of an article is written.
type Format string

// The body formats.
const (
	Markdown  Format = "md"
	HTML      Format = "html"
	PlainText Format = "txt"
)

// PushSource is the name of the source of articles that are added by hand.
const PushSource = "push"

// Article is one published piece. Its ID is minted once and never changes; the
// revision counts real changes; Seq orders first publications in the store.
type Article struct {
	ID         string      `json:"id"`                  // UUID, urn:uuid:ID in feeds
	Source     string      `json:"source"`              // name of the source it came from
	Key        string      `json:"key"`                 // its key there: front matter id, else slash-separated path
	File       string      `json:"file"`                // slash-separated path in the source, empty where there is none
	Revision   int         `json:"revision"`            // from 1
	Seq        int64       `json:"seq"`                 // 0: not public yet
	Slug       string      `json:"slug"`                // unique in the store
	Permalink  string      `json:"permalink"`           // absolute URL or site path, empty: /articles/Slug
	Aliases    []string    `json:"aliases"`             // former site paths
	Title      string      `json:"title"`               // plain text
	Summary    string      `json:"summary"`             // plain text, given or made from the body
	Language   string      `json:"language"`            // BCP 47
	Section    string      `json:"section"`             // slash-separated, empty: none
	Authors    []Author    `json:"authors"`             //
	Tags       []string    `json:"tags"`                // tags and categories
	Image      *Image      `json:"image"`               //
	Enclosures []Enclosure `json:"enclosures"`          //
	Episode    *Episode    `json:"episode,omitempty"`   // nil: no more is known than the enclosures
	License    string      `json:"license,omitempty"`   // URL of the licence, empty: that of the site
	Copyright  string      `json:"copyright,omitempty"` // plain text, empty: that of the site
	Origin     *Origin     `json:"origin,omitempty"`    // nil: it was published here first
	Published  time.Time   `json:"published"`           // zero when a source sends an undated article: the store sets first-seen
	Updated    time.Time   `json:"updated"`             // the last real change, not before Published
	Draft      bool        `json:"draft"`               //
	Backlog    bool        `json:"backlog,omitempty"`   // older than its source is known: no newsletter sends it; counts when it is new
	Format     Format      `json:"format"`              //
	Body       string      `json:"body"`                // UTF-8, \n line ends, in Format; empty in listings without bodies
}

// URL returns the absolute address of the article on the site at siteURL
// (absolute, without a trailing slash).
func (a *Article) URL(siteURL string) string {
	switch {
	case a.Permalink == "":
		return siteURL + "/articles/" + a.Slug
	case a.Permalink[0] == '/':
		return siteURL + a.Permalink
	}
	return a.Permalink
}

// wordsPerMinute is how fast people read on a screen, without hurry.
const wordsPerMinute = 220

// ReadingMinutes is how long the body takes to read; 0: it is empty.
func (a *Article) ReadingMinutes() int {
	words, inside := 0, false
	for _, r := range a.Body {
		space := unicode.IsSpace(r)
		if !space && !inside {
			words++
		}
		inside = !space
	}
	return (words + wordsPerMinute - 1) / wordsPerMinute
}

// Author is a person or a body that wrote an article.
type Author struct {
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
	URL   string `json:"url,omitempty"`
}

// Image is an article's picture.
type Image struct {
	URL     string `json:"url"` // absolute, or a reference relative to the article's File
	Alt     string `json:"alt,omitempty"`
	Caption string `json:"caption,omitempty"`
	Type    string `json:"type,omitempty"`   // media type
	Width   int    `json:"width,omitempty"`  // pixels, 0: unknown
	Height  int    `json:"height,omitempty"` // pixels, 0: unknown
	Size    int64  `json:"size,omitempty"`   // bytes, 0: unknown
}

// Enclosure is a file that goes with an article, such as audio.
type Enclosure struct {
	URL      string        `json:"url"`
	Type     string        `json:"type"`
	Size     int64         `json:"size"` // bytes
	Duration time.Duration `json:"duration,omitempty"`
}

// HoldVanished reports whether so many articles vanished from a source at once
// that an operator must look before they are unpublished: all of them, or more
// than a tenth and at least five.
func HoldVanished(known, vanished int) bool {
	return vanished > 0 && (vanished >= known || vanished >= 5 && vanished*10 > known)
}
