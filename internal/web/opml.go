package web

import (
	"encoding/xml"
	"net/http"
	"time"
)

// opmlDocument is OPML 2.0 (opml.org/spec2.opml): what feed readers import.
type opmlDocument struct {
	XMLName  xml.Name      `xml:"opml"`
	Version  string        `xml:"version,attr"`
	Title    string        `xml:"head>title"`
	Outlines []opmlOutline `xml:"body>outline"`
}

type opmlOutline struct {
	Type        string `xml:"type,attr"` // "rss" whatever the format (the spec's word for a feed)
	Text        string `xml:"text,attr"`
	Title       string `xml:"title,attr"`
	Description string `xml:"description,attr,omitempty"`
	Language    string `xml:"language,attr,omitempty"`
	XMLURL      string `xml:"xmlUrl,attr"`
	HTMLURL     string `xml:"htmlUrl,attr"`
}

// opml lists the site's feeds: each once, or a reader that imports the list
// would follow the same articles three times. Every reader knows RSS.
func (s *server) opml(w http.ResponseWriter, r *http.Request) error {
	b, err := xml.MarshalIndent(opmlDocument{
		Version: "2.0", Title: s.site.Title,
		Outlines: []opmlOutline{{
			Type: "rss", Text: s.site.Title, Title: s.site.Title, Description: s.site.Description,
			Language: s.site.Language, XMLURL: s.site.URL + "/feed.rss", HTMLURL: s.site.URL + "/",
		}},
	}, "", "  ")
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", feedMaxAge)
	h.Set("Access-Control-Allow-Origin", "*")
	newDocument("text/x-opml; charset=utf-8", append([]byte(xml.Header), append(b, '\n')...), time.Time{}).serve(w, r)
	return nil
}
