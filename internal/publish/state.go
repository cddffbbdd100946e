package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"syndicate/internal/newsletter"
)

// stateFile is what a build leaves in public/ for the next. It tells what is
// ours there; each node has its own.
const stateFile = ".syndicate.json"

// revision is raised when the state says something else than before, or the same
// feeds would hold other articles, so that an upgrade builds anew. Where the same
// articles would give other bytes, the samples tell.
const revision = 11

// state is what is known of public/.
type state struct {
	Revision int                `json:"revision"`
	Site     string             `json:"site"`     // id of the store's site
	Settings string             `json:"settings"` // hash of everything that shows in all entries
	Samples  string             `json:"samples"`  // hash of what samples become, see samples.go
	Version  int64              `json:"version"`  // of the articles
	Issues   string             `json:"issues"`   // hash of the issues that are out
	Listed   listing            `json:"listed"`   // the sitemap
	Moved    map[string]string  `json:"moved,omitempty"`
	Gone     []string           `json:"gone,omitempty"`
	Feeds    []feedState        `json:"feeds"`
	Files    map[string]file    `json:"files"`            // by slash-separated name
	Links    map[string][]int64 `json:"links,omitempty"`  // file of a source → articles in feeds that link to it
	Flawed   []int64            `json:"flawed,omitempty"` // articles that could not be put into feeds as they are
}

// feedState is what is known of a feed.
type feedState struct {
	Feed
	Head     string   `json:"head"`               // fingerprint of what it says of itself
	Print    string   `json:"print"`              // of its subscription documents
	Seqs     []int64  `json:"seqs"`               // the articles in them
	Archived []string `json:"archived,omitempty"` // fingerprints of its archive's pages
	Held     string   `json:"held,omitempty"`     // why it stays as it is, empty: it does not
}

// file is what is known of a file that was written.
type file struct {
	Size    int64  `json:"s"`
	ModTime int64  `json:"t"` // nanoseconds
	Hash    string `json:"h"`
}

func (s *state) catalogue() *Catalogue {
	list := make([]Feed, len(s.Feeds))
	for i := range s.Feeds {
		list[i] = s.Feeds[i].Feed
	}
	return NewCatalogue(list, s.Moved, s.Gone)
}

// holds reports whether a feed is held.
func (s *state) holds() bool {
	return slices.ContainsFunc(s.Feeds, func(f feedState) bool { return f.Held != "" })
}

// memory keeps the state that was read or written last.
type memory struct {
	mu      sync.Mutex
	state   *state
	size    int64
	modTime int64
}

// readState reads what a build left; fs.ErrNotExist: there was none.
func readState(dir string) (*state, error) {
	data, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return nil, err
	}
	s := &state{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("%s: %w", stateFile, err)
	}
	return s, nil
}

// load returns the state that stands in dir, from memory where that is as new. A
// state that cannot be read is none.
func (m *memory) load(dir string) *state {
	m.mu.Lock()
	defer m.mu.Unlock()
	st, err := os.Stat(filepath.Join(dir, stateFile))
	if err != nil {
		return &state{}
	}
	if m.state != nil && st.Size() == m.size && st.ModTime().UnixNano() == m.modTime {
		return m.state
	}
	s, err := readState(dir)
	if err != nil {
		return &state{}
	}
	m.state, m.size, m.modTime = s, st.Size(), st.ModTime().UnixNano()
	return s
}

// save writes the state.
func (m *memory) save(dir string, s *state) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	f, err := replace(dir, stateFile, data, false)
	if err != nil {
		return fmt.Errorf("writing %s: %w", stateFile, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state, m.size, m.modTime = s, f.Size, f.ModTime
	return nil
}

// settingsPrint hashes what shows in every entry and document.
func (b *Builder) settingsPrint() (string, error) {
	site := b.o.Site
	site.Location = nil
	type shown struct{ Name, Title, Description, Language string }
	var letters []shown
	for _, n := range b.o.Newsletters {
		letters = append(letters, shown{n.Name, n.Title, n.Description, n.Language})
	}
	return printOf(site, letters, b.o.Items, b.o.Full, b.o.Hubs, b.o.Archives, b.o.Compressed, b.o.Named, b.o.Moved, b.o.Rhythm, slices.Sorted(maps.Keys(b.private)))
}

// mergeLinks brings the memory of who links to whom up to date: rendered are the
// articles whose bodies were looked at, found what they link to.
func mergeLinks(old map[string][]int64, rendered map[int64]bool, found map[string][]int64) map[string][]int64 {
	out := map[string][]int64{}
	for file, seqs := range old {
		if rest := slices.DeleteFunc(slices.Clone(seqs), func(seq int64) bool { return rendered[seq] }); len(rest) > 0 {
			out[file] = rest
		}
	}
	for file, seqs := range found {
		out[file] = append(out[file], seqs...)
		slices.Sort(out[file])
		out[file] = slices.Compact(out[file])
	}
	return out
}

// mergeFlawed is mergeLinks for articles that could not be put into feeds as they
// are.
func mergeFlawed(old []int64, rendered, found map[int64]bool) []int64 {
	out := slices.DeleteFunc(slices.Clone(old), func(seq int64) bool { return rendered[seq] || found[seq] })
	out = slices.AppendSeq(out, maps.Keys(found))
	slices.Sort(out)
	return out
}

// printOf hashes values.
func printOf(values ...any) (string, error) {
	data, err := json.Marshal(values)
	if err != nil {
		return "", err
	}
	return Hash(data), nil
}

// Hash is what documents are compared by.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// linkKey names a file of a source in state.Links.
func linkKey(r Ref) string { return r.Source + "\x00" + r.File }

// fileKey is linkKey of an article's own file.
func fileKey(a *newsletter.Article) string { return linkKey(Ref{a.Source, a.File}) }
