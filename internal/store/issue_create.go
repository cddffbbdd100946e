package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"syndicate/internal/newsletter"
)

// CreateIssue freezes an issue in one transaction: it takes the occurrence (if
// another node has, ErrConflict and nothing else happens), cancels issues of the
// same track that still wait for approval, gives the next number and keeps
// settings, templates and articles as they are.
func (s *Store) CreateIssue(ctx context.Context, n NewIssue, now time.Time) (newsletter.Issue, error) {
	settings := n.Frozen
	settings.Templates = nil
	settingsJSON, err := json.Marshal(settings)
	if err != nil {
		return newsletter.Issue{}, fmt.Errorf("freeze the settings: %w", err)
	}
	templates, err := freeze(n.Frozen.Templates)
	if err != nil {
		return newsletter.Issue{}, fmt.Errorf("freeze the templates: %w", err)
	}
	articles, err := freezeArticles(n.Articles)
	if err != nil {
		return newsletter.Issue{}, err
	}
	state, due := newsletter.IssueSealing, ""
	if n.Approval {
		state = newsletter.IssueAwaiting
	}
	if n.Occurrence != nil {
		due = n.Occurrence.Local
	}
	var issue newsletter.Issue
	err = s.write(ctx, "create an issue of "+n.Newsletter, func(x *tx) error {
		// The track's row is the lock: one node composes.
		number, err := x.query1("UPDATE tracks SET last_number = last_number + 1 WHERE newsletter = $1 AND rehearsal = $2 RETURNING last_number", n.Newsletter, btoi(n.Rehearsal))
		if err != nil {
			return err
		}
		if err := x.supersede(n, number, now); err != nil {
			return err
		}
		if err := x.keepFrozen(templates); err != nil {
			return err
		}
		id, err := x.query1(`INSERT INTO issues (newsletter, rehearsal, number, state, reason, hash, horizon, old_horizon, subject, sealed, watermark, recipients,
				due, created_at, sealed_at, progress_at, done_at, time_zone, settings, templates, canary, day, week, missed)
			VALUES ($1, $2, $3, $4, '', $5, $6, 0, $7, 0, 0, 0, $8, $9, 0, $9, 0, $10, $11, $12, $13, $14, $15, $16) RETURNING id`,
			n.Newsletter, btoi(n.Rehearsal), number, string(state), n.Hash, n.Horizon, n.Subject, due, ms(now), n.Frozen.Newsletter.TimeZone, string(settingsJSON), templates.hash, n.Canary, n.Turn.Day, n.Turn.Week, n.Turn.Missed)
		if err != nil {
			return err
		}
		if n.Occurrence != nil {
			o := *n.Occurrence
			o.Issue, o.Missed = id, n.Turn.Missed
			if o.Outcome == "" {
				o.Outcome = "issue"
			}
			first, err := x.recordOccurrence(o, now)
			if err != nil {
				return err
			}
			if !first {
				return fmt.Errorf("the occurrence of %s was taken: %w", o.Local, ErrConflict)
			}
		}
		if err := x.addArticles(id, articles); err != nil {
			return err
		}
		issue, err = one(x, scanIssue, "SELECT "+issueColumns+" FROM issues i WHERE i.id = $1", id)
		return err
	})
	return issue, err
}

// supersede cancels issues of the same track that nobody approved.
func (x *tx) supersede(n NewIssue, number int64, now time.Time) error {
	_, err := x.exec(`UPDATE issues SET state = 'cancelled', reason = $3, done_at = $4, progress_at = $4
		WHERE newsletter = $1 AND rehearsal = $2 AND state = 'awaiting approval'`,
		n.Newsletter, btoi(n.Rehearsal), fmt.Sprintf("issue %d took its place before it was approved", number), ms(now))
	return err
}

// AddIssueArticles freezes further articles, for groups of subscribers that
// appeared while an issue was being sealed. Those it has already are left out.
func (s *Store) AddIssueArticles(ctx context.Context, issue int64, articles []newsletter.Article) error {
	frozen, err := freezeArticles(articles)
	if err != nil {
		return err
	}
	return s.write(ctx, fmt.Sprintf("add articles to issue %d", issue), func(x *tx) error {
		state, err := x.lockIssue(issue)
		if err != nil {
			return err
		}
		if state != newsletter.IssueSealing {
			return fmt.Errorf("the issue is %s: %w", state, ErrConflict)
		}
		return x.addArticles(issue, frozen)
	})
}

// frozenContent is content under its hash.
type frozenContent struct {
	seq           int64
	hash, content string
}

func freeze(v any) (frozenContent, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return frozenContent{}, err
	}
	sum := sha256.Sum256(b)
	return frozenContent{hash: hex.EncodeToString(sum[:]), content: string(b)}, nil
}

func freezeArticles(articles []newsletter.Article) ([]frozenContent, error) {
	out := make([]frozenContent, len(articles))
	for i := range articles {
		f, err := freeze(&articles[i])
		if err != nil {
			return nil, fmt.Errorf("freeze article %s: %w", articles[i].ID, err)
		}
		f.seq = articles[i].Seq
		out[i] = f
	}
	return out, nil
}

func (x *tx) keepFrozen(f frozenContent) error {
	_, err := x.exec("INSERT INTO frozen (hash, content) VALUES ($1, $2) ON CONFLICT DO NOTHING", f.hash, f.content)
	return err
}

func (x *tx) addArticles(issue int64, articles []frozenContent) error {
	n, err := x.query1("SELECT coalesce(max(n), 0) FROM issue_articles WHERE issue = $1", issue)
	if err != nil {
		return err
	}
	for _, a := range articles {
		if err := x.keepFrozen(a); err != nil {
			return err
		}
		added, err := x.exec("INSERT INTO issue_articles (issue, n, seq, hash) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", issue, n+1, a.seq, a.hash)
		if err != nil {
			return err
		}
		n += added
	}
	return nil
}

// lockIssue locks an issue's row and returns its state.
func (x *tx) lockIssue(id int64) (newsletter.IssueState, error) {
	state, err := one(x, value[string], "SELECT state FROM issues WHERE id = $1{{for update}}", id)
	return newsletter.IssueState(state), err
}
