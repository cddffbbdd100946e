package jobs

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// counter is a service that takes sign-ups in, with a clock and a log of its own.
type counter struct {
	*Service
	t   *testing.T
	at  time.Time
	log bytes.Buffer
	dir string
}

// newCounter has the newsletters weekly, with templates of its own, and daily.
func newCounter(t *testing.T, limits SignUpOptions) *counter {
	t.Helper()
	c := &counter{t: t, at: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), dir: t.TempDir()}
	now := func() time.Time { return c.at }
	var list []newsletter.Newsletter
	for _, name := range []string{"weekly", "daily"} {
		list = append(list, newsletter.Newsletter{Name: name, Title: "The " + name, From: mail.Address{Address: "news@example.org"}, Language: "en", Location: time.UTC})
	}
	list[0].Templates = "own"
	st := storetest.Open(t, storetest.SQLite(t), storetest.Now(now))
	var err error
	c.Service, err = New(Options{
		Store: st, Site: newsletter.Site{Title: "Harbour", URL: "https://news.example.org", Language: "en"}, Newsletters: list,
		SiteFS: os.DirFS(c.dir), Builtin: os.DirFS("../../templates"), SignUps: limits, Now: now, Log: slog.New(slog.NewTextHandler(&c.log, nil)),
	})
	c.ok(err)
	c.ok(c.known(t.Context()))
	return c
}

func (c *counter) ok(err error) {
	if err != nil {
		c.t.Helper()
		c.t.Fatal(err)
	}
}

func (c *counter) ask(name, email string) {
	c.t.Helper()
	c.ok(c.SignUp(c.t.Context(), name, email, newsletter.SignUp{At: c.at, Source: "form"}))
}

func (c *counter) waits(want int) {
	c.t.Helper()
	st, err := c.SignUpState(c.t.Context())
	c.ok(err)
	if st.Waiting != want {
		c.t.Errorf("%d wait, want %d", st.Waiting, want)
	}
}

// said returns how often the log says something.
func (c *counter) said(what string) int { return strings.Count(c.log.String(), what) }

// sent returns the newsletters of the letters that were written, in their order.
func (c *counter) sent() (names []string) {
	c.t.Helper()
	for {
		l, err := c.store.LeaseChunk(c.t.Context(), "w", true, time.Hour, false)
		if errors.Is(err, store.ErrNotFound) {
			return names
		}
		c.ok(err)
		names = append(names, l.Newsletter)
	}
}

// TestSignUpsSetAside: a letter that cannot be written keeps those waiting who want it,
// and nobody else; they get it when its templates are mended.
func TestSignUpsSetAside(t *testing.T) {
	t.Parallel()
	c := newCounter(t, SignUpOptions{})
	broken := filepath.Join(c.dir, "templates", "own", "letters", "confirm.html")
	c.ok(os.MkdirAll(filepath.Dir(broken), 0o755))
	c.ok(os.WriteFile(broken, []byte("<p>\n{{.Nonsense}}</p>"), 0o600))
	_, wrong := c.TryLetters(t.Context(), c.o.Newsletters[0])
	if len(wrong) != 1 || !strings.Contains(wrong[0].Error(), "templates/own/letters/confirm.html:2:") {
		t.Errorf("%v", wrong)
	}
	if n, wrong := c.TryLetters(t.Context(), c.o.Newsletters[1]); n < 10 || len(wrong) > 0 {
		t.Errorf("%d letters, %v", n, wrong)
	}

	d := &desk{s: c.Service, aside: map[look]string{}}
	for n := range signUpBatch + 1 {
		c.ask("weekly", fmt.Sprintf("w%d@example.org", n))
	}
	c.ask("daily", "d@example.org")
	for range 2 { // it is not said again
		c.ok(d.take(t.Context(), 0))
		c.waits(signUpBatch + 1)
	}
	if got := c.sent(); len(got) != 1 || got[0] != "daily" {
		t.Errorf("letters of %v", got)
	}
	if n := c.said("sign-ups wait"); n != 1 || c.said("confirm.html:2:") != 1 || c.said("example.org") > 0 {
		t.Errorf("said %d times:\n%s", n, c.log.String())
	}

	c.ok(os.WriteFile(broken, []byte("<p>{{.LinkURL}}</p>"), 0o600))
	c.ok(d.take(t.Context(), 0))
	c.waits(0)
	if got := c.sent(); len(got) != signUpBatch+1 {
		t.Errorf("%d letters", len(got))
	}
}

// TestSignUpsWaitNoLonger: one that nobody could answer is forgotten like one that
// nobody confirmed.
func TestSignUpsWaitNoLonger(t *testing.T) {
	t.Parallel()
	c := newCounter(t, SignUpOptions{Forget: time.Hour})
	c.ask("daily", "d@example.org")
	c.at = c.at.Add(time.Hour + time.Second)
	c.ok((&desk{s: c.Service, aside: map[look]string{}}).take(t.Context(), 0))
	c.waits(0)
	if got := c.sent(); len(got) > 0 {
		t.Errorf("letters of %v", got)
	}
}

// TestSignUpsCrowded: whoever asks while too many wait, or when there were too many
// within a day, hears nothing of it; the operator does, once an hour.
func TestSignUpsCrowded(t *testing.T) {
	t.Parallel()
	c := newCounter(t, SignUpOptions{Waiting: 2, PerDay: 2})
	d := &desk{s: c.Service, aside: map[look]string{}}
	for hour := range 2 {
		for n := range 5 {
			c.ask("daily", fmt.Sprintf("p%d-%d@example.org", hour, n))
		}
		c.waits(2)
		for range 2 {
			c.ok(d.take(t.Context(), 0))
			c.ask("daily", "late@example.org")
		}
		c.ok(d.take(t.Context(), 0))
		c.at = c.at.Add(time.Hour)
	}
	if full, capped := c.said("as many wait as may"), c.said("as many within a day"); full != 2 || capped != 2 {
		t.Errorf("said %d and %d times:\n%s", full, capped, c.log.String())
	}
	if got := c.sent(); len(got) != 2 {
		t.Errorf("%d letters", len(got))
	}
	st, err := c.SignUpState(t.Context())
	c.ok(err)
	if !st.Full() || st.Today != 2 || st.Waiting != 0 {
		t.Errorf("%+v", st)
	}
}
