// Package store keeps everything: the only SQL of the house.
package store

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"syndicate/internal/newsletter"
)

// Options say which database to open.
type Options struct {
	DSN string // "sqlite:path" or "postgres://…"
	Dir string // the site folder, which relative SQLite paths start from
	Log *slog.Logger
	Now func() time.Time // for tests; nil: the database's clock for leases, the machine's for the rest
}

// Store is the database. All methods may be called concurrently.
type Store struct{}

// Open opens the database, creates or upgrades it.
func Open(ctx context.Context, o Options) (*Store, error) { return nil, errors.ErrUnsupported }

func (s *Store) Close() error                            { return nil }
func (s *Store) Engine() string                          { return "" }
func (s *Store) Keyring() *newsletter.Keyring            { return nil }
func (s *Store) SiteID() string                          { return "" }
func (s *Store) Ping(ctx context.Context) error          { return nil }
func (s *Store) LockDaemon() (release func(), err error) { return nil, nil }
