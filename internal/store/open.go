package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"syndicate/internal/newsletter"
)

// Options say which database to open.
type Options struct {
	DSN string // "sqlite:path" or "postgres://…"
	Dir string // the site folder, which relative SQLite paths start from
	Log *slog.Logger
	// Now is for tests. Nil: the database's clock for leases, on which machines
	// must agree, and the machine's clock for the rest.
	Now func() time.Time
}

const (
	busyTimeout  = 10 * time.Second // SQLite: how long to wait for another process's write
	readers      = 4                // SQLite: connections that read
	maxConns     = 20               // PostgreSQL: connections of one process
	cacheKiB     = 32 << 10         // SQLite: page cache of the writer
	walAutoPages = 4000             // SQLite: checkpoint about every 16 MB
)

// Open opens the database, creates it or upgrades it. ErrNewer: a newer version
// of Syndicate has upgraded it already.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{log: o.Log, now: o.Now, stmts: map[string]*sql.Stmt{}, closed: make(chan struct{})}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	switch {
	case strings.HasPrefix(o.DSN, "sqlite:"):
		err = s.openSQLite(ctx, strings.TrimPrefix(o.DSN, "sqlite:"), o.Dir)
	case strings.HasPrefix(o.DSN, "postgres://"), strings.HasPrefix(o.DSN, "postgresql://"):
		err = s.openPostgres(ctx, o.DSN)
	default:
		return nil, fmt.Errorf("store %q: want sqlite:path or postgres://user@host/database", redact(o.DSN))
	}
	if err == nil {
		if err = s.migrate(ctx); err == nil {
			err = s.loadIdentity(ctx)
		}
		if err != nil {
			_ = s.Close() // opening failed; that error counts
		}
	}
	if err != nil {
		return nil, s.wrap("open the database "+redact(o.DSN), plainConnect(err))
	}
	return s, nil
}

// plainConnect says why PostgreSQL could not be reached. The driver tells of every
// address, with and without TLS, and names the calls it made; one reason is enough.
func plainConnect(err error) error {
	var (
		failed *pgconn.ConnectError
		said   *pgconn.PgError
		host   *net.DNSError
		system syscall.Errno
	)
	switch {
	case !errors.As(err, &failed):
		return err
	case errors.As(err, &said):
		return &plainError{said.Message, err}
	case errors.As(err, &host):
		return &plainError{"the host " + host.Name + " is not found", err}
	case errors.As(err, &system):
		return &plainError{net.JoinHostPort(failed.Config.Host, strconv.Itoa(int(failed.Config.Port))) + ": " + system.Error(), err}
	}
	return err
}

// plainError is an error in fewer words.
type plainError struct {
	text string
	err  error
}

func (e *plainError) Error() string { return e.text }

func (e *plainError) Unwrap() error { return e.err }

// redact hides a DSN's password.
func redact(dsn string) string {
	scheme, rest, ok := strings.Cut(dsn, "://")
	u, err := url.Parse(dsn)
	switch {
	case !ok:
		return dsn
	case err != nil || strings.Count(dsn, "@") > 1: // where the password ends is not known
		return scheme + "://…" + rest[strings.LastIndex(rest, "@")+1:]
	}
	return u.Redacted()
}

func (s *Store) openSQLite(ctx context.Context, path, dir string) error {
	s.dialect = sqliteDialect()
	if path == "" {
		return errors.New("the path is missing: want sqlite:path")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	// Created by us, so that nobody else can read the addresses in it; SQLite
	// gives its side files the same mode.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	f.Close()
	s.file = path
	s.writes, err = sql.Open("sqlite", s.sqliteDSN("&_txlock=immediate", "journal_mode(wal)", "synchronous(full)", "secure_delete(1)",
		fmt.Sprintf("cache_size(-%d)", cacheKiB), fmt.Sprintf("wal_autocheckpoint(%d)", walAutoPages), "temp_store(memory)"))
	if err != nil {
		return err
	}
	s.writes.SetMaxOpenConns(1)
	if s.writer, err = s.writes.Conn(ctx); err != nil {
		s.writes.Close()
		return err
	}
	s.turn = make(chan struct{}, 1)
	if s.reads, err = sql.Open("sqlite", s.sqliteDSN("", "query_only(1)", "temp_store(memory)")); err != nil {
		_ = s.writer.Close() // opening failed; that error counts
		s.writes.Close()
		return err
	}
	s.reads.SetMaxOpenConns(readers)
	s.reads.SetMaxIdleConns(readers)
	return nil
}

func (s *Store) sqliteDSN(extra string, pragmas ...string) string {
	q := url.Values{"_pragma": append([]string{
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "foreign_keys(1)",
	}, pragmas...)}
	return "file://" + (&url.URL{Path: filepath.ToSlash(s.file)}).EscapedPath() + "?" + q.Encode() + extra
}

// OpenQueue opens a connection of its own to the SQLite database, for the job
// queue. What it writes may be lost with the power: a job that is lost is asked
// for again.
func (s *Store) OpenQueue() (*sql.DB, error) {
	db, err := sql.Open("sqlite", s.sqliteDSN("&_txlock=immediate", "synchronous(normal)", "temp_store(memory)"))
	if err != nil {
		return nil, s.wrap("open the job queue", err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func (s *Store) openPostgres(ctx context.Context, dsn string) error {
	s.dialect = postgresDialect()
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("the address is not valid: %w", err)
	}
	if !strings.Contains(dsn, "pool_max_conns") {
		c.MaxConns = maxConns
	}
	for k, v := range map[string]string{
		"application_name": "syndicate", "timezone": "UTC", "synchronous_commit": "on",
		// A process that is frozen in a transaction must not keep the others from its
		// chunks: the server ends it.
		"idle_in_transaction_session_timeout": "10s",
	} {
		if c.ConnConfig.RuntimeParams[k] == "" {
			c.ConnConfig.RuntimeParams[k] = v
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return err
	}
	s.pool = pool
	s.writes = stdlib.OpenDBFromPool(pool)
	s.reads = s.writes
	return nil
}

// LockDaemon makes this process the only daemon on a SQLite file, until release
// is called or the process ends. ErrLocked: there is one already. PostgreSQL
// carries several; there it does nothing.
func (s *Store) LockDaemon() (release func(), err error) {
	if s.file == "" {
		return func() {}, nil
	}
	l := flock.New(s.file+".lock", flock.SetPermissions(0o600))
	ok, err := l.TryLock()
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("lock %s.lock: %w", s.file, err)
	}
	if !ok {
		return nil, fmt.Errorf("lock %s.lock: %w", s.file, ErrLocked)
	}
	return func() { _ = l.Unlock() }, nil
}

// loadIdentity reads the site's id and secrets; the first Open mints them.
func (s *Store) loadIdentity(ctx context.Context) error {
	load := func(q querier) error {
		id, err := one(q, value[[]byte], "SELECT value FROM meta WHERE name = 'site_id'")
		if err != nil {
			return err
		}
		type secret struct {
			version byte
			key     []byte
		}
		all, err := list(q, func(scan func(...any) error) (x secret, err error) {
			err = scan(&x.version, &x.key)
			return x, err
		}, "SELECT version, secret FROM secrets")
		if err != nil {
			return err
		}
		keys := map[byte][]byte{}
		for _, x := range all {
			keys[x.version] = x.key
		}
		s.siteID = string(id)
		s.keys, err = newsletter.NewKeyring(keys)
		return err
	}
	err := load(s.reader(ctx))
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	return s.write(ctx, "mint the site's identity", func(x *tx) error {
		// The lock makes a second process that opens a new database wait and load.
		if _, err := x.query1("SELECT value FROM counters WHERE name = 'ref'{{for update}}"); err != nil {
			return err
		}
		if err := load(x); !errors.Is(err, ErrNotFound) {
			return err
		}
		key := make([]byte, 32)
		rand.Read(key)
		if _, err := x.exec("INSERT INTO meta (name, value) VALUES ('site_id', $1)", []byte(uuid.NewString())); err != nil {
			return err
		}
		if _, err := x.exec("INSERT INTO secrets (version, secret, created_at) VALUES (1, $1, $2)", key, ms(s.wall())); err != nil {
			return err
		}
		return load(x)
	})
}
