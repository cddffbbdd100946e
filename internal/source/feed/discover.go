package feed

import (
	"bytes"
	"errors"
	"mime"
	"net/url"
	"strings"

	"github.com/mmcdole/gofeed"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"syndicate/internal/fetch"
)

// isPage reports whether an answer is a page, not a feed.
func isPage(resp *fetch.Response) bool {
	head := utf8Text(resp.Body[:min(len(resp.Body), 4096)], resp.Header.Get("Content-Type"))
	return gofeed.DetectFeedType(strings.NewReader(head)) == gofeed.FeedTypeUnknown && looksLikePage(head, resp)
}

func looksLikePage(head string, resp *fetch.Response) bool {
	head = strings.ToLower(strings.TrimSpace(head))
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return strings.HasPrefix(head, "<!doctype html") || strings.HasPrefix(head, "<html") ||
		err == nil && (kind == "text/html" || kind == "application/xhtml+xml") && strings.Contains(head, "<")
}

var feedTypes = []string{"application/atom+xml", "application/rss+xml", "application/feed+json", "application/json"}

// findFeed returns the address of the feed that a page names: the first that is not
// one of comments.
func findFeed(resp *fetch.Response) (string, error) {
	base, err := url.Parse(resp.URL)
	if err != nil {
		return "", err
	}
	root, err := html.Parse(bytes.NewReader(resp.Body))
	if err != nil {
		return "", errors.New("it is a page that cannot be read")
	}
	var first, other string
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.DataAtom == atom.Base && attribute(n, "href") != "" {
			if u, err := base.Parse(attribute(n, "href")); err == nil {
				base = u
			}
		}
		if n.DataAtom != atom.Link || !namesFeed(n) {
			continue
		}
		u, err := base.Parse(strings.TrimSpace(attribute(n, "href")))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" {
			continue
		}
		switch {
		case ofComments(n):
			if other == "" {
				other = u.String()
			}
		case first == "":
			first = u.String()
		}
	}
	if first == "" {
		first = other
	}
	if first == "" {
		return "", errors.New("it is a page, and names no feed")
	}
	return first, nil
}

func namesFeed(n *html.Node) bool {
	rel := strings.Fields(strings.ToLower(attribute(n, "rel")))
	kind, _, err := mime.ParseMediaType(attribute(n, "type"))
	if err != nil || attribute(n, "href") == "" {
		return false
	}
	for _, r := range rel {
		if r == "alternate" || r == "feed" {
			for _, t := range feedTypes {
				// WordPress names its API as application/json too.
				if kind == t && !strings.Contains(attribute(n, "href"), "/wp-json/") && !strings.Contains(attribute(n, "href"), "oembed") {
					return true
				}
			}
		}
	}
	return false
}

func ofComments(n *html.Node) bool {
	words := strings.ToLower(attribute(n, "title") + " " + attribute(n, "href"))
	return strings.Contains(words, "comment") || strings.Contains(words, "kommentar")
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
