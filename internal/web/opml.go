package web

import (
	"encoding/xml"
	"net/http"
	"time"

	"syndicate/internal/i18n"
	"syndicate/internal/publish"
)

// opmlDocument is OPML 2.0 (opml.org/spec2.opml): what feed readers import.
type opmlDocument struct {
	XMLName  xml.Name      `xml:"opml"`
	Version  string        `xml:"version,attr"`
	Title    string        `xml:"head>title"`
	Outlines []opmlOutline `xml:"body>outline"`
}

// opmlOutline is a feed, or a folder of feeds.
type opmlOutline struct {
	Type        string        `xml:"type,attr,omitempty"` // "rss" whatever the format (the spec's word for a feed)
	Text        string        `xml:"text,attr"`
	Title       string        `xml:"title,attr,omitempty"`
	Description string        `xml:"description,attr,omitempty"`
	Language    string        `xml:"language,attr,omitempty"`
	XMLURL      string        `xml:"xmlUrl,attr,omitempty"`
	HTMLURL     string        `xml:"htmlUrl,attr,omitempty"`
	Outlines    []opmlOutline `xml:"outline"`
}

// opml lists the site's feeds by kind, each in one format, or a reader that
// imports the list would follow the same articles three times. Every reader knows
// RSS.
func (s *server) opml(w http.ResponseWriter, r *http.Request) error {
	c := s.directory().catalogue
	words := i18n.For(s.site.Language)
	doc := opmlDocument{Version: "2.0", Title: s.site.Title}
	for _, k := range feedKinds {
		folder := opmlOutline{Text: words.T(k.words)}
		for f := range c.Kind(k.kind) {
			folder.Outlines = append(folder.Outlines, opmlOutline{
				Type: "rss", Text: f.Title, Title: f.Title, Description: f.Description,
				Language: f.Language, XMLURL: publish.Document{Feed: f, Format: publish.RSS}.URL(s.site.URL), HTMLURL: f.Home,
			})
		}
		switch {
		case k.kind == publish.Site:
			doc.Outlines = append(doc.Outlines, folder.Outlines...)
		case len(folder.Outlines) > 0:
			doc.Outlines = append(doc.Outlines, folder)
		}
	}
	b, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Access-Control-Allow-Origin", "*")
	return newDocument("text/x-opml; charset=utf-8", append([]byte(xml.Header), append(b, '\n')...), time.Time{}).serve(w, r)
}
