package jobs

import (
	"fmt"
	"html"
	"net/url"
	"strings"

	"syndicate/internal/newsletter"
)

// readPath is where links lead that let their owner read a private archive.
const readPath = "/read/"

// newsletterURL is a newsletter's page.
func (s *Service) newsletterURL(name string) string {
	return s.o.WebURL + "/newsletters/" + url.PathEscape(name)
}

// issueURL is where an issue of a public archive stands, as one of its digests; 0: as
// the one that most readers got.
func (s *Service) issueURL(name string, number, digest int) string {
	page := fmt.Sprintf("%s/issues/%d", s.newsletterURL(name), number)
	if digest > 0 {
		page += fmt.Sprintf("?digest=%d", digest)
	}
	return page
}

// PreviewURL is where the link of a preview leads that shows the issue on the web, where
// it is not yet: to words that say so.
func (s *Service) PreviewURL() string { return s.o.WebURL + readPath + newsletter.PreviewToken }

// archive returns where the issues of a newsletter can be read now, whatever was so
// when they were composed.
func (s *Service) archive(name string) newsletter.Archive {
	n, err := s.Newsletter(name)
	if err != nil { // it is gone from config.yaml, and so are its pages
		return newsletter.ArchivePublic
	}
	return n.Archive
}

// onWeb returns a digest with the address at which everybody can read it.
func onWeb(d newsletter.Digest, address string) newsletter.Digest {
	d.HTML = strings.ReplaceAll(d.HTML, newsletter.PlaceholderWeb, html.EscapeString(address))
	d.Text = strings.ReplaceAll(d.Text, newsletter.PlaceholderWeb, address)
	return d
}
