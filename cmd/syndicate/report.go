package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/publish"
	"syndicate/internal/source"
	"syndicate/internal/store"
)

// This file turns the reports of the jobs into lines for people: results on
// standard output, what is wrong on standard error. A broken article or list line
// is a warning and leaves the exit code alone.

// lines are labelled results, aligned.
type lines [][2]string

func (l *lines) add(label, format string, args ...any) {
	*l = append(*l, [2]string{label, fmt.Sprintf(format, args...)})
}

func (a *app) tellLines(l lines) {
	width := 10
	for _, line := range l {
		width = max(width, len([]rune(line[0])))
	}
	for _, line := range l {
		a.printf("%-*s  %s\n", width, line[0], plain(line[1]))
	}
}

// warn tells of a problem that leaves the exit code alone.
func (a *app) warn(where, text, hint string) {
	a.notef("%s %s", a.style(a.err).yellow("warning:"), plain(join(": ", where, text)))
	if hint != "" {
		a.notef("%s %s", a.style(a.err).bold("hint:"), plain(hint))
	}
}

// tellBuild reports what came in and what was built.
func (s *site) tellBuild(ctx context.Context, in jobs.IngestReport, out jobs.PublishReport, lists []jobs.ListReport) {
	var l lines
	s.articleLines(ctx, &l, in, out)
	l.addLists(lists)
	s.tellLines(l)
	s.warnArticles(in, out)
	s.warnLists(lists)
}

func (s *site) articleLines(ctx context.Context, l *lines, in jobs.IngestReport, out jobs.PublishReport) {
	for _, r := range in.Sources {
		l.add(r.Source, "%s", s.sourceLine(ctx, r))
	}
	if out.Dir == "" {
		return
	}
	if out.Error != "" {
		l.add("feeds", "not built: there is an error")
		return
	}
	if changed := join(", ", counted(len(out.Written), "written"), counted(len(out.Removed), "removed")); changed != "" {
		l.add("feeds", "%s in %s (%s), files: %s", count(out.Feeds, "feed"), shown(out.Dir), count(out.Items, "article"), changed)
		return
	}
	l.add("feeds", "up to date: %s (%s)", count(out.Feeds, "feed"), count(out.Items, "article"))
}

func (s *site) sourceLine(ctx context.Context, r jobs.SourceReport) string {
	if r.Error != "" {
		return "could not be read; its articles stay as they were"
	}
	done := join(", ", counted(r.Added, "new"), counted(r.Changed, "changed"), counted(r.Moved, "moved"), counted(r.Unpublished, "gone"))
	if done == "" {
		return fmt.Sprintf("nothing new (%s)", count(r.Total, "article"))
	}
	if r.Added == 0 {
		return done
	}
	if hidden := s.hidden(ctx, r.Added-r.Published); hidden != "" {
		done += " (" + hidden + ")"
	}
	return done
}

// hidden says which of the new articles are not public yet. What they are is only
// told where there are no others.
func (s *site) hidden(ctx context.Context, added int) string {
	if added <= 0 {
		return ""
	}
	drafts, err := s.store.CountArticles(ctx, store.ArticleQuery{State: "draft"})
	if err != nil {
		return ""
	}
	scheduled, err := s.store.CountArticles(ctx, store.ArticleQuery{State: "scheduled"})
	if err != nil || drafts+scheduled != added {
		return number(added) + " not public yet"
	}
	return "not public yet: " + join(", ", counted(drafts, newsletter.Plural(drafts, "draft")), counted(scheduled, "scheduled"))
}

func (s *site) warnArticles(in jobs.IngestReport, out jobs.PublishReport) {
	for _, r := range in.Sources {
		for _, p := range r.Problems {
			s.warn("", problem(p), p.Hint)
		}
		for _, p := range r.Passed {
			s.warn("", fmt.Sprintf("%s belongs to %s now, by its new %s, but %s is past it: nobody gets it", p.File, p.Newsletter, enumerate(p.Changed), p.Newsletter),
				"to send it all the same, give its text to a new file with another name and change some words; else link it in the introduction")
		}
		for _, e := range r.AssetErrors {
			s.warn("", e, "")
		}
		if r.Held != "" {
			s.warn(r.Source, r.Held, heldHint(r.Source, r.New))
		}
		switch {
		case r.Passing:
			s.warn(r.Source, r.Error, "nothing was changed; it is asked again at "+moment(r.Next, s.cfg.Site.TimeZone))
		case r.Error != "":
			s.complain(hinted(fmt.Errorf("%s: %s", r.Source, r.Error), "nothing was changed; the next run tries again"))
		}
	}
	for _, p := range out.Problems {
		s.warn("", p, "")
	}
	s.warnHeld(out.Held)
}

// mostHeld is how many held feeds are shown one by one.
const mostHeld = 5

func (s *site) warnHeld(held []publish.Hold) {
	for i, h := range held {
		hint := "if that is meant: syndicate build --accept"
		if i == mostHeld-1 && len(held) > mostHeld {
			s.warn(h.File, fmt.Sprintf("stays as it is, like %s more feeds: %s", number(len(held)-mostHeld), h.Reason), hint)
			return
		}
		if i+1 < len(held) {
			hint = "" // said once
		}
		s.warn(h.File, "stays as it is: "+h.Reason, hint)
	}
}

// heldHint says how to decide on what a source's hold keeps: new articles, or ones
// that vanished.
func heldHint(name string, isNew bool) string {
	if isNew {
		return "once you have looked there: syndicate articles accept " + shellWord(name)
	}
	return "if they are really gone: syndicate articles prune " + shellWord(name)
}

// isFolder reports whether a source is a folder of the site's.
func (s *site) isFolder(name string) bool {
	return slices.ContainsFunc(s.options.Sources, func(src source.Source) bool {
		_, is := src.(*source.Dir)
		return is && src.Name() == name
	})
}

// problem says where a file is wrong, and whether its article was left out.
func problem(p source.Problem) string {
	if p.Warning {
		return p.Error()
	}
	return p.Error() + " (left out)"
}

// tellRun reports a whole run.
func (s *site) tellRun(ctx context.Context, r jobs.RunReport) error {
	if s.json {
		return s.printJSON(viewRun(r))
	}
	var l lines
	s.articleLines(ctx, &l, r.Ingest, r.Publish)
	l.addLists(r.Lists)
	l.addMail(r.Mail)
	for _, i := range r.Issues {
		if !slices.ContainsFunc(r.Newsletters, func(n jobs.NewsletterReport) bool { return n.Issue == i.Issue.ID }) {
			l.add(i.Issue.Newsletter, "issue %d, begun earlier · %s", i.Issue.Number, issueLine(i))
		}
	}
	for _, n := range r.Newsletters {
		l.add(n.Newsletter, "%s", s.newsletterLine(n, r.Issues))
	}
	s.tellLines(l)
	s.warnArticles(r.Ingest, r.Publish)
	s.warnLists(r.Lists)
	s.warnMail(r.Mail)
	s.warnRun(r)
	s.tellNext(r)
	return s.warnUsedUp(ctx, r)
}

// warnUsedUp tells of relays that keep an issue from going on although they did not
// fail in this run, such as those whose warm-up allows no more today.
func (s *site) warnUsedUp(ctx context.Context, r jobs.RunReport) error {
	if !slices.ContainsFunc(r.Issues, func(i jobs.IssueReport) bool {
		return i.Issue.State == newsletter.IssueSending && i.Deferred > 0
	}) {
		return nil
	}
	relays, _, err := s.service.Limits(ctx)
	for _, x := range relays {
		if !slices.ContainsFunc(r.Relays, func(t jobs.RelayTrouble) bool { return t.Relay == x.Name }) {
			s.warnRelay(x)
		}
	}
	return err
}

// newsletterLine says what became of a newsletter.
func (s *site) newsletterLine(n jobs.NewsletterReport, issues []jobs.IssueReport) string {
	switch {
	case n.Error != "":
		return "not sent: there is an error"
	case n.Nothing == "no new article":
		return "nothing new"
	case n.Nothing != "":
		return "nothing new to send: " + n.Nothing
	case n.Skipped != "":
		return "passed over: " + n.Skipped
	case n.Issue == 0:
		return "not due"
	case n.Awaiting:
		to := ""
		for _, i := range issues {
			if i.Issue.ID == n.Issue {
				to = " → " + count(i.Expected, "subscriber")
			}
		}
		return fmt.Sprintf("issue %d · %s%s · waits for approval", n.Number, count(n.Articles, "article"), to)
	}
	for _, i := range issues {
		if i.Issue.ID == n.Issue {
			return fmt.Sprintf("issue %d · %s → %s · %s", n.Number, count(n.Articles, "article"),
				count(i.Issue.Recipients, "subscriber"), issueLine(i))
		}
	}
	return fmt.Sprintf("issue %d · %s", n.Number, count(n.Articles, "article"))
}

// issueLine says how an issue stands.
func issueLine(i jobs.IssueReport) string {
	state := ""
	switch i.Issue.State {
	case newsletter.IssuePaused:
		state = join(": ", "paused", i.Issue.Reason)
	case newsletter.IssueCancelled:
		state = join(": ", "cancelled", i.Issue.Reason)
	case newsletter.IssueSealing:
		state = "not all addressed yet"
	}
	return join(", ", number(i.Sent)+" sent", counted(i.Failed, "failed"), counted(i.Deferred-i.Tried, "to go"),
		counted(i.Tried, "to be tried again"), counted(i.Uncertain, "uncertain"), state)
}

// warnRun tells on standard error what went wrong with the mail.
func (s *site) warnRun(r jobs.RunReport) {
	for _, i := range r.Issues {
		name := fmt.Sprintf("%s/%d", i.Issue.Newsletter, i.Issue.Number)
		for _, f := range failureViews(i.News) {
			s.warn(name, f.line(), "")
		}
		for _, f := range failureViews(i.Deferrals) {
			s.warn(name, "to be tried again: "+f.line(), "")
		}
	}
	for _, n := range r.Newsletters {
		if n.Error != "" {
			s.complain(fmt.Errorf("%s: %s", n.Newsletter, n.Error))
		}
	}
	for _, t := range r.Relays {
		s.complain(&failure{err: errors.New(t.Error), code: exitFailed, hint: t.Hint})
	}
	for _, e := range r.Errors {
		s.complain(errors.New(e))
	}
}

// tellNext says what to do after a run.
func (s *site) tellNext(r jobs.RunReport) {
	zone := s.cfg.Site.TimeZone
	for _, n := range r.Newsletters {
		if n.Awaiting {
			s.printf("To let it go out: syndicate issues approve %s/%d --hash %s\n", n.Newsletter, n.Number, jobs.ShortHash(n.Hash))
		}
	}
	for _, i := range r.Issues {
		if i.Issue.State == newsletter.IssuePaused {
			s.printf("%[1]s/%[2]d is paused. Next: syndicate issues show %[1]s/%[2]d, then syndicate issues resume %[1]s/%[2]d\n", i.Issue.Newsletter, i.Issue.Number)
		}
		if i.Deferred > 0 && !i.NextTry.IsZero() {
			s.printf("%s/%d goes on at %s: by a running serve, or by syndicate run after that.\n",
				i.Issue.Newsletter, i.Issue.Number, i.NextTry.In(zone).Format("15:04"))
		}
		if i.Uncertain > 0 {
			s.printf("%s of %s/%d may have arrived. To send it again: syndicate issues retry --uncertain %s/%d\n",
				count(i.Uncertain, "message"), i.Issue.Newsletter, i.Issue.Number, i.Issue.Newsletter, i.Issue.Number)
		}
	}
	switch {
	case r.Declined && r.Accepted > 0:
		s.printf("No new issue was sent; %s went out of what was begun earlier.\n", count(r.Accepted, "message"))
	case r.Declined:
		s.printf("Nothing was mailed.\n")
	}
	if r.Rehearsal && r.Accepted > 0 {
		s.printf("\nNo relay is configured, so this was a rehearsal: the mail is in %s (%s).\n", shown(r.Outbox)+"/", count(r.Accepted, "message"))
		s.printf("Next: syndicate%s serve, then open %s/\n", s.siteFlags(), s.here())
	}
}

// here is where this machine's browser finds the site: web.url where that is on this
// machine, else what serve listens on.
func (s *site) here() string {
	if u, err := url.Parse(s.cfg.Web.URL); err == nil {
		if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
			return s.cfg.Web.URL
		}
	}
	host, port, err := net.SplitHostPort(s.cfg.Web.Listen)
	if err != nil {
		return s.cfg.Web.URL
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// siteFlags repeats the global flags that lead to this site.
func (a *app) siteFlags() string {
	flags := ""
	if a.dir != "." {
		flags += " -C " + shellWord(a.dir)
	}
	if a.file != "" {
		flags += " --config " + shellWord(a.file)
	}
	return flags
}
