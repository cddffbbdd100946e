package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"syndicate/internal/newsletter"
)

// What bounds the memory of a reading.
const (
	maxFileSize = 10 << 20 // bytes of an article
	maxBatch    = 512      // articles emitted at once
	batchBytes  = 8 << 20  // their bodies, but at least one
	unitFiles   = 32       // files parsed by one goroutine at a time
	unitBytes   = 1 << 20  // their bytes, but at least one file
	unitsAhead  = 16       // parsed while a batch is being stored
)

// result is what became of reading one item.
type result struct {
	item int
	parsed
	hash  uint64
	retry bool // the file went or changed between listing and reading: the next listing will see
}

// read parses the items that are to be read, on all cores, and emits their
// articles in the order of the items.
func (l *listing) read(ctx context.Context, emit func([]newsletter.Article) error) error {
	ctx, cancel := context.WithCancel(ctx)
	futures := make(chan chan []result, unitsAhead)
	go l.parseAll(ctx, futures)
	defer func() {
		cancel()
		for f := range futures { // until the goroutines are done
			<-f
		}
	}()
	var all *claims
	if l.first {
		all = newClaims(l)
	}
	var batch []newsletter.Article
	bytes := 0
	for f := range futures {
		for _, r := range <-f {
			if !l.take(&r, all) {
				continue
			}
			batch = append(batch, r.article)
			bytes += len(r.article.Body)
			if len(batch) == maxBatch || bytes >= batchBytes {
				if err := emit(batch); err != nil {
					return err
				}
				batch, bytes = nil, 0
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(batch) > 0 {
		if err := emit(batch); err != nil {
			return err
		}
	}
	l.done = true
	return nil
}

// parseAll sends, in order, the futures of small units of work, and runs those.
func (l *listing) parseAll(ctx context.Context, futures chan<- chan []result) {
	defer close(futures)
	var workers errgroup.Group
	workers.SetLimit(runtime.GOMAXPROCS(0))
	var unit []int
	size := int64(0)
	send := func() bool {
		work, future := unit, make(chan []result, 1)
		unit, size = nil, 0
		select {
		case futures <- future:
		case <-ctx.Done():
			return false
		}
		workers.Go(func() error {
			future <- l.parseUnit(ctx, work)
			return nil
		})
		return true
	}
	for i := range l.items {
		if !l.items[i].read {
			continue
		}
		unit = append(unit, i)
		size += min(l.items[i].file.size, maxFileSize)
		if (len(unit) == unitFiles || size >= unitBytes) && !send() {
			return
		}
	}
	if len(unit) > 0 {
		send()
	}
}

func (l *listing) parseUnit(ctx context.Context, unit []int) []result {
	out := make([]result, 0, len(unit))
	var buf []byte
	for _, i := range unit {
		if ctx.Err() != nil {
			break
		}
		it := &l.items[i]
		r := result{item: i}
		content, problem := l.content(it, &buf)
		switch {
		case problem == nil:
			r.parsed = l.dir.parse(it.path(), content, l)
			r.hash = l.hashOf(content, r.deps)
		case errors.Is(problem, fs.ErrNotExist):
			r.retry = true
		default:
			r.parsed = parsed{broken: true, problems: []Problem{*l.unreadable(it, problem)}}
		}
		out = append(out, r)
	}
	return out
}

// take notes what became of an item and reports whether its article is to be
// emitted.
func (l *listing) take(r *result, all *claims) bool {
	it := &l.items[r.item]
	switch {
	case r.retry, !r.broken && !l.first && r.id != it.key:
		it.stamp, it.hash = 0, 0
		return false
	case r.broken:
		it.flags |= isBroken
		it.problems = r.problems
		l.note(it, r.hash, nil)
		if r.hash == 0 { // could not be read: nothing else will tell when it can
			it.flags |= isFresh
		}
		return false
	}
	l.note(it, r.hash, r.deps)
	it.problems = r.problems
	it.flags &^= isBroken
	if all != nil {
		it.key = r.id
		if j := all.claim(r.item); j != r.item {
			l.duplicate(it, &l.items[j])
			return false
		}
	}
	it.flags &^= isLoser | hasNone
	return true
}

// content returns the bytes of an article file. They are valid until the next
// call with the same buffer.
func (l *listing) content(it *item, buf *[]byte) ([]byte, error) {
	if it.file.size > maxFileSize {
		return nil, errTooBig
	}
	f, err := os.Open(filepath.Join(l.root, filepath.FromSlash(it.folder), it.name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := (*buf)[:0]
	if need := int(it.file.size) + 512; cap(b) < need {
		b = make([]byte, 0, need)
	}
	for {
		n, err := f.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		*buf = b
		switch {
		case len(b) > maxFileSize:
			return nil, errTooBig
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return nil, err
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
	}
}

var errTooBig = errors.New("too big")

func (l *listing) unreadable(it *item, err error) *Problem {
	if errors.Is(err, errTooBig) {
		return &Problem{
			Message: fmt.Sprintf("is %s, articles may have %s", megabytes(it.file.size), megabytes(maxFileSize)),
			Hint:    "is this an article? if not, list it under ignore in config.yaml",
		}
	}
	return &Problem{Message: "cannot be read: " + cause(err)}
}

// megabytes writes a size as people say it.
func megabytes(n int64) string {
	s := strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64)
	return strings.TrimSuffix(s, ".0") + " MB"
}

// parallel calls work for 0 ≤ i < n on all cores, with a buffer of each
// goroutine's own.
func parallel(ctx context.Context, n int, work func(buf *[]byte, i int)) error {
	var g errgroup.Group
	var next atomic.Int64
	for range min(n, runtime.GOMAXPROCS(0)) {
		g.Go(func() error {
			var buf []byte
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				work(&buf, i)
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

// splitPath splits a slash-separated path into folder and name, without the
// slash between.
func splitPath(p string) (folder, name string) {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i], p[i+1:]
	}
	return "", p
}
