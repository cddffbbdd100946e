package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
)

const copyChunk = `INSERT INTO chunks (kind, issue, grp, first_subscriber, last_subscriber, due_at, owner, expires_at, fence, closed, progress_at, counted, pending, wave)
	SELECT v.kind, c.issue, c.grp, c.first_subscriber, c.last_subscriber, v.due, '', 0, 0, v.closed, 0, 1, 1, 0
	FROM (SELECT * FROM chunks WHERE id IN (SELECT min(id) FROM chunks GROUP BY issue)) AS c, {{rows $1 kind int, due int, closed int}} AS v`

// TestConfirmationsFirst: what somebody waits for goes before everybody's issue.
func TestConfirmationsFirst(t *testing.T) {
	each(t, func(b *bench) {
		b.sending(3, 10)
		b.ok(b.Raw(ctx, copyChunk, fmt.Sprintf("[[0, 1, 0], [1, %d, 0], [1, %d, 0]]", b.Now().UnixMilli()-5, b.Now().Add(time.Hour).UnixMilli())))
		b.ok(b.Raw(ctx, `INSERT INTO deliveries (chunk, n, subscriber, digest, old_cursor)
			SELECT c.id, d.n, d.subscriber, d.digest, d.old_cursor FROM chunks c, deliveries d WHERE c.id > 1 AND d.chunk = 1`))
		kind := func() int {
			return must(b.CountRaw(ctx, "SELECT kind FROM chunks WHERE id = $1", b.lease("w").Chunk))(b)
		}
		equal(b, []int{kind(), kind(), kind()}, []int{1, 0, 0})
		b.noLease() // the other confirmation is not due
	})
}

// TestLeaseOrderIsAnIndex: with the chunks of a million deliveries and many issues,
// the next chunk is found by a walk along an index, without sorting.
func TestLeaseOrderIsAnIndex(t *testing.T) {
	each(t, func(b *bench) {
		b.publish(1)
		for n := range 20 {
			name := fmt.Sprintf("n%d", n)
			b.subscribe(name, 1)
			b.seal(b.compose(name), 1)
		}
		var rows []string
		for n := range 100 { // of each issue; every fourth is sent
			rows = append(rows, fmt.Sprintf("[0, %d, %d]", b.Now().UnixMilli()+int64(n-50)*1000, btoi(n%4 == 0)))
		}
		b.ok(b.Raw(ctx, copyChunk, "["+strings.Join(rows, ",")+"]"))
		b.ok(b.Raw(ctx, "UPDATE chunks SET grp = CASE WHEN id % 3 = 0 THEN '' ELSE 'd' || (id % 7) || '.example' END"))
		b.ok(b.Raw(ctx, "ANALYZE"))
		plan := must(b.ExplainLease(ctx, b.Now().UnixMilli()))(b)
		if !strings.Contains(plan, "chunks_due") || strings.Contains(plan, "Sort") || strings.Contains(plan, "TEMP B-TREE") {
			b.Errorf("%s", plan)
		}
	})
}

// TestCancelledIsSettled: what is to be tried again for somebody who left is
// cancelled, and so it has ended at a time.
func TestCancelledIsSettled(t *testing.T) {
	each(t, func(b *bench) {
		i, ids := b.sending(2, 10)
		l, ledger := b.lease("w"), b.ledger(b.Store)
		b.ok(ledger.BeginMark(l.Chunk, l.Rows[0].N, l.Fence).Wait(ctx))
		must(b.Unsubscribe(ctx, ids[0], i.Newsletter, "link", b.Now()))(b)
		b.Advance(time.Second)
		for row := range l.Rows {
			x := settlement(l, row, newsletter.Pending)
			x.RetryIn = time.Minute
			b.ok(ledger.Settle(ctx, x))
		}
		for k, want := range []int64{b.Now().UnixMilli(), 0} {
			at := must(b.CountRaw(ctx, "SELECT settled_at FROM deliveries WHERE subscriber = $1", ids[k]))(b)
			equal(b, int64(at), want)
		}
	})
}
