package remote

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"syndicate/internal/markup"
)

// entry is an item of an answer and which article it is.
type entry struct {
	Item
	id    string // by which it is known: the place's, else the link, else a hash
	canon string // alike(id)
	link  string // by alike
	text  uint64
	title uint64
	was   int  // index of the article that it is in the old state, -1: it is new
	moved bool // that was found out by other things than the id
}

// maxID is how many bytes of an id are kept as they are.
const maxID = 255

func newEntry(it Item) *entry {
	a := &it.Article
	e := &entry{Item: it, id: shortID(it.ID), was: -1}
	if a.Permalink != "" {
		e.link = alike(a.Permalink)
	}
	if text := markup.Excerpt(a.Format, a.Body, 2000); utf8.RuneCountInString(text) >= 80 {
		e.text = hashOf(text)
	}
	if utf8.RuneCountInString(a.Title) >= 4 && !a.Published.IsZero() {
		e.title = hashOf(a.Title, a.Published.UTC().Format(time.DateTime))
	}
	e.canon = alike(e.id)
	return e
}

// shortID is by what an id is known: itself, cleaned, unless it is very long.
func shortID(id string) string {
	if id = markup.CleanLine(id); len(id) > maxID {
		return "sha256:" + sumOf(id)
	}
	return id
}

// nameless gives an item without an id of its own one that is made of what it has.
func (e *entry) nameless(linkIsShared bool) {
	a := &e.Article
	switch {
	case a.Permalink != "" && !linkIsShared && len(a.Permalink) <= maxID:
		e.id = a.Permalink
	case a.Permalink != "" && !linkIsShared:
		e.id = "sha256:" + sumOf(e.link)
	default:
		e.id = "sha256:" + sumOf(a.Permalink, a.Title, a.Published.UTC().Format(time.DateTime), untitled(e))
	}
	e.canon = alike(e.id)
}

// untitled is the text of an item that has nothing else to be known by.
func untitled(e *entry) string {
	if e.Article.Title != "" && !e.Article.Published.IsZero() {
		return ""
	}
	return markup.Excerpt(e.Article.Format, e.Article.Body, 500)
}

func sumOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

func hashOf(parts ...string) uint64 {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return binary.LittleEndian.Uint64(sum[:]) | 1 // never 0
}

// entries makes the entries of an answer: each with an id that no other has.
func (v *visit) entries(items []Item) []*entry {
	list := make([]*entry, len(items))
	byID := map[string]*entry{}
	shared := map[string]bool{}
	links := map[string]int{}
	twice := 0
	for i := range items {
		e := newEntry(items[i])
		list[i] = e
		links[e.link]++
		if first := byID[e.id]; first != nil && e.id != "" && !first.same(e) {
			shared[e.id] = true
		} else if first == nil {
			byID[e.id] = e
		}
	}
	v.next.addShared(shared)
	for _, id := range v.next.Shared {
		shared[id] = true
	}
	out := list[:0]
	seen := map[string]bool{}
	for _, e := range list {
		if e.id == "" || shared[e.id] {
			e.nameless(links[e.link] > 1)
		}
		if seen[e.id] {
			twice++
			continue
		}
		seen[e.id] = true
		out = append(out, e)
	}
	if twice > 0 {
		v.warn(fmt.Sprintf("it names %s twice; each is taken once", countOf(twice, "item")), "")
	}
	if len(shared) > 0 {
		v.warn(fmt.Sprintf("%s given to several items that differ; they are told apart by their links", isOrAre(len(shared), "id")), "")
	}
	return out
}

// same reports whether two items with one id are the same thing said twice.
func (e *entry) same(other *entry) bool {
	if e.link != "" || other.link != "" {
		return e.link == other.link
	}
	return e.title == other.title && e.text == other.text
}

// index finds articles of the old state by a property that no other has.
type index[K comparableKey] map[K]int

type comparableKey interface{ ~string | ~uint64 }

// indexBy indexes n things; -1 stands for several. Zero is no property.
func indexBy[K comparableKey](n int, property func(int) K) index[K] {
	var zero K
	x := make(index[K], n)
	for i := range n {
		k := property(i)
		if k == zero {
			continue
		}
		if _, taken := x[k]; taken {
			x[k] = -1
			continue
		}
		x[k] = i
	}
	return x
}

// find returns the only thing that has a property, if there is one.
func (x index[K]) find(k K) (int, bool) {
	i, ok := x[k]
	return i, ok && i >= 0
}

// match finds out which article each entry is.
func (v *visit) match(list []*entry) {
	old := v.old.Known
	byID := indexBy(len(old), func(i int) string { return old[i].id() })
	byCanon := indexBy(len(old), func(i int) string { return alike(old[i].id()) })
	byLink := indexBy(len(old), func(i int) string { return old[i].Link })
	here := indexBy(len(list), func(i int) string { return list[i].link })
	canons := indexBy(len(list), func(i int) string { return list[i].canon })
	taken := make([]bool, len(old))
	give := func(e *entry, i int, moved bool) {
		if !taken[i] {
			e.was, e.moved, taken[i] = i, moved, true
		}
	}
	lookUp := func(e *entry) (int, bool) {
		if i, ok := byID.find(e.id); ok {
			return i, true
		}
		if _, alone := canons.find(e.canon); alone {
			return byCanon.find(e.canon)
		}
		return 0, false
	}
	linked := func(e *entry) (int, bool) {
		if _, alone := here.find(e.link); !alone {
			return 0, false
		}
		return byLink.find(e.link)
	}
	// Ids that wander from link to link, such as the item's number on the list, say
	// nothing.
	wander, found := 0, 0
	for _, e := range list {
		i, byItsID := lookUp(e)
		j, byItsLink := linked(e)
		if byItsID {
			found++
		}
		if byItsID && byItsLink && i != j {
			wander++
		}
	}
	v.next.Shaky = !v.lists && (v.next.Shaky || wander > 1 && wander*2 > found)
	for _, e := range list {
		if i, ok := linked(e); ok && v.next.Shaky {
			give(e, i, false)
		}
	}
	for _, e := range list {
		if i, ok := lookUp(e); ok && e.was < 0 && !(v.next.Shaky && e.link != "") {
			give(e, i, false)
		}
	}
	v.matchOthers(list, linked, give)
}

// matchOthers finds the articles of entries whose ids nobody knows. Where ids last, an
// article whose id is still there is no other's.
func (v *visit) matchOthers(list []*entry, linked func(*entry) (int, bool), give func(*entry, int, bool)) {
	old := v.old.Known
	if v.partial && v.all == nil {
		return
	}
	free := func(i int, ok bool) (int, bool) { return i, ok && !v.all[old[i].id()] }
	byText := indexBy(len(old), func(i int) uint64 { return old[i].Text })
	byTitle := indexBy(len(old), func(i int) uint64 { return old[i].Title })
	texts := indexBy(len(list), func(i int) uint64 { return list[i].text })
	titles := indexBy(len(list), func(i int) uint64 { return list[i].title })
	for _, by := range []func(*entry) (int, bool){
		func(e *entry) (int, bool) { return free(linked(e)) },
		func(e *entry) (int, bool) {
			if _, alone := texts.find(e.text); !alone {
				return 0, false
			}
			return free(byText.find(e.text))
		},
		func(e *entry) (int, bool) {
			if _, alone := titles.find(e.title); !alone {
				return 0, false
			}
			return free(byTitle.find(e.title))
		},
	} {
		for _, e := range list {
			if e.was >= 0 {
				continue
			}
			if i, ok := by(e); ok {
				give(e, i, true)
			}
		}
	}
}
