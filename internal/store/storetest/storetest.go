// Package storetest opens real stores for tests, on both engines.
package storetest

import (
	"testing"

	"syndicate/internal/store"
)

// Each runs test on SQLite, and on PostgreSQL where there is one. Each open
// returns another handle on the same new database.
func Each(t *testing.T, test func(t *testing.T, open func(...Option) *store.Store)) {
	t.Skip("not written yet")
}

// Option changes how a store is opened.
type Option func(*store.Options)
