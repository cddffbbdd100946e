package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"syndicate/internal/newsletter"
)

// smallDomain is how many recipients of a batch a recipient-domain group needs
// to get chunks of its own.
const smallDomain = 20

// PutDigest keeps a rendered digest and returns its number in the issue. A second
// digest of the same language and articles, with as many left out, gets the number
// of the first: sealing may be repeated after a crash.
func (s *Store) PutDigest(ctx context.Context, d newsletter.Digest) (n int, err error) {
	err = s.write(ctx, fmt.Sprintf("keep a digest of issue %d", d.Issue), func(x *tx) error {
		state, err := x.lockIssue(d.Issue)
		if err != nil {
			return err
		}
		articles := jsonArg(append([]int64{}, d.Articles...))
		have, err := missing(x.query1("SELECT n FROM digests WHERE issue = $1 AND language = $2 AND articles = $3 AND more = $4", d.Issue, d.Language, articles, d.More))
		if n = int(have); err != nil || n > 0 {
			return err
		}
		if !state.Open() {
			return fmt.Errorf("the issue is %s: %w", state, ErrConflict)
		}
		have, err = x.query1(`INSERT INTO digests (issue, n, language, articles, more, subject, html, text)
			SELECT $1, coalesce(max(n), 0) + 1, $2, $3, $4, $5, $6, $7 FROM digests WHERE issue = $1 RETURNING n`,
			d.Issue, d.Language, articles, d.More, d.Subject, d.HTML, d.Text)
		n = int(have)
		return err
	})
	return n, err
}

// SealBatch freezes the audience of (after, through] in one transaction:
// deliveries in chunks by recipient-domain group and hour, cursors at the
// horizon, the watermark at through. digestOf says which digest a group gets; 0:
// nothing in the issue is for it.
//
// ErrStale, and nothing is written, if the issue is not sealing, if its watermark
// is not after (somebody else sealed on), or if a group is not in digestOf (it
// appeared since NextGroups): read the issue and the groups again.
func (s *Store) SealBatch(ctx context.Context, issue, after, through int64, digestOf map[newsletter.Group]int, chunkSize int, now time.Time) (n int, err error) {
	err = s.control(ctx, "seal", issue, func(x *tx, i newsletter.Issue) error {
		n = 0
		if i.State != newsletter.IssueSealing || i.Watermark != after || through <= after {
			return fmt.Errorf("it is %s and sealed up to %d, not %d: %w", i.State, i.Watermark, after, ErrStale)
		}
		zone, err := one(x, value[string], "SELECT time_zone FROM issues WHERE id = $1", issue)
		if err != nil {
			return err
		}
		all, err := x.audience(i, after, through, zone, now)
		if err != nil {
			return err
		}
		all, err = withDigest(all, digestOf)
		if err != nil {
			return err
		}
		wave := func(r Recipient) int {
			return btoi(i.Canary > 0 && (!r.NotBefore.IsZero() || !s.keys.InCanary(issue, r.Subscriber, i.Canary)))
		}
		for _, c := range cutChunks(all, max(chunkSize, 1), wave) {
			if err := x.insertChunk(issue, c, digestOf, now); err != nil {
				return err
			}
		}
		if err := x.moveCursors(i, all); err != nil {
			return err
		}
		n = len(all)
		_, err = x.exec("UPDATE issues SET watermark = $2, recipients = recipients + $3, progress_at = $4 WHERE id = $1", issue, through, n, ms(now))
		return err
	})
	return n, err
}

// withDigest leaves those that get something.
func withDigest(all []Recipient, digestOf map[newsletter.Group]int) ([]Recipient, error) {
	out := all[:0]
	for _, r := range all {
		d, ok := digestOf[r.Group]
		if !ok {
			return nil, fmt.Errorf("a group of subscribers appeared: %w", ErrStale)
		}
		if d > 0 {
			out = append(out, r)
		}
	}
	return out, nil
}

// chunk is what insertChunk writes.
type chunk struct {
	group     string
	wave      int // 0 goes first
	notBefore time.Time
	members   []Recipient // ascending by subscriber
}

// cutChunks sorts recipients into chunks: one receiver, one wave and one hour each;
// small domains share.
func cutChunks(all []Recipient, size int, wave func(Recipient) int) []chunk {
	count := map[string]int{}
	for _, r := range all {
		count[r.Domain]++
	}
	type key struct {
		group string
		wave  int
		at    int64
	}
	sorted := map[key][]Recipient{}
	for _, r := range all {
		k := key{r.Domain, wave(r), ms(r.NotBefore)}
		if count[r.Domain] < smallDomain {
			k.group = ""
		}
		sorted[k] = append(sorted[k], r)
	}
	keys := make([]key, 0, len(sorted))
	for k := range sorted {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.wave, b.wave), cmp.Compare(a.at, b.at), cmp.Compare(a.group, b.group))
	})
	var out []chunk
	for _, k := range keys {
		for part := range slices.Chunk(sorted[k], size) {
			out = append(out, chunk{k.group, k.wave, fromMS(k.at), part})
		}
	}
	return out
}

func (x *tx) insertChunk(issue int64, c chunk, digestOf map[newsletter.Group]int, now time.Time) error {
	id, err := x.query1(`INSERT INTO chunks (kind, issue, grp, first_subscriber, last_subscriber, due_at, owner, expires_at, fence, closed, progress_at, counted, pending, wave)
		VALUES (0, $1, $2, $3, $4, $5, '', 0, 0, 0, $6, 1, $7, $8) RETURNING id`,
		issue, c.group, c.members[0].Subscriber, c.members[len(c.members)-1].Subscriber, ms(c.notBefore), ms(now), len(c.members), c.wave)
	if err != nil {
		return err
	}
	// Those of one digest follow each other: its message is made once for them.
	slices.SortStableFunc(c.members, func(a, b Recipient) int { return cmp.Compare(digestOf[a.Group], digestOf[b.Group]) })
	const columns = 6
	rows := make([]any, 0, columns*len(c.members))
	for i, r := range c.members {
		rows = append(rows, id, i+1, r.Subscriber, digestOf[r.Group], ms(c.notBefore), r.Group.Cursor)
	}
	_, err = x.insert("INSERT INTO deliveries (chunk, n, subscriber, digest, due_at, old_cursor)", "", columns, rows)
	return err
}

func (x *tx) moveCursors(i newsletter.Issue, all []Recipient) error {
	if len(all) == 0 {
		return nil
	}
	ids := make([]int64, len(all))
	for k, r := range all {
		ids[k] = r.Subscriber
	}
	_, err := x.exec("UPDATE subscriptions SET "+cursorColumn(i.Rehearsal)+" = $1, "+servedColumn(i.Rehearsal)+" = $4 WHERE newsletter = $2 AND subscriber {{in ints $3}}",
		i.Horizon, i.Newsletter, jsonArg(ids), i.Turn.Day)
	return err
}

// FinishSeal completes the audience: the issue goes sending (sent, if it has no
// recipients), and its horizon is where new subscriptions start from now on.
// Calling it again does nothing.
func (s *Store) FinishSeal(ctx context.Context, issue int64, now time.Time) error {
	return s.control(ctx, "seal", issue, func(x *tx, i newsletter.Issue) error {
		if i.Sealed && i.State != newsletter.IssueCancelled {
			return nil
		}
		if i.State != newsletter.IssueSealing {
			return wrongState(i)
		}
		_, err := x.exec(`UPDATE issues SET sealed = 1, sealed_at = $2, progress_at = $2, state = 'sending',
			old_horizon = (SELECT horizon FROM tracks t WHERE t.newsletter = issues.newsletter AND t.rehearsal = issues.rehearsal) WHERE id = $1`, issue, ms(now))
		if err != nil {
			return err
		}
		_, err = x.exec("UPDATE tracks SET horizon = $3 WHERE newsletter = $1 AND rehearsal = $2 AND horizon < $3", i.Newsletter, btoi(i.Rehearsal), i.Horizon)
		if err != nil {
			return err
		}
		if err := x.notify(); err != nil {
			return err
		}
		return x.finishIssue(issue)
	})
}

func scanDigest(scan func(...any) error) (d newsletter.Digest, err error) {
	var articles []byte
	err = scan(&d.Issue, &d.N, &d.Language, &articles, &d.More, &d.Subject, &d.HTML, &d.Text)
	if err == nil {
		err = fromJSON(articles, &d.Articles)
	}
	return d, err
}

const digestColumns = "issue, n, language, articles, more, subject, html, text"

// Digests returns an issue's digests by number, without HTML and text: there may
// be thousands.
func (s *Store) Digests(ctx context.Context, issue int64) ([]newsletter.Digest, error) {
	all, err := list(s.reader(ctx), scanDigest, "SELECT issue, n, language, articles, more, subject, '', '' FROM digests WHERE issue = $1 ORDER BY n", issue)
	return all, s.wrap(fmt.Sprintf("read the digests of issue %d", issue), err)
}

// Digest returns one digest of an issue; ErrNotFound.
func (s *Store) Digest(ctx context.Context, issue int64, n int) (newsletter.Digest, error) {
	d, err := one(s.reader(ctx), scanDigest, "SELECT "+digestColumns+" FROM digests WHERE issue = $1 AND n = $2", issue, n)
	return d, s.wrap(fmt.Sprintf("read digest %d of issue %d", n, issue), err)
}
