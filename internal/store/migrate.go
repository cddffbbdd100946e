package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock is the PostgreSQL advisory lock under which migrations run.
const migrationLock = 0x53594e4449434154 // "SYNDICAT"

// migrate brings the schema up to date, one transaction a migration, each under
// a lock, so that processes that start together migrate once.
func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.ReadDir(migrations, "migrations") // sorted by name
	if err != nil {
		return err
	}
	version, err := s.schemaVersion(s.reader(ctx))
	if err != nil {
		return err
	}
	if version > len(files) {
		return fmt.Errorf("%w: its schema is %d, this version knows %d", ErrNewer, version, len(files))
	}
	for i := version; i < len(files); i++ {
		name := files[i].Name()
		if n, _, _ := strings.Cut(name, "_"); n != fmt.Sprintf("%04d", i+1) {
			return fmt.Errorf("migration %s should be number %d", name, i+1)
		}
		text, err := migrations.ReadFile("migrations/" + name)
		if err != nil {
			return err
		}
		if err := s.write(ctx, "migration "+name, func(x *tx) error { return x.migrate(i+1, string(text)) }); err != nil {
			return err
		}
	}
	return nil
}

// Alone runs step while no other process upgrades the database. On SQLite only the
// daemon calls it, which is alone.
func (s *Store) Alone(ctx context.Context, step func() error) error {
	if s.pool == nil {
		return step()
	}
	c, err := s.pool.Acquire(ctx)
	if err != nil {
		return s.wrap("wait for upgrades", err)
	}
	defer c.Release()
	if _, err := c.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(migrationLock)); err != nil {
		return s.wrap("wait for upgrades", err)
	}
	err = step()
	_, uerr := c.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(migrationLock))
	return errors.Join(err, s.wrap("end an upgrade", uerr))
}

// schemaVersion returns 0 for an empty database.
func (s *Store) schemaVersion(q querier) (int, error) {
	exists := "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'"
	if s.file == "" {
		exists = "SELECT count(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('schema_version')"
	}
	n, err := one(q, value[int], exists)
	if err != nil || n == 0 {
		return 0, err
	}
	return one(q, value[int], "SELECT coalesce(max(version), 0) FROM schema_version")
}

func (x *tx) migrate(version int, text string) error {
	if x.pg != nil { // SQLite: BEGIN IMMEDIATE is the lock
		if _, err := x.exec("SELECT pg_advisory_xact_lock(" + strconv.FormatInt(migrationLock, 10) + ")"); err != nil {
			return err
		}
	}
	have, err := x.s.schemaVersion(x)
	if err != nil || have >= version { // another process was faster
		return err
	}
	if version == 1 {
		text = "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at BIGINT NOT NULL);\n" + text
	}
	for _, statement := range strings.Split(stripComments(text), ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := x.exec(statement); err != nil {
			return fmt.Errorf("%w, in: %s", err, statement)
		}
	}
	_, err = x.exec("INSERT INTO schema_version (version, applied_at) VALUES ($1, $2)", version, ms(x.s.wall()))
	return err
}

// stripComments removes "-- …" (no migration has that inside a string).
func stripComments(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if code, _, ok := strings.Cut(l, "--"); ok {
			lines[i] = strings.TrimRight(code, " \t")
		}
	}
	return strings.Join(lines, "\n")
}
