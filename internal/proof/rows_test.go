package proof

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// rows reads a site's database: what the program itself goes by.
type rows struct {
	t        *testing.T
	db       *sql.DB
	postgres bool
}

func openRows(t *testing.T, engine, dsn string) *rows {
	t.Helper()
	driver := "pgx"
	if engine == "sqlite" {
		driver = "sqlite"
		dsn = "file://" + strings.TrimPrefix(dsn, "sqlite:") + "?_pragma=busy_timeout(20000)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &rows{t, db, engine == "postgres"}
}

// list returns what a query finds.
func list[T any](r *rows, scan func(*sql.Rows) (T, error), query string, args ...any) []T {
	r.t.Helper()
	found, err := r.db.QueryContext(r.t.Context(), query, args...)
	if err != nil {
		r.t.Fatal(err)
	}
	defer found.Close()
	var out []T
	for found.Next() {
		x, err := scan(found)
		if err != nil {
			r.t.Fatal(err)
		}
		out = append(out, x)
	}
	if err := found.Err(); err != nil {
		r.t.Fatal(err)
	}
	return out
}

func one[T any](found *sql.Rows) (x T, err error) { return x, found.Scan(&x) }

// newest is the issue made last.
const newest = "(SELECT max(id) FROM issues)"

// issue returns the state of the newest issue.
func (r *rows) issue() string {
	if got := list(r, one[string], "SELECT state FROM issues WHERE id = "+newest); len(got) == 1 {
		return got[0]
	}
	return ""
}

// delivery is an open delivery of the newest issue, with its chunk.
type delivery struct {
	chunk   int64
	owner   string
	expires time.Time
	email   string
	sending bool
}

// open returns the open deliveries in chunks whose owner's name contains a word.
func (r *rows) open(owner string) []delivery {
	r.t.Helper()
	return list(r, func(found *sql.Rows) (d delivery, err error) {
		var expires int64
		err = found.Scan(&d.chunk, &d.owner, &expires, &d.email, &d.sending)
		d.expires = time.UnixMilli(expires)
		return d, err
	}, `SELECT c.id, c.owner, c.expires_at, s.email, d.state = 1 FROM chunks c JOIN deliveries d ON d.chunk = c.id JOIN subscribers s ON s.id = d.subscriber
		WHERE c.issue = `+newest+` AND c.closed = 0 AND d.state IN (0, 1) AND c.owner LIKE $1`, "%"+owner+"%")
}

// states returns the state of each delivery of the newest issue by address.
func (r *rows) states() map[string]string {
	r.t.Helper()
	type pair struct{ email, state string }
	out := map[string]string{}
	for _, p := range list(r, func(found *sql.Rows) (p pair, err error) {
		return p, found.Scan(&p.email, &p.state)
	}, `SELECT s.email, CASE d.state WHEN 0 THEN 'pending' WHEN 1 THEN 'sending' WHEN 2 THEN 'sent' WHEN 3 THEN 'failed' WHEN 4 THEN 'cancelled' ELSE 'uncertain' END
		FROM chunks c JOIN deliveries d ON d.chunk = c.id JOIN subscribers s ON s.id = d.subscriber WHERE c.issue = `+newest) {
		out[p.email] = p.state
	}
	return out
}

// count returns the number a query asks for.
func (r *rows) count(query string, args ...any) int {
	r.t.Helper()
	return list(r, one[int], query, args...)[0]
}

// exec changes rows: time passes.
func (r *rows) exec(statement string) {
	r.t.Helper()
	if _, err := r.db.ExecContext(r.t.Context(), statement); err != nil {
		r.t.Fatal(err)
	}
}

// gone waits until PostgreSQL has noticed that a process is dead: what it was told
// last is done then. SQLite needs no such thing.
func (r *rows) gone(process string) {
	r.t.Helper()
	if !r.postgres {
		return
	}
	eventually(r.t, "PostgreSQL forgets "+process, func() bool {
		return r.count("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", process) == 0
	})
}
