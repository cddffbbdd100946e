package bench_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
)

// BenchmarkRetention forgets what became of the deliveries of an old issue, of which one
// in twenty failed, by the program itself, with the pauses it makes for others. It
// reports deliveries a second, the processor time of each, and the peak.
//
//	go test ./internal/bench -run '^$' -bench Retention -benchtime 1x -timeout 1h -args -audience 1000000
func BenchmarkRetention(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		for n := 100_000; n <= *audience; n *= 10 {
			b.Run(fmt.Sprintf("%s/%d", engine, n), func(b *testing.B) {
				s := newSite(b, engine, freePort(b), 1, 1, false)
				for number := 1; b.Loop(); number++ {
					b.StopTimer()
					s.oldIssue(number, n)
					b.StartTimer()
					u := s.run(0, "retention")
					b.ReportMetric(float64(n)/u.wall.Seconds(), "rows/s")
					b.ReportMetric(u.cpu.Seconds()*1e6/float64(n), "µs/row")
					b.ReportMetric(float64(u.peak)/(1<<20), "MB")
				}
				if left := s.query("SELECT count(*) FROM deliveries"); left > 0 {
					b.Fatalf("%d deliveries are left", left)
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// oldIssue writes an issue down that was sent in 2020, in chunks of 500.
func (s *site) oldIssue(number, deliveries int) {
	s.b.Helper()
	const then = "1600000000000"
	s.query(fmt.Sprintf(`INSERT INTO issues (newsletter, rehearsal, number, state, reason, hash, horizon, old_horizon, subject, sealed, watermark, recipients, due,
		created_at, sealed_at, progress_at, done_at, time_zone, settings, templates)
		VALUES ('weekly', 0, %d, 'sent', '', 'h', 1, 0, 'Old', 1, 0, %d, '', %[3]s, %[3]s, %[3]s, %[3]s, 'UTC', '{}', '') RETURNING id`, number, deliveries, then))
	s.query(fmt.Sprintf(`WITH RECURSIVE g(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM g WHERE k < %d)
		INSERT INTO chunks (kind, issue, grp, first_subscriber, last_subscriber, due_at, owner, expires_at, fence, closed, progress_at, counted, sent, failed)
		SELECT 0, (SELECT max(id) FROM issues), '', 500 * k + 1, 500 * k + 500, 0, '', 0, 1, 1, %s, 1, 475, 25 FROM g RETURNING id`, deliveries/500-1, then))
	s.query(fmt.Sprintf(`WITH RECURSIVE g(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM g WHERE k < 500)
		INSERT INTO deliveries (chunk, n, subscriber, digest, state, attempts, first_try, settled_at, old_cursor, reply_code, reply)
		SELECT c.id, k, c.first_subscriber + k - 1, 1, CASE WHEN k %% 20 = 0 THEN 3 ELSE 2 END, 1, %[1]s, %[1]s, 0,
			CASE WHEN k %% 20 = 0 THEN 550 END, CASE WHEN k %% 20 = 0 THEN '5.1.1 <somebody@example.net>: no such user here' END
		FROM chunks c CROSS JOIN g WHERE c.last_subscriber > 0 ORDER BY c.id, k RETURNING 1`, then))
}

// query runs a statement on the database and returns the first number it gives.
func (s *site) query(statement string) (n int64) {
	s.b.Helper()
	driver, dsn := "pgx", s.dsn
	if path, ok := strings.CutPrefix(s.dsn, "sqlite:"); ok {
		driver, dsn = "sqlite", "file://"+path
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		s.b.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(s.b.Context(), statement)
	if err != nil {
		s.b.Fatal(err)
	}
	defer rows.Close()
	for first := true; rows.Next(); first = false {
		if first {
			if err := rows.Scan(&n); err != nil {
				s.b.Fatal(err)
			}
		}
	}
	if err := rows.Err(); err != nil {
		s.b.Fatal(err)
	}
	return n
}
