package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// watchEvery is how often issues show --watch looks.
const watchEvery = time.Second

func issuesShow(a *app) *cobra.Command {
	var flag issueFlag
	var watch bool
	c := &cobra.Command{
		Use:   "show ISSUE",
		Short: "Say how an issue stands, how fast it goes, and what the relays said",
		Long: `Show counts an issue's deliveries, by receiver too, and groups what the relays said.
While it is being sent it says how fast it goes and when it should be done, judged by
its last minute or, before it has one, by the limits in config.yaml. Where its newsletter
counts clicks or opens, it tells how many there were, those of machines apart.

--watch goes on looking, with a progress bar on a terminal, until the issue is done,
paused or cancelled; with --json it prints one document a line.`,
		Example: `    syndicate issues show weekly/12
    syndicate issues show weekly/12 --watch
    syndicate issues show 12 --newsletter weekly --json`,
		Args:              arguments(1, 1, "an ISSUE, such as weekly/12"),
		ValidArgsFunction: a.completeIssue(),
		RunE: a.with(func(ctx context.Context, s *site, args []string) error {
			i, err := s.issue(ctx, args[0], flag)
			if err != nil {
				return err
			}
			if watch {
				return s.watchIssue(ctx, i)
			}
			d, err := s.service.Inspect(ctx, i.ID)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(viewDetail(d))
			}
			s.showIssue(d)
			return nil
		}),
	}
	flag.add(c, false)
	c.Flags().BoolVarP(&watch, "watch", "w", false, "go on looking until it is done, paused or cancelled")
	return c
}

// watchIssue follows an issue, and shows it when it has ended.
func (s *site) watchIssue(ctx context.Context, i newsletter.Issue) error {
	bar := s.progress()
	bar.noted = true
	defer bar.close()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	before := ""
	for {
		d, err := s.service.Inspect(ctx, i.ID)
		if err != nil {
			return err
		}
		moving := d.Issue.State == newsletter.IssueSealing || d.Issue.State == newsletter.IssueSending
		switch {
		case s.json:
			if err := s.printLine(viewDetail(d)); err != nil {
				return err
			}
		case !moving:
			bar.close()
			s.showIssue(d)
		case bar.show:
			bar.note = pace(d)
			bar.tell(jobs.Progress{Step: s.nameOf(d.Issue), Done: d.Issue.Recipients - d.Deferred, Total: d.Issue.Recipients})
		default:
			if line := s.watchLine(d); line != before {
				s.printf("%s\n", line)
				before = line
			}
		}
		if !moving {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New("stopped looking; the issue goes on")
		}
	}
}

func (s *site) watchLine(d jobs.IssueDetail) string {
	return fmt.Sprintf("%s: %s, %s%s", s.nameOf(d.Issue), d.Issue.State, issueLine(d.IssueReport), pace(d))
}

// pace says how fast an issue goes and how long it still takes.
func pace(d jobs.IssueDetail) string {
	text := ""
	if d.Rate > 0 {
		text = fmt.Sprintf(", %s/s", rate(d.Rate))
	}
	if d.Estimate.Left > 0 {
		text += ", about " + duration(d.Estimate.Left) + " left"
	}
	return text
}

func (s *site) showIssue(d jobs.IssueDetail) {
	zone := s.cfg.Site.TimeZone
	i := d.Issue
	tried := ""
	if d.Tried > 0 {
		tried = fmt.Sprintf(" (%s tried before)", number(d.Tried))
	}
	rows := [][]string{
		{"issue", s.nameOf(i)},
		{"state", join(": ", string(i.State), i.Reason)},
		{"subject", i.Subject},
		{"hash", jobs.ShortHash(i.Hash)},
		{"due", s.local(i.Newsletter, i.Due)},
		{"made", moment(i.CreatedAt, zone)},
		{"done", moment(i.DoneAt, zone)},
		{"canary", s.canaryLine(d)},
		{"quiet", join(" ", map[bool]string{false: "until"}[d.QuietUntil.IsZero()], moment(d.QuietUntil, zone))},
		{"pace", paceLine(d)},
		{"will be done", s.estimateLine(d)},
		{"recipients", join("", counted(i.Recipients, ""), counted(d.Expected, "if it goes out now"))},
		{"  sent", share(d.Sent, i.Recipients)},
		{"  being sent", counted(d.Sending, "")},
		{"  to go", join("", counted(d.Deferred-d.Sending, ""), tried)},
		{"  uncertain", counted(d.Uncertain, "")},
		{"  failed", share(d.Failed, i.Recipients)},
		{"  cancelled", counted(d.Cancelled, "")},
		{"complaints", counted(d.Complaints, "")},
		{"came back", cameBack(d.Bounces)},
		{"held for review", counted(d.Held, newsletter.Plural(d.Held, "suppression"))},
	}
	kept := rows[:0]
	for _, r := range rows {
		if r[1] != "" {
			kept = append(kept, r)
		}
	}
	s.table(nil, kept)
	if len(d.Articles) > 0 {
		s.printf("\narticles\n")
		for k := range d.Articles {
			s.printf("  %s\n", plain(d.Articles[k].Title))
		}
	}
	s.showCounts(d.Counts)
	s.showGroups(d)
	s.showReplies("what the relay said", d.Failures)
	s.showReplies("why some are tried again", d.Deferrals)
	s.showNext(d)
}

// showNext says what an operator may do now.
func (s *site) showNext(d jobs.IssueDetail) {
	name := fmt.Sprintf("%s/%d", d.Issue.Newsletter, d.Issue.Number)
	var next []string
	switch {
	case d.Issue.State == newsletter.IssueAwaiting:
		next = append(next, fmt.Sprintf("syndicate issues approve %s --hash %s", name, jobs.ShortHash(d.Issue.Hash)))
	case d.Issue.State == newsletter.IssuePaused:
		next = append(next, "syndicate issues resume "+name)
	case d.Canary != nil && !d.Canary.Until.IsZero():
		next = append(next, fmt.Sprintf("syndicate issues resume %s lets the rest go without waiting", name))
	}
	if d.Held > 0 {
		next = append(next, "syndicate suppressions lift --issue "+name+", if the relay was wrong; confirm --issue "+name+", if it was right")
	}
	for k, line := range next {
		s.printf("%s%s\n", map[bool]string{true: "\nNext: ", false: "      "}[k == 0], line)
	}
}

func (s *site) canaryLine(d jobs.IssueDetail) string {
	if d.Canary == nil {
		return ""
	}
	c := d.Canary
	how := fmt.Sprintf("%s of %s sent", number(c.Sent), number(c.Total()))
	if c.Failed > 0 {
		how += ", " + number(c.Failed) + " failed"
	}
	switch {
	case c.Done:
		return "looked well: " + how
	case c.Until.IsZero():
		return "goes first: " + how
	}
	return fmt.Sprintf("%s; the rest follows %s if it looks well", how, moment(c.Until, s.cfg.Site.TimeZone))
}

func paceLine(d jobs.IssueDetail) string {
	text := ""
	if d.Rate > 0 {
		text = rate(d.Rate) + " messages/s in the last minute"
	}
	if d.MaxRate > 0 && d.Issue.State.Open() {
		text = join("; ", text, "at most "+rate(d.MaxRate)+"/s (max_rate)")
	}
	return text
}

func (s *site) estimateLine(d jobs.IssueDetail) string {
	if d.Estimate.At.IsZero() {
		return ""
	}
	return fmt.Sprintf("in about %s, %s (%s)", duration(d.Estimate.Left), moment(d.Estimate.At, s.cfg.Site.TimeZone), d.Estimate.By)
}

// showGroups lists the receivers with the most recipients, if there are several.
func (s *site) showGroups(d jobs.IssueDetail) {
	const most = 15
	if len(d.Groups) < 2 {
		return
	}
	s.printf("\n")
	rows := [][]string{}
	for n, g := range d.Groups {
		if n == most {
			rows = append(rows, []string{fmt.Sprintf("%d more", len(d.Groups)-most)})
			break
		}
		rows = append(rows, []string{
			groupName(g.Group), number(g.Total()), number(g.Sent), number(g.Failed), number(g.Deferred),
			percentOf(g.Failed, g.Sent+g.Failed), rate(g.Rate),
		})
	}
	s.table([]string{"receiver", "all", "sent", "failed", "put off", "failed %", "per second"}, rows)
}

func groupName(group string) string {
	if group == "" {
		return "small domains"
	}
	return group
}

// showReplies lists what relays said.
func (s *site) showReplies(title string, list []store.Failure) {
	if len(list) == 0 {
		return
	}
	s.printf("\n%s\n", title)
	rows := make([][]string, len(list))
	for n, f := range failureViews(list) {
		rows[n] = []string{"  " + number(f.Count), f.said(), f.Example}
	}
	s.table(nil, rows)
}

// share writes a number and which part of the whole it is; empty for zero.
func share(n, whole int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s (%s)", number(n), percentOf(n, whole))
}

func percentOf(n, whole int) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(whole))
}

// rate writes messages a second.
func rate(r float64) string {
	switch {
	case r == 0:
		return "-"
	case r < 10:
		return fmt.Sprintf("%.1f", r)
	}
	return number(int(r + 0.5))
}

// duration writes a time span for people, roughly.
func duration(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return count(max(1, int(d.Round(time.Second).Seconds())), "second")
	case d < 90*time.Minute:
		return count(int(d.Round(time.Minute).Minutes()), "minute")
	case d < 48*time.Hour:
		return count(int(d.Round(time.Hour).Hours()), "hour")
	}
	return count(int(d.Round(24*time.Hour).Hours()/24), "day")
}
