package store_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

var (
	histories    = flag.Int("histories", 1, "how many random histories TestRetentionModel goes through")
	firstHistory = flag.Uint64("history", 1, "the first of them")
)

// twins are two databases with the same history. In one of them everything goes that is
// old; in the other only what nobody confirmed, and letters, which is as it was before
// there was retention.
type twins struct {
	*testing.T
	*clock
	r          *rand.Rand
	gone, kept *bench
	issues     []int64 // the same numbers in both
	open       int64   // that was not delivered yet, 0: none
	round      int
}

// TestRetentionModel: whatever happens, and however the clock jumps, retention never
// changes what is sent to whom, lifts no suppression, lets no list bring anybody back
// whom it could not, changes no count, and finds nothing more when it comes again.
func TestRetentionModel(t *testing.T) {
	t.Parallel()
	for engine, database := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			for k := range uint64(*histories) { //nolint:gosec // a small number
				t.Run(fmt.Sprintf("history=%d", *firstHistory+k), func(t *testing.T) {
					live(t, database, rand.New(rand.NewPCG(*firstHistory+k, 0))) //nolint:gosec // to be repeated
				})
			}
		})
	}
}

func live(t *testing.T, database func(testing.TB) string, r *rand.Rand) {
	c := newClock()
	open := func() *bench {
		return &bench{T: t, Store: storetest.Open(t, database(t), storetest.Now(c.Now)), clock: c}
	}
	w := &twins{T: t, clock: c, r: r, gone: open(), kept: open()}
	for _, b := range []*bench{w.gone, w.kept} {
		b.subscribe("weekly", 0)
		b.subscribe("other", 0)
	}
	steps := []func() string{
		w.add, w.add, w.importList, w.signUp, w.signUp, w.leave, w.leave, w.comeBack, w.report, w.report, w.operator, w.erase,
		w.issue, w.issue, w.issue, w.cancel, w.wait, w.wait, w.wait, w.pass, w.pass,
	}
	for w.round = range 40 {
		w.Logf("%2d %s %s", w.round, w.Now().Format(time.DateOnly), steps[r.IntN(len(steps))]())
		w.compare()
	}
}

// both does the same in both, with one result.
func (w *twins) both(step func(b *bench) string) string {
	w.Helper()
	gone, kept := step(w.gone), step(w.kept)
	if gone != kept {
		w.Fatalf("%q where things are forgotten, %q where they are kept", gone, kept)
	}
	return kept
}

const people = 7

func address(n int) string { return fmt.Sprintf("p%d@example.org", n) }

func (w *twins) someone() string { return address(w.r.IntN(people)) }

func (w *twins) newsletter() string { return []string{"weekly", "weekly", "other"}[w.r.IntN(3)] }

// stateIn is the state of a subscription, empty: there is none.
func stateIn(b *bench, email, name string) newsletter.SubscriptionState {
	s, err := b.SubscriberByEmail(ctx, email)
	if errors.Is(err, store.ErrNotFound) {
		return ""
	}
	b.ok(err)
	sub, err := b.Subscription(ctx, s.ID, name)
	if errors.Is(err, store.ErrNotFound) {
		return ""
	}
	b.ok(err)
	return sub.State
}

func (b *bench) idOf(email string) int64 {
	return must(b.SubscriberByEmail(ctx, email))(b).ID
}

// add adds by hand or by the operator's list.
func (w *twins) add() string {
	email, name, source := w.someone(), w.newsletter(), []string{"cli", "file"}[w.r.IntN(2)]
	created := w.both(func(b *bench) string {
		return fmt.Sprint(must(b.AddSubscriber(ctx, name, line(email), source, b.Now()))(b) == store.Created)
	})
	return fmt.Sprintf("%s is added to %s by %s: %s", email, name, source, created)
}

func (w *twins) importList() string {
	name, lines := w.newsletter(), []newsletter.Line{}
	for n := range people {
		l := line(address(n))
		if w.r.IntN(4) == 0 {
			l.State, l.LeftAt = newsletter.SubscriptionUnsubscribed, w.Now().Add(-1000*day24)
		}
		if w.r.IntN(2) == 0 {
			lines = append(lines, l)
		}
	}
	return fmt.Sprintf("a list is imported to %s: %s", name, w.both(func(b *bench) (made string) {
		i := must(b.BeginImport(ctx, store.Import{Newsletter: name, Hash: fmt.Sprint(w.round)}, b.Now()))(b)
		for n, r := range must(b.ImportLines(ctx, &i, lines, len(lines), b.Now()))(b) {
			if r.New() {
				made += lines[n].Email + " "
			}
		}
		b.ok(b.EndImport(ctx, &i, b.Now()))
		return made
	}))
}

// signUp signs up, and mostly confirms.
func (w *twins) signUp() string {
	email, confirms := w.someone(), w.r.IntN(4) > 0
	return fmt.Sprintf("%s signs up: %s", email, w.both(func(b *bench) string {
		b.ok(b.AskSignUp(ctx, "weekly", email, newsletter.SignUp{At: b.Now(), Source: "form"}, 10))
		u := must(b.SignUps(ctx, 0, 1))(b)[0]
		letters := store.SignUpLetters{Confirm: letterContent, Known: letterContent, Expires: b.Now().Add(7 * day24), KnownExpires: b.Now().Add(time.Hour)}
		result := must(b.TakeSignUp(ctx, u, letters, store.SignUpLimits{}, b.Now()))(b)
		if result == store.SignUpRefused {
			return string(result)
		}
		letter := b.delivered()
		if result != store.SignUpConfirm || !confirms {
			return string(result)
		}
		fresh, err := b.Confirm(ctx, letter.Chunk, "", b.Now())
		return fmt.Sprint("confirmed ", fresh, err)
	}))
}

// subscribed picks a subscription that is confirmed in both, if there is one.
func (w *twins) subscribed() (email, name string, ok bool) {
	for _, n := range w.r.Perm(people) {
		email, name = address(n), w.newsletter()
		if stateIn(w.kept, email, name) == newsletter.SubscriptionConfirmed {
			if got := stateIn(w.gone, email, name); got != newsletter.SubscriptionConfirmed {
				w.Fatalf("%s is %q at %s, and confirmed where nothing is forgotten", email, got, name)
			}
			return email, name, true
		}
	}
	return "", "", false
}

func (w *twins) leave() string {
	email, name, ok := w.subscribed()
	if !ok {
		return "nobody could leave"
	}
	return fmt.Sprintf("%s leaves %s: %s", email, name, w.both(func(b *bench) string {
		return fmt.Sprint(must(b.Unsubscribe(ctx, b.idOf(email), name, "page", b.Now()))(b))
	}))
}

// comeBack undoes leaving, which can be done as long as it is known.
func (w *twins) comeBack() string {
	email, name := w.someone(), w.newsletter()
	if stateIn(w.gone, email, name) != newsletter.SubscriptionUnsubscribed {
		return "nobody came back"
	}
	return fmt.Sprintf("%s comes back to %s: %s", email, name, w.both(func(b *bench) string {
		return fmt.Sprint(must(b.Resubscribe(ctx, b.idOf(email), name, b.Now()))(b))
	}))
}

// report is about the latest issue, by a key.
func (w *twins) report() string {
	email, _, ok := w.subscribed()
	if !ok || len(w.issues) == 0 {
		return "nothing came back"
	}
	kind := []newsletter.ReportKind{newsletter.ReportHard, newsletter.ReportComplaint, newsletter.ReportSoft, newsletter.ReportSoft, newsletter.ReportBlock}[w.r.IntN(5)]
	return fmt.Sprintf("%s from %s: %s", kind, email, w.both(func(b *bench) string {
		return string(must(b.Bounce(ctx, store.Bounced{
			Kind: kind, Said: fmt.Append(nil, w.round), Message: []byte("hm"),
			Returned: &newsletter.Returned{Subscriber: b.idOf(email), Issue: w.issues[len(w.issues)-1]},
		}, newsletter.SoftLimit{Count: 2, Over: day24, Within: 90 * day24}, b.Now()))(b))
	}))
}

func (w *twins) operator() string {
	email, lifts := w.someone(), w.r.IntN(2) == 0
	if lifts {
		return fmt.Sprintf("%s is lifted: %s", email, w.both(func(b *bench) string { return fmt.Sprint(must(b.LiftSuppression(ctx, email))(b)) }))
	}
	w.both(func(b *bench) string {
		b.ok(b.Suppress(ctx, email, newsletter.CauseOperator, 0, "by hand", b.Now()))
		return ""
	})
	return email + " is suppressed"
}

func (w *twins) erase() string {
	email := w.someone()
	for _, name := range []string{"weekly", "other"} {
		if stateIn(w.gone, email, name) != stateIn(w.kept, email, name) {
			return "nobody is erased" // who left stays so for longer than who is erased and came back to another newsletter
		}
	}
	w.both(func(b *bench) string {
		b.ok(b.Erase(ctx, email, b.Now()))
		return ""
	})
	return email + " is erased"
}

// issue delivers what is open; if nothing is, it makes an issue, and delivers that or
// leaves it for later.
func (w *twins) issue() string {
	if w.open == 0 {
		var ids []int64
		w.ms.Add(1)
		key := fmt.Sprintf("a-%d", w.round)
		audience := w.both(func(b *bench) string {
			b.upsert(article(key))
			i := b.compose("weekly")
			b.seal(i, 2)
			ids = append(ids, i.ID)
			return fmt.Sprint(must(b.Issue(ctx, i.ID))(b).Recipients)
		})
		if ids[0] != ids[1] {
			w.Fatalf("issues %v", ids)
		}
		w.issues = append(w.issues, ids[0])
		if w.gone.state(ids[0]) == newsletter.IssueSending { // it is for somebody
			w.open = ids[0]
		}
		if w.open == 0 || w.r.IntN(3) == 0 {
			return fmt.Sprintf("issue %d is sealed for %s", ids[0], audience)
		}
	}
	got := w.both(func(b *bench) string {
		var to []string
		ledger := b.ledger(b.Store)
		for b.state(w.open) == newsletter.IssueSending {
			l := b.lease("w")
			for k, d := range l.Rows {
				x := settlement(l, k, newsletter.Sent)
				if w.chance(d.Email, 4) {
					x.State, x.Reply = newsletter.Failed, newsletter.Reply{Phase: newsletter.PhaseRcpt, Code: 550, Text: "5.1.1 no " + d.Email}
					x.Suppress = w.chance(d.Email, 8)
				}
				b.ok(ledger.Settle(ctx, x))
				to = append(to, d.Email)
			}
			b.ok(b.Release(ctx, l.Chunk, l.Fence))
		}
		slices.Sort(to)
		return fmt.Sprint(to)
	})
	i := w.open
	w.open = 0
	return fmt.Sprintf("issue %d goes to %s", i, got)
}

// chance is one in n, and the same in both.
func (w *twins) chance(email string, n uint32) bool {
	h := fnv.New32()
	fmt.Fprint(h, email, w.round)
	return h.Sum32()%n == 0
}

func (w *twins) cancel() string {
	if w.open == 0 {
		return "nothing to cancel"
	}
	i := w.open
	w.open = 0
	return fmt.Sprintf("issue %d is cancelled: %s", i, w.both(func(b *bench) string { return fmt.Sprint(must(b.Cancel(ctx, i, "a slip"))(b)) }))
}

// wait lets time go by, or the clock jump back.
func (w *twins) wait() string {
	d := time.Duration(w.r.IntN(50*24)) * time.Hour
	if w.r.IntN(8) == 0 {
		d = -d / 10
	}
	w.Advance(d)
	return fmt.Sprintf("%s go by", d)
}

// pass lets go what is old, and comes again.
func (w *twins) pass() string {
	const kept = 30 * day24
	forget := func(b *bench, kind store.Retained) {
		b.forget(kind, kept)
		if n := b.forget(kind, kept); n > 0 {
			w.Fatalf("%d more %s when it comes again", n, kind)
		}
	}
	for _, kind := range []store.Retained{store.RetainedSignUps, store.RetainedLetters} {
		forget(w.gone, kind)
		forget(w.kept, kind)
	}
	others := []store.Retained{
		store.RetainedReplies, store.RetainedDeliveries, store.RetainedUnsubscribed, store.RetainedMessages, store.RetainedReasons, store.RetainedImports,
	}
	w.r.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	killed := errors.New("killed")
	for _, kind := range others[:w.r.IntN(len(others)+1)] {
		if w.r.IntN(3) > 0 {
			forget(w.gone, kind)
			continue
		}
		err := w.gone.Forget(ctx, kind, w.Now().Add(-kept), w.Now(), func(int) error { return killed })
		if err != nil && !errors.Is(err, killed) {
			w.Fatal(err)
		}
	}
	before := w.Now().Add(-100 * day24) // longer than soft bounces count
	w.gone.ok(w.gone.Forget(ctx, store.RetainedBounces, before, w.Now(), func(int) error { return nil }))
	return "what is old goes"
}

// compare looks whether both would do the same.
func (w *twins) compare() {
	w.Helper()
	w.both(func(b *bench) (all string) {
		for n := range people {
			email := address(n)
			p, err := b.Suppression(ctx, email)
			if err != nil {
				b.is(err, store.ErrNotFound)
			}
			all += fmt.Sprint("\n", email, " suppressed: ", p.Cause, p.Issue, p.At)
			for _, name := range []string{"weekly", "other"} {
				state := stateIn(b, email, name)
				r := must(b.JudgeLines(ctx, name, false, []newsletter.Line{line(email)}))(b)[0]
				all += fmt.Sprint(", ", name, " ", state == newsletter.SubscriptionConfirmed, ", to be imported ", r.New())
			}
		}
		return all
	})
	w.both(func(b *bench) string {
		groups := must(b.Groups(ctx, "weekly", false, newsletter.Turn{Day: newsletter.DayOf(b.Now())}, b.Now()))(b)
		slices.SortFunc(groups, func(x, y store.GroupCount) int { return cmp.Compare(x.Cursor, y.Cursor) })
		return fmt.Sprint(groups)
	})
	for _, i := range w.issues {
		w.both(func(b *bench) string { return fmt.Sprintf("issue %d: %+v", i, b.counted(i)) })
	}
}
