package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"syndicate/internal/store"
)

// Migrating a new database costs more than most tests do with it. So each process
// migrates one of an engine, by the way that every site goes, and tests get copies of
// it. What is a site's own, its id and its secret, is not in it: whoever opens a copy
// mints them.

// sqliteTemplate is a migrated SQLite file.
var sqliteTemplate = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "template")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "syndicate.db")
	if err := migrate(context.Background(), "sqlite:"+path); err != nil {
		return nil, err
	}
	if _, err := os.Stat(path + "-wal"); err == nil {
		return nil, fmt.Errorf("%s was closed, and its log is still there", path)
	}
	return os.ReadFile(path)
})

// postgresTemplate is the name of a migrated database on the server of this process.
var postgresTemplate = sync.OnceValues(func() (string, error) {
	const name = "migrated"
	ctx := context.Background()
	s, err := theServer()
	if err != nil {
		return "", err
	}
	if err := createDatabase(ctx, s.database(""), name, ""); err != nil {
		return "", err
	}
	return name, migrate(ctx, s.database(name))
})

// migrate makes a database whose schema is the present one and in which there is
// nothing else.
func migrate(ctx context.Context, dsn string) error {
	s, err := store.Open(ctx, store.Options{DSN: dsn})
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	driver, source := "pgx", dsn
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, source = "sqlite", "file://"+path
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return err
	}
	for _, table := range []string{"meta", "secrets"} {
		if _, err := db.ExecContext(ctx, "DELETE FROM "+table); err != nil {
			return errors.Join(err, db.Close())
		}
	}
	return db.Close()
}

// createDatabase makes a database on the server of a DSN: a copy of another, or an
// empty one. Nobody may be connected to what is copied: the server waits some seconds
// for its own cleaners, and for who has just said goodbye, and then wants to be asked
// again.
func createDatabase(ctx context.Context, admin, name, from string) error {
	db, err := sql.Open("pgx", admin)
	if err != nil {
		return err
	}
	defer db.Close()
	statement := "CREATE DATABASE " + name
	if from != "" {
		statement += " TEMPLATE " + from
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		_, err := db.ExecContext(ctx, statement)
		var said *pgconn.PgError
		if !errors.As(err, &said) || said.Code != "55006" { // object in use
			return err
		}
	}
}
