// Package publish knows which feeds a site has, what each of them holds, and
// brings them into public/.
package publish

import (
	"time"

	"syndicate/internal/newsletter"
)

// maxAge is for how long an answer with a feed of articles may be kept: readers
// that behave poll by it.
const maxAge = 5 * time.Minute

// NewCatalogue makes a catalogue of the feeds.
func NewCatalogue(list []Feed, moved map[string]string, gone []string) *Catalogue {
	return (&Catalogue{Feeds: list, Moved: moved, Gone: gone}).index()
}

// SiteFeed describes the feed of everything on the site.
func SiteFeed(site newsletter.Site) Feed {
	return Feed{
		Kind: Site, Title: site.Title, Description: site.Description, Language: site.Language,
		Home: site.URL + "/", MaxAge: maxAge,
	}
}
