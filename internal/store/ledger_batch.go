package store

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"syndicate/internal/newsletter"
)

// What most groups need on PostgreSQL, see commitBatch.
const (
	batchLock = "SELECT id FROM chunks WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"

	batchMark = `UPDATE deliveries SET state = 1, first_try = CASE WHEN first_try = 0 THEN {{now}} ELSE first_try END
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS v (chunk, n, fence) JOIN chunks c ON c.id = v.chunk JOIN issues i ON i.id = c.issue
		WHERE deliveries.chunk = v.chunk AND deliveries.n = v.n AND deliveries.state = 0 AND c.fence = v.fence AND c.closed = 0 AND i.state = 'sending'
		RETURNING deliveries.chunk, deliveries.n`

	batchSent = `UPDATE deliveries SET state = 2, attempts = attempts + 1, settled_at = {{now}}, reply_code = NULL, reply = NULL,
			first_try = CASE WHEN first_try = 0 THEN {{now}} ELSE first_try END
		FROM unnest($1::bigint[], $2::bigint[]) AS v (chunk, n) JOIN chunks c ON c.id = v.chunk JOIN issues i ON i.id = c.issue
		WHERE deliveries.chunk = v.chunk AND deliveries.n = v.n AND deliveries.state NOT IN (2, 4) AND c.counted = 0 AND i.state <> 'cancelled'
		RETURNING deliveries.chunk, deliveries.n`

	batchProgress = "UPDATE chunks SET progress_at = {{now}} WHERE id = ANY($1::bigint[]) AND progress_at < {{now}} - 1000"
)

// batched are the entries of one kind in a batch, column by column.
type batched struct {
	chunks, ns, fences []int64
}

func (b *batched) add(e *entry) {
	b.chunks, b.ns, b.fences = append(b.chunks, e.Chunk), append(b.ns, int64(e.N)), append(b.fences, e.Fence)
}

// commitBatch stores marks and messages that were sent as commitEntries would, but
// in one round trip, which is one transaction, and only where all is as it mostly
// is. It returns the entries it left alone.
func (s *Store) commitBatch(ctx context.Context, group []*entry) (rest []*entry, err error) {
	now, later := oneEach(group)
	var marks, sent batched
	for _, e := range now {
		switch {
		case e.mark:
			marks.add(e)
		case e.State == newsletter.Sent:
			sent.add(e)
		}
	}
	done := make(map[[2]int64]bool, len(now))
	note := func(rows pgx.Rows) error {
		var p [2]int64
		_, err := pgx.ForEachRow(rows, []any{&p[0], &p[1]}, func() error {
			done[p] = true
			return nil
		})
		return err
	}
	chunks := slices.Concat(marks.chunks, sent.chunks)
	if len(chunks) == 0 {
		return group, nil
	}
	slices.Sort(chunks)
	b := &pgx.Batch{}
	queue := func(query string, args ...any) *pgx.QueuedQuery {
		clock, args := s.clockSQL(args...)
		return b.Queue(s.dialect.expand(strings.ReplaceAll(query, "{{now}}", clock)), args...)
	}
	b.Queue(batchLock, slices.Compact(chunks))
	if len(marks.chunks) > 0 {
		queue(batchMark, marks.chunks, marks.ns, marks.fences).Query(note)
	}
	if len(sent.chunks) > 0 {
		queue(batchSent, sent.chunks, sent.ns).Query(note)
		queue(batchProgress, sent.chunks)
	}
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return group, err
	}
	for _, e := range now {
		if !done[[2]int64{e.Chunk, int64(e.N)}] {
			rest = append(rest, e)
		}
	}
	return append(rest, later...), nil
}
