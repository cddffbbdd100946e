// Package source says where articles come from and turns them into
// newsletter.Articles.
//
// A source is listed against what an earlier listing knew (its state, opaque
// bytes that the caller keeps). A listing first tells the sums: how many articles
// there are, which are gone, how many files are to be read; that much is cheap.
// Read then emits what is new or changed, in batches and in a stable order, with
// bounded memory. A file that cannot be understood is a Problem and breaks
// nothing else: its article stays as it was. A source that cannot be listed is an
// error, and then nothing may be concluded from it.
//
// Dir, the source of articles in a folder, works in these steps:
//
//   - walk.go finds the files, without following links out of the folder;
//   - compare.go tells by size and times which may have changed (state.go keeps
//     them), reads those, and by content hash which really did; files so fresh
//     that a later change might not show in their times are always read;
//   - read.go parses them on all cores and emits them in order;
//   - parse.go makes an article of a file: decode.go its characters, matter.go its
//     front matter, names.go its path, htmlfile.go HTML.
package source

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// Source is a place that articles come from.
type Source interface {
	// Name is the source's name in the store; it must not change.
	Name() string
	// List compares the source with what its state knew. An error that is a *Failure
	// has a state too.
	List(ctx context.Context, ask Ask) (*Listing, error)
}

// Ask is what a listing is to know.
type Ask struct {
	State    []byte // as an earlier State returned it; nil: nothing
	Accepted bool   // an operator let through what was held
	Mode     Mode
}

// Mode says how eagerly a source elsewhere is asked. A folder is always looked at.
type Mode int

// The modes.
const (
	WhenDue Mode = iota // as often as the source's schedule says
	Now                 // somebody waits for it: whatever the schedule says, but not at once again
	Told                // the source itself said that there is news
	Trial               // to see whether it answers; nothing that it tells is kept
	Nobody              // not at all: what is known already is all there is
)

// Failure is an error of a source that keeps its own schedule.
type Failure struct {
	Err   error
	State []byte    // what the next listing is to know; nil: it was not asked, and failed earlier
	Next  time.Time // when it is to be listed again
	// Passing: it worked before and has not failed for long, so nobody has to do
	// anything yet.
	Passing bool
}

func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Listing is what a source holds, compared with what its state knew.
type Listing struct {
	Total    int      // articles the source holds
	Known    int      // articles that the state knew
	Vanished []string // keys that the state knew and the source has no more; none if the listing is incomplete
	Changed  int      // articles to be read

	// Held says why articles that the source has are not read until an operator
	// accepts it; empty: none are held. HeldCount is how many.
	Held      string
	HeldCount int
	// Next is when the source is to be listed again; zero: it has no schedule.
	Next time.Time

	// Read reads what changed, in a stable order, and emits it in batches of at
	// most 512.
	Read func(ctx context.Context, emit func([]newsletter.Article) error) error
	// State returns, after Read, what the next listing is to know, and whether it
	// differs from what this one knew. Vanished keys in keep stay known, to be
	// reported again.
	State func(keep []string) (state []byte, changed bool)
	// Assets are the files beside articles that may be published with them.
	Assets []Asset
	// Open opens an asset by its path.
	Open func(path string) (io.ReadCloser, error)
	// Problems returns what is wrong, sorted by file; complete after Read.
	Problems func() []Problem
}

// Problem is something wrong with one file of a source.
type Problem struct {
	File    string `json:"file"`             // as people know it: articles/x.md
	Line    int    `json:"line,omitempty"`   // from 1, 0: the whole file
	Column  int    `json:"column,omitempty"` // from 1, 0: unknown
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Warning bool   `json:"warning,omitempty"` // the article was taken all the same
}

// Error returns "file:line:column: message".
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(p.Line))
		if p.Column > 0 {
			b.WriteByte(':')
			b.WriteString(strconv.Itoa(p.Column))
		}
	}
	b.WriteString(": ")
	b.WriteString(p.Message)
	return b.String()
}

// Asset is a file beside articles that they may refer to.
type Asset struct {
	Path    string    // slash-separated, relative to the source's root
	Size    int64     // bytes
	ModTime time.Time //
}
