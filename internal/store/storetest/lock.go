package storetest

import (
	"context"
	"database/sql"
	"testing"
	"time"
)

// Lock is a lock on all rows of a table of a PostgreSQL database.
type Lock struct {
	t       testing.TB
	db      *sql.DB
	tx      *sql.Tx
	waiting map[time.Time]bool
}

// LockRows locks the rows of a table, until Release.
func LockRows(t testing.TB, dsn, table string) *Lock {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // of a database that is dropped
	tx, err := db.BeginTx(context.Background(), nil)
	if err == nil {
		_, err = tx.ExecContext(t.Context(), "SELECT * FROM "+table+" FOR UPDATE")
	}
	if err != nil {
		t.Fatal(err)
	}
	return &Lock{t, db, tx, map[time.Time]bool{}}
}

// Waiting looks who waits for a lock now, and returns how many transactions have been
// seen to.
func (l *Lock) Waiting() int {
	l.t.Helper()
	rows, err := l.db.QueryContext(l.t.Context(), "SELECT xact_start FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND xact_start IS NOT NULL")
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var at time.Time
		if err := rows.Scan(&at); err != nil {
			l.t.Fatal(err)
		}
		l.waiting[at] = true
	}
	if err := rows.Err(); err != nil {
		l.t.Fatal(err)
	}
	return len(l.waiting)
}

// Release gives the rows free.
func (l *Lock) Release() {
	l.t.Helper()
	if err := l.tx.Rollback(); err != nil {
		l.t.Fatal(err)
	}
}
