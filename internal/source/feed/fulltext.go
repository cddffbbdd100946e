package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	readability "codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"

	"syndicate/internal/fetch"
	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
	"syndicate/internal/source/remote"
)

const (
	pageLimit    = 8 << 20 // bytes of a page
	pageElements = 50_000  // more is no article
)

// FullText returns a remote.Options.Fill that takes the text of an article from its
// page, for feeds that hold no more than the beginning. A page that has less than
// the feed says leaves the article as it is.
func FullText(client *fetch.Client) func(context.Context, *newsletter.Article) error {
	return func(ctx context.Context, a *newsletter.Article) error {
		if a.Permalink == "" {
			return nil
		}
		resp, err := client.Do(ctx, fetch.Request{URL: a.Permalink, Limit: pageLimit, Header: http.Header{"Accept": {"text/html, application/xhtml+xml;q=0.9"}}})
		if err != nil {
			if passes(err) {
				return errors.Join(remote.ErrLater, err)
			}
			return err
		}
		text, err := mainText(resp)
		if err != nil {
			return err
		}
		if length(newsletter.HTML, text) > length(a.Format, a.Body) {
			a.Format, a.Body = newsletter.HTML, text
		}
		return nil
	}
}

func length(f newsletter.Format, text string) int {
	if f == newsletter.HTML {
		text = markup.Text(text)
	}
	return utf8.RuneCountInString(strings.TrimSpace(text))
}

// passes reports whether a failure may be over at the next visit.
func passes(err error) bool {
	var status *fetch.StatusError
	if errors.As(err, &status) {
		return status.Code >= 500 || status.Code == http.StatusTooManyRequests || status.Code == http.StatusRequestTimeout
	}
	for _, lasting := range []error{fetch.ErrAddress, fetch.ErrPrivate, fetch.ErrTooLong, fetch.ErrRedirects} {
		if errors.Is(err, lasting) {
			return false
		}
	}
	return true
}

// mainText finds the article on a page, and cleans it.
func mainText(resp *fetch.Response) (text string, err error) {
	defer func() { // as in parseFeed
		if p := recover(); p != nil {
			text, err = "", fmt.Errorf("the page cannot be read: %v", p)
		}
	}()
	base, err := url.Parse(resp.URL)
	if err != nil {
		return "", err
	}
	in, err := charset.NewReader(bytes.NewReader(resp.Body), resp.Header.Get("Content-Type"))
	if err != nil {
		return "", fmt.Errorf("the page cannot be read: %w", err)
	}
	root, err := html.Parse(in)
	if err != nil {
		return "", fmt.Errorf("the page cannot be read: %w", err)
	}
	p := readability.NewParser()
	p.MaxElemsToParse = pageElements
	found, err := p.ParseAndMutate(root, base)
	if err != nil || found.Node == nil {
		return "", errors.New("no article was found on its page")
	}
	var b strings.Builder
	for c := found.Node.FirstChild; c != nil; c = c.NextSibling {
		if err := html.Render(&b, c); err != nil {
			return "", err
		}
	}
	return markup.Render(newsletter.HTML, markup.Clean(b.String()), func(ref string, _ markup.Kind) string { return remote.Resolve(base, ref) })
}
