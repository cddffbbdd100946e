package jobs

import (
	"context"
	"testing"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestCountsPutBack: what the database does not take waits for the next time.
func TestCountsPutBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		works := open()
		broken, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + t.TempDir() + "/site.db"})
		if err != nil {
			t.Fatal(err)
		}
		if err := broken.Close(); err != nil {
			t.Fatal(err)
		}
		v, err := New(Options{Store: works, Site: newsletter.Site{URL: "https://news.example.org"}})
		if err != nil {
			t.Fatal(err)
		}
		stopped, stop := context.WithCancel(t.Context()) // who waits for the turn to write waits no more
		stop()
		key := countKey{linkKey{1, 2}, newsletter.VisitorPerson}
		v.counts.add(key)
		v.store = broken
		for range 2 {
			if err := v.SaveCounts(stopped); err == nil {
				t.Fatal("a closed database took it")
			}
			v.counts.add(key)
		}
		v.store = works
		for range 2 { // the second time there is nothing more
			if err := v.SaveCounts(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		got, err := works.Counts(t.Context(), 1)
		if err != nil || len(got) != 1 || got[0] != (newsletter.Count{Issue: 1, Link: 2, By: newsletter.VisitorPerson, N: 3}) {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// TestCountsBound: however many links there are, memory ends somewhere; what is
// counted already goes on being counted, and what finds no room is told.
func TestCountsBound(t *testing.T) {
	t.Parallel()
	c := visitCounts{full: make(chan struct{}, 1)}
	key := func(link int) countKey { return countKey{linkKey{1, int64(link)}, newsletter.VisitorPerson} }
	for link := range maxCounts / 2 {
		c.add(key(link))
	}
	select {
	case <-c.full:
		t.Error("half full is not full")
	default:
	}
	for link := range maxCounts + 5 {
		c.add(key(link))
	}
	select {
	case <-c.full:
	default:
		t.Error("nobody is told to write it down")
	}
	waiting, lost := c.take()
	if len(waiting) != maxCounts || lost != 5 || waiting[key(0)] != 2 || waiting[key(maxCounts-1)] != 1 {
		t.Errorf("%d wait, %d lost", len(waiting), lost)
	}
	c.add(key(maxCounts)) // it takes a place before the others come back
	c.putBack(waiting)
	again, lost := c.take()
	if len(again) != maxCounts || lost == 0 || again[key(maxCounts)] != 1 {
		t.Errorf("%d wait, %d lost", len(again), lost)
	}
}
