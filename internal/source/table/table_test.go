package table_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
	"syndicate/internal/source/table"
	"syndicate/internal/test/visits"
)

func TestListing(t *testing.T)  { t.Parallel(); each(t, listing) }
func TestCursor(t *testing.T)   { t.Parallel(); each(t, cursor) }
func TestNumbers(t *testing.T)  { t.Parallel(); each(t, numbers) }
func TestFields(t *testing.T)   { t.Parallel(); each(t, fields) }
func TestReadOnly(t *testing.T) { t.Parallel(); each(t, readOnly) }
func TestTimeout(t *testing.T)  { t.Parallel(); each(t, timeout) }
func TestFaults(t *testing.T)   { t.Parallel(); each(t, faults) }

func TestMariaDB(t *testing.T) {
	t.Parallel()
	onMariaDB(t, map[string]func(*bench){
		"listing": listing, "cursor": cursor, "numbers": numbers, "fields": fields, "read only": readOnly, "timeout": timeout, "faults": faults,
	})
}

// listing: without a cursor every visit sees everything; what is gone is unpublished,
// much at once is held.
func listing(b *bench) {
	b.reads(query)
	b.find(visits.Found{})
	for i := 1; i <= 20; i++ {
		b.post(i, fmt.Sprintf("Post %02d", i), day(i, 8))
	}
	for range 2 { // what an empty place suddenly has is no news, if it is old
		if f := b.v.Visit(); !strings.HasPrefix(f.Held, "20 of 20 articles that are new are dated before the last visit") || len(b.v.Stored) != 0 {
			b.Fatalf("%+v", f)
		}
	}
	b.v.Accepted = true
	f := b.v.Visit()
	if f.Error != "" || f.Held != "" || len(b.v.Stored) != 20 || !b.v.Stored["20"].Backlog {
		b.Fatalf("%+v", f)
	}
	b.find(visits.Found{})
	for i := 31; i <= 36; i++ { // much less than is known, but all of it old
		b.post(i, "Imported", day(1, 8))
	}
	for range 2 {
		if f := b.v.Visit(); !strings.HasPrefix(f.Held, "6 of 6 articles that are new") || len(b.v.Stored) != 20 {
			b.Errorf("%+v", f)
		}
	}
	b.exec("DELETE FROM posts WHERE id > 30")
	b.find(visits.Found{})
	b.post(3, "Post 3, corrected", day(21, 8))
	b.exec("DELETE FROM posts WHERE id IN (7, 8)")
	b.find(visits.Found{Emitted: "Post 3, corrected", Gone: "7, 8"})
	b.exec("DELETE FROM posts WHERE id BETWEEN 10 AND 15")
	kept := visits.Found{Kept: "10, 11, 12, 13, 14, 15"}
	b.find(kept)
	b.find(kept)
	if len(b.v.Stored) != 18 {
		b.Errorf("%d articles", len(b.v.Stored))
	}
	b.post(12, "Post 12", day(12, 8))
	b.find(visits.Found{Kept: "10, 11, 13, 14, 15"})
	b.v.Accepted = true
	b.find(visits.Found{Gone: "10, 11, 13, 14, 15"})
	// What cannot be asked takes nothing away.
	b.exec("ALTER TABLE posts RENAME TO hidden")
	if text := b.failing(); !strings.Contains(text, "posts") {
		b.Errorf("%s", text)
	}
	b.exec("ALTER TABLE hidden RENAME TO posts")
	if len(b.v.Stored) != 13 {
		b.Errorf("%d articles", len(b.v.Stored))
	}
}

// cursor: only what changed is read, and nothing is passed by: not rows that share the
// cursor's value, nor those that were written before it and committed later.
func cursor(b *bench) {
	b.reads(since, byTime)
	for i := 1; i <= 12; i++ {
		b.post(i, fmt.Sprintf("Post %02d", i), day(i, 8))
	}
	if f := b.v.Visit(); f.Error != "" || len(b.v.Stored) != 12 {
		b.Fatalf("%+v", f)
	}
	b.find(visits.Found{})
	b.post(13, "Tie one", day(13, 8))
	b.find(visits.Found{Emitted: "Tie one"})
	b.post(14, "Tie two", day(13, 8))
	b.find(visits.Found{Emitted: "Tie two"})
	b.post(15, "Late", "'2026-11-13 07:55:00'")
	b.find(visits.Found{Emitted: "Late"})
	// Later than the overlap: the listing of everything finds it, and what is gone.
	b.post(16, "Very late", day(12, 9))
	b.exec("DELETE FROM posts WHERE id = 2")
	b.find(visits.Found{})
	b.v.Time = b.v.Time.Add(24 * time.Hour)
	b.find(visits.Found{Emitted: "Very late", Gone: "2"})
	// A row of the far future does not hide what comes before it.
	b.post(17, "Far ahead", "'2099-01-01 00:00:00'")
	b.find(visits.Found{Emitted: "Far ahead"})
	b.post(18, "Now", day(14, 8))
	b.find(visits.Found{Emitted: "Now"})
	if !b.v.Stored["17"].Published.After(b.v.Time) {
		b.Errorf("it is published at %s", b.v.Stored["17"].Published)
	}
	// An edited row comes again by its new value. One that was edited in silence waits for
	// the listing of everything, as one that is gone does.
	b.post(4, "Post 04, edited", day(14, 9))
	b.find(visits.Found{Emitted: "Post 04, edited"})
	b.exec("UPDATE posts SET title = 'Post 06, in silence' WHERE id = 6", "DELETE FROM posts WHERE id = 8")
	b.find(visits.Found{})
	b.v.Time = b.v.Time.Add(24 * time.Hour)
	b.find(visits.Found{Emitted: "Post 06, in silence", Gone: "8"})
	// Another query: everything is read again.
	b.reads(since+" AND id <> 5", byTime)
	b.find(visits.Found{Gone: "5"})
}

// numbers: a cursor may be a number, that of a sequence.
func numbers(b *bench) {
	b.reads(strings.ReplaceAll(since, "updated_at", "version"), func(o *table.Options) { o.Cursor = "version" })
	b.post(5, "Five", day(5, 8))
	b.find(visits.Found{Emitted: "Five"})
	b.post(4, "Four, committed later", day(4, 8))
	b.post(6, "Six", day(6, 8))
	f := b.v.Visit()
	if titles := strings.Split(f.Emitted, ", "); len(titles) != 3 || !slices.Contains(titles, "Six") {
		b.Errorf("%+v", f)
	}
	b.exec("UPDATE posts SET title = 'Five again', version = 5000 WHERE id = 5")
	b.find(visits.Found{Emitted: "Five again"})
	b.exec("UPDATE posts SET title = 'Four again', version = 4000 WHERE id = 4") // passed by
	b.exec("UPDATE posts SET title = 'Six again', version = 4001 WHERE id = 6")
	b.find(visits.Found{Emitted: "Four again, Six again"})
	// A number that was far too high, and was corrected, hides nothing once all was read.
	b.exec("UPDATE posts SET title = 'Five at last', version = 7000 WHERE id = 5", "UPDATE posts SET version = 900000 WHERE id = 6")
	b.find(visits.Found{Emitted: "Five at last"})
	b.exec("UPDATE posts SET version = 6999 WHERE id = 6")
	b.v.Time = b.v.Time.Add(24 * time.Hour)
	b.find(visits.Found{})
	b.exec("UPDATE posts SET title = 'Six at last', version = 7001 WHERE id = 6")
	b.find(visits.Found{Emitted: "Six at last"})
}

// fields: columns are fields by their names or by Options.Columns, and hold what front
// matter may.
func fields(b *bench) {
	b.exec("INSERT INTO posts (id, title, body, tags, published, updated_at) VALUES (1, 'Tar & <oakum>', '# Of tar\n\nA *sticky* trade.<script>x()</script>', '[\"sea\", \"craft\"]', " + day(3, 8) + ", " + day(4, 9) + ")")
	b.reads("SELECT id AS number, title, body AS content_md, tags, published AS made, updated_at, 'Ines Falk' AS author, 'craft/boats' AS section, 'en' AS language,"+
		" 'https://example.org/tar.jpg' AS image, 'A pot of tar' AS image_alt, '/2026/tar/' AS url FROM posts",
		func(o *table.Options) {
			o.Columns = map[string]string{"id": "number", "body": "content_md", "date": "made"}
			o.Location = time.FixedZone("", 3600)
		})
	if f := b.v.Visit(); f.Error != "" || f.Problems != "" {
		b.Fatalf("%+v", f)
	}
	a := b.v.Stored["1"]
	a.Published, a.Updated = a.Published.UTC(), a.Updated.UTC()
	want := newsletter.Article{
		Source: "site", Key: "1", Slug: "tar-oakum", Permalink: "/2026/tar/", Title: "Tar & <oakum>", Summary: "A sticky trade.", Language: "en",
		Section: "craft/boats", Authors: []newsletter.Author{{Name: "Ines Falk"}}, Tags: []string{"sea", "craft"},
		Image:     &newsletter.Image{URL: "https://example.org/tar.jpg", Alt: "A pot of tar", Type: "image/jpeg"},
		Published: time.Date(2026, 11, 3, 7, 0, 0, 0, time.UTC), Updated: time.Date(2026, 11, 4, 8, 0, 0, 0, time.UTC),
		Format: newsletter.Markdown, Body: "# Of tar\n\nA *sticky* trade.<script>x()</script>",
	}
	if diff := cmp.Diff(want, a); diff != "" {
		b.Errorf("article (-want +got):\n%s", diff)
	}
}

// readOnly: a query that would change something is refused.
func readOnly(b *bench) {
	b.post(1, "Post", day(1, 8))
	for _, q := range map[string][]string{
		"sqlite":   {"DELETE FROM posts RETURNING id, title, body"},
		"postgres": {"DELETE FROM posts RETURNING id, title, body", "WITH x AS (DELETE FROM posts RETURNING id, body) SELECT * FROM x", "SELECT 1 AS id, '' AS body; DELETE FROM posts"},
		"mysql":    {"DELETE FROM posts RETURNING id, title, body", "SELECT 1 AS id, '' AS body; DELETE FROM posts"},
	}[b.engine] {
		b.reads(q)
		b.failing()
		n := 0
		if err := b.db.QueryRowContext(b.Context(), "SELECT count(*) FROM posts").Scan(&n); err != nil || n != 1 {
			b.Errorf("%s: %d posts are left, %v", q, n, err)
		}
	}
}

// timeout: a query that does not end is ended.
func timeout(b *bench) {
	q := map[string]string{
		"sqlite":   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS id, '' AS body FROM n",
		"postgres": "SELECT 1 AS id, pg_sleep(600)::text AS body",
		"mysql":    "SELECT 1 AS id, SLEEP(600) AS body",
	}[b.engine]
	b.reads(q, func(o *table.Options) { o.Timeout = 200 * time.Millisecond })
	if text := b.failing(); !strings.HasPrefix(text, "the database did not answer within 200ms") {
		b.Errorf("%s", text)
	}
}

// faults: what is wrong with a query is said; what is wrong with a row leaves out that
// row, and its article as it was.
func faults(b *bench) {
	b.post(1, "Post", day(1, 8))
	for _, c := range []struct {
		query, want string
		change      func(*table.Options)
	}{
		{"SELECT id, title FROM posts", "the query gives no column body; name one so, or say under columns which one it is", nil},
		{"SELECT title, body FROM posts", "the query gives no column id; name one so", nil},
		{"SELECT NULL AS id, body FROM posts", "row 1 of the query has no id", nil},
		{query, "the query gives no column words, which columns says is body", func(o *table.Options) { o.Columns = map[string]string{"body": "words"} }},
		{query + " WHERE id > 0 OR title >= :since", "the query does not give its cursor, the column changed", func(o *table.Options) { o.Cursor = "changed" }},
		{"SELECT id, title, body FROM posts WHERE title >= :since", "the cursor title: its value \"Post\" is neither a time nor a whole number", func(o *table.Options) { o.Cursor = "title" }},
		{"SELECT nothing FROM posts", "asking the database: ", nil},
	} {
		b.reads(c.query, func(o *table.Options) {
			if c.change != nil {
				c.change(o)
			}
		})
		if text := b.failing(); !strings.Contains(text, c.want) {
			b.Errorf("%s\n%s\nwant %s", c.query, text, c.want)
		}
	}
	q := "SELECT id, title, body, tags AS date FROM posts"
	b.post(2, "Other", day(2, 8))
	b.reads(q)
	b.v.Time = b.v.Time.Add(48 * time.Hour)
	if f := b.v.Visit(); f.Error != "" || len(b.v.Stored) != 2 {
		b.Fatalf("%+v", f)
	}
	b.exec("UPDATE posts SET title = 'Other again', tags = 'tomorrow' WHERE id = 2")
	b.find(visits.Found{Problems: `the row with the id 2 is left out: date: "tomorrow" is no date`})
	if b.v.Stored["2"].Title != "Other" {
		b.Errorf("%+v", b.v.Stored["2"])
	}
	b.reads(q + " UNION ALL SELECT id, 'Twice', body, tags FROM posts WHERE id = 1")
	if f := b.v.Visit(); !strings.Contains(f.Problems, "several rows have the id 1") || f.Gone != "" {
		b.Errorf("%+v", f)
	}
}

func TestArrays(t *testing.T) {
	t.Parallel()
	b := onPostgres(t)
	b.post(1, "Post", day(1, 8))
	b.reads(`SELECT id, title, body, ARRAY['sea', 'two words'] AS tags, '{"url": "https://example.org/a.jpg", "alt": "A boat"}'::jsonb AS image,
		'2026-11-02 08:00:00+02'::timestamptz AS date, true AS draft FROM posts -- :since`)
	if f := b.v.Visit(); f.Error != "" || f.Problems != "" {
		t.Fatalf("%+v", f)
	}
	a := b.v.Stored["1"]
	if diff := cmp.Diff([]string{"sea", "two words"}, a.Tags); diff != "" {
		t.Error(diff)
	}
	if a.Image == nil || a.Image.Alt != "A boat" || !a.Draft || !a.Published.Equal(time.Date(2026, 11, 2, 6, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", a)
	}
}

// TestText: SQLite keeps times as it was given them, and as numbers.
func TestText(t *testing.T) {
	t.Parallel()
	b := onSQLite(t)
	b.exec("CREATE TABLE notes (id TEXT, body TEXT, changed TEXT, seconds INTEGER)",
		"INSERT INTO notes VALUES ('a', 'One', '2026-11-03T08:00:00Z', 1793692800)")
	b.reads("SELECT id, body, changed AS date FROM notes WHERE changed >= :since", func(o *table.Options) { o.Cursor = "date" })
	b.find(visits.Found{Emitted: "One"})
	b.exec("INSERT INTO notes VALUES ('b', 'Two', '2026-11-03T07:59:00Z', 1793692800)")
	b.find(visits.Found{Emitted: "Two"})
	if at := b.v.Stored["a"].Published; !at.Equal(time.Date(2026, 11, 3, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("published %s", at)
	}
	b.reads("SELECT id, body, seconds AS date FROM notes WHERE seconds >= :since", func(o *table.Options) { o.Cursor = "date" })
	b.v.Visit()
	if at := b.v.Stored["a"].Published; !at.Equal(time.Unix(1793692800, 0)) {
		t.Errorf("published %s", at)
	}
	// A file that is not there is not made.
	b.dsn = "sqlite:" + filepath.Join(t.TempDir(), "nowhere.db")
	b.reads(query)
	b.failing()
	if _, err := os.Stat(strings.TrimPrefix(b.dsn, "sqlite:")); err == nil {
		t.Error("asking made the file")
	}
}

// TestHTML: bodies in HTML are what files in HTML are.
func TestHTML(t *testing.T) {
	t.Parallel()
	b := onSQLite(t)
	b.exec("CREATE TABLE pages (id TEXT, title TEXT, body TEXT)",
		"INSERT INTO pages VALUES ('x:  1', 'Fog', '<nav>Home</nav><main><p>It is <b>thick</b>.</p></main><script>x()</script>')")
	b.reads("SELECT * FROM pages", func(o *table.Options) { o.Format = newsletter.HTML })
	b.find(visits.Found{Emitted: "Fog"})
	b.find(visits.Found{}) // by an id that is not clean, too
	if a := b.v.Stored["x: 1"]; strings.Contains(a.Body, "script") || strings.Contains(a.Body, "Home") || !strings.Contains(a.Body, "<b>thick</b>") {
		t.Errorf("%+v", a)
	}
}

func TestBind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		engine, query, want string
		times               int
	}{
		{"postgres", "a >= :since OR b::date >= :SINCE", "a >= $1 OR b::date >= $1", 1},
		{"mysql", "a >= :since OR b >= :since", "a >= ? OR b >= ?", 2},
		{"sqlite", "a >= :since", "a >= ?", 1},
		{"postgres", "':since' \":since\" -- :since\n/* :since */ :since_when :since", "':since' \":since\" -- :since\n/* :since */ :since_when $1", 1},
		{"mysql", `'it\':since' # :since`, `'it\':since' # :since`, 0},
		{"postgres", "'it''s :since", "'it''s :since", 0},
		{"sqlite", "-- :since", "-- :since", 0},
		{"sqlite", "/*", "/*", 0},
	} {
		if got, times := table.Bind(c.query, c.engine); got != c.want || times != c.times {
			t.Errorf("%s: %q is %q with %d, want %q with %d", c.engine, c.query, got, times, c.want, c.times)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{
		"oracle://x/y", "sqlite:", "mysql://host", "mysql://user:secret@host/db?charset=utf8", "postgres://user:secret@host:port/db", "mysql://us er:secret@host/db",
	} {
		if err := table.Check(dsn); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}

// FuzzBind: whatever is asked, no text is lost or made up.
func FuzzBind(f *testing.F) {
	f.Add("SELECT ':since' -- x\n:since")
	f.Fuzz(func(t *testing.T, query string) {
		for _, e := range []string{"postgres", "mysql", "sqlite"} {
			got, times := table.Bind(query, e)
			mark := "?"
			if e == "postgres" {
				mark = "$1"
			}
			if times == 0 && got != query {
				t.Errorf("%q became %q", query, got)
			}
			if times > 0 && !strings.Contains(got, mark) {
				t.Errorf("%q became %q", query, got)
			}
		}
	})
}
