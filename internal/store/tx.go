package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// tx is a transaction that writes. Once begun it is not interrupted by its
// context: steps are short, and a torn one helps nobody. See Until.
type tx struct {
	ctx context.Context
	s   *Store
	pg  *sql.Tx // nil on SQLite: statements run on the writer connection
}

// Until returns a context under which a step on PostgreSQL that has begun is torn
// when end ends: for whoever must stop in time, though the server answers no more.
// Nobody knows then whether the step was done.
func Until(ctx, end context.Context) context.Context { return context.WithValue(ctx, untilKey{}, end) }

type untilKey struct{}

// stepContext returns the context of a step that is begun under ctx.
func stepContext(ctx context.Context) (context.Context, context.CancelFunc) {
	inner, tear := context.WithCancel(context.WithoutCancel(ctx))
	end, ok := ctx.Value(untilKey{}).(context.Context)
	if !ok {
		return inner, tear
	}
	stop := context.AfterFunc(end, tear)
	return inner, func() {
		stop()
		tear()
	}
}

// write runs step in a transaction; what names it in errors. On PostgreSQL a
// deadlock victim is tried again, so step must set its results, not add to them.
func (s *Store) write(ctx context.Context, what string, step func(*tx) error) error {
	run := s.writeSQLite
	if s.writer == nil {
		run = s.writePostgres
	}
	var err error
	for range 4 {
		select {
		case <-s.closed:
			return s.wrap(what, ErrClosed)
		default:
		}
		if err = run(ctx, step); err == nil || s.writer != nil || s.dialect.classify(err) != ErrBusy { //nolint:errorlint // classify returns sentinels
			break
		}
	}
	return s.wrap(what, err)
}

func (s *Store) writeSQLite(ctx context.Context, step func(*tx) error) (err error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-s.closed: // the turn is never given back
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	begin, err := s.statement(ctx, "BEGIN IMMEDIATE") //nolint:sqlclosecheck // kept by the store
	if err != nil {
		return err
	}
	if _, err := begin.ExecContext(ctx); err != nil {
		if ctx.Err() != nil { // it may have begun all the same
			_, _ = s.writer.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") // that nothing has begun is no failure
		}
		return err
	}
	x := &tx{ctx: context.WithoutCancel(ctx), s: s}
	done := false
	defer func() {
		if !done { // an error or a panic
			if _, rerr := s.writer.ExecContext(x.ctx, "ROLLBACK"); rerr != nil && err != nil {
				// a full disk may have rolled back already
				s.log.Debug("rollback", "error", rerr)
			}
		}
	}()
	if err := step(x); err != nil {
		return err
	}
	if _, err := x.exec("COMMIT"); err != nil {
		return err
	}
	done = true
	return nil
}

func (s *Store) writePostgres(ctx context.Context, step func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	inner, done := stepContext(ctx)
	defer done()
	t, err := s.writes.BeginTx(inner, nil)
	if err != nil {
		return err
	}
	defer t.Rollback() // after Commit: nothing
	if err := step(&tx{ctx: inner, s: s, pg: t}); err != nil {
		return err
	}
	return t.Commit()
}

// statement returns the prepared statement for a query on SQLite's writer. Only
// who has the turn calls it.
func (s *Store) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if st := s.stmts[query]; st != nil {
		return st, nil
	}
	if len(s.stmts) >= 500 { // a bound, not a tuning: queries are mostly constants
		s.closeStatements()
	}
	st, err := s.writer.PrepareContext(ctx, s.dialect.expand(query))
	if err != nil {
		return nil, err
	}
	s.stmts[query] = st
	return st, nil
}

func (s *Store) closeStatements() {
	for _, st := range s.stmts {
		_ = st.Close()
	}
	clear(s.stmts)
}

// exec runs a statement and returns the number of rows it changed.
func (x *tx) exec(query string, args ...any) (int64, error) {
	var r sql.Result
	var err error
	if x.pg != nil {
		r, err = x.pg.ExecContext(x.ctx, x.s.dialect.expand(query), args...)
	} else {
		var st *sql.Stmt
		if st, err = x.s.statement(x.ctx, query); err == nil { //nolint:sqlclosecheck // kept by the store
			r, err = st.ExecContext(x.ctx, args...)
		}
	}
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (x *tx) query(query string, args ...any) (*sql.Rows, error) {
	if x.pg != nil {
		return x.pg.QueryContext(x.ctx, x.s.dialect.expand(query), args...)
	}
	st, err := x.s.statement(x.ctx, query) //nolint:sqlclosecheck // kept by the store
	if err != nil {
		return nil, err
	}
	return st.QueryContext(x.ctx, args...)
}

// query1 returns the one number a query asks for.
func (x *tx) query1(query string, args ...any) (int64, error) {
	return one(x, value[int64], query, args...)
}

// insert adds many rows: head is "INSERT INTO t (a, b)", tail what follows the
// values, args the values row by row. Statements come in a few sizes only, so
// that they stay prepared.
func (x *tx) insert(head, tail string, columns int, args []any) (int64, error) {
	var total int64
	for _, size := range [...]int{64, 8, 1} {
		var q string
		for len(args) >= size*columns {
			if q == "" {
				q = insertSQL(head, tail, columns, size, x.pg != nil)
			}
			n, err := x.exec(q, args[:size*columns]...)
			if err != nil {
				return total, err
			}
			total += n
			args = args[size*columns:]
		}
	}
	if len(args) > 0 {
		return total, fmt.Errorf("%s: %d values too many", head, len(args))
	}
	return total, nil
}

// insertSQL writes "$1" parameters for PostgreSQL and "?" for SQLite, which looks
// named ones up in a list, each time: with a thousand that would be half the work.
func insertSQL(head, tail string, columns, rows int, numbered bool) string {
	var b strings.Builder
	b.WriteString(head)
	b.WriteString(" VALUES ")
	for r := range rows {
		if r > 0 {
			b.WriteByte(',')
		}
		for c := range columns {
			b.WriteByte(",("[btoi(c == 0)])
			if numbered {
				fmt.Fprintf(&b, "$%d", r*columns+c+1)
			} else {
				b.WriteByte('?')
			}
		}
		b.WriteByte(')')
	}
	b.WriteByte(' ')
	b.WriteString(tail)
	return b.String()
}

// clock returns the time that leases are measured by: the database's, so that
// machines whose clocks differ agree.
func (x *tx) clock() (int64, error) {
	if x.s.now != nil {
		return ms(x.s.now()), nil
	}
	return x.query1("SELECT {{clock}}")
}

// clockSQL is the database's time in a query of these arguments, for where another
// statement would cost too much; the arguments it returns are the query's.
func (s *Store) clockSQL(args ...any) (clock string, all []any) {
	if s.now == nil {
		return "{{clock}}", args
	}
	args = append(args, ms(s.now()))
	return fmt.Sprintf("CAST($%d AS BIGINT)", len(args)), args
}

// ms is how times are stored: UTC milliseconds, 0 for the zero time.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMS(v int64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return time.UnixMilli(v).UTC()
}

// stamp scans a stored time into t.
type stamp struct{ t *time.Time }

// Scan implements sql.Scanner.
func (s stamp) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T", v)
	}
	*s.t = fromMS(n)
	return nil
}

// millis scans a number of milliseconds into d.
type millis struct{ d *time.Duration }

// Scan implements sql.Scanner.
func (m millis) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a duration is stored as %T", v)
	}
	*m.d = time.Duration(n) * time.Millisecond
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// jsonArg makes the argument of the {{in …}} and {{rows …}} tokens.
func jsonArg(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // slices of strings and numbers
	}
	if string(b) == "null" {
		return "[]"
	}
	return string(b)
}

// missing turns ErrNotFound into the zero value.
func missing[T any](v T, err error) (T, error) {
	if errors.Is(err, ErrNotFound) {
		return v, nil
	}
	return v, err
}

// fromJSON reads a JSON column.
func fromJSON(b []byte, v any) error { return json.Unmarshal(b, v) }
