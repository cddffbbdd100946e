package main

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// articlesCommand shows what the store knows of articles.
func articlesCommand(a *app) *cobra.Command {
	return group("articles", "Articles in the store: list, show, add, remove, prune, accept",
		articlesList(a), articlesShow(a), articlesAdd(a), articlesRemove(a), articlesPrune(a), articlesAccept(a))
}

// articleView is an article in JSON.
type articleView struct {
	ID        string    `json:"id"`
	State     string    `json:"state"`
	Title     string    `json:"title"`
	URL       string    `json:"url"`
	Source    string    `json:"source"`
	File      string    `json:"file,omitempty"`
	Language  string    `json:"language"`
	Section   string    `json:"section,omitempty"`
	Tags      []string  `json:"tags,omitempty"`
	Authors   []string  `json:"authors,omitempty"`
	Published time.Time `json:"published"`
	Updated   time.Time `json:"updated"`
	Seq       int64     `json:"seq"`
	Revision  int       `json:"revision"`
	Summary   string    `json:"summary,omitempty"`
	Body      string    `json:"body,omitempty"`
}

func (s *site) viewArticle(art *newsletter.Article, state string) articleView {
	v := articleView{
		ID: art.ID, State: state, Title: art.Title, URL: s.service.ArticleURL(art), Source: art.Source, File: art.File,
		Language: art.Language, Section: art.Section, Tags: art.Tags, Published: art.Published, Updated: art.Updated,
		Seq: art.Seq, Revision: art.Revision, Summary: art.Summary, Body: art.Body,
	}
	for _, who := range art.Authors {
		v.Authors = append(v.Authors, who.Name)
	}
	return v
}

// articleStates are what an article can be, as the store calls it.
var articleStates = []string{"public", "draft", "scheduled", "unpublished"}

func articlesList(a *app) *cobra.Command {
	var state string
	var limit int
	var sel newsletter.Selection
	c := &cobra.Command{
		Use:   "list",
		Short: "List articles, newest first",
		Example: `    syndicate articles list --language fr --tag mer
    syndicate articles list --state scheduled`,
		Args: arguments(0, 0),
		RunE: a.with(func(ctx context.Context, s *site, _ []string) error {
			if state != "all" && !slices.Contains(articleStates, state) {
				return usage("it is one of all, "+strings.Join(articleStates, ", "), "--state %s is not a state of articles", state)
			}
			views, err := s.articles(ctx, state, store.ArticleQuery{Select: sel, Limit: limit})
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(views)
			}
			if len(views) == 0 {
				a.printf("There is no such article. syndicate build takes new ones in.\n")
				return nil
			}
			head, rows := []string{"published", "lang", "title", "file"}, [][]string{}
			if state == "all" {
				head = append(head, "state")
			}
			for _, v := range views {
				row := []string{v.Published.In(s.cfg.Site.TimeZone).Format(time.DateOnly), v.Language, v.Title, cmp.Or(v.File, v.URL)}
				if state == "all" {
					row = append(row, v.State)
				}
				rows = append(rows, row)
			}
			a.table(head, rows)
			return nil
		}),
	}
	c.Flags().StringVar(&state, "state", "public", "`STATE`: public, draft, scheduled, unpublished or all")
	oneOf(c, "state", append([]string{"all"}, articleStates...)...)
	c.Flags().StringArrayVar(&sel.Tags, "tag", nil, "only with this `TAG`; may be given again")
	c.Flags().StringArrayVar(&sel.Authors, "author", nil, "only by this `AUTHOR`; may be given again")
	c.Flags().StringArrayVar(&sel.Sections, "section", nil, "only in this `SECTION`; may be given again")
	c.Flags().StringArrayVar(&sel.Languages, "language", nil, "only in this `LANGUAGE`; may be given again")
	limitFlag(c, &limit, 50)
	return c
}

// articles lists those of one state, or of all states together.
func (s *site) articles(ctx context.Context, state string, q store.ArticleQuery) ([]articleView, error) {
	states := []string{state}
	if state == "all" {
		states = articleStates
	}
	views := []articleView{}
	for _, name := range states {
		if q.State = name; name == "public" {
			q.State = ""
		}
		list, err := s.store.Articles(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range list {
			views = append(views, s.viewArticle(&list[i], name))
		}
	}
	slices.SortStableFunc(views, func(x, y articleView) int { return y.Published.Compare(x.Published) })
	if q.Limit > 0 && len(views) > q.Limit {
		views = views[:q.Limit]
	}
	return views, nil
}

func articlesShow(a *app) *cobra.Command {
	var html bool
	c := &cobra.Command{
		Use:   "show ARTICLE",
		Short: "Show what is known of an article",
		Long:  "Show takes an article by its file, its slug, its path on the site or its id.",
		Example: `    syndicate articles show articles/food/sunday-bread.md
    syndicate articles show sunday-bread --html`,
		Args:              arguments(1, 1, "an ARTICLE: its file, slug, path or id"),
		ValidArgsFunction: a.completeArticle(),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			art, state, err := s.findArticle(ctx, args[0])
			if errors.Is(err, store.ErrNotFound) {
				return usage("syndicate articles list --state all shows them; syndicate build takes new ones in", "there is no article %q", args[0])
			}
			if err != nil {
				return err
			}
			if html {
				body, err := s.service.ArticleHTML(ctx, &art)
				if err == nil {
					a.printf("%s\n", body)
				}
				return err
			}
			v := s.viewArticle(&art, state)
			if a.json {
				return a.printJSON(v)
			}
			s.showArticle(v, markup.Excerpt(art.Format, art.Body, 400, art.Language))
			return nil
		}),
	}
	c.Flags().BoolVar(&html, "html", false, "print the body as it goes into feeds")
	return c
}

func (s *site) showArticle(v articleView, excerpt string) {
	zone := s.cfg.Site.TimeZone
	updated := ""
	if !v.Updated.Equal(v.Published) {
		updated = moment(v.Updated, zone)
	}
	var rows [][]string
	for _, r := range [][]string{
		{"title", v.Title},
		{"state", v.State},
		{"url", v.URL},
		{"file", join(": ", v.Source, v.File)},
		{"id", v.ID},
		{"published", moment(v.Published, zone)},
		{"updated", updated},
		{"language", v.Language},
		{"section", v.Section},
		{"tags", strings.Join(v.Tags, ", ")},
		{"authors", strings.Join(v.Authors, ", ")},
	} {
		if r[1] != "" {
			rows = append(rows, r)
		}
	}
	s.table(nil, rows)
	if text := cmp.Or(v.Summary, excerpt); text != "" {
		s.printf("\n%s\n", plain(text))
	}
}

// findArticle finds an article, in whatever state, by what people have at hand.
func (s *site) findArticle(ctx context.Context, what string) (newsletter.Article, string, error) {
	names := []string{what}
	for _, src := range s.cfg.Sources {
		if file, ok := strings.CutPrefix(filepath.ToSlash(filepath.Clean(what)), filepath.ToSlash(filepath.Clean(src.Dir))+"/"); ok {
			names = append(names, file)
		}
	}
	art, state, err := s.store.LookUpArticle(ctx, names...)
	if errors.Is(err, store.ErrNotFound) {
		state = "public"
		path := "/" + strings.TrimPrefix(strings.TrimPrefix(what, s.cfg.Site.URL), "/")
		if u, err := url.Parse(path); err == nil {
			path = (&url.URL{Path: u.Path}).EscapedPath() // as it is stored, however it was typed
		}
		art, _, err = s.store.ArticleByPath(ctx, path)
	}
	return art, state, err
}

func articlesPrune(a *app) *cobra.Command {
	return acceptCommand(a, &cobra.Command{
		Use:   "prune [SOURCE]",
		Short: "Unpublish articles whose files are gone and that were held",
		Long: `When many files vanish at once (all, or more than a tenth and at least five), their
articles stay public until somebody has looked: the disk may not be mounted. Prune says
that they are really gone, and builds the feeds without them.`,
	}, "gone")
}

func articlesAccept(a *app) *cobra.Command {
	return acceptCommand(a, &cobra.Command{
		Use:   "accept [SOURCE]",
		Short: "Let in new articles that were held",
		Long: `When a feed shows most of its articles under other ids at once, or more new ones than
it ever showed, they are held: taken as new, they might all be sent again. Accept lets
them in. Those that are recognised stay the articles they are; what is older than the
hold is published but sent in no newsletter.`,
	}, "right")
}

// acceptCommand completes a command that says that what is held of sources is so.
func acceptCommand(a *app, c *cobra.Command, as string) *cobra.Command {
	c.Args = arguments(0, 1)
	c.RunE = a.with(func(ctx context.Context, s *site, args []string) error {
		accepted, sources := 0, []string{}
		for _, src := range s.cfg.Sources {
			sources = append(sources, src.Name)
		}
		if len(args) > 0 {
			if !slices.Contains(sources, args[0]) {
				return usage("there is "+enumerate(sources), "there is no source %q", args[0])
			}
			sources = args
		}
		for _, src := range sources {
			n, err := s.store.PruneArticles(ctx, src)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			accepted += n
		}
		switch {
		case a.json: // the report says it
		case accepted == 0:
			a.printf("No article is held.\n")
			return nil
		default:
			a.printf("%s accepted as %s.\n", count(accepted, "article"), as)
		}
		return s.build(ctx, false, true) // what follows from it for the feeds is decided with it
	})
	return c
}
