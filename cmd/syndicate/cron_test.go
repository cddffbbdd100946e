package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"syndicate/internal/store/storetest"
)

// TestCron lets three daemons share one database through the nights on which the
// clock jumps, kills one of them now and then and once all three: each occurrence
// is a row, once. Time is what a file says, so nothing depends on the machine's.
func TestCron(t *testing.T) {
	t.Parallel()
	for _, night := range []struct {
		name, from string
		due        []occurrence
	}{
		{
			"spring", "2026-03-28T23:05:00Z", // 00:05 in Paris, where 02:00 to 03:00 are missing
			[]occurrence{
				{"hourly", "2026-03-29T00:15", "2026-03-28T23:15:00Z"},
				{"hourly", "2026-03-29T01:15", "2026-03-29T00:15:00Z"},
				{"hourly", "2026-03-29T02:15", "2026-03-29T01:00:00Z"},
				{"nightly", "2026-03-29T02:30", "2026-03-29T01:00:00Z"},
				{"hourly", "2026-03-29T03:15", "2026-03-29T01:15:00Z"},
				{"hourly", "2026-03-29T04:15", "2026-03-29T02:15:00Z"},
				{"hourly", "2026-03-29T05:15", "2026-03-29T03:15:00Z"},
			},
		},
		{
			"autumn", "2026-10-24T22:05:00Z", // 00:05 in Paris, where 02:00 to 03:00 come twice
			[]occurrence{
				{"hourly", "2026-10-25T00:15", "2026-10-24T22:15:00Z"},
				{"hourly", "2026-10-25T01:15", "2026-10-24T23:15:00Z"},
				{"hourly", "2026-10-25T02:15", "2026-10-25T00:15:00Z"},
				{"nightly", "2026-10-25T02:30", "2026-10-25T00:30:00Z"},
				{"hourly", "2026-10-25T03:15", "2026-10-25T02:15:00Z"},
			},
		},
	} {
		t.Run(night.name, func(t *testing.T) {
			t.Parallel()
			c := newCron(t, storetest.Postgres(t), night.from)
			for range 3 {
				c.join()
			}
			c.settle(nil) // a newsletter's first schedule begins when it is first seen
			// Quarters of an hour, five minutes past each; between two of them not more
			// than one time of a newsletter's is due.
			for step := range 19 {
				switch {
				case step == 4: // nobody is there for two steps
					for len(c.nodes) > 0 {
						c.kill(0)
					}
				case step == 6:
					for range 3 {
						c.join()
					}
				case len(c.nodes) > 0 && step%3 == 1:
					c.kill(rand.IntN(len(c.nodes)))
					c.join()
				}
				c.advance(15 * time.Minute)
				if len(c.nodes) == 0 {
					continue
				}
				if step%5 == 2 { // in the middle of what it does
					c.kill(rand.IntN(len(c.nodes)))
					c.join()
				}
				c.settle(night.due)
			}
			if got := c.rows(); !slices.Equal(got, night.due) {
				t.Errorf("got\n%v\nwant\n%v", got, night.due)
			}
		})
	}
}

// cron is a site that several daemons serve.
type cron struct {
	t     *testing.T
	dir   string
	db    *sql.DB
	at    time.Time
	steps int
	nodes []*exec.Cmd
	ended sync.WaitGroup
}

func newCron(t *testing.T, dsn, from string) *cron {
	t.Helper()
	at, err := time.Parse(time.RFC3339, from)
	if err != nil {
		t.Fatal(err)
	}
	c := &cron{t: t, dir: t.TempDir(), at: at}
	if c.db, err = sql.Open("pgx", dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for len(c.nodes) > 0 {
			c.kill(0)
		}
		c.ended.Wait()
		c.db.Close()
	})
	c.write("config.yaml", fmt.Sprintf(`
site: {title: Letters, url: "https://letter.example.org", time_zone: Europe/Paris}
store: %q
newsletters:
  hourly: {title: Hourly, from: Hourly <hourly@example.org>, schedule: "15 * * * *"}
  nightly: {title: Nightly, from: Nightly <nightly@example.org>, schedule: "30 2 * * *"}
web: {listen: "127.0.0.1:0"}
`, dsn))
	for _, list := range []string{"hourly", "nightly"} {
		c.write("subscribers/"+list+".csv", "email\nada@example.org\n")
	}
	c.write("clock", at.Format(time.RFC3339))
	return c
}

func (c *cron) write(name, text string) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil { // at once, or not at all
		c.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		c.t.Fatal(err)
	}
}

// join starts a daemon.
func (c *cron) join() {
	c.t.Helper()
	p := exec.CommandContext(context.Background(), "syndicate", "-C", c.dir, "serve")
	p.Env = append(os.Environ(), "CLOCK=@"+filepath.Join(c.dir, "clock"))
	log, err := os.Create(filepath.Join(c.dir, fmt.Sprintf("node-%d.log", rand.Int())))
	if err != nil {
		c.t.Fatal(err)
	}
	p.Stdout, p.Stderr = log, log
	if err := p.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.nodes = append(c.nodes, p)
	c.ended.Go(func() {
		_ = p.Wait() // it is killed
		log.Close()
	})
}

// kill kills a daemon.
func (c *cron) kill(i int) {
	if err := c.nodes[i].Process.Kill(); err != nil {
		c.t.Errorf("node %d was gone already: %v", i, err)
	}
	c.nodes = slices.Delete(c.nodes, i, i+1)
}

// advance moves the clock and publishes an article, which makes daemons look.
func (c *cron) advance(d time.Duration) {
	c.steps++
	c.at = c.at.Add(d)
	c.write("clock", c.at.Format(time.RFC3339))
	c.write(fmt.Sprintf("articles/a%d.md", c.steps), fmt.Sprintf("---\ntitle: Number %d\nslug: a%d\ndate: 2026-01-01\n---\nOne more.\n", c.steps, c.steps))
}

// settle waits until there is a row for everything that is due by now, and the
// newsletters are known.
func (c *cron) settle(due []occurrence) {
	c.t.Helper()
	want := slices.DeleteFunc(slices.Clone(due), func(o occurrence) bool { return o.at > c.at.Format(time.RFC3339) })
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		var known int
		err := c.db.QueryRowContext(c.t.Context(), "SELECT count(*) FROM meta WHERE name LIKE '%schedule of%'").Scan(&known)
		if err == nil && known == 2 && len(c.rows()) >= len(want) {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s: %d newsletters are known (%v); got\n%v\nwant\n%v", c.at, known, err, c.rows(), want)
		}
	}
}

// occurrence is a due time: of which newsletter, its local time, and the instant.
type occurrence struct{ newsletter, local, at string }

// rows returns what the daemons recorded; each issue is one row's.
func (c *cron) rows() (out []occurrence) {
	c.t.Helper()
	rows, err := c.db.QueryContext(c.t.Context(), `SELECT o.newsletter, o.local, o.at, i.id IS NOT NULL AND i.due = o.local
		FROM occurrences o LEFT JOIN issues i ON i.id = o.issue ORDER BY o.at, o.newsletter`)
	if err != nil {
		return nil // the tables are not there yet
	}
	defer rows.Close()
	for rows.Next() {
		var o occurrence
		var at int64
		var made bool
		if err := rows.Scan(&o.newsletter, &o.local, &at, &made); err != nil {
			c.t.Fatal(err)
		}
		o.at = time.UnixMilli(at).UTC().Format(time.RFC3339)
		if !made {
			c.t.Errorf("%v led to no issue", o)
		}
		out = append(out, o)
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}
	return out
}
