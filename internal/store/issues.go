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
	i.canary, i.canary_at, i.wave, i.due, i.day, i.week, i.missed, i.created_at, i.sealed_at, i.done_at,
	CASE WHEN i.state IN ('sending', 'paused') THEN (SELECT max(p) FROM (SELECT i.progress_at AS p UNION ALL SELECT c.progress_at FROM chunks c WHERE c.issue = i.id) AS all_progress) ELSE i.progress_at END`

func scanIssue(scan func(...any) error) (i newsletter.Issue, err error) {
	err = scan(&i.ID, &i.Newsletter, &i.Rehearsal, &i.Number, &i.State, &i.Reason, &i.PausedBy, &i.Hash, &i.Horizon, &i.Subject, &i.Sealed, &i.Watermark, &i.Recipients,
		&i.Canary, stamp{&i.CanaryAt}, &i.Wave, &i.Due, &i.Turn.Day, &i.Turn.Week, &i.Turn.Missed, stamp{&i.CreatedAt}, stamp{&i.SealedAt}, stamp{&i.DoneAt}, stamp{&i.ProgressAt})
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

// issueOut is newsletter.Issue.Out.
const issueOut = "(i.state IN ('sending', 'sent') OR i.state = 'paused' AND i.sealed = 1)"

// where writes what the query's issues have in common.
func (q *IssueQuery) where() (string, []any) {
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
	if q.Out {
		conds = append(conds, issueOut)
	}
	return strings.Join(conds, " AND "), args
}

// Issues returns the issues of a query, newest first.
func (s *Store) Issues(ctx context.Context, q IssueQuery) ([]newsletter.Issue, error) {
	where, args := q.where()
	args = append(args, limitOr(q.Limit), q.Offset)
	all, err := list(s.reader(ctx), scanIssue, "SELECT "+issueColumns+" FROM issues i WHERE "+where+
		fmt.Sprintf(" ORDER BY i.id DESC LIMIT $%d OFFSET $%d", len(args)-1, len(args)), args...)
	return all, s.wrap("read issues", err)
}

// CountIssues returns how many issues a query has, limits apart.
func (s *Store) CountIssues(ctx context.Context, q IssueQuery) (int, error) {
	where, args := q.where()
	n, err := one(s.reader(ctx), value[int], "SELECT count(*) FROM issues i WHERE "+where, args...)
	return n, s.wrap("count issues", err)
}

// BesideIssue returns the numbers of the issues that came out before and after one;
// 0: there is none.
func (s *Store) BesideIssue(ctx context.Context, i newsletter.Issue) (before, after int, err error) {
	const beside = " FROM issues i WHERE i.newsletter = $1 AND i.rehearsal = $2 AND i.number "
	args := []any{i.Newsletter, btoi(i.Rehearsal), i.Number}
	before, err = one(s.reader(ctx), value[int], "SELECT coalesce(max(i.number), 0)"+beside+"< $3 AND "+issueOut, args...)
	if err == nil {
		after, err = one(s.reader(ctx), value[int], "SELECT coalesce(min(i.number), 0)"+beside+"> $3 AND "+issueOut, args...)
	}
	return before, after, s.wrap(fmt.Sprintf("look beside issue %d of %s", i.Number, i.Newsletter), err)
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
