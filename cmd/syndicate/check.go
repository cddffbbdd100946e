package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"syndicate/internal/config"
	"syndicate/internal/digest"
	"syndicate/internal/jobs"
	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
	"syndicate/internal/source"
)

// checkCommand looks at everything a run will need.
func checkCommand(a *app) *cobra.Command {
	var offline bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Check configuration, folders, templates, store, relays and DNS",
		Long: `Check looks at everything that a run will need, says what it found, and mails nobody. It
exits with 1 if something would keep a run from working; a warning does not.`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			k := &check{app: a, ctx: c.Context()}
			if err := k.all(offline); err != nil {
				return err
			}
			return k.report()
		},
	}
	c.Flags().BoolVar(&offline, "offline", false, "leave the network alone")
	c.AddCommand(checkFeedsCommand(a))
	return c
}

// check collects findings.
type check struct {
	*app
	ctx   context.Context //nolint:containedctx // one check, one context
	found []finding
}

// finding is what one look showed.
type finding struct {
	What   string `json:"what"`
	Result string `json:"result"` // ok, warning, error
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"`
	Item   string `json:"item,omitempty"` // check feeds: id of the item in What
	Rule   string `json:"rule,omitempty"` // and the rule that it breaks
}

const (
	resultOK      = "ok"
	resultWarning = "warning"
	resultError   = "error"
)

func (k *check) ok(what, format string, args ...any) {
	k.found = append(k.found, finding{What: what, Result: resultOK, Text: fmt.Sprintf(format, args...)})
}

func (k *check) warning(what, text, hint string) {
	k.found = append(k.found, finding{What: what, Result: resultWarning, Text: text, Hint: hint})
}

func (k *check) failed(what string, err error) {
	k.found = append(k.found, finding{What: what, Result: resultError, Text: message(err), Hint: hintFor(err)})
}

// all looks at one thing after the other. Without a configuration there is nothing
// else to look at: that is an error at once.
func (k *check) all(offline bool) error {
	cfg, err := k.load()
	if err != nil {
		return err
	}
	k.ok("config", "%s", join(", ", count(len(cfg.Newsletters), "newsletter"), count(len(cfg.Sources), "source"), counted(len(cfg.Relays), newsletter.Plural(len(cfg.Relays), "relay"))))
	for _, p := range cfg.Notices() {
		k.warning("config", fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message), p.Hint)
	}
	k.keys(cfg)
	s, err := k.openWith(k.ctx, cfg, k.logger(cfg, false), nil)
	if err != nil {
		k.failed("store", err)
		return nil
	}
	defer func() {
		if err := s.close(); err != nil {
			k.failed("store", err)
		}
	}()
	k.ok("store", "%s", cfg.Store)
	k.sources(s, offline)
	k.feeds(s)
	k.templates(s)
	k.lists(s)
	for _, f := range s.strayLists() {
		k.warning("lists", f.text, f.hint)
	}
	k.intros(s)
	if len(cfg.Relays) == 0 {
		k.ok("relays", "none: a rehearsal, mail goes to %s/", outboxDir)
	}
	if !offline {
		for i := range s.options.Relays {
			k.relay(cfg, i, s.options.Relays[i])
		}
		k.sender(cfg, s.options.Signer)
		k.mailbox(cfg, s.options.Bounces.IMAP)
	}
	k.bounces(s, offline)
	k.web(s, offline)
	if !offline {
		k.hubs(s)
	}
	return k.ctx.Err()
}

// sources reads all articles, and leaves the store as it is. Those elsewhere are asked,
// unless offline.
func (k *check) sources(s *site, offline bool) {
	for i, src := range s.options.Sources {
		what, good := "source "+src.Name(), 0
		if offline && !s.isFolder(src.Name()) {
			continue
		}
		listing, err := src.List(k.ctx, source.Ask{Mode: source.Trial})
		if err == nil {
			err = listing.Read(k.ctx, func(batch []newsletter.Article) error { good += len(batch); return nil })
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", s.cfg.Where(fmt.Sprintf("sources[%d].%s", i, s.cfg.Sources[i].Kind())), err)
			if errors.Is(err, fs.ErrNotExist) {
				err = hinted(err, "a relative name starts at the site folder")
			}
			k.failed(what, err)
			continue
		}
		if text := count(good, "article"); good == listing.Total {
			k.ok(what, "%s", text)
		} else {
			k.ok(what, "%s in %s", text, count(listing.Total, "file"))
		}
		for _, p := range listing.Problems() {
			k.warning(what, problem(p), p.Hint)
		}
	}
}

// feeds looks whether the folder of the feeds can be written to.
func (k *check) feeds(s *site) {
	dir := s.options.Feeds.Dir
	if dir == "" {
		return
	}
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(dir, ".syndicate-check-*"); err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	if err != nil {
		k.failed("feeds", err)
		return
	}
	k.ok("feeds", "%s can be written to", shown(dir))
}

// templates parses those of pages and of each newsletter's mail, and renders the
// next issue, or an example where there is none.
func (k *check) templates(s *site) {
	if _, err := s.handler(k.ctx, nil); err != nil {
		k.failed("pages", err)
	} else {
		k.ok("pages", "the templates work")
	}
	templates, err := fs.Sub(s.options.SiteFS, "templates")
	if err != nil {
		k.failed("mail", err)
		return
	}
	for _, n := range s.options.Newsletters {
		what := "mail " + n.Name
		bundle, err := digest.ReadBundle(templates, s.options.Builtin, n.Templates)
		if err == nil {
			_, err = digest.Parse(bundle)
		}
		if err != nil {
			k.failed(what, err)
			continue
		}
		p, err := s.service.PreviewOrExample(k.ctx, n.Name)
		switch {
		case err != nil:
			k.failed(what, err)
		case p.Example != "":
			k.ok(what, "the templates work with %s: %s of HTML (%s)", p.Example, size(len(p.Groups[0].Digest.HTML)), p.Nothing)
		default:
			k.ok(what, "the next issue is %s of HTML: %s", size(len(p.Groups[0].Digest.HTML)), p.Groups[0].Digest.Subject)
		}
	}
	for _, n := range s.options.Newsletters {
		k.letters(s, n)
	}
}

// letters renders those that people ask for: to confirm, to be let in, and so on. One
// that cannot be written keeps whoever asks for it waiting.
func (k *check) letters(s *site, n newsletter.Newsletter) {
	what := "letters " + n.Name
	all, wrong := s.service.TryLetters(k.ctx, n)
	for _, err := range wrong {
		k.failed(what, err)
	}
	if len(wrong) == 0 {
		k.ok(what, "the templates work: %s in all languages", count(all, "letter"))
	}
}

func (k *check) lists(s *site) {
	for _, n := range s.options.Newsletters {
		file := listFile(n.Name)
		r, err := s.options.Lists(n.Name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			k.failed("list "+n.Name, err)
			continue
		}
		good, problems, err := roster.ReadAll(r)
		r.Close()
		if err != nil {
			k.failed("list "+n.Name, errors.New(at(file, err.Error())))
			continue
		}
		k.ok("list "+n.Name, "%s", count(len(good), "subscriber"))
		for _, p := range problems {
			k.warning("list "+n.Name, fmt.Sprintf("%s:%d: %s", file, p.Line, p.Message), "")
		}
	}
}

func (k *check) intros(s *site) {
	for i, n := range s.options.Newsletters {
		_, err := fs.ReadFile(s.options.SiteFS, n.Intro)
		switch {
		case err == nil:
			k.ok("intro "+n.Name, "%s", n.Intro)
		case !errors.Is(err, fs.ErrNotExist):
			k.failed("intro "+n.Name, err)
		case s.cfg.Newsletters[i].Intro != "intros/"+n.Name+".md":
			k.warning("intro "+n.Name, n.Intro+" does not exist", "then issues begin with the articles")
		}
	}
}

// relay connects, logs in and leaves.
func (k *check) relay(cfg *config.Config, i int, r mailer.Relay) {
	what := "relay " + r.Name
	found, err := mailer.Check(k.ctx, r)
	if err != nil {
		k.failed(what, fmt.Errorf("%s: %w", cfg.Where(fmt.Sprintf("relays[%d].host", i)), err))
		return
	}
	k.ok(what, "%s: %s", r.Addr(), found)
	if r.InsecureSkipVerify {
		k.warning(what, "its certificate is not verified: anybody in between could read the mail",
			"insecure_skip_verify is for test servers; ca_file names an authority of your own")
	}
}

// web asks whether the links in mail lead here. A site may be checked before it
// runs, so no answer is not an error; a relay's mail waits for one.
func (k *check) web(s *site, offline bool) {
	url := s.cfg.Web.URL
	if err := s.service.CheckWebURL(); err != nil {
		k.failed("web", fmt.Errorf("%s: %w", s.webURL(), err))
		return
	}
	if offline {
		return
	}
	id, err := jobs.SiteAt(k.ctx, nil, url)
	switch {
	case err == nil && id == s.store.SiteID():
		k.ok("web", "%s is this site", url)
	case err == nil && len(s.cfg.Relays) > 0:
		k.failed("web", s.service.CheckLinks(k.ctx))
	case err == nil:
		k.warning("web", url+" is another site", "the links in mail lead there; web.url in config.yaml")
	case len(s.cfg.Relays) > 0:
		k.warning("web", url+" does not answer as this site yet: "+message(err), "no mail goes out before it does; syndicate serve answers, behind your proxy")
	default:
		k.ok("web", "%s does not answer yet; syndicate serve does", url)
	}
}

func (k *check) report() error {
	code := exitDone
	for _, f := range k.found {
		if f.Result == resultError {
			code = exitFailed
		}
	}
	if k.json {
		if err := k.printJSON(struct {
			OK     bool      `json:"ok"`
			Checks []finding `json:"checks"`
		}{code == exitDone, k.found}); err != nil {
			return err
		}
		return exit(code)
	}
	width := 0
	for _, f := range k.found {
		width = max(width, len([]rune(f.What)))
	}
	st := k.style(k.out)
	for _, f := range k.found {
		mark := map[string]string{resultOK: "ok     ", resultWarning: st.yellow("warning"), resultError: st.red("error  ")}[f.Result]
		k.printf("%s  %-*s  %s\n", mark, width, plain(f.What), plain(f.Text))
		if f.Hint != "" {
			k.printf("%*s  %s %s\n", 7+2+width, "", st.bold("hint:"), plain(f.Hint))
		}
	}
	return exit(code)
}
