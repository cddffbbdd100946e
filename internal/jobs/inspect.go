package jobs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// paceWindow is how far back the pace of an issue is measured.
const paceWindow = time.Minute

// IssueDetail is all there is to know about how an issue stands.
type IssueDetail struct {
	IssueReport
	Groups     []GroupReport // by receiver, most recipients first
	Rate       float64       // messages a second, lately
	MaxRate    float64       // the limit of its newsletter, 0: none
	Estimate   Estimate      // when it will be done
	QuietUntil time.Time     // zero: it is not in quiet hours
	Canary     *CanaryReport // nil: there is none
	Complaints int           //
	Bounces    []store.BounceCount
	Held       int // suppressions that wait for a review
	Articles   []newsletter.Article
	Counts     *CountsReport // of clicks and opens, nil: nothing is counted
}

// GroupReport says how the deliveries to one receiver stand.
type GroupReport struct {
	Group string // empty: small domains
	store.Tally
	Rate float64 // messages a second, lately
}

// CanaryReport says how the slice stands that goes first.
type CanaryReport struct {
	store.Tally
	Done  bool      // the rest was let go
	Until time.Time // when it is judged, zero: it is not out yet, or done
}

// Estimate says when an issue will be done.
type Estimate struct {
	Left time.Duration // 0: unknown, or nothing is left
	At   time.Time     // zero: unknown
	By   string        // what it was made from, for people
}

// Inspect looks closely at an issue.
func (s *Service) Inspect(ctx context.Context, id int64) (IssueDetail, error) {
	var d IssueDetail
	var err error
	if d.IssueReport, err = s.IssueReport(ctx, id); err != nil {
		return d, err
	}
	groups, err := s.store.GroupTallies(ctx, id)
	if err != nil {
		return d, err
	}
	now := s.now()
	n, err := s.Newsletter(d.Issue.Newsletter)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return d, err
	}
	known := err == nil
	if known {
		d.MaxRate = n.MaxRate
		d.QuietUntil = s.quietUntil(n, now)
	}
	pace := map[string]store.Pace{}
	if d.Issue.State == newsletter.IssueSending {
		if pace, err = s.store.IssuePace(ctx, id, paceWindow); err != nil {
			return d, err
		}
	}
	d.addGroups(groups, pace)
	if d.Issue.Canary > 0 {
		d.Canary = canaryReport(d.Issue, groups, n.Canary.Wait)
	}
	if d.Complaints, err = s.store.Complaints(ctx, id); err != nil {
		return d, err
	}
	if d.Bounces, err = s.store.CountBounces(ctx, id, time.Time{}); err != nil {
		return d, err
	}
	held, err := s.store.Suppressions(ctx, store.SuppressionQuery{Issue: id, Held: true})
	if err != nil {
		return d, err
	}
	d.Held = len(held)
	if d.Estimate, err = s.estimate(ctx, d, n, now); err != nil {
		return d, err
	}
	var frozen newsletter.Frozen
	if frozen, d.Articles, err = s.store.FrozenIssue(ctx, id); err != nil {
		return d, err
	}
	d.Counts, err = s.countsReport(ctx, id, frozen, d.Articles)
	return d, err
}

func (d *IssueDetail) addGroups(groups []store.GroupTally, pace map[string]store.Pace) {
	for _, g := range groups {
		i := slices.IndexFunc(d.Groups, func(r GroupReport) bool { return r.Group == g.Group })
		if i < 0 {
			i = len(d.Groups)
			d.Groups = append(d.Groups, GroupReport{Group: g.Group, Rate: pace[g.Group].PerSecond()})
			d.Rate += d.Groups[i].Rate
		}
		d.Groups[i].Tally = d.Groups[i].Add(g.Tally)
	}
	slices.SortFunc(d.Groups, func(a, b GroupReport) int {
		if a.Total() != b.Total() {
			return b.Total() - a.Total()
		}
		return strings.Compare(a.Group, b.Group)
	})
}

func canaryReport(i newsletter.Issue, groups []store.GroupTally, wait time.Duration) *CanaryReport {
	c := &CanaryReport{Done: i.Wave > 0}
	for _, g := range groups {
		if g.Wave == 0 {
			c.Tally = c.Add(g.Tally)
		}
	}
	if !c.Done && !i.CanaryAt.IsZero() {
		c.Until = i.CanaryAt.Add(wait)
	}
	return c
}

// estimate says when an issue that is sending will be done: from its pace of late,
// else from what is configured, and not before a limit lets it. What receivers put
// off is not foreseen.
func (s *Service) estimate(ctx context.Context, d IssueDetail, n newsletter.Newsletter, now time.Time) (Estimate, error) {
	open := d.Deferred
	if d.Issue.State != newsletter.IssueSending || open == 0 {
		return Estimate{}, nil
	}
	groups := map[string]int{}
	for _, g := range d.Groups {
		groups[g.Group] = g.Open()
	}
	limits, err := s.forecast(ctx, open, groups, n.MaxRate)
	if err != nil {
		return Estimate{}, err
	}
	for k := range limits {
		limits[k].by += ", at best"
	}
	if d.Rate > 0 && (d.Canary == nil || d.Canary.Done) { // that of the slice says little
		limits = append(limits, atLeast{took: sending(open, d.Rate), by: "its pace of the last minute"})
	}
	if len(limits) == 0 {
		return Estimate{}, nil
	}
	from := now
	if d.Canary != nil && d.Canary.Until.After(now) {
		from = d.Canary.Until
	}
	quiet := n.Quiet
	if s.Rehearsal() || n.Location == nil {
		quiet = newsletter.Quiet{}
	}
	var e Estimate
	for _, x := range limits {
		if end := x.end(from, now, quiet, n.Location); end.After(e.At) {
			e.At, e.By = end, "from "+x.by
		}
	}
	if d.NextTry.After(e.At) {
		e.At, e.By = d.NextTry, "when the last of them are tried again"
	}
	// A little of the time went by in between: midnight would be told as 23:59.
	e.At = e.At.Round(time.Second)
	e.Left = e.At.Sub(now)
	return e, nil
}
