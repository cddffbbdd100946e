// Package store keeps everything: the only SQL of the house, one transaction per
// business step, on SQLite and PostgreSQL.
//
// Open creates or upgrades the database. Every step that writes is one method and
// one transaction; what the step promises stands at the method. On SQLite one
// connection writes and a few read, so that readers never wait; transactions
// begin IMMEDIATE, which is what makes them safe beside other processes. On
// PostgreSQL, steps lock the rows they decide on in the order issue → chunk →
// delivery and subscriber → subscription → chunk → delivery. One step cannot: a
// ledger that hears of a bounce holds its chunks before it comes to the
// subscription. It goes on to the few chunks where something waits for that
// address; the victim of a deadlock that comes of it is tried again.
//
// Issues go through CreateIssue → NextGroups/PutDigest/SealBatch (again and again)
// → FinishSeal; then workers LeaseChunk, Mark and Settle through a Ledger, Renew
// while they work and Release at the end.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"syndicate/internal/newsletter"
)

// Store is the database. All methods may be called concurrently.
type Store struct {
	dialect *dialect
	reads   *sql.DB
	writes  *sql.DB // on SQLite of one connection, which is writer
	log     *slog.Logger
	now     func() time.Time // nil: the clocks
	keys    *newsletter.Keyring
	siteID  string
	file    string        // SQLite: the database file
	pool    *pgxpool.Pool // PostgreSQL: what backs writes

	turn   chan struct{} // SQLite: held by who writes
	closed chan struct{} // closed by Close
	ending sync.Once
	writer *sql.Conn
	stmts  map[string]*sql.Stmt // prepared on writer, by SQL with tokens
}

// Engine returns "sqlite" or "postgres".
func (s *Store) Engine() string { return s.dialect.name }

// Keyring returns the secrets behind links and hashes.
func (s *Store) Keyring() *newsletter.Keyring { return s.keys }

// SiteID returns the random identity minted with the database.
func (s *Store) SiteID() string { return s.siteID }

// Pool returns PostgreSQL's connections, nil on SQLite: what the job queue works
// on.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.wrap("ping", s.reads.PingContext(ctx))
}

// Close closes the database, when the step that is being written is done. Whoever
// waits to write, or comes later, gets ErrClosed. Closing it again does nothing.
func (s *Store) Close() (err error) {
	s.ending.Do(func() {
		close(s.closed)
		if s.pool != nil {
			err = s.closePostgres()
			return
		}
		if s.writer != nil {
			s.turn <- struct{}{} // the last writer is done; nobody follows
			s.closeStatements()
			_ = s.writer.Close() // of a process that ends
		}
		err = errors.Join(s.reads.Close(), s.writes.Close())
	})
	return s.wrap("close the database", err)
}

// closeLimit is how long the goodbye to PostgreSQL may take: connections that were
// torn are cleared up in the background, which a server that hangs draws out.
const closeLimit = 2 * time.Second

func (s *Store) closePostgres() error {
	closed := make(chan error, 1)
	go func() {
		err := s.reads.Close()
		s.pool.Close()
		closed <- err
	}()
	limit := time.NewTimer(closeLimit)
	defer limit.Stop()
	select {
	case err := <-closed:
		return err
	case <-limit.C:
		return errors.New("the server does not answer; the connections end with the process")
	}
}

// wall is the time for what people read.
func (s *Store) wall() time.Time {
	if s.now != nil {
		return s.now()
	}
	return time.Now()
}

// wrap says what failed and makes the engine's error recognisable.
func (s *Store) wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{ErrNotFound, ErrConflict, ErrStale, ErrBusy, ErrNewer, ErrLimit, ErrClosed} {
		if errors.Is(err, known) {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if kind := s.dialect.classify(err); kind != nil {
		return fmt.Errorf("%s: %w: %w", what, kind, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// querier runs queries inside a transaction (*tx) or outside (reader).
type querier interface {
	query(query string, args ...any) (*sql.Rows, error)
}

// reader reads outside transactions, on SQLite without waiting for writers.
type reader struct {
	ctx context.Context
	s   *Store
}

func (s *Store) reader(ctx context.Context) reader { return reader{ctx, s} }

func (r reader) query(query string, args ...any) (*sql.Rows, error) {
	return r.s.reads.QueryContext(r.ctx, r.s.dialect.expand(query), args...)
}

// list runs a query and scans every row.
func list[T any](q querier, scan func(scan func(...any) error) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// one runs a query for one row; ErrNotFound if there is none.
func one[T any](q querier, scan func(scan func(...any) error) (T, error), query string, args ...any) (T, error) {
	all, err := list(q, scan, query, args...)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}

// value scans a row of one column.
func value[T any](scan func(...any) error) (v T, err error) {
	err = scan(&v)
	return v, err
}
