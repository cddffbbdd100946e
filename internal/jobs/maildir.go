package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/riverqueue/river"
)

// A Maildir holds a message a file: a mail server puts it into new/ in one step, and
// who has read it moves it to cur/ with the flags behind the colon. So a message that
// was taken in and not moved before a crash comes once more, which the store knows
// (store.BounceTwice), and none is lost.

const (
	mailEvery = time.Minute // a Maildir is looked at, should the watcher miss a message or the system have none
	mailBatch = 1000        // names that are read at a time
	mailSeen  = ":2,S"      // read, as mail programs have it
)

// maildirJob takes in what the Maildir of bounces has.
type maildirJob struct {
	Fence int64 `json:"fence"`
}

func (maildirJob) name() string { return "maildir" }

func (maildirJob) at(fence int64) job { return maildirJob{fence} }

// Kind implements river.JobArgs.
func (maildirJob) Kind() string { return "maildir" }

// InsertOpts sends it to the nodes that have the site's folder.
func (maildirJob) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: siteQueue} }

// doMaildir does the job.
func (t *tasks) doMaildir(ctx context.Context) error {
	_, err := t.takeMaildir(ctx, t.tellUnread)
	return t.noteMail(ctx, maildirBox, err)
}

// takeMaildir takes in every message in new/, moves it to cur/, and returns how many
// that were. One that cannot be read is told of, and does not keep the others.
func (s *Service) takeMaildir(ctx context.Context, unread func(error)) (n int, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("taking in the mail of %s: %w", s.o.Bounces.Maildir, err)
		}
	}()
	root, err := os.OpenRoot(s.o.Bounces.Maildir)
	if err != nil {
		return 0, err
	}
	defer func() { _ = root.Close() }()
	box, err := root.Open("new")
	if err != nil {
		return 0, err
	}
	defer func() { _ = box.Close() }()
	if err := root.Mkdir("cur", 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return 0, err
	}
	for done := false; !done; {
		names, err := box.Readdirnames(mailBatch)
		if done = errors.Is(err, io.EOF); err != nil && !done {
			return n, err
		}
		for _, name := range names {
			if strings.HasPrefix(name, ".") {
				continue
			}
			taken, why, err := s.takeFile(ctx, root, name)
			switch {
			case err != nil:
				return n, err
			case why != nil:
				unread(why)
			case taken:
				n++
			}
		}
	}
	return n, nil
}

// tellUnread logs why a message could not be read, once for each reason in turn.
func (t *tasks) tellUnread(why error) {
	if _, news := t.differs("maildir", why.Error()); news {
		t.log.Warn("message not read", "maildir", t.o.Bounces.Maildir, "error", why)
	}
}

// takeFile takes in one message of new/; false: it is none, or somebody else took it.
// unread is why it could not be read; err is what stops the others as well.
func (s *Service) takeFile(ctx context.Context, root *os.Root, name string) (taken bool, unread, err error) {
	from := filepath.Join("new", name)
	info, err := root.Lstat(from)
	if errors.Is(err, fs.ErrNotExist) { // somebody else took it, or looked at it
		return false, nil, nil
	}
	if err != nil {
		return false, err, nil
	}
	if !info.Mode().IsRegular() { // a pipe would be waited for
		return false, errors.New("there is something in new/ that is no file"), nil
	}
	f, err := root.Open(from)
	if err != nil {
		return false, err, nil
	}
	defer func() { _ = f.Close() }()
	r := &careful{r: f}
	if _, err := s.TakeMessage(ctx, r); err != nil {
		if r.err != nil {
			return false, r.err, nil
		}
		return false, nil, err
	}
	bare, _, _ := strings.Cut(name, ":")
	if err := root.Rename(from, filepath.Join("cur", bare+mailSeen)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, nil, err // else it would come again for ever
	}
	return true, nil, nil
}

// careful remembers why a file could not be read.
type careful struct {
	r   io.Reader
	err error
}

func (c *careful) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// watchMail tells the conductor that there may be mail: when some comes, and each
// minute.
func (s *Service) watchMail(ctx context.Context) {
	if s.o.Bounces.Maildir == "" || !s.hasSite() {
		return
	}
	poke(s.mail)
	every := time.NewTicker(mailEvery)
	defer every.Stop()
	var events <-chan fsnotify.Event
	var failures <-chan error
	box := filepath.Join(s.o.Bounces.Maildir, "new")
	files, err := fsnotify.NewWatcher()
	if err != nil {
		s.log.Warn("bounces are not watched", "error", err, "looked_at_every", mailEvery)
	} else {
		defer func() { _ = files.Close() }()
		events, failures = files.Events, files.Errors
		if files.Add(box) == nil {
			poke(s.mail) // what came since
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-events:
			if e.Has(fsnotify.Create) {
				poke(s.mail)
			}
		case err := <-failures:
			s.log.Warn("mail may have been missed", "error", err, "looked_at_every", mailEvery)
			poke(s.mail)
		case <-every.C:
			if files != nil {
				_ = files.Add(box) // it may be new, or another folder by that name
			}
			poke(s.mail)
		}
	}
}
