package store

import "errors"

// The errors that callers tell apart (with errors.Is).
var (
	// ErrNotFound: there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the step does not fit the state of things: the occurrence was
	// taken already, the issue is in another state, another hash was approved.
	ErrConflict = errors.New("conflict")
	// ErrStale: what the caller knew is no longer so: the lease was lost, the
	// delivery was cancelled, the watermark moved, a group appeared. Look again.
	ErrStale = errors.New("stale")
	// ErrNewer: a newer Syndicate has upgraded the database.
	ErrNewer = errors.New("the database belongs to a newer version of Syndicate")
	// ErrBusy: another process holds what is needed; trying again helps.
	ErrBusy = errors.New("the database is busy")
	// ErrLimit: there is as much of it already as there may be.
	ErrLimit = errors.New("a limit is reached")
	// ErrClosed: the store was closed, or is just being.
	ErrClosed = errors.New("the database is closed")
	// ErrLocked: another daemon serves this SQLite file.
	ErrLocked = errors.New("another syndicate serve uses this database")
)
