package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"syndicate/internal/newsletter"
)

const issueColumns = `i.id, i.newsletter, i.rehearsal, i.number, i.state, i.reason, i.paused_by, i.hash, i.horizon, i.subject, i.sealed, i.watermark, i.recipients,
	i.canary, i.canary_at, i.wave, i.due, i.day, i.week, i.created_at, i.sealed_at, i.done_at,
	CASE WHEN i.state IN ('sending', 'paused') THEN (SELECT max(p) FROM (SELECT i.progress_at AS p UNION ALL SELECT c.progress_at FROM chunks c WHERE c.issue = i.id) AS all_progress) ELSE i.progress_at END`

func scanIssue(scan func(...any) error) (i newsletter.Issue, err error) {
	err = scan(&i.ID, &i.Newsletter, &i.Rehearsal, &i.Number, &i.State, &i.Reason, &i.PausedBy, &i.Hash, &i.Horizon, &i.Subject, &i.Sealed, &i.Watermark, &i.Recipients,
		&i.Canary, stamp{&i.CanaryAt}, &i.Wave, &i.Due, &i.Turn.Day, &i.Turn.Week, stamp{&i.CreatedAt}, stamp{&i.SealedAt}, stamp{&i.DoneAt}, stamp{&i.ProgressAt})
	return i, err
}

// Issue returns an issue; ErrNotFound.
func (s *Store) Issue(ctx context.Context, id int64) (newsletter.Issue, error) {
	i, err := one(s.reader(ctx), scanIssue, "SELECT "+issueColumns+" FROM issues i WHERE i.id = $1", id)
	return i, s.wrap(fmt.Sprintf("read issue %d", id), err)
}

// IssueByNumber returns an issue by its number in its newsletter; ErrNotFound.
func (s *Store) IssueByNumber(ctx context.Context, name string, rehearsal bool, number int) (newsletter.Issue, error) {
	i, err := one(s.reader(ctx), scanIssue, "SELECT "+issueColumns+" FROM issues i WHERE i.newsletter = $1 AND i.rehearsal = $2 AND i.number = $3", name, btoi(rehearsal), number)
	return i, s.wrap(fmt.Sprintf("read issue %d of %s", number, name), err)
}

// Issues returns the issues of a query, newest first.
func (s *Store) Issues(ctx context.Context, q IssueQuery) ([]newsletter.Issue, error) {
	conds := []string{"1 = 1"}
	var args []any
	arg := func(cond string, v any) {
		args = append(args, v)
		conds = append(conds, fmt.Sprintf(cond, len(args)))
	}
	if q.Newsletter != "" {
		arg("i.newsletter = $%d", q.Newsletter)
	}
	if q.Rehearsal != nil {
		arg("i.rehearsal = $%d", btoi(*q.Rehearsal))
	}
	if q.Open {
		conds = append(conds, "i.state <> 'sent' AND i.state <> 'cancelled'")
	}
	args = append(args, limitOr(q.Limit))
	all, err := list(s.reader(ctx), scanIssue, "SELECT "+issueColumns+" FROM issues i WHERE "+strings.Join(conds, " AND ")+
		fmt.Sprintf(" ORDER BY i.id DESC LIMIT $%d", len(args)), args...)
	return all, s.wrap("read issues", err)
}

// FrozenIssue returns what an issue was composed from: settings, templates and
// articles, as they were.
func (s *Store) FrozenIssue(ctx context.Context, id int64) (newsletter.Frozen, []newsletter.Article, error) {
	what := fmt.Sprintf("read what issue %d was composed from", id)
	type row struct{ settings, templates []byte }
	r, err := one(s.reader(ctx), func(scan func(...any) error) (r row, err error) {
		err = scan(&r.settings, &r.templates)
		return r, err
	}, "SELECT i.settings, f.content FROM issues i JOIN frozen f ON f.hash = i.templates WHERE i.id = $1", id)
	if err != nil {
		return newsletter.Frozen{}, nil, s.wrap(what, err)
	}
	var f newsletter.Frozen
	if err := json.Unmarshal(r.settings, &f); err != nil {
		return f, nil, s.wrap(what, err)
	}
	if err := json.Unmarshal(r.templates, &f.Templates); err != nil {
		return f, nil, s.wrap(what, err)
	}
	articles, err := list(s.reader(ctx), func(scan func(...any) error) (a newsletter.Article, err error) {
		var content []byte
		if err = scan(&content); err == nil {
			err = json.Unmarshal(content, &a)
		}
		return a, err
	}, "SELECT f.content FROM issue_articles x JOIN frozen f ON f.hash = x.hash WHERE x.issue = $1 ORDER BY x.n", id)
	return f, articles, s.wrap(what, err)
}

// IssueCounts counts an issue's deliveries by state.
func (s *Store) IssueCounts(ctx context.Context, issue int64) (map[newsletter.DeliveryState]int, error) {
	t, err := s.IssueTally(ctx, issue)
	if err != nil {
		return nil, err
	}
	counts := map[newsletter.DeliveryState]int{
		newsletter.Pending: t.Pending, newsletter.Sending: t.Sending, newsletter.Sent: t.Sent,
		newsletter.Failed: t.Failed, newsletter.Cancelled: t.Cancelled, newsletter.Uncertain: t.Uncertain,
	}
	maps.DeleteFunc(counts, func(_ newsletter.DeliveryState, n int) bool { return n == 0 })
	return counts, nil
}
