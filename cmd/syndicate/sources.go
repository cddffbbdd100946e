package main

import (
	"net/url"
	"path/filepath"
	"strings"

	"syndicate/internal/config"
	"syndicate/internal/fetch"
	"syndicate/internal/jobs"
	"syndicate/internal/source"
	"syndicate/internal/source/feed"
	"syndicate/internal/source/remote"
)

// addSources makes the sources of the configuration.
func addSources(o *jobs.Options, cfg *config.Config) error {
	for i := range cfg.Sources {
		s := &cfg.Sources[i]
		if s.Feed != "" {
			o.Sources = append(o.Sources, feedSource(cfg, s))
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
	if s.FullText {
		o.Fill = feed.FullText(client)
	}
	return remote.New(o, feed.NewReader(feed.Options{URL: s.Feed, Client: client}))
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
