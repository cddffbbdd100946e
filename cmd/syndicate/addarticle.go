package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/source"
	"syndicate/internal/store"
)

// formats are how an article on standard input may be written.
var formats = map[string]newsletter.Format{"markdown": newsletter.Markdown, "html": newsletter.HTML, "text": newsletter.PlainText}

// largestArticle is how many bytes are read; the parser says that it is too much.
const largestArticle = 10<<20 + 1

// articlesAdd takes in one article by hand.
func articlesAdd(a *app) *cobra.Command {
	var id, format string
	var replace bool
	c := &cobra.Command{
		Use:   "add FILE|-",
		Short: "Take in an article by hand, from a file or standard input",
		Long: `Add puts an article into the store: for programs, and for what has no place in a folder. It
is written as those in articles/ are, with front matter. It is known by --id, else by the
id in its front matter, else by the name of its file; --replace makes it the next version
of the article that is known by that. No folder and no other source takes it away again;
articles remove does.`,
		Example: `    syndicate articles add tides.md
    generate-report | syndicate articles add - --id report --replace`,
		Args: arguments(1, 1, "a FILE, or - for standard input"),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			art, problems, err := s.readArticle(args[0], format)
			if err != nil {
				return err
			}
			art.Key = cmp.Or(id, art.Key, filepath.Base(args[0]))
			switch {
			case art.Key == "-":
				return usage("give it an id in the front matter, or --id", "an article on standard input has no name to know it by")
			case len(art.Key) > 255 || art.Key != plain(art.Key):
				return usage("", "the id is no text of at most 255 bytes")
			}
			stored, state, added, err := s.service.Add(ctx, art, replace)
			if errors.Is(err, jobs.ErrTaken) {
				return hinted(fmt.Errorf("there is an article %q already: %s", art.Key, s.service.ArticleURL(&stored)), "--replace makes this its next version")
			}
			if err != nil {
				return err
			}
			return s.tellArticle(ctx, stored, state, added, problems)
		}),
	}
	c.Flags().StringVar(&id, "id", "", "what it is known by, instead of the name of its file: `ID`")
	c.Flags().BoolVar(&replace, "replace", false, "make it the next version, if there is one already")
	c.Flags().StringVar(&format, "format", "", "how it is written: `FORMAT` is markdown, html or text; default: by the ending, or markdown")
	oneOf(c, "format", "markdown", "html", "text")
	return c
}

// readArticle reads an article that is handed over.
func (s *site) readArticle(file, format string) (newsletter.Article, []source.Problem, error) {
	f, ok := formats[format]
	if format != "" && !ok {
		return newsletter.Article{}, nil, usage("it is markdown, html or text", "--format %s is not known", format)
	}
	in, name := s.in, ""
	if file != "-" {
		if name = filepath.Base(file); f == "" {
			f = source.FormatOf(name)
		}
		if f == "" {
			return newsletter.Article{}, nil, usage("rename it, or say --format", "%s has an ending that says nothing of how it is written", file)
		}
		opened, err := os.Open(file)
		if err != nil {
			return newsletter.Article{}, nil, err
		}
		defer opened.Close()
		in = opened
	}
	data, err := io.ReadAll(io.LimitReader(in, largestArticle))
	if err != nil {
		return newsletter.Article{}, nil, fmt.Errorf("reading the article: %w", err)
	}
	art, problems := parser(s.cfg, s.cfg.Site.TimeZone).File(name, cmp.Or(f, newsletter.Markdown), data)
	for i := range problems {
		problems[i].File = cmp.Or(name, "standard input")
		if p := problems[i]; !p.Warning {
			return art, nil, hinted(p, "%s", p.Hint)
		}
	}
	if art.Title == "" {
		return art, nil, hinted(errors.New("the article has no title"), "begin it with a heading, or give a title in the front matter")
	}
	return art, problems, nil
}

// addedView is what articles add did, in JSON.
type addedView struct {
	Added    bool               `json:"added"` // false: it was there before
	Article  articleView        `json:"article"`
	Problems []source.Problem   `json:"problems,omitempty"`
	Publish  jobs.PublishReport `json:"publish"`
}

// tellArticle builds the feeds and says where the article is.
func (s *site) tellArticle(ctx context.Context, art newsletter.Article, state string, added bool, problems []source.Problem) error {
	out, err := s.service.Publish(ctx)
	if err != nil {
		return fmt.Errorf("the article is stored; building the feeds: %w", err)
	}
	if s.json {
		return s.printJSON(addedView{added, s.viewArticle(&art, state), problems, viewPublish(out)})
	}
	what := "replaced"
	if added {
		what = "added"
	}
	url := s.service.ArticleURL(&art)
	switch state {
	case "draft":
		url = "a draft, nowhere to be seen yet"
	case "scheduled":
		url += " from " + moment(art.Published, s.cfg.Site.TimeZone) + " on"
	}
	var l lines
	l.add(what, "%s", url)
	s.articleLines(ctx, &l, jobs.IngestReport{}, out)
	s.tellLines(l)
	for _, p := range problems {
		s.warn("", problem(p), p.Hint)
	}
	s.warnArticles(jobs.IngestReport{}, out)
	return nil
}

// articlesRemove takes away what articles add took in.
func articlesRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "remove ARTICLE",
		Short:             "Take away an article that articles add took in",
		Long:              "Remove takes an article by its id, its slug or its path on the site. It leaves feeds, pages and future digests.",
		Example:           "    syndicate articles remove report",
		Args:              arguments(1, 1, "an ARTICLE: its id, slug or path"),
		ValidArgsFunction: a.completeArticle(),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			art, err := s.store.ArticleByKey(ctx, newsletter.PushSource, args[0])
			state := ""
			if errors.Is(err, store.ErrNotFound) {
				art, state, err = s.findArticle(ctx, args[0])
			}
			if err == nil {
				_, state, err = s.store.LookUpArticle(ctx, art.ID)
			}
			switch {
			case errors.Is(err, store.ErrNotFound), err == nil && state == "unpublished":
				return usage("syndicate articles list --state all shows them", "there is no article %q", args[0])
			case err != nil:
				return err
			case art.Source != newsletter.PushSource:
				return usage("take it away there", "%q comes from %s", args[0], strings.TrimSuffix(art.Source+"/"+art.File, "/"))
			}
			if err := s.service.Remove(ctx, &art); err != nil {
				return err
			}
			out, err := s.service.Publish(ctx)
			if err != nil {
				return fmt.Errorf("the article is removed; building the feeds: %w", err)
			}
			if s.json {
				return s.printJSON(addedView{Article: s.viewArticle(&art, "unpublished"), Publish: viewPublish(out)})
			}
			var l lines
			l.add("removed", "%s", art.Title)
			s.articleLines(ctx, &l, jobs.IngestReport{}, out)
			s.tellLines(l)
			return nil
		}),
	}
}
