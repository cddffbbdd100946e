package source

import (
	"context"
	"hash/fnv"
	"io"
	"strings"
	"time"
)

// DirOptions configures a Dir.
type DirOptions struct {
	Name      string           // of the source in the store
	Root      string           // absolute path of the folder
	SiteURL   string           // of the site, without a slash at the end; what was published there first was so here
	Label     string           // what problems call the folder, "articles"
	Language  string           // default, BCP 47
	Languages []string         // candidates for detection; with fewer than two there is none
	Location  *time.Location   // of dates without a zone; nil: UTC
	Ignore    []string         // files and folders to leave out: path.Match patterns, against the slash path and the base name
	Now       func() time.Time // nil: time.Now
}

// Dir is a folder of Markdown, HTML and plain-text files. It is safe for
// concurrent use; the Listings it returns are not.
type Dir struct {
	o         DirOptions
	languages *languages
}

// NewDir returns the source of a folder; nothing is read yet.
func NewDir(o DirOptions) *Dir {
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Dir{o: o, languages: newLanguages(o.Language, o.Languages)}
}

// Name returns the source's name.
func (d *Dir) Name() string { return d.o.Name }

// Assets lists the files beside articles, as a Listing does, without looking at
// the articles: so it is cheap. open opens one by its path.
func (d *Dir) Assets(ctx context.Context) (assets []Asset, open func(path string) (io.ReadCloser, error), err error) {
	t, root, err := d.walk(ctx)
	if err != nil {
		return nil, nil, err
	}
	return t.list(), (&listing{dir: d, root: root, tree: t}).open, nil
}

// parserVersion is raised when the same files would give other articles than
// before, so that they are all read again.
const parserVersion = 4

// fingerprint changes with whatever changes how files are understood.
func (d *Dir) fingerprint() uint64 {
	h := fnv.New64a()
	h.Write([]byte{parserVersion}) // never fails
	h.Write([]byte(strings.Join(append([]string{d.o.Language, d.o.Location.String(), d.o.SiteURL}, d.o.Languages...), "\x00")))
	return h.Sum64()
}

// display returns the name under which people know a file of the folder.
func (d *Dir) display(rel string) string {
	switch {
	case d.o.Label == "":
		return rel
	case rel == "":
		return d.o.Label
	}
	return strings.TrimSuffix(d.o.Label, "/") + "/" + rel
}
