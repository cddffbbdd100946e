// Package digest renders an issue for one group of subscribers: subject, HTML and text.
package digest

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"syndicate/internal/newsletter"
)

// Bundle holds the mail templates of one newsletter: their paths as shown in
// errors ("templates/email/digest.html") and their texts. An issue freezes it.
type Bundle map[string]string

// Data is what a digest is made of.
type Data struct {
	Site       newsletter.Site
	Newsletter newsletter.FrozenNewsletter
	Language   string    // BCP 47; empty: the newsletter's, else the site's
	Number     int       // of the issue
	Date       time.Time // in the masthead, shown in the newsletter's zone
	Intro      string    // Markdown, empty: none
	Articles   []Item    // newest (most important) first; the first one leads
	More       int       // articles that are new to the reader and left out of Articles
	MoreURL    string    // where they are; empty: the site
	WebURL     string    // the issue or newsletter on the web; empty: no link
}

// Item is one article in a digest. URLs are absolute.
type Item struct {
	Seq            int64
	URL            string
	Title          string
	Summary        string // plain text
	ImageURL       string // empty: none
	ImageAlt       string
	ImageWidth     int // pixels, 0: unknown
	ImageHeight    int // pixels, 0: unknown
	Section        string
	Tags           []string
	Authors        []string
	Language       string // BCP 47, empty: the digest's
	Published      time.Time
	ReadingMinutes int // 0: not shown
}

// Templates are parsed mail templates.
type Templates struct{}

// ReadBundle reads the mail templates: each file from the folder override of site,
// else from email/ of site, else from email/ of builtin.
func ReadBundle(site, builtin fs.FS, override string) (Bundle, error) {
	return nil, errors.New("not written yet")
}

// Parse parses a bundle.
func Parse(b Bundle) (*Templates, error) { return nil, errors.New("not written yet") }

// Render makes the digest.
func (t *Templates) Render(ctx context.Context, d Data) (newsletter.Digest, error) {
	return newsletter.Digest{}, errors.New("not written yet")
}
