package source

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// creativeCommons is how people write the names of these licences.
var creativeCommons = regexp.MustCompile(`(?i)^cc[ -]?(by(?:[ -](?:nc|nd|sa)){0,2})(?:[ -]([1-4]\.[05]))?$`)

// rights reads the article's own licence and notice.
func (b *builder) rights() {
	a := &b.article
	if v := b.fields.find("license", "licence", "licenseurl"); v != nil && v.kind == isText {
		if _, isTruth := truth(v.text); !isTruth {
			if a.License = licenseURL(markup.CleanLine(v.text)); a.License == "" {
				b.warn(v, fmt.Sprintf("license: %q is neither an address nor a licence of Creative Commons; it is not used", v.text), "give the address of its text")
			}
		}
	}
	if v := b.fields.find("copyright", "rights"); v != nil && v.kind == isText {
		if _, isTruth := truth(v.text); !isTruth {
			a.Copyright = markup.CleanLine(v.text)
		}
	}
}

// licenseURL returns the address of a licence, empty: it is not known.
func licenseURL(s string) string {
	if u, err := url.Parse(s); err == nil && isWeb(u) && u.Host != "" && len(s) <= maxIndexed {
		return u.String()
	}
	const at = "https://creativecommons.org/"
	if m := creativeCommons.FindStringSubmatch(s); m != nil {
		version := m[2]
		if version == "" {
			version = "4.0"
		}
		return at + "licenses/" + strings.ReplaceAll(strings.ToLower(m[1]), " ", "-") + "/" + version + "/"
	}
	switch strings.ToUpper(strings.ReplaceAll(s, "-", " ")) {
	case "CC0", "CC0 1.0", "CC 0":
		return at + "publicdomain/zero/1.0/"
	}
	return ""
}

// origin reads where the article was published first, if that was elsewhere.
func (b *builder) origin() *newsletter.Origin {
	var o newsletter.Origin
	if v := b.fields.find("source", "origin"); v != nil {
		switch v.kind {
		case isTable:
			o.URL, o.Feed = webAddress(v.scalar("url", "link", "href")), webAddress(v.scalar("feed", "feedurl", "rss"))
			o.Title = markup.CleanLine(v.scalar("title", "name"))
		case isText:
			o.URL = webAddress(v.text)
		}
	}
	if v := b.fields.find("canonicalurl", "canonical", "originalurl"); v != nil && v.kind == isText && o.URL == "" {
		if o.URL = webAddress(v.text); o.URL == "" {
			if _, isTruth := truth(v.text); !isTruth && sitePath(v.text) == "" {
				b.warn(v, fmt.Sprintf("canonicalURL: %q is no http address", v.text), "")
			}
		}
	}
	if o.URL != "" && (o.URL == b.article.Permalink || b.dir.o.SiteURL != "" && within(b.dir.o.SiteURL, o.URL)) {
		o.URL = "" // here
	}
	if o.URL == "" && o.Feed == "" {
		return nil
	}
	return &o
}

// webAddress returns an absolute http address, empty: it is none.
func webAddress(s string) string {
	s = markup.CleanLine(s)
	if u, err := url.Parse(s); err == nil && isWeb(u) && u.Host != "" && len(s) <= maxIndexed {
		return u.String()
	}
	return ""
}

// within reports whether an address is on the site at base.
func within(base, address string) bool {
	rest, ok := strings.CutPrefix(address, base)
	return ok && (rest == "" || rest[0] == '/')
}
