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
	"path/filepath"
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

// SQLite returns the DSN of a new SQLite database, which has the present schema and
// is nobody's yet.
func SQLite(t testing.TB) string {
	t.Helper()
	file, err := sqliteTemplate()
	if err != nil {
		t.Fatal(err)
	}
	dsn := EmptySQLite(t)
	path := strings.TrimPrefix(dsn, "sqlite:")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return dsn
}

// EmptySQLite returns the DSN of a SQLite database that is yet to be made.
func EmptySQLite(t testing.TB) string { return "sqlite:" + t.TempDir() + "/data/syndicate.db" }

// Postgres returns the DSN of a new PostgreSQL database, which has the present schema
// and is nobody's yet. It is dropped after the test. On a server that others made it
// is an empty one: nothing stays there.
func Postgres(t testing.TB) string {
	t.Helper()
	admin := postgresServer(t)
	if os.Getenv(serverVariable) != "" {
		return newDatabase(t, admin, "")
	}
	from, err := postgresTemplate()
	if err != nil {
		t.Fatal(err)
	}
	return newDatabase(t, admin, from)
}

// EmptyPostgres returns the DSN of a new PostgreSQL database with nothing in it,
// dropped after the test.
func EmptyPostgres(t testing.TB) string {
	t.Helper()
	return newDatabase(t, postgresServer(t), "")
}

// newDatabase makes a copy of a database, or an empty one, for the time of a test.
func newDatabase(t testing.TB, admin func(database string) string, from string) string {
	t.Helper()
	ctx := context.Background()
	name := "t" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if err := createDatabase(ctx, admin(""), name, from); err != nil {
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
	return newDatabase(t, s.s.database, "")
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

// serverVariable names a server to use instead of one of our own.
const serverVariable = "SYNDICATE_TEST_POSTGRES"

// postgresServer returns the server's DSN for a database; "": the one to
// administer from.
func postgresServer(t testing.TB) func(database string) string {
	t.Helper()
	dsn := os.Getenv(serverVariable)
	if dsn == "" {
		s, err := theServer()
		if err != nil {
			test.Missing(t, "postgres", err)
		}
		return s.database
	}
	u, err := url.Parse(dsn)
	if err != nil {
		test.Missing(t, "postgres", err)
	}
	return func(database string) string {
		if database == "" {
			return dsn
		}
		u := *u
		u.Path = "/" + database
		return u.String()
	}
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
