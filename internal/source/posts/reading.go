package posts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"syndicate/internal/fetch"
	"syndicate/internal/source"
	"syndicate/internal/source/remote"
)

// reading is one Read.
type reading struct {
	*Reader
	m      *memory
	now    time.Time
	posts  []post
	text   int // bytes of them
	ids    map[string]bool
	hidden map[string]bool
	fresh  time.Duration
	cut    bool // there are more posts than are taken
}

// everything reads all posts.
func (x *reading) everything(ctx context.Context) (*remote.Answer, error) {
	x.ids, x.hidden = map[string]bool{}, map[string]bool{}
	total, moved := 0, false
	for number := 1; ; number++ {
		p, err := x.api.page(ctx, x.m, query{number: number, size: pageSize})
		if moved = moved || errors.Is(err, errMoved); err != nil && !moved {
			return nil, err
		} else if err != nil {
			break
		}
		x.take(p.posts)
		moved = moved || number > 1 && p.total != total
		x.fresh, total = max(x.fresh, p.fresh), p.total
		if p.last {
			break
		}
		if len(x.posts) >= MaxPosts || x.text >= maxText {
			x.cut = true
			break
		}
	}
	x.m.Changes, x.m.Newest = fetch.Validators{}, fetch.Validators{}
	x.m.Total = total
	if x.cut || moved || len(x.ids) != total { // some came or went meanwhile
		read := x.ids
		if err := x.listAll(ctx); err != nil {
			return nil, err
		}
		if !x.cut {
			if err := x.strange(ctx, read); err != nil {
				return nil, err
			}
		}
	}
	x.m.Listed, x.m.Off = x.now, x.m.Total-len(x.ids)
	return x.answer(false, true), nil
}

// changes reads the posts that are new or changed.
func (x *reading) changes(ctx context.Context) (*remote.Answer, error) {
	since := x.m.Mark.Add(-overlap).UTC().Truncate(time.Second)
	before, total := x.m.Mark, 0
	for number := 1; ; number++ {
		q := query{number: number, size: pageSize, since: since}
		if number == 1 {
			q.have = x.m.Changes
		}
		p, err := x.api.page(ctx, x.m, q)
		if err != nil {
			return nil, err
		}
		if number == 1 {
			x.m.Changes, x.fresh = p.validators, p.fresh
		} else if p.total < total { // one may have moved to a page that was read before
			return nil, errMoved
		}
		total = p.total
		i := slices.IndexFunc(p.posts, func(p post) bool { return p.changed.Before(since) })
		if i >= 0 { // it does not know the parameter, or rounds
			p.posts = p.posts[:i]
		}
		x.take(p.posts)
		if i >= 0 || p.last || p.notModified || len(x.posts) >= MaxPosts || x.text >= maxText {
			break
		}
	}
	if !x.m.Mark.Equal(before) {
		x.m.Changes = fetch.Validators{} // another request next time
	}
	listed, err := x.newest(ctx)
	if err != nil {
		return nil, err
	}
	return x.answer(true, listed), nil
}

// newest looks at the newest posts and at how many there are. It reports whether all
// ids were listed then.
func (x *reading) newest(ctx context.Context) (listed bool, err error) {
	p, err := x.api.page(ctx, x.m, query{number: 1, size: idsSize, idOnly: true, have: x.m.Newest})
	if err != nil {
		return false, err
	}
	x.m.Newest = p.validators
	if !p.notModified {
		x.m.Total = p.total
		if err := x.unknown(ctx, idsOf(p.posts)); err != nil {
			return false, err
		}
	}
	if x.m.Total == len(x.ids)+x.m.Off && x.now.Sub(x.m.Listed) < listing {
		return false, nil
	}
	known := maps.Clone(x.ids)
	if err := x.listAll(ctx); err != nil {
		return false, err
	}
	x.m.Listed, x.m.Off = x.now, x.m.Total-len(x.ids)
	return true, x.strange(ctx, known)
}

// unknown reads those of some posts that nobody knows.
func (x *reading) unknown(ctx context.Context, ids []string) error {
	return x.read(ctx, slices.DeleteFunc(ids, func(id string) bool { return x.ids[id] }))
}

// read reads posts by their ids.
func (x *reading) read(ctx context.Context, ids []string) error {
	if x.cut = x.cut || len(ids) > MaxPosts; x.cut {
		ids = ids[:min(len(ids), MaxPosts)]
	}
	for some := range slices.Chunk(ids, pageSize) {
		p, err := x.api.page(ctx, x.m, query{number: 1, size: pageSize, ids: some})
		if err != nil {
			return err
		}
		x.take(p.posts)
	}
	return nil
}

// take notes posts that came.
func (x *reading) take(list []post) {
	for _, p := range list {
		id := p.item.ID
		x.ids[id] = true
		delete(x.hidden, id)
		if p.hidden {
			x.hidden[id] = true
		}
		// A date far ahead of all others would hide every change until then.
		if p.changed.After(x.m.Mark) && p.changed.Before(x.now.Add(ahead)) {
			x.m.Mark = p.changed
		}
		x.text += len(p.item.Article.Body)
		x.posts = append(x.posts, p)
	}
}

// answer puts together what was read. What came twice, because pages moved meanwhile,
// is taken as it came last.
func (x *reading) answer(partial, listed bool) *remote.Answer {
	a := &remote.Answer{Partial: partial, Fresh: x.fresh}
	at := map[string]int{}
	for _, p := range x.posts {
		id := p.item.ID
		switch i, twice := at[id]; {
		case p.hidden:
			a.Deleted = append(a.Deleted, id)
		case twice:
			a.Items[i] = p.item
		default:
			at[id] = len(a.Items)
			a.Items = append(a.Items, p.item)
		}
	}
	maps.DeleteFunc(x.hidden, func(id string, _ bool) bool { return !x.ids[id] })
	if listed {
		a.All = []string{}
		for _, id := range slices.Sorted(maps.Keys(x.ids)) {
			if !x.hidden[id] {
				a.All = append(a.All, id)
			}
		}
	}
	if x.cut {
		a.Problems = append(a.Problems, source.Problem{
			Message: fmt.Sprintf("it has %d posts; the newest %d are taken", x.m.Total, len(a.Items)), Warning: true,
		})
	}
	a.Unchanged = partial && !listed && len(a.Items)+len(a.Deleted) == 0
	x.m.IDs, x.m.Hidden = slices.Sorted(maps.Keys(x.ids)), slices.Sorted(maps.Keys(x.hidden))
	if x.m.Mark.IsZero() {
		x.m.Mark = x.now.UTC() // there is nothing yet
	}
	var err error
	if a.Memory, err = json.Marshal(x.m); err != nil { // there is nothing in it that cannot be
		a.Memory = nil
	}
	return a
}
