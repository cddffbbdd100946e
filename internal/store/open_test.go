package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

func TestOpenTogether(t *testing.T) {
	t.Parallel()
	for engine, dsn := range map[string]func(testing.TB) string{"sqlite": storetest.EmptySQLite, "postgres": storetest.EmptyPostgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dsn := dsn(t)
			var wg sync.WaitGroup
			stores := make([]*store.Store, 6)
			for i := range stores {
				wg.Go(func() {
					s, err := store.Open(ctx, store.Options{DSN: dsn})
					if err != nil {
						t.Error(err)
						return
					}
					stores[i] = s
				})
			}
			wg.Wait()
			if t.Failed() {
				return
			}
			for _, s := range stores {
				if s.SiteID() == "" || s.SiteID() != stores[0].SiteID() {
					t.Errorf("site %q, first %q", s.SiteID(), stores[0].SiteID())
				}
				if s.Keyring().AddressHash("a@example.org") != stores[0].Keyring().AddressHash("a@example.org") {
					t.Error("two secrets")
				}
				if s.Engine() != engine {
					t.Error(s.Engine())
				}
				if err := s.Ping(ctx); err != nil {
					t.Error(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestCopies: the databases of the tests are what Open makes of nothing, and no two of
// them are the same site.
func TestCopies(t *testing.T) {
	t.Parallel()
	for engine, dsns := range map[string][]func(testing.TB) string{
		"sqlite":   {storetest.EmptySQLite, storetest.SQLite, storetest.SQLite},
		"postgres": {storetest.EmptyPostgres, storetest.Postgres, storetest.Postgres},
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			ids, hashes, first := map[string]bool{}, map[string]bool{}, []string(nil)
			for k, dsn := range dsns {
				dsn := dsn(t)
				s := storetest.Open(t, dsn)
				ids[s.SiteID()], hashes[s.Keyring().AddressHash("a@example.org")] = true, true
				rows := storetest.Dump(t, dsn)
				for n, row := range rows {
					switch table, _, _ := strings.Cut(row, ":"); table {
					case "meta", "secrets":
						rows[n] = table
					case "schema_version":
						rows[n], _, _ = strings.Cut(row, "|") // not when it was
					}
				}
				if k == 0 {
					first = rows
				}
				if d := cmp.Diff(first, rows); d != "" {
					t.Errorf("(-made of nothing +copied)\n%s", d)
				}
			}
			if len(ids) != len(dsns) || len(hashes) != len(dsns) {
				t.Errorf("of %d sites %d have an id and %d a secret of their own", len(dsns), len(ids), len(hashes))
			}
		})
	}
}

// TestClosed: who writes to a store that was closed hears so at once, and so does who
// waits for a turn while it is closed; closing twice does no harm.
func TestClosed(t *testing.T) {
	each(t, func(b *bench) {
		s := b.again()
		if s.Engine() == "sqlite" { // there, one writes at a time
			closing := make(chan error, 1)
			b.ok(s.Hold(ctx, func() {
				waiting := make(chan error, 1)
				go func() { waiting <- s.SetValue(ctx, "k", []byte("waits")) }()
				go func() { closing <- s.Close() }()
				b.is(<-waiting, store.ErrClosed)
			}))
			b.ok(<-closing)
		}
		b.ok(s.Close())
		b.is(s.SetValue(ctx, "k", []byte("late")), store.ErrClosed)
		b.ok(s.Close())
	})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	for engine, dsn := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dsn := dsn(t)
			storetest.Open(t, dsn)
			driver, name := "pgx", dsn
			if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
				driver, name = "sqlite", path
			}
			db, err := sql.Open(driver, name)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec("INSERT INTO schema_version (version, applied_at) VALUES (999, 0)"); err != nil {
				t.Fatal(err)
			}
			s, err := store.Open(ctx, store.Options{DSN: dsn})
			(&bench{T: t}).is(err, store.ErrNewer)
			if s != nil {
				t.Error("a store all the same")
			}
		})
	}
}

func TestOneDaemon(t *testing.T) {
	each(t, func(b *bench) {
		release, err := b.LockDaemon()
		b.ok(err)
		other := b.again()
		release2, err := other.LockDaemon()
		if b.Engine() == "postgres" {
			b.ok(err)
			release2()
			release()
			return
		}
		b.is(err, store.ErrLocked)
		release()
		release2, err = other.LockDaemon()
		b.ok(err)
		release2()
	})
}

func TestSQLiteFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a site, 100% ?odd #1")
	s, err := store.Open(ctx, store.Options{DSN: "sqlite:data/syndicate.db", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.SetValue(ctx, "k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"data": 0o700, "data/syndicate.db": 0o600, "data/syndicate.db-wal": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, want %v", name, info.Mode().Perm(), want)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "broken.db")
	if err := os.WriteFile(broken, []byte(strings.Repeat("this is not a database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for dsn, want := range map[string]string{
		"mysql://root:secret@host/db":                  "want sqlite:path or postgres://",
		"sqlite:":                                      "path is missing",
		"sqlite:" + broken:                             "not a database",
		"postgres://u:secret@127.0.0.1:1/db":           "refused",
		"postgres://u:secret@127.0.0.1:1/db?sslmode=x": "not valid",
	} {
		_, err := store.Open(ctx, store.Options{DSN: dsn})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}
