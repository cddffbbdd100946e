package store

import (
	"context"
	"errors"
	"time"

	"syndicate/internal/newsletter"
)

var todo = errors.ErrUnsupported

// articles
func (s *Store) SourceState(ctx context.Context, source string) (SourceState, error) {
	return SourceState{}, todo
}
func (s *Store) UpsertArticles(ctx context.Context, b UpsertBatch, now time.Time) (Upserted, error) {
	return Upserted{}, todo
}
func (s *Store) FinishListing(ctx context.Context, source string, state []byte, vanished []string, now time.Time) (unpublished int, err error) {
	return 0, todo
}
func (s *Store) FailSource(ctx context.Context, source, message string, now time.Time) error {
	return todo
}
func (s *Store) HoldSource(ctx context.Context, source, message string, n int, now time.Time) error {
	return todo
}
func (s *Store) PruneArticles(ctx context.Context, source string) (int, error) { return 0, todo }
func (s *Store) ReleaseDue(ctx context.Context, now time.Time) (int, error)    { return 0, todo }
func (s *Store) NextRelease(ctx context.Context) (time.Time, error)            { return time.Time{}, todo }
func (s *Store) ArticlesVersion(ctx context.Context) (int64, error)            { return 0, todo }
func (s *Store) Articles(ctx context.Context, q ArticleQuery) ([]newsletter.Article, error) {
	return nil, todo
}
func (s *Store) CountArticles(ctx context.Context, q ArticleQuery) (int, error) { return 0, todo }
func (s *Store) Article(ctx context.Context, id string) (newsletter.Article, error) {
	return newsletter.Article{}, todo
}
func (s *Store) ArticleBySlug(ctx context.Context, slug string) (newsletter.Article, error) {
	return newsletter.Article{}, todo
}
func (s *Store) ArticleByPath(ctx context.Context, path string) (a newsletter.Article, redirect bool, err error) {
	return newsletter.Article{}, false, todo
}
func (s *Store) ArticleByKey(ctx context.Context, source, key string) (newsletter.Article, error) {
	return newsletter.Article{}, todo
}
func (s *Store) ArticleByFile(ctx context.Context, source, file string) (newsletter.Article, error) {
	return newsletter.Article{}, todo
}
func (s *Store) Labels(ctx context.Context, kind string) ([]Label, error)     { return nil, todo }
func (s *Store) Value(ctx context.Context, key string) ([]byte, error)        { return nil, todo }
func (s *Store) SetValue(ctx context.Context, key string, value []byte) error { return todo }

// newsletters
func (s *Store) SyncNewsletter(ctx context.Context, name string, rehearsal bool, now time.Time) (Track, error) {
	return Track{}, todo
}
func (s *Store) Track(ctx context.Context, name string, rehearsal bool) (Track, error) {
	return Track{}, todo
}
func (s *Store) LastOccurrence(ctx context.Context, name string, rehearsal bool) (newsletter.Occurrence, error) {
	return newsletter.Occurrence{}, todo
}
func (s *Store) RecordOccurrence(ctx context.Context, o newsletter.Occurrence, now time.Time) (first bool, err error) {
	return false, todo
}
func (s *Store) Occurrences(ctx context.Context, name string, rehearsal bool, limit int) ([]newsletter.Occurrence, error) {
	return nil, todo
}

// issues
func (s *Store) Groups(ctx context.Context, name string, rehearsal bool, now time.Time) ([]GroupCount, error) {
	return nil, todo
}
func (s *Store) CreateIssue(ctx context.Context, n NewIssue, now time.Time) (newsletter.Issue, error) {
	return newsletter.Issue{}, todo
}
func (s *Store) Issue(ctx context.Context, id int64) (newsletter.Issue, error) {
	return newsletter.Issue{}, todo
}
func (s *Store) IssueByNumber(ctx context.Context, name string, rehearsal bool, number int) (newsletter.Issue, error) {
	return newsletter.Issue{}, todo
}
func (s *Store) Issues(ctx context.Context, q IssueQuery) ([]newsletter.Issue, error) {
	return nil, todo
}
func (s *Store) FrozenIssue(ctx context.Context, id int64) (newsletter.Frozen, []newsletter.Article, error) {
	return newsletter.Frozen{}, nil, todo
}
func (s *Store) AddIssueArticles(ctx context.Context, issue int64, articles []newsletter.Article) error {
	return todo
}
func (s *Store) Approve(ctx context.Context, issue int64, hash string) error { return todo }
func (s *Store) Pause(ctx context.Context, issue int64, reason string) error { return todo }
func (s *Store) Resume(ctx context.Context, issue int64) error               { return todo }
func (s *Store) Cancel(ctx context.Context, issue int64, reason string) (cancelled int, err error) {
	return 0, todo
}
func (s *Store) RetryFailed(ctx context.Context, issue int64) (int, error)    { return 0, todo }
func (s *Store) RetryUncertain(ctx context.Context, issue int64) (int, error) { return 0, todo }
func (s *Store) IssueCounts(ctx context.Context, issue int64) (map[newsletter.DeliveryState]int, error) {
	return nil, todo
}
func (s *Store) IssueFailures(ctx context.Context, issue int64, limit int) ([]Failure, error) {
	return nil, todo
}

// sealing
func (s *Store) Audience(ctx context.Context, issue newsletter.Issue, after int64, limit int, now time.Time) ([]Recipient, error) {
	return nil, todo
}
func (s *Store) PutDigest(ctx context.Context, d newsletter.Digest) (n int, err error) {
	return 0, todo
}
func (s *Store) Digests(ctx context.Context, issue int64) ([]newsletter.Digest, error) {
	return nil, todo
}
func (s *Store) Digest(ctx context.Context, issue int64, n int) (newsletter.Digest, error) {
	return newsletter.Digest{}, todo
}
func (s *Store) SealBatch(ctx context.Context, issue, after, through int64, digestOf map[newsletter.Group]int, chunkSize int, now time.Time) (n int, err error) {
	return 0, todo
}
func (s *Store) FinishSeal(ctx context.Context, issue int64, now time.Time) error { return todo }

// delivery
func (s *Store) LeaseChunk(ctx context.Context, worker string, rehearsal bool, lease time.Duration, hold bool) (Lease, error) {
	return Lease{}, todo
}
func (s *Store) Renew(ctx context.Context, worker string, leases map[int64]int64, lease time.Duration) (lost []int64, err error) {
	return nil, todo
}
func (s *Store) Release(ctx context.Context, chunk, fence int64) error { return todo }
func (s *Store) FreeLeases(ctx context.Context) error                  { return todo }
func (s *Store) OpenWork(ctx context.Context, rehearsal bool) (open int, nextDue time.Time, err error) {
	return 0, time.Time{}, todo
}

// Ledger writes marks and settlements of all connections in group commits.
type Ledger struct{}

func NewLedger(s *Store) *Ledger                                                  { return &Ledger{} }
func (l *Ledger) Mark(ctx context.Context, chunk int64, n int, fence int64) error { return todo }
func (l *Ledger) Settle(ctx context.Context, x Settlement) error                  { return todo }
func (l *Ledger) Close()                                                          {}

// subscribers
func (s *Store) AddSubscriber(ctx context.Context, name string, line newsletter.Line, source string, now time.Time) (AddResult, error) {
	return "", todo
}
func (s *Store) SyncList(ctx context.Context, name string, lines []newsletter.Line, prune bool, now time.Time) (SyncResult, error) {
	return SyncResult{}, todo
}
func (s *Store) Subscribers(ctx context.Context, q SubscriberQuery) ([]newsletter.Subscription, error) {
	return nil, todo
}
func (s *Store) Subscription(ctx context.Context, subscriber int64, name string) (newsletter.Subscription, error) {
	return newsletter.Subscription{}, todo
}
func (s *Store) SubscriberByEmail(ctx context.Context, email string) (newsletter.Subscriber, error) {
	return newsletter.Subscriber{}, todo
}
func (s *Store) Unsubscribe(ctx context.Context, subscriber int64, name, source string, now time.Time) (changed bool, err error) {
	return false, todo
}
func (s *Store) Resubscribe(ctx context.Context, subscriber int64, name, source string, now time.Time) (changed bool, err error) {
	return false, todo
}
func (s *Store) RemoveSubscriber(ctx context.Context, email, name string, now time.Time) error {
	return todo
}
func (s *Store) Suppress(ctx context.Context, email string, cause newsletter.Cause, issue int64, note string, now time.Time) error {
	return todo
}
func (s *Store) Suppressions(ctx context.Context, limit int) ([]newsletter.Suppression, error) {
	return nil, todo
}
func (s *Store) LiftSuppression(ctx context.Context, email string) (bool, error)     { return false, todo }
func (s *Store) LiftIssueSuppressions(ctx context.Context, issue int64) (int, error) { return 0, todo }
func (s *Store) Overview(ctx context.Context, now time.Time) (Overview, error) {
	return Overview{}, todo
}
func (s *Store) PauseRelay(ctx context.Context, name string, until time.Time, reason string) error {
	return todo
}
func (s *Store) Relays(ctx context.Context) ([]Relay, error) { return nil, todo }
