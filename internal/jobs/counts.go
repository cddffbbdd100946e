package jobs

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

const (
	maxCounts = 10_000          // sorts of visits that wait to be written down
	saveEvery = 5 * time.Second // what a crash takes along
	lastSave  = 5 * time.Second // how long the end waits for a database that does not answer, at most
)

// countKey is a sort of visits.
type countKey struct {
	linkKey
	by newsletter.Visitor
}

// visitCounts are the visits that are not written down yet: one statement every few
// seconds, however many there are.
type visitCounts struct {
	saving sync.Mutex    // one writes at a time
	full   chan struct{} // capacity 1: much waits

	mu   sync.Mutex
	n    map[countKey]int64
	lost int64 // there was no room
}

func (c *visitCounts) add(key countKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.addLocked(key, 1)
	if len(c.n) > maxCounts/2 {
		poke(c.full)
	}
}

func (c *visitCounts) addLocked(key countKey, n int64) {
	if c.n == nil {
		c.n = map[countKey]int64{}
	}
	if _, ok := c.n[key]; !ok && len(c.n) >= maxCounts {
		c.lost += n
		return
	}
	c.n[key] += n
}

// take returns what waits, and begins anew.
func (c *visitCounts) take() (waiting map[countKey]int64, lost int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting, lost = c.n, c.lost
	c.n, c.lost = nil, 0
	return waiting, lost
}

// putBack takes back what could not be written down.
func (c *visitCounts) putBack(waiting map[countKey]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, n := range waiting {
		c.addLocked(key, n)
	}
}

// SaveCounts writes down what was counted since it did so last. What could not be
// written waits for the next time.
func (s *Service) SaveCounts(ctx context.Context) error {
	c := &s.counts
	c.saving.Lock()
	defer c.saving.Unlock()
	waiting, lost := c.take()
	if lost > 0 {
		s.log.Warn("visits not counted, too many wait to be written down", "visits", lost)
	}
	counts := make([]newsletter.Count, 0, len(waiting))
	for key, n := range waiting {
		counts = append(counts, newsletter.Count{Issue: key.issue, Link: key.link, By: key.by, N: n})
	}
	err := s.store.AddCounts(ctx, counts)
	if err != nil {
		c.putBack(waiting)
	}
	return err
}

// EndCounts writes the last counts down when nobody is answered any more, as long as
// ctx lives: until the grace period is over.
func (s *Service) EndCounts(ctx context.Context) {
	end, cancel := context.WithTimeout(ctx, lastSave)
	defer cancel()
	if err := s.SaveCounts(store.Until(end, end)); err != nil {
		s.log.Error("the last clicks and opens are not counted", "error", err)
	}
}

// keepCounts writes counts down as long as ctx lives.
func (s *Service) keepCounts(ctx context.Context) error {
	end, tear := context.WithCancel(context.WithoutCancel(ctx))
	defer tear()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(min(lastSave, s.o.Delivery.Grace), tear) })()
	t := time.NewTicker(s.o.CountsEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.counts.full:
		case <-t.C:
		}
		if err := s.SaveCounts(store.Until(ctx, end)); err != nil {
			return err
		}
	}
}

// Visits sums visits.
type Visits struct {
	People   int64                        `json:"people"` // as far as can be told
	Machines int64                        `json:"machines"`
	Kinds    map[newsletter.Visitor]int64 `json:"kinds,omitempty"` // of machines
}

func (v *Visits) add(by newsletter.Visitor, n int64) {
	if !by.Machine() {
		v.People += n
		return
	}
	if v.Kinds == nil {
		v.Kinds = map[newsletter.Visitor]int64{}
	}
	v.Machines += n
	v.Kinds[by] += n
}

// CountsReport says what was counted of an issue.
type CountsReport struct {
	Counted newsletter.Counts // in its mail
	Clicks  Visits            // on all links
	Opens   Visits
	Links   []LinkVisits // the articles of the issue, most followed first
}

// LinkVisits are the clicks on an article.
type LinkVisits struct {
	Title string `json:"title"`
	URL   string `json:"url"`
	Visits
}

// countsReport returns what was counted of an issue; nil: nothing is.
func (s *Service) countsReport(ctx context.Context, issue int64, f newsletter.Frozen, articles []newsletter.Article) (*CountsReport, error) {
	if f.Newsletter.Counts.What() == "" {
		return nil, nil //nolint:nilnil // it says that there is nothing to tell
	}
	all, err := s.store.Counts(ctx, issue)
	if err != nil {
		return nil, err
	}
	r := &CountsReport{Counted: f.Newsletter.Counts}
	links := map[int64]*LinkVisits{}
	if r.Counted.Clicks {
		r.Links = make([]LinkVisits, len(articles))
		for i := range articles {
			r.Links[i].Title, r.Links[i].URL = articles[i].Title, articles[i].URL(f.Site.URL)
			links[articles[i].Seq] = &r.Links[i]
		}
	}
	for _, c := range all {
		if c.Link == newsletter.OpensImage {
			r.Opens.add(c.By, c.N)
			continue
		}
		r.Clicks.add(c.By, c.N)
		if l := links[c.Link]; l != nil {
			l.add(c.By, c.N)
		}
	}
	slices.SortStableFunc(r.Links, func(a, b LinkVisits) int { return cmp.Compare(b.People, a.People) })
	return r, nil
}
