package table_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the drivers
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
	"syndicate/internal/source/remote"
	"syndicate/internal/source/table"
	"syndicate/internal/store/storetest"
	"syndicate/internal/test/mariadb"
	"syndicate/internal/test/visits"
)

// bench is a database of somebody else's with a table of posts.
type bench struct {
	*testing.T
	engine string
	dsn    string
	db     *sql.DB
	v      *visits.Visitor
}

// query is what most tests ask.
const query = "SELECT id, title, body, published, updated_at FROM posts"

// since is the same with a cursor.
const since = query + " WHERE updated_at >= :since"

// each runs a test on SQLite and PostgreSQL.
func each(t *testing.T, test func(b *bench)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(onSQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(onPostgres(t))
	})
}

func onSQLite(t *testing.T) *bench {
	t.Helper()
	file := filepath.Join(t.TempDir(), "site.db")
	return newBench(t, "sqlite", "sqlite:"+file, "sqlite", file)
}

func onPostgres(t *testing.T) *bench {
	t.Helper()
	dsn := storetest.EmptyPostgres(t)
	return newBench(t, "postgres", dsn, "pgx", dsn)
}

// onMariaDB runs tests on one server: it takes a while to start.
func onMariaDB(t *testing.T, tests map[string]func(b *bench)) {
	t.Helper()
	port := mariadb.Start(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "mysql", fmt.Sprintf("mysql://syndicate:secret@127.0.0.1:%d/site", port),
				"mysql", fmt.Sprintf("syndicate:secret@tcp(127.0.0.1:%d)/site", port))
			defer b.exec("DROP TABLE posts")
			test(b)
		})
	}
}

func newBench(t *testing.T, engine, dsn, driver, name string) *bench {
	t.Helper()
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b := &bench{T: t, engine: engine, dsn: dsn, db: db, v: visits.New(t)}
	stamp := map[string]string{"sqlite": "DATETIME", "postgres": "TIMESTAMP", "mysql": "DATETIME(6)"}[engine]
	b.exec("CREATE TABLE posts (id INTEGER PRIMARY KEY, title VARCHAR(200), body TEXT, tags TEXT, published " + stamp + ", updated_at " + stamp + ", version BIGINT)")
	return b
}

func (b *bench) exec(statements ...string) {
	b.Helper()
	for _, s := range statements {
		if _, err := b.db.ExecContext(context.Background(), s); err != nil {
			b.Fatalf("%s: %v", s, err)
		}
	}
}

// day is a moment of November 2026, written as all engines read it.
func day(n, hour int) string { return fmt.Sprintf("'2026-11-%02d %02d:00:00'", n, hour) }

// post adds a post, or changes it.
func (b *bench) post(id int, title, at string) {
	b.Helper()
	b.exec(fmt.Sprintf("DELETE FROM posts WHERE id = %d", id),
		fmt.Sprintf("INSERT INTO posts (id, title, body, published, updated_at, version) VALUES (%d, '%s', '*Text* of number %d.', %s, %s, %d)", id, title, id, at, at, id))
}

// reads sets what is asked.
func (b *bench) reads(q string, change ...func(*table.Options)) {
	b.Helper()
	o := table.Options{
		DSN: b.dsn, Query: q, Format: newsletter.Markdown, Timeout: time.Minute, Overlap: 10 * time.Minute, Complete: 24 * time.Hour,
		Parser: source.NewParser(source.ParserOptions{SiteURL: "https://news.example.org", Language: "en"}), Now: b.v.Now,
	}
	for _, c := range change {
		c(&o)
	}
	if err := table.Check(o.DSN); err != nil {
		b.Fatal(err)
	}
	b.v.Source = remote.New(remote.Options{Name: "site", Backlog: 3, Limit: table.MaxRows, Planned: true, Now: b.v.Now}, table.NewReader(o))
}

func byTime(o *table.Options) { o.Cursor = "updated_at" }

// find fails unless a visit found just that.
func (b *bench) find(want visits.Found) {
	b.Helper()
	if got := b.v.Visit(); got != want {
		b.Errorf("found %+v\nwant  %+v", got, want)
	}
}

// failing visits a source that cannot be read, and returns why.
func (b *bench) failing() string {
	b.Helper()
	b.v.Time = b.v.Time.Add(48 * time.Hour)
	f := b.v.Visit()
	if f.Error == "" {
		b.Errorf("no error: %+v", f)
	}
	if strings.Contains(f.Error, "secret") {
		b.Errorf("it shows the password: %s", f.Error)
	}
	return f.Error
}
