package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"syndicate/internal/config"
	"syndicate/internal/jobs"
	"syndicate/internal/store"
)

// site is an open site: its configuration, its database and the service that does
// the work.
type site struct {
	*app
	cfg     *config.Config
	options jobs.Options
	store   *store.Store
	service *jobs.Service
	log     *slog.Logger
}

// load reads the configuration. Paths in it start at the site folder: that of -C,
// or else the one the file is in.
func (a *app) load() (*config.Config, error) {
	file, folder := a.file, a.dir
	if file == "" {
		file = filepath.Join(a.dir, "config.yaml")
	} else if a.dir == "." {
		folder = filepath.Dir(file)
	}
	cfg, err := config.Load(file, a.env)
	switch {
	case errors.Is(err, fs.ErrNotExist) && a.file == "":
		return nil, hinted(fmt.Errorf("there is no site here: %s is missing", file),
			"syndicate init DIR makes one; -C DIR works on one elsewhere")
	case errors.Is(err, fs.ErrNotExist):
		return nil, hinted(fmt.Errorf("there is no configuration file %s", file), "--config takes a path from the current folder")
	case err != nil:
		return nil, err
	}
	if err := cfg.Locate(folder); err != nil {
		return nil, err
	}
	a.grace.Store(int64(cfg.Delivery.Grace))
	return cfg, nil
}

// open loads the configuration and opens what it names. tell is told of progress
// and may be nil.
func (a *app) open(ctx context.Context, tell func(jobs.Progress)) (*site, error) {
	cfg, err := a.load()
	if err != nil {
		return nil, err
	}
	return a.openWith(ctx, cfg, a.logger(cfg, false), tell)
}

func (a *app) openWith(ctx context.Context, cfg *config.Config, log *slog.Logger, tell func(jobs.Progress)) (s *site, err error) {
	st, err := store.Open(ctx, store.Options{DSN: cfg.StoreDSN(), Log: log, Now: a.now})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, st.Close())
		}
	}()
	s = &site{app: a, cfg: cfg, log: log, store: st}
	if s.options, err = options(cfg, s.store, log); err != nil {
		return nil, err
	}
	s.options.Now, s.options.OnProgress, s.options.OfflineLinks = a.now, tell, a.offline
	if s.service, err = jobs.New(s.options); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *site) close() error { return s.store.Close() }

// with opens the site for a verb and closes it again.
func (a *app) with(do func(ctx context.Context, s *site, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) (err error) {
		s, err := a.open(c.Context(), nil)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		return do(c.Context(), s, args)
	}
}

// staying opens the site for a verb that works until it is told to stop, and
// closes it again. Nothing is mailed where the links in it cannot lead here.
func (a *app) staying(do func(ctx context.Context, s *site) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, _ []string) (err error) {
		cfg, err := a.load()
		if err != nil {
			return err
		}
		s, err := a.openWith(c.Context(), cfg, a.logger(cfg, true), nil)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		if err := s.service.CheckWebURL(); err != nil {
			return fmt.Errorf("%s: %w", s.webURL(), err)
		}
		s.tellNotices()
		return do(c.Context(), s)
	}
}

// logger writes to standard error what happens: for a daemon as the configuration
// says, everything with -v, and else nothing, because a report says it all.
func (a *app) logger(cfg *config.Config, daemon bool) *slog.Logger {
	var level slog.Level
	switch {
	case a.verbose:
		level = slog.LevelDebug
	case !daemon:
		return slog.New(slog.DiscardHandler)
	case level.UnmarshalText([]byte(cfg.Log.Level)) != nil:
		level = slog.LevelInfo // config knows only levels
	}
	o := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(a.err, o))
	}
	return slog.New(slog.NewTextHandler(a.err, o))
}

// known complains of newsletters that the configuration does not have.
func known(cfg *config.Config, list ...string) error {
	all := newsletterNames(cfg)
	for _, name := range list {
		if slices.Contains(all, name) {
			continue
		}
		hint := "newsletters stand in config.yaml; this one has none"
		if n := nearest(name, all); n != "" {
			hint = fmt.Sprintf("did you mean %s?", n)
		} else if len(all) > 0 {
			hint = "there is " + enumerate(all)
		}
		return usage(hint, "there is no newsletter %q", name)
	}
	return nil
}

// webURL is the place in the configuration that says where links in mail lead.
func (s *site) webURL() string {
	if where := s.cfg.Where("web.url"); where != s.cfg.Where("web") {
		return where
	}
	return s.cfg.Where("site.url") // the default
}

func newsletterNames(cfg *config.Config) []string {
	list := make([]string, len(cfg.Newsletters))
	for i, n := range cfg.Newsletters {
		list[i] = n.Name
	}
	return list
}

// completeNewsletter offers the names of newsletters to the shell.
func (a *app) completeNewsletter(most int) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		cfg, err := a.load()
		if err != nil || most >= 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return newsletterNames(cfg), cobra.ShellCompDirectiveNoFileComp
	}
}

// absolute is a path of the configuration, seen from the root.
func absolute(cfg *config.Config, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(cfg.Path(path))
}

// shown is a path as seen from the current folder, for people.
func shown(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(wd, path)
	if err != nil || len(rel) > len(path) {
		return path
	}
	return filepath.ToSlash(rel)
}
