// Package source says where articles come from.
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
	// List compares the source with what state knew, the bytes that an earlier
	// State returned (nil: nothing).
	List(ctx context.Context, state []byte) (*Listing, error)
}

// Listing is what a source holds, compared with what its state knew.
type Listing struct {
	Total    int      // articles the source holds
	Known    int      // articles that the state knew
	Vanished []string // keys that the state knew and the source has no more; none if the listing is incomplete
	Changed  int      // files to be read

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

// DirOptions configures a Dir.
type DirOptions struct {
	Name      string         // of the source in the store
	Root      string         // absolute path of the folder
	Label     string         // what problems call the folder, "articles"
	Language  string         // default, BCP 47
	Languages []string       // candidates for detection; one or none: no detection
	Location  *time.Location // of dates without a zone; nil: UTC
	Ignore    []string       // patterns of paths to leave out (path.Match), against the slash path and the base name
}

// Dir is a folder of articles.
type Dir struct{ o DirOptions }

// NewDir returns the source of a folder; nothing is read yet.
func NewDir(o DirOptions) *Dir { return &Dir{o: o} }

// Name returns the source's name.
func (d *Dir) Name() string { return d.o.Name }

// List implements Source.
func (d *Dir) List(ctx context.Context, state []byte) (*Listing, error) {
	return &Listing{
		Read:     func(context.Context, func([]newsletter.Article) error) error { return nil },
		State:    func([]string) ([]byte, bool) { return nil, false },
		Problems: func() []Problem { return nil },
	}, nil
}

// Asset is a file that articles may refer to.
type Asset struct {
	Path    string    // slash-separated, relative to the root
	Size    int64     // bytes
	ModTime time.Time //
}
