package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// Tally counts deliveries by how they stand.
type Tally struct {
	Pending   int // not settled, nor being sent this instant
	Deferred  int // of Pending: tried before
	Sending   int
	Sent      int
	Failed    int
	Cancelled int
	Uncertain int
}

// Open returns how many deliveries are still to be made.
func (t Tally) Open() int { return t.Pending + t.Sending }

// Total returns how many deliveries there are.
func (t Tally) Total() int {
	return t.Pending + t.Sending + t.Sent + t.Failed + t.Cancelled + t.Uncertain
}

// Add sums two tallies.
func (t Tally) Add(o Tally) Tally {
	return Tally{
		t.Pending + o.Pending, t.Deferred + o.Deferred, t.Sending + o.Sending, t.Sent + o.Sent,
		t.Failed + o.Failed, t.Cancelled + o.Cancelled, t.Uncertain + o.Uncertain,
	}
}

// GroupTally counts the deliveries of one recipient-domain group and wave.
type GroupTally struct {
	Group string // empty: small domains
	Wave  int    // 0: the canary, where there is one
	Tally
}

// tallyColumns are the counters of a chunk, in the order of scanTally.
const tallyColumns = "pending, deferred, sending, sent, failed, cancelled, uncertain"

// liveTally counts rows d as tallyColumns does.
const liveTally = `CASE WHEN d.state = 0 THEN 1 ELSE 0 END AS pending, CASE WHEN d.state = 0 AND d.attempts > 0 THEN 1 ELSE 0 END AS deferred,
	CASE WHEN d.state = 1 THEN 1 ELSE 0 END AS sending, CASE WHEN d.state = 2 THEN 1 ELSE 0 END AS sent, CASE WHEN d.state = 3 THEN 1 ELSE 0 END AS failed,
	CASE WHEN d.state = 4 THEN 1 ELSE 0 END AS cancelled, CASE WHEN d.state = 5 THEN 1 ELSE 0 END AS uncertain`

func sumTally() string {
	columns := strings.Split(tallyColumns, ", ")
	for i, c := range columns {
		columns[i] = "CAST(coalesce(sum(" + c + "), 0) AS BIGINT)"
	}
	return strings.Join(columns, ", ")
}

// GroupTallies counts an issue's deliveries by receiver and wave. It reads the
// counters of chunks, and rows only of the chunks that workers have in hand: so
// it costs the same for a thousand recipients and for a million.
func (s *Store) GroupTallies(ctx context.Context, issue int64) ([]GroupTally, error) {
	all, err := groupTallies(s.reader(ctx), issue)
	return all, s.wrap(fmt.Sprintf("count the deliveries of issue %d", issue), err)
}

func groupTallies(q querier, issue int64) ([]GroupTally, error) {
	return list(q, func(scan func(...any) error) (g GroupTally, err error) {
		err = scan(&g.Group, &g.Wave, &g.Pending, &g.Deferred, &g.Sending, &g.Sent, &g.Failed, &g.Cancelled, &g.Uncertain)
		return g, err
	}, "SELECT grp, wave, "+sumTally()+` FROM (
		SELECT c.grp AS grp, c.wave AS wave, `+tallyColumns+` FROM chunks c WHERE c.issue = $1 AND c.counted = 1
		UNION ALL
		SELECT c.grp, c.wave, `+liveTally+` FROM chunks c JOIN deliveries d ON d.chunk = c.id WHERE c.issue = $1 AND c.counted = 0
	) AS parts GROUP BY grp, wave ORDER BY grp, wave`, issue)
}

// IssueTally counts an issue's deliveries.
func (s *Store) IssueTally(ctx context.Context, issue int64) (Tally, error) {
	all, err := s.GroupTallies(ctx, issue)
	return sum(all), err
}

func sum(all []GroupTally) (t Tally) {
	for _, g := range all {
		t = t.Add(g.Tally)
	}
	return t
}

// maxKinds is how many kinds of replies are kept of one chunk.
const maxKinds = 20

// recount brings the counters of chunks, and the kinds of replies, up to date:
// where says which chunks, with its arguments. It is called when a worker gives a
// chunk back, and when rows change of a chunk that is in nobody's hands. A chunk whose
// rows are forgotten stays as it was counted.
func (x *tx) recount(where string, args ...any) error {
	where = "last_subscriber > 0 AND " + where
	_, err := x.exec("UPDATE chunks SET counted = 1, ("+tallyColumns+") = (SELECT "+sumTally()+" FROM (SELECT "+liveTally+
		" FROM deliveries d WHERE d.chunk = chunks.id) AS states) WHERE "+where, args...)
	if err != nil {
		return err
	}
	if _, err = x.exec("DELETE FROM replies WHERE chunk IN (SELECT id FROM chunks WHERE "+where+")", args...); err != nil {
		return err
	}
	return x.countReplies(where, args...)
}

// replyKind is a row of the table replies, but for its count.
type replyKind struct {
	chunk int64
	state newsletter.DeliveryState
	code  int
	reply string
}

func (x *tx) countReplies(where string, args ...any) error {
	type row struct {
		replyKind
		subscriber int64
	}
	rows, err := list(x, func(scan func(...any) error) (r row, err error) {
		err = scan(&r.chunk, &r.state, &r.code, &r.reply, &r.subscriber)
		return r, err
	}, `SELECT d.chunk, d.state, coalesce(d.reply_code, 0), coalesce(d.reply, ''), d.subscriber FROM deliveries d
		WHERE d.chunk IN (SELECT id FROM chunks WHERE failed + uncertain + deferred > 0 AND `+where+`)
		AND (d.state IN (3, 5) OR d.state = 0 AND d.attempts > 0) ORDER BY d.chunk, d.n`, args...)
	if err != nil || len(rows) == 0 {
		return err
	}
	counts, examples, kinds := map[replyKind]int{}, map[replyKind]int64{}, map[int64]int{}
	var order []replyKind
	for _, r := range rows {
		k := r.replyKind
		k.reply = newsletter.ReplyKind(k.reply)
		if counts[k] == 0 && kinds[k.chunk] >= maxKinds {
			k.reply = "other replies"
		}
		if counts[k]++; counts[k] == 1 {
			kinds[k.chunk]++
			examples[k] = r.subscriber
			order = append(order, k)
		}
	}
	const columns = 6
	values := make([]any, 0, columns*len(order))
	for _, k := range order {
		values = append(values, k.chunk, int(k.state), k.code, k.reply, counts[k], examples[k])
	}
	_, err = x.insert("INSERT INTO replies (chunk, state, code, reply, count, subscriber)", "", columns, values)
	return err
}

// IssueFailures says what relays answered to deliveries of an issue that failed,
// are uncertain or are to be tried again, these last, and the most frequent first.
// Replies that differ by an address or a number only are one.
func (s *Store) IssueFailures(ctx context.Context, issue int64, limit int) ([]Failure, error) {
	what := fmt.Sprintf("read the failures of issue %d", issue)
	type row struct {
		replyKind
		count      int
		subscriber int64
	}
	scan := func(scan func(...any) error) (r row, err error) {
		err = scan(&r.state, &r.code, &r.reply, &r.count, &r.subscriber)
		return r, err
	}
	rows, err := list(s.reader(ctx), scan, `SELECT r.state, r.code, r.reply, r.count, r.subscriber
		FROM chunks c JOIN replies r ON r.chunk = c.id WHERE c.issue = $1 AND c.counted = 1
		UNION ALL
		SELECT d.state, coalesce(d.reply_code, 0), coalesce(d.reply, ''), 1, d.subscriber FROM chunks c JOIN deliveries d ON d.chunk = c.id
		WHERE c.issue = $1 AND c.counted = 0 AND (d.state IN (3, 5) OR d.state = 0 AND d.attempts > 0)`, issue)
	if err != nil {
		return nil, s.wrap(what, err)
	}
	byKind := map[replyKind]*Failure{}
	example := map[*Failure]int64{}
	var all []*Failure
	for _, r := range rows {
		k := r.replyKind
		k.reply = newsletter.ReplyKind(k.reply)
		f := byKind[k]
		if f == nil {
			f = &Failure{State: k.state, Code: k.code, Reply: k.reply}
			byKind[k], all = f, append(all, f)
		}
		f.Count += r.count
		if example[f] == 0 || r.subscriber < example[f] {
			example[f] = r.subscriber
		}
	}
	slices.SortFunc(all, func(a, b *Failure) int {
		return cmp.Or(cmp.Compare(btoi(a.State == newsletter.Pending), btoi(b.State == newsletter.Pending)), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Reply, b.Reply))
	})
	if limit > 0 && len(all) > limit {
		all = all[:limit]
	}
	out := make([]Failure, len(all))
	for i, f := range all {
		email, err := missing(one(s.reader(ctx), value[string], "SELECT email FROM subscribers WHERE id = $1", example[f]))
		if err != nil {
			return nil, s.wrap(what, err)
		}
		f.Example = newsletter.MaskAddress(email)
		out[i] = *f
	}
	return out, nil
}

// recentChunks bounds the rows that Pace looks at.
const recentChunks = 60

// Pace is how fast an issue goes.
type Pace struct {
	Settled int           // deliveries that were sent or failed
	In      time.Duration // how long that took; 0: nothing was settled lately
}

// PerSecond returns the mean rate.
func (p Pace) PerSecond() float64 {
	if p.In <= 0 {
		return 0
	}
	return float64(p.Settled) / p.In.Seconds()
}

// IssuePace measures how many deliveries of an issue were settled in the last
// while (at most window), by receiver. Of a fast issue it looks at a part.
func (s *Store) IssuePace(ctx context.Context, issue int64, window time.Duration) (map[string]Pace, error) {
	what := fmt.Sprintf("measure the pace of issue %d", issue)
	now, err := s.clock(ctx)
	if err != nil {
		return nil, s.wrap(what, err)
	}
	since := ms(now.Add(-window))
	// Chunks are stamped at most once a second (noteProgress).
	stamps, err := list(s.reader(ctx), value[int64], "SELECT progress_at FROM chunks WHERE issue = $1 AND progress_at > $2 ORDER BY progress_at DESC LIMIT $3", issue, since-1000, recentChunks+1)
	if err != nil {
		return nil, s.wrap(what, err)
	}
	if len(stamps) > recentChunks {
		since = max(since, stamps[recentChunks]+1000)
	}
	type row struct {
		group string
		n     int
		first int64
	}
	rows, err := list(s.reader(ctx), func(scan func(...any) error) (r row, err error) {
		err = scan(&r.group, &r.n, &r.first)
		return r, err
	}, `SELECT c.grp, count(*), min(d.settled_at) FROM chunks c JOIN deliveries d ON d.chunk = c.id
		WHERE c.issue = $1 AND c.progress_at > $2 AND d.settled_at > $3 AND d.state IN (2, 3) GROUP BY c.grp`, issue, since-1000, since)
	if err != nil || len(rows) == 0 {
		return nil, s.wrap(what, err)
	}
	first := rows[0].first
	for _, r := range rows {
		first = min(first, r.first)
	}
	// What began in the window began with its first delivery.
	if first-since < 2000 {
		first = since
	}
	out := map[string]Pace{}
	for _, r := range rows {
		out[r.group] = Pace{Settled: r.n, In: max(now.Sub(fromMS(first)), time.Millisecond)}
	}
	return out, nil
}

// PastRate is how fast an issue went.
type PastRate struct {
	Newsletter string
	Number     int
	Rate       float64 // messages a second; 0: nothing was measured
}

// What is measured must be long enough to mean something.
const (
	measuredLeast = 200
	measuredSpan  = time.Second
)

// PastRate measures the latest issue that was large enough: over the first nine
// tenths of its messages, because the last ones are those that receivers put off.
func (s *Store) PastRate(ctx context.Context, rehearsal bool) (PastRate, error) {
	const what = "measure past issues"
	type candidate struct {
		PastRate
		id, sealed int64
	}
	recent, err := list(s.reader(ctx), func(scan func(...any) error) (c candidate, err error) {
		err = scan(&c.id, &c.Newsletter, &c.Number, &c.sealed)
		return c, err
	}, `SELECT id, newsletter, number, sealed_at FROM issues WHERE rehearsal = $1 AND sealed = 1 AND recipients >= $2 AND state = 'sent'
		ORDER BY id DESC LIMIT 5`, btoi(rehearsal), measuredLeast)
	if err != nil {
		return PastRate{}, s.wrap(what, err)
	}
	for _, c := range recent {
		chunks, err := list(s.reader(ctx), scanPair, "SELECT progress_at, sent FROM chunks WHERE issue = $1 AND counted = 1 AND sent > 0 ORDER BY progress_at", c.id)
		if err != nil {
			return PastRate{}, s.wrap(what, err)
		}
		total, sent := int64(0), int64(0)
		for _, p := range chunks {
			total += p[1]
		}
		for _, p := range chunks {
			if sent += p[1]; 10*sent < 9*total {
				continue
			}
			if span := time.Duration(p[0]-c.sealed) * time.Millisecond; span >= measuredSpan && total >= measuredLeast {
				c.Rate = float64(sent) / span.Seconds()
				return c.PastRate, nil
			}
			break
		}
	}
	return PastRate{}, nil
}
