// Package table reads articles from databases of others: each row that a query gives
// is one. It is a remote.Reader; what all sources elsewhere have in common, remote
// sees to.
//
// The procedure of a Read:
//
//   - The database is opened, asked once, and closed again (open.go): in a transaction
//     that can only read, within a time, and with a limit to rows and bytes.
//   - A column is the field of its name, or the one that Options.Columns says
//     (row.go): the names, and what may stand in them, are those of front matter.
//   - Without a cursor every Read is a listing of everything.
//   - With one, the query has the parameter :since (cursor.go), which is lower than the
//     highest value that was seen: rows that share it, or were written before it and
//     committed later, are read again rather than never. At first, and now and then,
//     the parameter is lower than everything: that too is a listing of everything, and
//     only such a one tells what is gone.
//
// A row that cannot be understood stays out, and its article as it was. A database that
// cannot be asked is an error, and changes nothing.
package table

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
	"syndicate/internal/source/remote"
)

// Options configures a Reader.
type Options struct {
	DSN      string // postgres://…, mysql://… or sqlite:FILE; Check tells what is wrong with it
	Query    string
	Columns  map[string]string // names of columns by names of fields, where they differ
	Format   newsletter.Format // of bodies
	Cursor   string            // the column that grows with every change; empty: none
	Overlap  time.Duration     // how much lower :since is, where Cursor is a time
	Complete time.Duration     // between two listings of everything
	Timeout  time.Duration     // for everything
	Location *time.Location    // of times without a zone; nil: UTC
	Parser   *source.Parser
	Now      func() time.Time // nil: time.Now
}

// What bounds a Read.
const (
	MaxRows = 50_000    // of a query
	maxText = 256 << 20 // bytes of all rows
	maxRow  = 2 << 20   // bytes of one
	maxTold = 20        // rows that are told of one by one
)

// Reader reads a table. It is safe for concurrent use.
type Reader struct{ o Options }

// NewReader returns the Reader of a table; nothing is opened yet.
func NewReader(o Options) *Reader {
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Reader{o}
}

// memory is what an answer leaves for the next one.
type memory struct {
	Query  string    `json:"query,omitempty"` // and what else it was asked by
	Mark   mark      `json:"mark"`
	Listed time.Time `json:"listed,omitzero"` // everything, last
}

// reading is one Read.
type reading struct {
	*Reader
	engine  engine
	columns []column
	cursor  int // index of its column, -1: none
	answer  remote.Answer
	mark    mark
	ids     map[string]bool
	text    int
	untold  int // rows with problems that are not told of one by one
}

// Read implements remote.Reader.
func (r *Reader) Read(ctx context.Context, last json.RawMessage, whole bool) (*remote.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	asked := fmt.Sprintf("%q %q %q", r.o.Query, r.o.Columns, r.o.Cursor)
	var m memory
	if json.Unmarshal(last, &m) != nil || m.Query != asked {
		m = memory{Query: asked}
	}
	now := r.o.Now()
	e, db, err := open(r.o.DSN)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	all := whole || r.o.Cursor == "" || m.Mark.Kind == "" || now.Sub(m.Listed) >= r.o.Complete
	x := &reading{Reader: r, engine: e, mark: m.Mark, ids: map[string]bool{}, cursor: -1}
	if all { // a value that was too high, and was corrected, hides nothing from now on
		x.mark = mark{}
	}
	if err := x.ask(ctx, db, all); err != nil {
		return nil, r.explain(ctx, err)
	}
	if x.answer.Partial = !all; all {
		m.Listed = now
		x.answer.All = make([]string, 0, len(x.ids))
		for id := range x.ids {
			x.answer.All = append(x.answer.All, id)
		}
	}
	if x.untold > 0 {
		x.warn(fmt.Sprintf("%d more rows are left out", x.untold), "")
	}
	x.answer.Unchanged = !all && len(x.ids) == 0
	m.Mark = x.mark
	if x.answer.Memory, err = json.Marshal(m); err != nil {
		return nil, fmt.Errorf("remembering a source: %w", err)
	}
	return &x.answer, nil
}

// ask makes the query and reads its rows.
func (x *reading) ask(ctx context.Context, db *sql.DB, all bool) error {
	tx, err := db.BeginTx(ctx, x.engine.options())
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := x.engine.limit(ctx, tx, x.o.Timeout); err != nil {
		return err
	}
	text, times := bind(x.o.Query, x.engine)
	since := any(nil)
	if x.o.Cursor != "" {
		if since, err = x.since(ctx, tx, all, text, times); err != nil {
			return err
		}
	}
	rows, err := tx.QueryContext(ctx, text, repeat(since, times)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if err := x.head(rows); err != nil {
		return err
	}
	values := make([]any, len(x.columns))
	into := make([]any, len(values))
	for i := range values {
		into[i] = &values[i]
	}
	n := 0
	for rows.Next() {
		if n++; n > MaxRows {
			return fmt.Errorf("the query gives more than %d rows; let it give fewer", MaxRows)
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := x.row(n, values); err != nil {
			return err
		}
		if x.text > maxText {
			return fmt.Errorf("the rows of the query have more than %d MB; let it give fewer", maxText>>20)
		}
	}
	return rows.Err()
}

// since is the parameter's value.
func (x *reading) since(ctx context.Context, tx *sql.Tx, all bool, text string, times int) (any, error) {
	if !all {
		return x.mark.since(x.o.Overlap, x.engine), nil
	}
	if x.engine == sqlite {
		return lowestOf(asNumber), nil // SQLite orders numbers before everything else
	}
	// Nothing is lower than everything of every type, so the type is asked for first.
	rows, err := tx.QueryContext(ctx, text, repeat(nil, times)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if err := x.head(rows); err != nil {
		return nil, err
	}
	return lowestOf(kindOf(x.columns[x.cursor].kind)), rows.Err()
}

func repeat(v any, times int) []any {
	out := make([]any, times)
	for i := range out {
		out[i] = v
	}
	return out
}

func (x *reading) warn(message, hint string) {
	x.answer.Problems = append(x.answer.Problems, source.Problem{Message: message, Hint: hint, Warning: true})
}

// explain puts a failure in words. What drivers say has no passwords in it.
func (r *Reader) explain(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("the database did not answer within %s: %w", r.o.Timeout, context.DeadlineExceeded)
	}
	return fmt.Errorf("asking the database: %w", err)
}
