package remote

import (
	"fmt"
	"time"
)

// What is too much at once to be believed.
const (
	manyMoved = 3              // articles under new ids, if they are more than half
	manyNew   = 20             // articles, if they are more than the place ever showed
	manyLate  = 5              // new articles dated before the last visit, if they are more than half (see hold)
	lateness  = 24 * time.Hour // by which an article may be older than the visit that did not see it
)

// hold says why what is new is not to be taken without an operator's word; empty:
// it may be. Of the first answer all is new. What is held already is not let go because
// more comes beside it.
func (v *visit) hold(list []*entry) string {
	if len(v.old.Known) == 0 && v.old.Answered.IsZero() {
		return ""
	}
	moved, fresh, late := 0, 0, 0
	for _, e := range list {
		switch p := e.Article.Published; {
		case e.moved:
			moved++
		case e.was >= 0:
		default:
			fresh++
			if !p.IsZero() && p.Before(v.old.Answered.Add(-lateness)) {
				late++
			}
		}
	}
	n, among := len(list), "%d of %s are new, but dated before the last visit"
	half := n
	if v.lists { // it names what is known, too, as it likes
		half, among = fresh, "%d of %s that are new are dated before the last visit"
	}
	switch {
	case moved >= manyMoved && moved*2 > n:
		return fmt.Sprintf("%d of %s have other ids than before, at once", moved, countOf(n, "article"))
	case fresh > manyNew && fresh > v.old.Window:
		return fmt.Sprintf("%s are new at once, more than it ever showed (%d)", countOf(fresh, "article"), v.old.Window)
	case late >= manyLate && (late*2 > half || v.old.Held != ""):
		return fmt.Sprintf(among, late, countOf(half, "article"))
	}
	return ""
}

// countOf writes a number with its noun.
func countOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func isOrAre(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return fmt.Sprintf("%d %ss are", n, noun)
}
