package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"syndicate/internal/publish"
)

// maxShown is how many items of a feed its page shows.
const maxShown = 10

// feedView is a feed as somebody sees it who opens it in a browser.
type feedView struct {
	Title, Description string
	Lang               string // of these
	Address            string // absolute: what is to be copied
	Format             string // RSS, Atom, JSON Feed
	Document           string // address of the feed itself, whatever asks for it
	Home               string // of what it is about
	Archive            int    // the number of this page of the archive, 0: what one subscribes to
	Others             []feedLink
	Items              []card
}

// feedPage shows a feed to people: what it is, how to follow it, what is in it. It
// has the address of the feed, so no cache that others use may keep it: one that
// forgets to look at Vary would give it to feed readers.
func (s *server) feedPage(w http.ResponseWriter, r *http.Request, f *feedDocument) error {
	h := w.Header()
	for _, name := range []string{"Accept", "Sec-Fetch-Dest", "Upgrade-Insecure-Requests"} {
		addVary(h, name)
	}
	h.Set("Cache-Control", "private, no-cache")
	for _, link := range f.link {
		h.Add("Link", link)
	}
	p := s.newPage(preferred(w, r)...)
	v := feedView{
		Title: f.Title, Description: f.Description, Lang: f.Language, Address: f.url, Format: formatName(f.Format),
		Document: s.nearURL(f.url) + "?format=" + string(f.Format), Home: s.nearURL(f.Home), Archive: f.Page,
	}
	for _, l := range s.feedLinks(f.Feed) {
		if l.Name != v.Format || f.Page > 0 {
			v.Others = append(v.Others, l)
		}
	}
	v.Items = s.itemsOf(f, p.Language)
	p.View, p.Title, p.Hidden, p.Own = v, v.Title, true, s.feedLinks(f.Feed)
	return s.show(w, r, http.StatusOK, "feed.html", p)
}

// itemsOf reads the newest items from the feed's JSON document. A feed without one
// is shown without them.
func (s *server) itemsOf(f *feedDocument, pageLanguage string) []card {
	of := s.find("/" + publish.Document{Feed: f.Feed, Format: publish.JSON, Page: f.Page}.File())
	if of == nil {
		return nil
	}
	d, err := of.slot.document()
	if err != nil {
		return nil
	}
	body, err := d.in(identity)
	if err != nil {
		return nil
	}
	var doc struct {
		Items []struct {
			Title     string    `json:"title"`
			Summary   string    `json:"summary"`
			URL       string    `json:"url"`
			Image     string    `json:"image"`
			Language  string    `json:"language"`
			Published time.Time `json:"date_published"`
			Authors   []struct {
				Name string `json:"name"`
			} `json:"authors"`
		} `json:"items"`
	}
	if json.Unmarshal(body.body, &doc) != nil {
		return nil
	}
	var cards []card
	for i, it := range doc.Items {
		if i == maxShown {
			break
		}
		c := card{Title: it.Title, Summary: it.Summary, URL: s.nearURL(it.URL), Published: it.Published.In(s.site.Location), ImageURL: s.nearURL(it.Image)}
		for _, a := range it.Authors {
			if a.Name != "" {
				c.Authors = append(c.Authors, a.Name)
			}
		}
		if it.Language == "" {
			it.Language = f.Language
		}
		c.Language, c.LanguageName = foreign(it.Language, pageLanguage)
		cards = append(cards, c)
	}
	return cards
}

// feedLinks are a feed's documents as pages link them.
func (s *server) feedLinks(f *publish.Feed) []feedLink {
	links := make([]feedLink, len(publish.Formats))
	for i, format := range publish.Formats {
		file := &url.URL{Path: "/" + f.File(format)}
		links[i] = feedLink{Name: formatName(format), Type: format.MediaType(), URL: s.base + file.EscapedPath(), Title: f.Title}
	}
	return links
}

// formatName is what people call a format.
func formatName(f publish.Format) string {
	switch f {
	case publish.RSS:
		return "RSS"
	case publish.Atom:
		return "Atom"
	}
	return "JSON Feed"
}

// linkFeeds names a page's feeds in the head of the answer.
func linkFeeds(w http.ResponseWriter, links []feedLink) {
	for _, f := range links {
		w.Header().Add("Link", "<"+f.URL+`>; rel="alternate"; type="`+f.Type+`"; title="`+f.Name+`"`)
	}
}
