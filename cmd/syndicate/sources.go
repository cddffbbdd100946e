package main

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"syndicate/internal/config"
	"syndicate/internal/fetch"
	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/source"
	"syndicate/internal/source/feed"
	"syndicate/internal/source/posts"
	"syndicate/internal/source/remote"
	"syndicate/internal/source/table"
)

// addSources makes the sources of the configuration.
func addSources(o *jobs.Options, cfg *config.Config) error {
	for i := range cfg.Sources {
		s := &cfg.Sources[i]
		switch {
		case s.Feed != "":
			o.Sources = append(o.Sources, feedSource(cfg, s))
			continue
		case s.WordPress != "", s.Ghost != nil:
			o.Sources = append(o.Sources, postsSource(cfg, s))
			continue
		case s.SQL != nil:
			src, err := tableSource(cfg, s)
			if err != nil {
				return fmt.Errorf("%s: %w", cfg.Where(fmt.Sprintf("sources[%d].sql.dsn", i)), err)
			}
			o.Sources = append(o.Sources, src)
			continue
		}
		root, err := absolute(cfg, s.Dir)
		if err != nil {
			return err
		}
		o.Watch = append(o.Watch, root)
		o.Sources = append(o.Sources, source.NewDir(source.DirOptions{
			Name: s.Name, Root: root, SiteURL: cfg.Site.URL, Label: filepath.ToSlash(s.Dir), Ignore: s.Ignore,
			Language: cfg.Site.Language, Languages: cfg.Languages(), Location: cfg.Site.TimeZone,
		}))
	}
	return nil
}

func feedSource(cfg *config.Config, s *config.Source) source.Source {
	client := fetcher(cfg, s, s.Feed)
	o := remoteOptions(cfg, s)
	o.Config = s.Feed
	if s.FullText {
		o.Fill = feed.FullText(client)
	}
	return remote.New(o, feed.NewReader(feed.Options{URL: s.Feed, Client: client}))
}

// postsSource is a site with an API.
func postsSource(cfg *config.Config, s *config.Source) source.Source {
	o := remoteOptions(cfg, s)
	o.Limit = posts.MaxPosts
	if s.Ghost != nil {
		o.Config = s.Ghost.URL
		return remote.New(o, posts.NewGhost(posts.Options{URL: s.Ghost.URL, Key: s.Ghost.Key.Reveal(), Client: fetcher(cfg, s, s.Ghost.URL)}))
	}
	o.Config = s.WordPress
	return remote.New(o, posts.NewWordPress(posts.Options{URL: s.WordPress, Client: fetcher(cfg, s, s.WordPress)}))
}

// tableSource is a query of a database.
func tableSource(cfg *config.Config, s *config.Source) (source.Source, error) {
	o := remoteOptions(cfg, s)
	o.Limit, o.Planned = table.MaxRows, true
	o.Config = fmt.Sprintf("%q %q %s %s %s", s.SQL.Query, s.SQL.Columns, s.SQL.Format, s.SQL.Cursor, s.SQL.TimeZone)
	dsn := s.SQL.DSN.Reveal()
	if file, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		dsn = "sqlite:" + cfg.Path(file)
	}
	if err := table.Check(dsn); err != nil {
		return nil, err
	}
	columns := map[string]string{}
	for _, c := range s.SQL.Columns {
		columns[c.Field] = c.Column
	}
	format := map[string]newsletter.Format{"markdown": newsletter.Markdown, "html": newsletter.HTML, "text": newsletter.PlainText}[s.SQL.Format]
	return remote.New(o, table.NewReader(table.Options{
		DSN: dsn, Query: s.SQL.Query, Columns: columns, Format: format, Location: s.SQL.TimeZone,
		Cursor: s.SQL.Cursor, Overlap: s.SQL.Overlap, Complete: s.SQL.Complete, Timeout: s.SQL.Timeout,
		Parser: parser(cfg, s.SQL.TimeZone),
	})), nil
}

// parser reads articles that come singly. zone is that of dates without one.
func parser(cfg *config.Config, zone *time.Location) *source.Parser {
	return source.NewParser(source.ParserOptions{
		SiteURL: cfg.Site.URL, Language: cfg.Site.Language, Languages: cfg.Languages(), Location: zone,
	})
}

// remoteOptions is what all sources elsewhere have in common.
func remoteOptions(cfg *config.Config, s *config.Source) remote.Options {
	return remote.Options{
		Name: s.Name, Every: s.Every, Backlog: s.Backlog,
		Tags: s.Tags, Author: s.Author, Language: s.Language,
		Detect: source.Detector(cfg.Site.Language, cfg.Languages()),
	}
}

// fetcher asks a source's servers. Each source has its own: what is allowed to one
// is not allowed to others.
func fetcher(cfg *config.Config, s *config.Source, address string) *fetch.Client {
	o := fetch.Options{Agent: agent(cfg)}
	if u, err := url.Parse(address); err == nil && s.AllowPrivate {
		o.Private = []string{u.Hostname()}
	}
	return fetch.New(o)
}

// agent is what the program calls itself to servers.
func agent(cfg *config.Config) string {
	return "Syndicate/" + strings.Trim(readBuild().Version, "()") + " (+" + cfg.Site.URL + ")"
}
