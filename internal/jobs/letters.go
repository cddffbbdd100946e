package jobs

import (
	"container/list"
	"context"
	"errors"
	"sync"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
)

const (
	maxLetterBytes = 32 << 20 // of letters that are kept ready for splicing
	maxSenders     = 64       // issues of which it is kept how they go out
)

// letter is a digest or a letter on request, ready for recipients.
type letter struct {
	template   *mailer.Template
	from       string // envelope sender
	domain     string // of Message-IDs
	newsletter string
	issue      int64
	digest     int  // of the issue
	private    bool // where it can be read on the web is each recipient's own
}

// letters keeps the letters used last. Each is made once for all who want it, and
// nobody else waits for that.
type letters struct {
	make func(context.Context, letterKey) (l *letter, size int, err error)

	mu    sync.Mutex
	order *list.List // of *letterEntry that are made, the last used first
	have  map[letterKey]*letterEntry
	bytes int
}

type letterKey struct {
	issue   int64
	digest  int
	content string // hash of what a letter on request says; empty: it is a digest
}

// keyOf names the letter of a delivery.
func keyOf(it *item) letterKey {
	if l := it.lease.Letter; l != nil {
		return letterKey{content: l.Content}
	}
	return letterKey{issue: it.lease.Issue, digest: it.row.Digest}
}

type letterEntry struct {
	key  letterKey
	done chan struct{} // closed when it is made, or cannot be

	letter *letter
	size   int
	err    error
	at     *list.Element
}

func newLetters(maker func(context.Context, letterKey) (*letter, int, error)) *letters {
	return &letters{make: maker, order: list.New(), have: map[letterKey]*letterEntry{}}
}

// get returns a letter. A *contentError is about its content: no
// relay should see it.
func (x *letters) get(ctx context.Context, key letterKey) (*letter, error) {
	for {
		x.mu.Lock()
		e, ok := x.have[key]
		if !ok {
			e = &letterEntry{key: key, done: make(chan struct{})}
			x.have[key] = e
			x.mu.Unlock()
			x.fill(ctx, e)
			return e.letter, e.err
		}
		if e.at != nil {
			x.order.MoveToFront(e.at)
		}
		x.mu.Unlock()
		select {
		case <-e.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if !errors.Is(e.err, context.Canceled) { // its maker was stopped, we are not
			return e.letter, e.err
		}
	}
}

// fill makes a letter and keeps it, at the cost of those that were not used for
// longest.
func (x *letters) fill(ctx context.Context, e *letterEntry) {
	e.letter, e.size, e.err = x.make(ctx, e.key)
	x.mu.Lock()
	defer x.mu.Unlock()
	defer close(e.done)
	if e.err != nil {
		delete(x.have, e.key)
		return
	}
	e.at = x.order.PushFront(e)
	x.bytes += e.size
	for x.bytes > maxLetterBytes && x.order.Len() > 1 {
		last := x.order.Remove(x.order.Back()).(*letterEntry) //nolint:errcheck,forcetypeassert // nothing else is in the list
		delete(x.have, last.key)
		x.bytes -= last.size
	}
}

// letterMaker makes letters of what the store holds. How an issue goes out is the
// same for all its digests and is read once: it stands among all the articles.
type letterMaker struct {
	s *Service

	mu      sync.Mutex
	senders map[int64]sender
}

// sender is how an issue goes out.
type sender struct {
	newsletter newsletter.FrozenNewsletter
	number     int
}

func (m *letterMaker) make(ctx context.Context, key letterKey) (*letter, int, error) {
	if key.content != "" {
		return m.request(ctx, key.content)
	}
	d, err := m.s.store.Digest(ctx, key.issue, key.digest)
	if err != nil {
		return nil, 0, err
	}
	from, err := m.sender(ctx, key.issue)
	if err != nil {
		return nil, 0, err
	}
	l, err := m.s.letter(from.newsletter, d, key.issue, from.number)
	if err != nil {
		return nil, 0, &contentError{err}
	}
	return l, l.template.Size(), nil
}

// request makes a letter on request.
func (m *letterMaker) request(ctx context.Context, hash string) (*letter, int, error) {
	c, err := m.s.store.LetterContent(ctx, hash)
	if err != nil {
		return nil, 0, err
	}
	l, err := m.s.request(c)
	if err != nil {
		return nil, 0, &contentError{err}
	}
	return l, l.template.Size(), nil
}

func (m *letterMaker) sender(ctx context.Context, issue int64) (sender, error) {
	m.mu.Lock() // also while it is read: the others want the same
	defer m.mu.Unlock()
	if known, ok := m.senders[issue]; ok {
		return known, nil
	}
	i, err := m.s.store.Issue(ctx, issue)
	if err != nil {
		return sender{}, err
	}
	frozen, _, err := m.s.store.FrozenIssue(ctx, issue)
	if err != nil {
		return sender{}, err
	}
	if len(m.senders) >= maxSenders {
		clear(m.senders)
	}
	m.senders[issue] = sender{frozen.Newsletter, i.Number}
	return m.senders[issue], nil
}
