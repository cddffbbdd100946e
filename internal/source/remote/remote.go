// Package remote is what every source of articles elsewhere has in common: it asks
// now and then, through a Reader that knows the kind of place, and makes of the
// answers what source.Source promises.
//
// The procedure of a listing:
//
//   - Nothing is asked before it is due (schedule.go). A place that fails is asked
//     ever more rarely, and never before the time that it names.
//   - Of each item of the answer it is found out which article it is (match.go): by
//     its id, by what its id meant when http, slashes and tracking are taken off, or
//     by link, text, or title and date, if those are nobody else's. So an id that
//     changes makes no new article.
//   - If most ids changed at once, or more is new than ever was there, nobody can
//     tell what would be sent to whom again: that is held for the operator (hold.go),
//     and only what is surely known goes on.
//   - What is new or changed becomes an article (article.go) and is emitted.
//
// A feed shows a window of what it has. What leaves it is not gone; only what the
// place itself says it deleted is. A place that can be listed (a database, a site
// with an API) tells at times of everything that it has: what is not among that is
// gone. What fails deletes nothing.
package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
)

// Reader asks a place of one kind.
type Reader interface {
	// Read asks for the items. memory is that of an earlier answer, nil at first. If
	// whole, the items are wanted whether they changed or not. With an error there
	// may be an answer that has a memory and nothing else.
	Read(ctx context.Context, memory json.RawMessage, whole bool) (*Answer, error)
}

// Answer is what a place holds at the moment.
type Answer struct {
	Unchanged bool            // all is as it was when memory was made; Items is empty then
	Items     []Item          // newest first, as far as the place knows
	Partial   bool            // Items are those that changed since memory was made, the others are as they were
	All       []string        // ids of all items that the place has; nil: it did not tell
	Deleted   []string        // ids of items that the place says it deleted
	Memory    json.RawMessage // for the next Read
	Fresh     time.Duration   // how long the place says that nothing changes; 0: it does not say
	Problems  []source.Problem
}

// Item is a piece that the place holds.
type Item struct {
	ID string // as the place knows it; empty: it does not
	// Article has what the place says, cleaned: its Permalink, if it has one, is an
	// absolute address. Key, and what is empty, is seen to here.
	Article newsletter.Article
}

// Options configures a Source.
type Options struct {
	Name     string
	Every    time.Duration            // between two visits; 0: as the place says, or half an hour
	Backlog  int                      // how many articles of the first answer are news to newsletters
	Limit    int                      // items taken of an answer, the newest; 0: 1000
	Planned  bool                     // dates in the future are meant: those articles wait for them
	Tags     []string                 // added to each article's
	Author   string                   // of articles without one
	Language string                   // of all articles; empty: what they say, else Detect
	Detect   func(text string) string // tells the language of a text
	// Fill completes an article, before it is emitted, by more requests; nil: there is
	// nothing to complete. ErrLater: it is to be tried again at the next visit.
	Fill func(ctx context.Context, a *newsletter.Article) error
	// Config is what the operator says of the place: when it changes, everything is
	// looked at again, and at once.
	Config string
	Now    func() time.Time // nil: time.Now
}

// ErrLater means that an article could not be completed just now.
var ErrLater = errors.New("to be tried again later")

// Source is a source elsewhere. It is safe for concurrent use.
type Source struct {
	o      Options
	reader Reader
}

// New returns a source; nothing is asked yet.
func New(o Options, r Reader) *Source {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Limit == 0 {
		o.Limit = usualLimit
	}
	return &Source{o, r}
}

// Name implements source.Source.
func (s *Source) Name() string { return s.o.Name }

// List implements source.Source.
func (s *Source) List(ctx context.Context, ask source.Ask) (*source.Listing, error) {
	now := s.o.Now().Truncate(time.Millisecond) // as the store keeps the times that are made of it
	old, problem := decodeState(ask.State)
	if ask.Mode == source.Nobody || !s.due(old, ask, now) {
		return s.asBefore(old)
	}
	whole := old.Held != "" || ask.Accepted || old.pending() || old.Config != s.fingerprint()
	answer, err := s.reader.Read(ctx, old.Memory, whole)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, s.failed(old, answer, err, now)
	}
	next := old.clone()
	next.Asked, next.Answered, next.NotBefore = now, now, time.Time{}
	next.Failures, next.Failing, next.Error, next.Final = 0, time.Time{}, "", false
	next.Memory, next.Due = answer.Memory, s.nextVisit(now, answer.Fresh)
	if answer.Unchanged {
		return s.listing(next, nil, nil, true), nil
	}
	next.Config = s.fingerprint()
	v := &visit{source: s, old: old, next: next, now: now, accepted: ask.Accepted}
	v.take(answer)
	if problem != "" {
		v.warn(problem, "")
	}
	if ask.Mode != source.Trial {
		if err := v.fill(ctx); err != nil {
			return nil, err
		}
	}
	next.Problems = slices.Concat(answer.Problems, v.problems)
	return s.listing(next, v.emit, v.vanished, true), nil
}

// asBefore tells what an earlier visit told.
func (s *Source) asBefore(old *state) (*source.Listing, error) {
	if old.Error != "" {
		return nil, &source.Failure{Err: errors.New(old.Error), Next: old.Due, Passing: old.passing(s.o.Now())}
	}
	return s.listing(old, nil, nil, false), nil
}

// failed notes that the place could not be asked.
func (s *Source) failed(old *state, answer *Answer, err error, now time.Time) error {
	next := old.clone()
	if answer != nil {
		next.Memory = answer.Memory
	}
	next.Asked, next.Error, next.Final = now, err.Error(), isFinal(err)
	if next.Failures++; next.Failing.IsZero() {
		next.Failing = now
	}
	s.backOff(next, err, now)
	data, encodeErr := next.encode()
	if encodeErr != nil {
		return encodeErr
	}
	return &source.Failure{Err: err, State: data, Next: next.Due, Passing: next.passing(now)}
}

// listing makes the Listing of a state, of articles to be emitted, and of keys that
// are gone. Without a visit the state is the old one.
func (s *Source) listing(st *state, emit []newsletter.Article, vanished []string, visited bool) *source.Listing {
	was := *st
	gone := append(slices.Clone(st.Deleted), vanished...)
	slices.Sort(gone)
	gone = slices.Compact(gone)
	return &source.Listing{
		Total: st.Window, Known: len(st.Known), Vanished: gone, Changed: len(emit),
		Held: st.Held, HeldCount: st.HeldCount, Next: st.Due,
		Read: func(ctx context.Context, out func([]newsletter.Article) error) error {
			for batch := range slices.Chunk(emit, maxBatch) {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := out(batch); err != nil {
					return err
				}
			}
			return nil
		},
		State: func(keep []string) ([]byte, bool) {
			if !visited && slices.Equal(keep, gone) {
				return nil, false
			}
			next := was.clone()
			next.forget(gone, keep)
			data, err := next.encode()
			if err != nil { // what was decoded or made here can be encoded
				return nil, false
			}
			return data, true
		},
		Problems: func() []source.Problem {
			out := slices.Clone(st.Problems)
			for i := range out {
				out[i].File = s.o.Name
			}
			return out
		},
	}
}

// maxBatch is how many articles are emitted at once.
const maxBatch = 100

// fingerprint changes with what the operator says of the articles, so that all
// are looked at again.
func (s *Source) fingerprint() string {
	return fmt.Sprintf("%d %q %q %q %t %x", articleVersion, s.o.Tags, s.o.Author, s.o.Language, s.o.Fill != nil, hashOf(s.o.Config))
}

// articleVersion is raised when the same items would give other articles than before.
const articleVersion = 1
