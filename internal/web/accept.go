package web

import (
	"net/http"
	"slices"
	"strings"
)

// Who opens a feed in a browser is shown a page, under the same address. Feed
// readers must never be: many say */*, some list text/html as one of the things
// they could read, a few copy what browsers say. So three things have to come
// together: text/html is named and liked better than anything that a feed is, and
// the request says that it is somebody who navigates. Browsers say so with
// Sec-Fetch-Dest where the connection is secure (or to the machine itself), else
// with Upgrade-Insecure-Requests. One who takes HTML and nothing else needs not.

// feedLike are the media types as which a feed may be wanted.
var feedLike = []string{
	"application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml",
	"application/xml", "text/xml", "application/json",
}

// wantsPage reports whether a request for a feed comes from somebody who looks at
// it in a browser. ?format=html asks for the page, any other format for the feed.
func wantsPage(r *http.Request) bool {
	if format, ok := strings.CutPrefix(r.URL.RawQuery, "format="); ok {
		return format == "html"
	}
	accept := r.Header["Accept"]
	if len(accept) == 0 || !namesHTML(accept) {
		return false
	}
	html, feed := likesPage(accept)
	if html == 0 || html <= feed {
		return false
	}
	if feed == 0 {
		return true
	}
	if dest := r.Header["Sec-Fetch-Dest"]; len(dest) > 0 {
		return dest[0] == "document"
	}
	return r.Header.Get("Upgrade-Insecure-Requests") == "1"
}

// namesHTML reports whether a client says that it could show a page.
func namesHTML(accept []string) bool {
	return slices.ContainsFunc(accept, func(v string) bool { return strings.Contains(v, "html") })
}

// likesPage reads Accept (RFC 9110 12.5.1): how much a client likes text/html,
// where it names it, and the best liked of what a feed is. The most specific range
// counts.
func likesPage(accept []string) (html, feed float64) {
	all, anyText, anyApp := -1.0, -1.0, -1.0
	named := map[string]float64{}
	for _, value := range accept {
		for part := range strings.SplitSeq(value, ",") {
			name, q := weighed(part)
			switch name = strings.ToLower(name); name {
			case "*/*":
				all = q
			case "text/*":
				anyText = q
			case "application/*":
				anyApp = q
			default:
				named[name] = max(q, named[name])
			}
		}
	}
	for _, t := range feedLike {
		q, ok := named[t]
		if !ok {
			if q = anyApp; strings.HasPrefix(t, "text/") {
				q = anyText
			}
			if q < 0 {
				q = max(0, all)
			}
		}
		feed = max(feed, q)
	}
	return named["text/html"], feed
}
