package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/source"
)

// What bounds a visit.
const (
	usualLimit = 1000            // items taken of an answer, the newest
	maxFills   = 100             // articles completed
	fillTime   = 2 * time.Minute // for all of them
	fillTries  = 3               // of each, then it stays as it is
)

// visit is what becomes of one answer.
type visit struct {
	source   *Source
	old      *state
	next     *state
	now      time.Time
	accepted bool // what is held is let through

	emit     []newsletter.Article // complete but for Fill, then complete
	places   []int                // of each, its index in next.Known
	shown    int                  // how many of next.Known the answer holds
	partial  bool                 // see Answer
	lists    bool                 // the place can tell of all that it has: its ids last
	all      map[string]bool      // by id; nil: it did not tell
	vanished []string
	problems []source.Problem
}

func (v *visit) warn(message, hint string) {
	v.problems = append(v.problems, source.Problem{Message: message, Hint: hint, Warning: true})
}

// take goes through the items of an answer.
func (v *visit) take(answer *Answer) {
	items, limit := answer.Items, v.source.o.Limit
	if len(items) > limit {
		v.warn(fmt.Sprintf("it shows %d items; the newest %d are taken", len(items), limit), "")
		items = newest(items, limit)
	}
	v.partial, v.lists = answer.Partial, answer.Partial || answer.All != nil
	if answer.All != nil {
		v.all = make(map[string]bool, len(answer.All))
		for _, id := range answer.All {
			v.all[shortID(id)] = true
		}
	}
	list := v.entries(items)
	v.match(list)
	if !v.lists {
		v.next.Window = len(list)
	}
	v.judge(list)
	v.remember(list)
	v.deleted(answer.Deleted)
	v.missing(list)
	if v.lists {
		v.next.Window = len(v.next.Known) - len(v.vanished)
	}
}

// missing notes what the place has no more, where it told of all that it has. An
// article that came under another id is not missing, even while that is held.
func (v *visit) missing(list []*entry) {
	if v.all == nil {
		return
	}
	v.next.Deleted = nil // it may be back
	here := make(map[string]bool, len(list))
	for _, e := range list {
		if e.was >= 0 {
			here[v.old.Known[e.was].Key] = true
		}
	}
	for i := range v.next.Known {
		if k := &v.next.Known[i]; i >= v.shown && !v.all[k.id()] && !here[k.Key] {
			v.vanished = append(v.vanished, k.Key)
		}
	}
}

// newest returns the n newest items, in their order.
func newest(items []Item, n int) []Item {
	type dated struct {
		i  int
		at time.Time
	}
	order := make([]dated, len(items))
	for i := range items {
		order[i] = dated{i, items[i].Article.Published}
		if order[i].at.IsZero() && i > 0 {
			order[i].at = order[i-1].at
		}
	}
	slices.SortStableFunc(order, func(a, b dated) int { return b.at.Compare(a.at) })
	order = order[:n]
	slices.SortFunc(order, func(a, b dated) int { return a.i - b.i })
	out := make([]Item, n)
	for i, d := range order {
		out[i] = items[d.i]
	}
	return out
}

// judge decides whether something is held.
func (v *visit) judge(list []*entry) {
	why := v.hold(list)
	switch {
	case why == "":
		v.next.Held, v.next.HeldCount, v.next.HeldSince = "", 0, time.Time{}
		return
	case v.accepted:
		v.next.Shaky = v.next.Shaky || mostMoved(list)
		return // HeldSince still says what is old
	}
	v.next.Window = v.old.Window
	v.next.Held = why + "; they are neither published nor sent until you accept it"
	v.next.HeldCount = 0
	for _, e := range list {
		if e.was < 0 || e.moved {
			v.next.HeldCount++
		}
	}
	if v.next.HeldSince.IsZero() {
		v.next.HeldSince = v.now
	}
}

func mostMoved(list []*entry) bool {
	moved := 0
	for _, e := range list {
		if e.moved {
			moved++
		}
	}
	return moved*2 > len(list)
}

// remember makes the articles and what is known of them.
func (v *visit) remember(list []*entry) {
	holds := v.next.Held != "" && !v.accepted
	keys := make(map[string]bool, len(v.old.Known))
	for i := range v.old.Known {
		keys[v.old.Known[i].Key] = true
	}
	here := make([]known, 0, len(list)+len(v.old.Known))
	shown := make([]bool, len(v.old.Known))
	news := v.news(list)
	for i, e := range list {
		if holds && (e.was < 0 || e.moved) {
			continue
		}
		k := known{First: v.now, Old: !news[e]}
		if e.Article.Published.IsZero() { // in the order in which they are shown
			k.First = v.now.Add(-time.Duration(i) * time.Second)
		}
		if e.was >= 0 {
			k = v.old.Known[e.was]
			shown[e.was] = true
		} else {
			k.Key = freeKey(e, keys)
			keys[k.Key] = true
		}
		if k.ID = e.id; k.ID == k.Key {
			k.ID = ""
		}
		k.Link, k.Text, k.Title = e.link, e.text, e.title
		a := v.source.article(e, &k)
		if hash := v.source.hash(&a); hash != k.Hash {
			if k.Hash != 0 {
				k.Tries = 0
			}
			k.Hash = hash
			v.emit, v.places = append(v.emit, a), append(v.places, len(here))
		}
		here = append(here, k)
	}
	v.shown = len(here)
	back := make(map[string]bool, len(here))
	for i := range here {
		back[here[i].Key] = true
	}
	v.next.Deleted = slices.DeleteFunc(v.next.Deleted, func(key string) bool { return back[key] })
	more := 0
	for i := range v.old.Known {
		if !shown[i] && (v.lists || more < rememberedMore) {
			here = append(here, v.old.Known[i])
			more++
		}
	}
	v.next.Known = here
	if v.accepted {
		v.next.Held, v.next.HeldCount, v.next.HeldSince = "", 0, time.Time{}
	}
}

// freeKey is the key of a new article: its id, unless another had that before.
func freeKey(e *entry, taken map[string]bool) string {
	if !taken[e.id] {
		return e.id
	}
	return "sha256:" + sumOf(e.id, e.Article.Permalink, e.Article.Title, e.Article.Published.String())
}

// news tells which new entries newsletters are to have: all that come in the course
// of time; of the first answer the newest; of what was held, what is younger than
// the hold.
func (v *visit) news(list []*entry) map[*entry]bool {
	news := make(map[*entry]bool, len(list))
	var fresh []*entry
	for _, e := range list {
		if e.was < 0 {
			fresh = append(fresh, e)
		}
	}
	if v.old.Answered.IsZero() {
		slices.SortStableFunc(fresh, func(a, b *entry) int { return b.Article.Published.Compare(a.Article.Published) })
		fresh = fresh[:min(len(fresh), v.source.o.Backlog)]
	}
	for _, e := range fresh {
		news[e] = !v.accepted || v.old.HeldSince.IsZero() || !e.Article.Published.Before(v.old.HeldSince)
	}
	return news
}

// deleted notes what the place says it deleted.
func (v *visit) deleted(ids []string) {
	for _, id := range ids {
		id = shortID(id)
		for i := range v.next.Known {
			if k := &v.next.Known[i]; i >= v.shown && (k.id() == id || alike(k.id()) == alike(id)) {
				v.vanished = append(v.vanished, k.Key)
			}
		}
	}
}

// fill completes the articles that are to be emitted. Those that must wait are
// taken out, and tried again at the next visit.
func (v *visit) fill(ctx context.Context) error {
	if v.source.o.Fill == nil {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, fillTime)
	defer cancel()
	ready := v.emit[:0]
	failed, waiting := 0, 0
	for i, a := range v.emit {
		k := &v.next.Known[v.places[i]]
		var err error
		if i < maxFills && within.Err() == nil {
			if err = v.source.o.Fill(within, &a); err != nil {
				k.Tries++
			}
		} else if k.Tries < fillTries {
			err = ErrLater
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, ErrLater) && k.Tries < fillTries {
			k.Hash = 0
			waiting++
			continue
		}
		if err != nil {
			failed++
		}
		ready = append(ready, a)
	}
	v.emit = ready
	if failed > 0 {
		v.warn(countOf(failed, "article")+" could not be had in full; what the source gives is taken", "")
	}
	if waiting > 0 {
		if soon := v.now.Add(fillVisit); soon.Before(v.next.Due) {
			v.next.Due = soon
		}
	}
	return nil
}
