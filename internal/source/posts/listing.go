package posts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// errMoved means that posts came or went while pages were read.
var errMoved = errors.New("its posts came and went while they were listed")

// listAll lists the ids of all posts. A list that may lack some is not believed: they
// would be unpublished.
func (x *reading) listAll(ctx context.Context) error {
	var before map[string]bool
	for range maxLists {
		ids, total, err := x.list(ctx)
		switch {
		case errors.Is(err, errMoved):
			continue
		case err != nil:
			return err
		case len(ids) == total || before != nil && maps.Equal(ids, before):
			x.ids, x.m.Total = ids, total
			return nil
		}
		before = ids
	}
	return errMoved
}

// list lists the ids of all posts once.
func (x *reading) list(ctx context.Context) (ids map[string]bool, total int, err error) {
	ids = map[string]bool{}
	for number := 1; ; number++ {
		p, err := x.api.page(ctx, x.m, query{number: number, size: idsSize, idOnly: true, byID: true})
		if err != nil {
			return nil, 0, err
		}
		if number > 1 && p.total != total {
			return nil, 0, errMoved
		}
		total = p.total
		for _, id := range idsOf(p.posts) {
			ids[id] = true
		}
		if p.last {
			return ids, total, nil
		}
		if number == maxPages {
			return nil, 0, fmt.Errorf("it has more than %d posts", maxPages*idsSize)
		}
	}
}

// strange reads the posts on the list that are not among those known.
func (x *reading) strange(ctx context.Context, known map[string]bool) error {
	return x.read(ctx, slices.DeleteFunc(slices.Sorted(maps.Keys(x.ids)), func(id string) bool { return known[id] }))
}

func idsOf(list []post) []string {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].item.ID
	}
	return ids
}

func setOf(list []string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, s := range list {
		set[s] = true
	}
	return set
}
