// Package newsboat reads feeds over HTTP with newsboat (of Debian's package of that
// name), a reader for terminals. It keeps what it read in a SQLite file.
package newsboat

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite" // its cache

	"syndicate/internal/test"
)

// Program is an installed newsboat.
type Program struct{ path string }

// Find looks for it; it skips the test where there is none (see test.Missing).
func Find(t testing.TB) *Program {
	t.Helper()
	path, err := exec.LookPath("newsboat")
	if err != nil {
		test.Missing(t, "newsboat", err)
	}
	return &Program{path}
}

// Reader is somebody who reads one feed with newsboat. Each has a cache of its own:
// in one cache an article is in the one feed that brought it last.
type Reader struct {
	program *Program
	dir     string
}

// Subscribe makes a reader of a feed, who keeps things in dir.
func (p *Program) Subscribe(dir, url string) (*Reader, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	config := fmt.Sprintf("auto-reload no\nerror-log %q\n", filepath.Join(dir, "errors"))
	return &Reader{p, dir}, errors.Join(
		os.WriteFile(filepath.Join(dir, "urls"), []byte(url+"\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600),
	)
}

// Reload visits the feed. Newsboat keeps the validators of an answer from its second
// visit on (the first makes the feed's row, after it looked for it) and sends both
// from the third.
func (r *Reader) Reload(ctx context.Context) error {
	c := exec.CommandContext(ctx, r.program.path, "-u", "urls", "-c", "cache.db", "-C", "config", "-x", "reload")
	c.Dir = r.dir
	c.Env = append(os.Environ(), "HOME="+r.dir, "TERM=dumb")
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("newsboat: %w\n%s", err, out)
	}
	problems, err := os.ReadFile(filepath.Join(r.dir, "errors"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if problems = append(bytes.TrimSpace(problems), bytes.TrimSpace(out)...); len(problems) > 0 {
		return fmt.Errorf("newsboat: %s", problems)
	}
	return nil
}

// Article is one in newsboat's cache.
type Article struct{ GUID, Title, URL string }

// Unread returns the articles that nobody read yet, and all there are; they are read
// then.
func (r *Reader) Unread(ctx context.Context) (unread, all []Article, err error) {
	db, err := r.cache()
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `SELECT guid, title, url, unread FROM rss_item WHERE deleted = 0 ORDER BY id`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a Article
		var isUnread bool
		if err := rows.Scan(&a.GUID, &a.Title, &a.URL, &isUnread); err != nil {
			return nil, nil, err
		}
		all = append(all, a)
		if isUnread {
			unread = append(unread, a)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, nil, err
	}
	_, err = db.ExecContext(ctx, `UPDATE rss_item SET unread = 0`)
	return unread, all, err
}

// Forget makes it lose validators of the feed, as a reader that never kept them.
func (r *Reader) Forget(ctx context.Context, tag, date bool) error {
	db, err := r.cache()
	if err != nil {
		return err
	}
	defer db.Close()
	if tag {
		_, err = db.ExecContext(ctx, `UPDATE rss_feed SET etag = ''`)
	}
	if date && err == nil {
		_, err = db.ExecContext(ctx, `UPDATE rss_feed SET lastmodified = 0`)
	}
	return err
}

func (r *Reader) cache() (*sql.DB, error) {
	return sql.Open("sqlite", filepath.Join(r.dir, "cache.db"))
}
