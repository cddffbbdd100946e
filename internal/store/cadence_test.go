package store_test

import (
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestCadence: an issue is for those whose turn it is. The others keep their
// cursor, and get what they missed with the issue of their day.
func TestCadence(t *testing.T) {
	each(t, func(b *bench) {
		every := newsletter.Week(0x7f)
		monday := newsletter.DayOf(day)
		turn := func(d int) func(*store.NewIssue) {
			return func(n *store.NewIssue) { n.Turn = newsletter.Turn{Day: monday + newsletter.Day(d), Week: every} }
		}
		cadence := func(id int64, c newsletter.Cadence, from int) {
			b.Helper()
			b.ok(b.SetPreferences(ctx, id, "weekly", store.Preferences{Cadence: &c, From: monday + newsletter.Day(from)}, b.Now()))
		}
		ids := b.subscribe("weekly", 4)
		cadence(ids[1], newsletter.On(time.Tuesday), -7)
		cadence(ids[2], newsletter.Monthly, 0)
		cadence(ids[3], newsletter.Daily, 0)
		// at composes and seals an issue, so many days after Monday, and checks whom it
		// is for and that the forecast knows.
		at := func(d int, want ...int64) newsletter.Issue {
			b.Helper()
			b.publish(1)
			i := b.compose("weekly", turn(d))
			equal(b, i.Turn, newsletter.Turn{Day: monday + newsletter.Day(d), Week: every})
			var got []int64
			for _, r := range must(b.Audience(ctx, i, 0, 0, b.Now()))(b) {
				got = append(got, r.Subscriber)
			}
			equal(b, got, want)
			n := 0
			for _, g := range must(b.Groups(ctx, "weekly", false, i.Turn, b.Now()))(b) {
				n += g.Count
			}
			for _, g := range must(b.GroupDomains(ctx, "weekly", false, i.Turn, b.Now()))(b) {
				n -= g.Count
			}
			equal(b, n, 0)
			b.seal(i, 10)
			return i
		}
		sub := func(k int) newsletter.Subscription {
			b.Helper()
			return must(b.Subscription(ctx, ids[k], "weekly"))(b)
		}
		at(0, ids[0], ids[3])
		equal(b, sub(3).Served, monday)
		equal(b, sub(1).Cursor, 0)
		second := at(1, ids[0], ids[1], ids[3])
		equal(b, sub(1).Cursor, second.Horizon)
		at(1, ids[0]) // by hand, the same day
		at(2, ids[0], ids[3])
		fifth := at(8, ids[0], ids[1], ids[3])

		// Cancelling gives the turn back with the cursor.
		must(b.Cancel(ctx, fifth.ID, "a slip"))(b)
		equal(b, sub(1).Cursor, second.Horizon)
		at(8, ids[0], ids[1], ids[3])

		// A Tuesday that was missed is made up for, once.
		missed := func(n *store.NewIssue) { n.Turn.Missed = newsletter.Week(0).With(time.Tuesday) }
		b.publish(1)
		late := b.compose("weekly", turn(17), missed)
		equal(b, late.Turn.Missed, newsletter.Week(0).With(time.Tuesday))
		b.seal(late, 10)
		equal(b, sub(1).Cursor, late.Horizon)
		b.publish(1)
		again := b.compose("weekly", turn(18), missed)
		b.seal(again, 10)
		equal(b, sub(1).Cursor, late.Horizon)

		// A Tuesday, and the next month.
		at(29, ids...)
		equal(b, sub(2).Served, monday+29)

		// Who leaves before it was sent has it not.
		b.Advance(time.Hour)
		equal(b, must(b.Unsubscribe(ctx, ids[2], "weekly", "page", b.Now()))(b), true)
		equal(b, sub(2).Served, 0)
	})
}

// TestHeldOccurrences: what was passed over, cancelled, or waits for approval did not
// take place.
func TestHeldOccurrences(t *testing.T) {
	each(t, func(b *bench) {
		b.subscribe("weekly", 1)
		b.publish(1)
		monday := newsletter.DayOf(day)
		occurrence := func(d int) *newsletter.Occurrence {
			return &newsletter.Occurrence{Newsletter: "weekly", Local: (monday + newsletter.Day(d)).Time().Format("2006-01-02") + "T07:00", At: b.Now()}
		}
		issue := func(d int, approval bool) newsletter.Issue {
			return b.compose("weekly", func(n *store.NewIssue) {
				n.Occurrence, n.Approval = occurrence(d), approval
				n.Turn = newsletter.Turn{Day: monday + newsletter.Day(d), Missed: newsletter.Week(0).With(time.Sunday)}
			})
		}
		held := func(want ...int) {
			b.Helper()
			var got []int
			for _, o := range must(b.HeldOccurrences(ctx, "weekly", false, monday))(b) {
				at := must(time.Parse("2006-01-02T15:04", o.Local))(b)
				got = append(got, int(newsletter.DayOf(at)-monday))
				if o.Issue != 0 {
					equal(b, o.Missed, newsletter.Week(0).With(time.Sunday))
				}
			}
			equal(b, got, want)
		}
		issue(-1, false)
		first := issue(0, false)
		for d, outcome := range []string{"nothing new", "skipped", "late"} {
			o := occurrence(1 + d)
			o.Outcome = outcome
			equal(b, must(b.RecordOccurrence(ctx, *o, b.Now()))(b), true)
		}
		held(0, 1)
		must(b.Cancel(ctx, first.ID, "a slip"))(b)
		held(1)
		waits := issue(4, true)
		held(1)
		b.ok(b.Approve(ctx, waits.ID, waits.Hash))
		held(1, 4)
		issue(5, true)
		issue(6, false) // takes its place
		held(1, 4, 6)
	})
}

// TestCadenceOfARehearsal: a rehearsal uses up nobody's turn.
func TestCadenceOfARehearsal(t *testing.T) {
	each(t, func(b *bench) {
		id, daily := b.subscribe("weekly", 1)[0], newsletter.Daily
		today := newsletter.DayOf(day)
		b.ok(b.SetPreferences(ctx, id, "weekly", store.Preferences{Cadence: &daily, From: today}, b.Now()))
		b.publish(1)
		for _, rehearsal := range []bool{true, false} {
			i := b.compose("weekly", func(n *store.NewIssue) { n.Rehearsal, n.Turn = rehearsal, newsletter.Turn{Day: today} })
			b.seal(i, 10)
			equal(b, must(b.Issue(ctx, i.ID))(b).Recipients, 1)
		}
	})
}

// TestHour: the hour that an owner wants is the next of a wall clock, at most a day
// away, on the days too on which the clock is moved.
func TestHour(t *testing.T) {
	each(t, func(b *bench) {
		id := b.subscribe("weekly", 1)[0]
		b.publish(1)
		i := b.compose("weekly")
		for _, c := range []struct {
			now, zone string
			hour      int
			want      string // empty: at once
		}{
			{"2026-11-02T07:30:00+01:00", "Europe/Paris", 7, ""},
			{"2026-11-02T07:30:00+01:00", "Europe/Paris", 8, "2026-11-02T08:00:00+01:00"},
			{"2026-11-02T07:30:00+01:00", "Europe/Paris", 6, "2026-11-03T06:00:00+01:00"},
			{"2026-11-02T07:30:00+01:00", "", 8, "2026-11-02T08:00:00+01:00"}, // the newsletter's
			{"2026-11-02T07:30:00+01:00", "Nowhere/Land", 8, "2026-11-02T08:00:00Z"},
			{"2026-03-29T00:30:00+01:00", "Europe/Paris", 2, "2026-03-29T03:00:00+02:00"}, // there is no 2 o'clock
			{"2026-03-28T03:30:00+01:00", "Europe/Paris", 2, "2026-03-29T03:00:00+02:00"},
			{"2026-10-25T01:30:00+02:00", "Europe/Paris", 2, "2026-10-25T02:00:00+02:00"}, // there are two
			{"2026-10-25T02:30:00+01:00", "Europe/Paris", 2, ""},
			{"2026-10-24T08:00:00+02:00", "Europe/Paris", 7, "2026-10-25T07:00:00+01:00"}, // 24 hours
			{"2026-04-23T12:00:00+02:00", "Africa/Cairo", 0, "2026-04-24T01:00:00+03:00"}, // the day begins at 1
		} {
			b.ok(b.SetPreferences(ctx, id, "weekly", store.Preferences{Hour: &c.hour, TimeZone: &c.zone}, b.Now()))
			now := must(time.Parse(time.RFC3339, c.now))(b)
			got := must(b.Audience(ctx, i, 0, 0, now))(b)[0].NotBefore
			want := time.Time{}
			if c.want != "" {
				want = must(time.Parse(time.RFC3339, c.want))(b).UTC()
			}
			if !got.Equal(want) || got.Sub(now) > 24*time.Hour {
				b.Errorf("%s, %d o'clock in %q: not before %s, want %s", c.now, c.hour, c.zone, got, want)
			}
		}
	})
}
