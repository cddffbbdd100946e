package remote

import (
	"fmt"
	"time"
)

// What is too much at once to be believed.
const (
	manyMoved = 3              // articles under new ids, if they are more than half
	manyNew   = 20             // articles, if they are more than the place ever showed
	manyLate  = 5              // new articles dated before the last visit, if they are more than half
	lateness  = 24 * time.Hour // by which an article may be older than the visit that did not see it
)

// hold says why what is new is not to be taken without an operator's word; empty:
// it may be.
func (v *visit) hold(list []*entry) string {
	if len(v.old.Known) == 0 {
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
	switch n := len(list); {
	case moved >= manyMoved && moved*2 > n:
		return fmt.Sprintf("%d of %s have other ids than before, at once", moved, countOf(n, "article"))
	case fresh > manyNew && fresh > v.old.Window:
		return fmt.Sprintf("%s are new at once, more than it ever showed (%d)", countOf(fresh, "article"), v.old.Window)
	case late >= manyLate && late*2 > n:
		return fmt.Sprintf("%d of %s are new, but dated before the last visit", late, countOf(n, "article"))
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
