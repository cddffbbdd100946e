package source

import (
	"fmt"
	"slices"
	"sort"
)

// claims decides whose an article key is: of files that claim the same one, the
// first by path has it. Only ids can clash, with each other or with the path of
// another file, so only ids are kept.
type claims struct {
	l   *listing
	ids map[string]int // id → item
}

func newClaims(l *listing) *claims { return &claims{l: l, ids: map[string]int{}} }

// claim takes the key of item i and returns the item that has it. Items claim in
// their order.
func (c *claims) claim(i int) int {
	it := &c.l.items[i]
	if it.key == "" {
		if len(c.ids) == 0 {
			return i
		}
		if j, taken := c.ids[it.path()]; taken {
			return j
		}
		return i
	}
	if j, taken := c.ids[it.key]; taken {
		return j
	}
	if j := c.l.find(it.key); j >= 0 && j < i && c.l.items[j].key == "" && !c.l.items[j].has(isBroken) {
		return j
	}
	c.ids[it.key] = i
	return i
}

// find returns the item with that path, -1 if there is none.
func (l *listing) find(p string) int {
	folder, name := splitPath(p)
	i := sort.Search(len(l.items), func(i int) bool {
		it := &l.items[i]
		return it.folder > folder || it.folder == folder && it.name >= name
	})
	if i < len(l.items) && l.items[i].folder == folder && l.items[i].name == name {
		return i
	}
	return -1
}

// duplicate makes the item a loser: its key is another item's.
func (l *listing) duplicate(it, winner *item) {
	it.flags |= isLoser
	it.read = false
	message := fmt.Sprintf("has the id %q, which is the path of %s", it.key, l.dir.display(winner.path()))
	switch {
	case it.key == "":
		message = fmt.Sprintf("has a path that %s has as its id", l.dir.display(winner.path()))
	case winner.key != "":
		message = fmt.Sprintf("has the id %q, which %s has too", it.key, l.dir.display(winner.path()))
	}
	it.problems = []Problem{{Message: message + "; the article of the latter is taken", Hint: "give each article an id of its own, or none"}}
}

// settle decides whose each key is and which keys vanished.
func (l *listing) settle() {
	c := newClaims(l)
	broken := map[string]bool{} // keys of articles whose file cannot be understood just now
	for i := range l.items {
		it := &l.items[i]
		if it.has(isBroken) {
			if it.owns() {
				broken[it.articleKey()] = true
			}
			continue
		}
		if j := c.claim(i); j != i {
			l.dirty = l.dirty || !it.has(isLoser)
			l.duplicate(it, &l.items[j])
			continue
		}
		if it.has(isLoser) {
			it.flags &^= isLoser
			it.flags |= hasNone
			it.problems, it.read, l.dirty = nil, true, true
		}
	}
	if !l.tree.complete {
		return
	}
	for _, i := range l.suspects {
		if it := &l.items[i]; it.known && it.was != it.articleKey() && it.owns() {
			l.lost = append(l.lost, it.was)
		}
	}
	for _, k := range l.lost {
		if _, has := c.ids[k]; has || broken[k] {
			continue
		}
		if j := l.find(k); j >= 0 && l.items[j].key == "" && !l.items[j].has(isBroken) {
			continue
		}
		l.vanished = append(l.vanished, k)
	}
	slices.Sort(l.vanished)
	l.vanished = slices.Compact(l.vanished)
}
