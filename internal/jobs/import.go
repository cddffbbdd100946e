package jobs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"syndicate/internal/newsletter"
	"syndicate/internal/roster"
	"syndicate/internal/store"
)

const (
	importBatch   = 1000 // lines in one transaction
	importSamples = 5    // addresses of each result that a report names
)

// ImportOptions say which list is imported, and how.
type ImportOptions struct {
	Newsletter string
	File       string        // the list's name, for people and for the books
	List       io.ReadSeeker // it is read twice: to look, then to do it
	Size       int64         // in bytes, 0: unknown
	Format     string        // see roster.Formats; empty: told by the columns
	From       string        // the newsletter whose lines are taken of an export of Syndicate; empty: Newsletter
	Tags       bool          // labels that the operator gave elsewhere become topics
	Leave      bool          // who left by the list, leaves here

	// OptedOut is called for each who is here and left by the list, with Leave or without;
	// nil: nobody wants to know.
	OptedOut func(Who)

	DryRun bool
	// Confirm is asked when it is known what the import would do, and something would
	// be done; nil: nobody is asked.
	Confirm func(context.Context, ImportReport) (bool, error)
}

// ImportReport says what importing a list would do, and then what it did.
type ImportReport struct {
	Newsletter string                    `json:"newsletter"`
	File       string                    `json:"file"`
	Format     string                    `json:"format"`
	Program    string                    `json:"program"`           // whose format it is
	Ignored    []string                  `json:"ignored,omitempty"` // columns that are not read
	Lines      int                       `json:"lines"`             // with a good address
	Results    map[store.AddResult]int   `json:"results"`
	Samples    map[store.AddResult][]Who `json:"samples"` // the first of each
	Refused    int                       `json:"refused"` // lines that cannot be used
	Reasons    map[string]int            `json:"reasons"` // of the refused
	Problems   []ListProblem             `json:"problems"`
	Import     int64                     `json:"import,omitempty"`    // its number; 0: nothing was begun
	Continued  int                       `json:"continued,omitempty"` // it went on after this line
	Through    int                       `json:"through,omitempty"`   // the last line that was taken
	Done       bool                      `json:"done"`
}

// Who is somebody on a list.
type Who struct {
	Line  int    `json:"line"`
	Email string `json:"email"`
}

// New returns how many lines make something.
func (r *ImportReport) New() int { return r.count(store.AddResult.New) }

// Changes returns how many lines change something.
func (r *ImportReport) Changes() int { return r.count(store.AddResult.Changes) }

func (r *ImportReport) count(of func(store.AddResult) bool) int {
	n := 0
	for result, k := range r.Results {
		if of(result) {
			n += k
		}
	}
	return n
}

// Import looks what a list would do, asks, and takes it in, some lines to a
// transaction. What was begun stays when it is interrupted: the same list goes on
// where it was left. A list that cannot be read to its end changes nothing.
func (s *Service) Import(ctx context.Context, o ImportOptions) (ImportReport, error) {
	r, sum, err := s.lookAtImport(ctx, o)
	if err != nil || o.DryRun {
		return r, err
	}
	if r.Changes() == 0 {
		return r, s.store.EndImports(ctx, o.Newsletter, sum, s.now())
	}
	if o.Confirm != nil {
		if yes, err := o.Confirm(ctx, r); err != nil || !yes {
			return r, err
		}
	}
	im, err := s.store.BeginImport(ctx, store.Import{Newsletter: o.Newsletter, File: o.File, Format: r.Format, Leave: o.Leave, Hash: sum}, s.now())
	if err != nil {
		return r, err
	}
	r.Import, r.Continued = im.ID, im.Through
	again, err := s.takeImport(ctx, o, &im, r.Lines+r.Refused)
	r.Through = im.Through
	if err != nil {
		return r, err
	}
	if again != sum {
		return r, fmt.Errorf("%s changed while it was read; import %d is what was read the second time", o.File, im.ID)
	}
	r.Results, r.Done = im.Results, true
	return r, s.store.EndImport(ctx, &im, s.now())
}

// lookAtImport reads a list to its end and says what it would do. It returns the
// hash of its bytes, too.
func (s *Service) lookAtImport(ctx context.Context, o ImportOptions) (r ImportReport, sum string, err error) {
	r = ImportReport{
		Newsletter: o.Newsletter, File: o.File, Problems: []ListProblem{}, Reasons: map[string]int{},
		Results: map[store.AddResult]int{}, Samples: map[store.AddResult][]Who{},
	}
	x, in, err := s.openImport(o, "reading", &r)
	if err != nil {
		return r, "", err
	}
	doubles := roster.NewDoubles()
	defer func() { err = errors.Join(err, doubles.Close()) }()
	var kinds []store.AddResult // a tag of a double is a place here
	tag := map[store.AddResult]int{}
	err = eachBatch(ctx, x, func(lines []newsletter.Line, _ int) error {
		results, err := s.store.JudgeLines(ctx, o.Newsletter, o.Leave, lines)
		if err != nil {
			return err
		}
		for i, l := range lines {
			result := results[i]
			if _, ok := tag[result]; !ok {
				tag[result] = len(kinds)
				kinds = append(kinds, result)
			}
			if err := doubles.Add(l.Email, l.N, tag[result]); err != nil {
				return err
			}
			r.Results[result]++
			if (result == store.OptedOut || result == store.Leaves) && o.OptedOut != nil {
				o.OptedOut(Who{l.N, l.Email})
			}
			if len(r.Samples[result]) < importSamples {
				r.Samples[result] = append(r.Samples[result], Who{l.N, l.Email})
			}
		}
		r.Lines += len(lines)
		return nil
	}, r.refuse)
	if err != nil {
		return r, "", err
	}
	err = doubles.Each(func(line, first, tag int) {
		r.Results[kinds[tag]]--
		r.Results[store.Double]++
		r.Samples[kinds[tag]] = slices.DeleteFunc(r.Samples[kinds[tag]], func(w Who) bool { return w.Line == line })
		if len(r.Problems) < maxListProblems {
			r.Problems = append(r.Problems, ListProblem{Line: line, Message: fmt.Sprintf("the address is on line %d already", first)})
		}
	})
	for result, n := range r.Results {
		if n == 0 {
			delete(r.Results, result)
			delete(r.Samples, result)
		}
	}
	return r, in.sum(), err
}

func (r *ImportReport) refuse(p *roster.Problem) {
	if !p.Columns {
		r.Refused++
		r.Reasons[p.Reason]++
	}
	if len(r.Problems) < maxListProblems {
		r.Problems = append(r.Problems, ListProblem{Line: p.Line, Column: p.Column, Message: p.Message, Columns: p.Columns})
	}
}

// takeImport takes the rest of a list in and returns the hash of its bytes.
func (s *Service) takeImport(ctx context.Context, o ImportOptions, im *store.Import, total int) (sum string, err error) {
	if _, err := o.List.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("reading the list again: %w", err)
	}
	done, begun := 0, im.Through
	x, in, err := s.openImport(o, "", nil)
	if err != nil {
		return "", err
	}
	err = eachBatch(ctx, x, func(lines []newsletter.Line, through int) error {
		done += len(lines)
		s.tell(Progress{Step: "import", Name: o.Newsletter, Done: min(done, total), Total: total})
		for len(lines) > 0 && lines[0].N <= begun {
			lines = lines[1:]
		}
		if through <= im.Through {
			return nil
		}
		_, err := s.store.ImportLines(ctx, im, lines, through, s.now())
		return err
	}, func(*roster.Problem) { done++ })
	return in.sum(), err
}

// openImport reads the list's header. With a step, progress is told by the bytes
// that were read; r is told what the header says.
func (s *Service) openImport(o ImportOptions, step string, r *ImportReport) (*roster.Reader, *counted, error) {
	in := &counted{r: o.List, hash: sha256.New()}
	in.hash.Write([]byte(o.From)) // other lines of a list are another list
	if step != "" {
		in.tell = func(n int64) {
			s.tell(Progress{Step: step, Name: o.File, Done: int(n >> 10), Total: int(o.Size >> 10)})
		}
	}
	x, err := roster.NewImport(in, roster.ImportOptions{Format: o.Format, Tags: o.Tags, Name: o.File, Newsletter: cmp.Or(o.From, o.Newsletter)})
	if err != nil {
		return nil, nil, err
	}
	if r != nil {
		r.Format, r.Program, r.Ignored = x.Format(), x.Title(), x.Ignored()
	}
	return x, in, nil
}

// eachBatch reads a list to its end, some lines at a time. through is the number of
// the last line that was read, be it refused.
func eachBatch(ctx context.Context, x *roster.Reader, take func(lines []newsletter.Line, through int) error, refuse func(*roster.Problem)) error {
	lines, through := make([]newsletter.Line, 0, importBatch), 0
	for {
		l, err := x.Next()
		var p *roster.Problem
		ended := errors.Is(err, io.EOF)
		switch {
		case err == nil:
			lines, through = append(lines, l), l.N
		case errors.As(err, &p):
			refuse(p)
			through = max(through, p.Line)
		case !ended:
			return err
		}
		if len(lines) == importBatch || ended && len(lines) > 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := take(lines, through); err != nil {
				return err
			}
			lines = lines[:0]
		}
		if ended {
			return ctx.Err()
		}
	}
}

// counted hashes and counts what is read through it.
type counted struct {
	r    io.Reader
	hash hash.Hash
	n    int64
	tell func(int64) // nil: nobody
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.hash.Write(p[:n]) // never fails
	c.n += int64(n)
	if c.tell != nil {
		c.tell(c.n)
	}
	return n, err
}

func (c *counted) sum() string { return hex.EncodeToString(c.hash.Sum(nil)) }
