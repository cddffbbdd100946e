package jobs_test

import (
	"strings"
	"testing"
	"time"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

var due = jobs.RunOptions{Due: true}

// TestDue follows a newsletter through its occurrences as a system's cron would
// run it: each once, on both engines.
func TestDue(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open) // Monday 2026-05-04 06:00
		s.edit(func(n *newsletter.Newsletter) { n.Schedule = "0 7 * * *" })
		v := s.service()
		s.article()
		s.subscribe(2)
		want := func(number int, nothing, skipped string) {
			t.Helper()
			n := s.runWith(v, due).Newsletters[0]
			if n.Number != number || n.Nothing != nothing || !strings.Contains(n.Skipped, skipped) || (n.Skipped == "") != (skipped == "") {
				t.Errorf("%s: got %+v", s.clock.now(), n)
			}
		}
		want(0, "", "not due before 2026-05-04T07:00")
		s.clock.add(time.Hour)
		want(1, "", "")
		want(0, "", "not due before 2026-05-05T07:00")
		s.article()
		want(0, "", "not due")
		s.clock.add(24 * time.Hour)
		want(2, "", "")
		s.clock.add(24 * time.Hour)
		want(0, "no new article", "")
		want(0, "", "not due")
		s.article()
		s.clock.add(73 * time.Hour) // a long week-end
		want(3, "", "")
		want(0, "", "not due")
		// A run by hand is beside the schedule.
		s.article()
		s.counts(s.issue(s.run(v)), newsletter.IssueSent, 2, 0, 0, 0)
		s.clock.add(24 * time.Hour)
		want(0, "no new article", "")

		got, err := s.store.Occurrences(t.Context(), "weekly", true, 0)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, o := range got {
			all = append(all, o.Local+" "+o.Outcome+" "+o.Note)
		}
		if list := strings.Join(all, "\n"); list != strings.Join([]string{
			"2026-05-10T07:00 nothing new no new article",
			"2026-05-09T07:00 issue 2 earlier occurrences passed while nothing was running",
			"2026-05-06T07:00 nothing new no new article",
			"2026-05-05T07:00 issue ",
			"2026-05-04T07:00 issue ",
		}, "\n") {
			t.Errorf("occurrences\n%s", list)
		}
	})
}

// TestDuePolicies: what is missed or late, and what was never planned.
func TestDuePolicies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		set  func(*newsletter.Newsletter)
		wait time.Duration // from 06:00, an hour before it is due
		want string        // outcome; empty: not due
	}{
		{"once, late in the day", nil, 15 * time.Hour, "issue"},
		{"once, days later", nil, 75 * time.Hour, "issue"},
		{"skip, on time", func(n *newsletter.Newsletter) { n.Missed = newsletter.MissedSkip }, 90 * time.Minute, "issue"},
		{"skip, late", func(n *newsletter.Newsletter) { n.Missed = newsletter.MissedSkip }, 3 * time.Hour, "skipped"},
		{"max_late kept", func(n *newsletter.Newsletter) { n.MaxLate = 2 * time.Hour }, 3 * time.Hour, "issue"},
		{"max_late passed", func(n *newsletter.Newsletter) { n.MaxLate = 2 * time.Hour }, 3*time.Hour + time.Second, "late"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.edit(func(n *newsletter.Newsletter) {
				n.Schedule = "0 7 * * *"
				if c.set != nil {
					c.set(n)
				}
			})
			s.article()
			s.subscribe(1)
			v := s.service()
			s.runWith(v, due)
			s.clock.add(c.wait)
			r := s.runWith(v, due)
			got, err := s.store.LastOccurrence(t.Context(), "weekly", true)
			if err != nil || got.Outcome != c.want || (got.Issue != 0) != (c.want == "issue") {
				t.Errorf("got %+v (%v), want %s", got, err, c.want)
			}
			if c.want != "issue" && (r.Newsletters[0].Skipped == "" || len(r.Issues) != 0) {
				t.Errorf("report %+v", r.Newsletters[0])
			}
		})
	}
}

// TestNewSchedule: another schedule does not make up for times that were never
// planned.
func TestNewSchedule(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.article()
	s.subscribe(1)
	s.edit(func(n *newsletter.Newsletter) { n.Schedule = "0 7 * * SUN" })
	s.runWith(s.service(), due)
	s.clock.add(30 * time.Hour) // Tuesday noon
	s.edit(func(n *newsletter.Newsletter) { n.Schedule = "0 7 * * *" })
	v := s.service()
	if n := s.runWith(v, due).Newsletters[0]; n.Number != 0 {
		t.Errorf("Tuesday's 07:00 was made up for: %+v", n)
	}
	s.clock.add(24 * time.Hour)
	if n := s.runWith(v, due).Newsletters[0]; n.Number != 1 || n.Due != "2026-05-06T07:00" {
		t.Errorf("got %+v", n)
	}
}

// TestTwoNodes: two processes that find the same occurrence due make one issue.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		s.edit(func(n *newsletter.Newsletter) { n.Schedule = "0 7 * * *" })
		k := newSink(t)
		s.article()
		readers := s.subscribe(10)
		s.runWith(s.service(), due)
		s.runWith(s.service(withRelay(k.relay("main"))), due)
		s.clock.add(time.Hour)
		done := make(chan error)
		for range 3 {
			go func() {
				_, err := s.service(withRelay(k.relay("main"))).Run(t.Context(), due)
				done <- err
			}()
		}
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		real := false
		if issues, err := s.store.Issues(t.Context(), store.IssueQuery{Rehearsal: &real}); err != nil || len(issues) != 1 || issues[0].State != newsletter.IssueSent {
			t.Errorf("issues %+v (%v)", issues, err)
		}
		same(t, k.to(), readers)
	})
}
