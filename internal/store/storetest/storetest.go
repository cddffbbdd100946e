// Package storetest opens real stores for tests: on SQLite always, on PostgreSQL
// where there is one.
//
// SYNDICATE_TEST_POSTGRES names a server (a DSN whose user may create databases);
// without it one is started from the machine's initdb and postgres, once in a
// test binary, and stops with it. If there is neither, the PostgreSQL half is
// skipped; with "postgres" in SYNDICATE_TEST_REQUIRE it fails.
package storetest

import (
	"context"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"syndicate/internal/store"
	"syndicate/internal/test"
)

// Option changes how a store is opened.
type Option func(*store.Options)

// Each runs test on both engines, in parallel. Each open returns another handle
// on the one new database of that run, closed with the test.
func Each(t *testing.T, test func(t *testing.T, open func(...Option) *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, opener(t, SQLite(t)))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, opener(t, Postgres(t)))
	})
}

// SQLite returns the DSN of a new SQLite database.
func SQLite(t testing.TB) string { return "sqlite:" + t.TempDir() + "/data/syndicate.db" }

// Postgres returns the DSN of a new PostgreSQL database, dropped after the test.
func Postgres(t testing.TB) string {
	t.Helper()
	admin, err := postgresServer()
	if err != nil {
		test.Missing(t, "postgres", err)
	}
	return newDatabase(t, admin)
}

func newDatabase(t testing.TB, admin func(database string) string) string {
	t.Helper()
	ctx := context.Background()
	name := "t" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if err := createDatabase(ctx, admin(""), name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dropDatabase(ctx, admin(""), name); err != nil {
			t.Error(err)
		}
	})
	return admin(name)
}

// Server is a PostgreSQL server of a test's own, which it may stop and start.
type Server struct {
	s *server
}

// NewServer starts a server that ends with the test. It is always one started from
// the machine's programs.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s, err := start(context.Background())
	if err != nil {
		test.Missing(t, "postgres", err)
	}
	t.Cleanup(func() { s.control.Close() })
	return &Server{s}
}

// Database returns the DSN of a new database on the server.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	return newDatabase(t, s.s.database)
}

// Stop makes the server cut its connections and end, and waits until it answers no
// more.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.tell(t, "stop")
	if err := await(context.Background(), s.s.database(""), false); err != nil {
		t.Fatal(err)
	}
}

// Start starts the stopped server and waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.tell(t, "start")
	if err := await(context.Background(), s.s.database(""), true); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) tell(t testing.TB, word string) {
	t.Helper()
	if _, err := io.WriteString(s.s.control, word+"\n"); err != nil {
		t.Fatal(err)
	}
}

// postgresServer returns the server's DSN for a database; "": the one to
// administer from.
func postgresServer() (func(database string) string, error) {
	if dsn := os.Getenv("SYNDICATE_TEST_POSTGRES"); dsn != "" {
		u, err := url.Parse(dsn)
		return func(database string) string {
			if database == "" {
				return dsn
			}
			u := *u
			u.Path = "/" + database
			return u.String()
		}, err
	}
	s, err := theServer()
	if err != nil {
		return nil, err
	}
	return s.database, nil
}

func opener(t *testing.T, dsn string) func(...Option) *store.Store {
	return func(options ...Option) *store.Store {
		t.Helper()
		return Open(t, dsn, options...)
	}
}

// Open opens a store, closed with the test.
func Open(t testing.TB, dsn string, options ...Option) *store.Store {
	t.Helper()
	s := connect(t, dsn, options)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// OpenBlocked is Open by a way that will be blocked: no good end is expected.
func OpenBlocked(t testing.TB, dsn string, options ...Option) *store.Store {
	t.Helper()
	s := connect(t, dsn, options)
	t.Cleanup(func() { _ = s.Close() }) // see above
	return s
}

func connect(t testing.TB, dsn string, options []Option) *store.Store {
	t.Helper()
	o := store.Options{DSN: dsn, Log: slog.New(slog.DiscardHandler)}
	for _, set := range options {
		set(&o)
	}
	s, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Now makes the store tell time by f.
func Now(f func() time.Time) Option { return func(o *store.Options) { o.Now = f } }
