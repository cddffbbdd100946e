package store

import (
	"context"
	"time"

	"syndicate/internal/newsletter"
)

// countReport counts a report that was taken, whether a row of it is kept or not.
func (x *tx) countReport(kind newsletter.ReportKind) error {
	_, err := x.exec(`INSERT INTO report_counts (kind, count) VALUES ($1, 1)
		ON CONFLICT (kind) DO UPDATE SET count = report_counts.count + 1`, string(kind))
	return err
}

// ReportTotals returns how many reports of each kind came back, ever.
func (s *Store) ReportTotals(ctx context.Context) ([]BounceCount, error) {
	all, err := list(s.reader(ctx), func(scan func(...any) error) (c BounceCount, err error) {
		return c, scan(&c.Kind, &c.Count)
	}, "SELECT kind, count FROM report_counts ORDER BY kind")
	return all, s.wrap("count reports", err)
}

// Blocked is how many mails of an issue were refused because of the sender, as one system
// reports for one reason.
type Blocked struct {
	Issue    int64 // 0: not known
	Reporter string
	Reason   newsletter.Reason
	Count    int
}

// Blocks returns what was refused because of the sender since a time: how many mails,
// and the largest groups of them. What is about nobody, anybody can have sent.
func (s *Store) Blocks(ctx context.Context, since time.Time, most int) (count int, groups []Blocked, err error) {
	const from = " FROM bounces WHERE at > $1 AND kind = 'block' AND hash <> ''"
	count, err = one(s.reader(ctx), value[int], "SELECT count(*)"+from, ms(since))
	if err == nil && count > 0 {
		groups, err = list(s.reader(ctx), func(scan func(...any) error) (b Blocked, err error) {
			return b, scan(&b.Issue, &b.Reporter, &b.Reason, &b.Count)
		}, "SELECT issue, reporter, reason, count(*)"+from+" GROUP BY issue, reporter, reason ORDER BY 4 DESC, 1 DESC, 2, 3 LIMIT $2", ms(since), most)
	}
	return count, groups, s.wrap("count what was blocked", err)
}

// ReportedIssue returns the issue that a report was about that was taken; the zero one: none
// that is known.
func (s *Store) ReportedIssue(ctx context.Context, said []byte) (newsletter.Issue, error) {
	i, err := missing(one(s.reader(ctx), func(scan func(...any) error) (i newsletter.Issue, err error) {
		return i, scan(&i.ID, &i.Newsletter, &i.Number)
	}, "SELECT i.id, i.newsletter, i.number FROM bounces b JOIN issues i ON i.id = b.issue WHERE b.said = $1", saidHash(said)))
	return i, s.wrap("look for the issue of a report", err)
}
