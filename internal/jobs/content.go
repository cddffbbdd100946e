package jobs

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// filesPath is where the files beside articles are published, below the site's
// address and below public/: files/<source>/<path in the source>.
const filesPath = "files"

// ArticleHTML renders an article's body: sanitised, every reference absolute.
func (s *Service) ArticleHTML(ctx context.Context, a *newsletter.Article) (string, error) {
	return s.articleHTML(ctx, a, nil)
}

// articleHTML tells seen which files of its source the article may link to.
func (s *Service) articleHTML(ctx context.Context, a *newsletter.Article, seen func(file string)) (string, error) {
	html, err := markup.Render(a.Format, a.Body, s.resolver(ctx, a, seen), a.Language)
	if err != nil {
		return "", fmt.Errorf("rendering %s: %w", a.Key, err)
	}
	return html, nil
}

// ArticleURL returns the absolute address of an article.
func (s *Service) ArticleURL(a *newsletter.Article) string { return a.URL(s.o.Site.URL) }

// ImageURL returns the absolute address of an article's image, empty: none.
func (s *Service) ImageURL(ctx context.Context, a *newsletter.Article) string {
	if a.Image == nil || a.Image.URL == "" {
		return ""
	}
	return s.resolver(ctx, a, nil)(a.Image.URL, markup.Media)
}

// resolver makes references in an article absolute. A path is taken as the
// author meant it on disk: "../sea/tides.md" is that article, wherever it is
// published, and "harbour.png" the file beside it. What is neither is resolved
// against the article's own address, as a browser would. seen is told which files
// are looked for; nil: nobody wants to know.
func (s *Service) resolver(ctx context.Context, a *newsletter.Article, seen func(file string)) func(string, markup.Kind) string {
	return func(ref string, kind markup.Kind) string {
		u, err := url.Parse(ref)
		if err != nil {
			return ""
		}
		switch {
		case u.Scheme != "":
			return ref
		case u.Host != "": // //example.org/x
			u.Scheme = "https"
			return u.String()
		case strings.HasPrefix(u.Path, "/"):
			return s.o.Site.URL + u.String()
		}
		if a.File != "" && u.Path != "" {
			if abs := s.resolveFile(ctx, a, u, kind, seen); abs != "" {
				return abs
			}
		}
		base, err := url.Parse(s.ArticleURL(a))
		if err != nil {
			return ""
		}
		return base.ResolveReference(u).String()
	}
}

// resolveFile resolves a reference to another file of the article's source;
// empty: it is none.
func (s *Service) resolveFile(ctx context.Context, a *newsletter.Article, u *url.URL, kind markup.Kind, seen func(string)) string {
	file := path.Join(path.Dir(a.File), u.Path)
	if file == ".." || strings.HasPrefix(file, "../") {
		return ""
	}
	if kind == markup.Link {
		for _, name := range []string{file, path.Join(file, "index.md")} {
			if seen != nil {
				seen(name)
			}
			if other, err := s.store.ArticleByFile(ctx, a.Source, name); err == nil {
				abs := s.ArticleURL(&other)
				if u.Fragment != "" {
					abs += "#" + u.EscapedFragment()
				}
				return abs
			}
		}
		if path.Ext(file) == "" {
			return ""
		}
	}
	abs := url.URL{Path: path.Join("/", filesPath, a.Source, file), RawQuery: u.RawQuery, Fragment: u.Fragment}
	return s.o.Site.URL + abs.String()
}
