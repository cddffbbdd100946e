package store_test

import (
	"testing"
	"time"

	"syndicate/internal/store"
)

// TestPushes: a hub is asked until it grants a lease, and again before that ends.
func TestPushes(t *testing.T) {
	each(t, func(b *bench) {
		want := func(hub, token string) {
			b.Helper()
			b.ok(b.WantPushes(ctx, []store.Push{{Source: "elsewhere", Hub: hub, Topic: "https://news.example.net/feed", Token: token, Secret: "s" + token}}))
		}
		claim := func() store.Push {
			b.Helper()
			equal(b, b.hubWork().Pushes, true)
			all := must(b.ClaimPushes(ctx, 10, time.Minute))(b)
			equal(b, len(all), 1)
			equal(b, b.hubWork().Pushes, false)
			return all[0]
		}
		want("https://hub.example.net/", "one")
		p := claim()
		equal(b, p.Token+" "+p.Secret, "one sone")
		b.ok(b.SettlePush(ctx, p, store.Outcome{After: time.Minute, Reason: "it answers 500"}, time.Hour))
		equal(b, must(b.Pushes(ctx))(b)[0].Error, "it answers 500")
		b.Advance(time.Minute)
		want("https://hub.example.net/", "two") // no other: the first token stays
		p = claim()
		equal(b, p.Token, "one")
		equal(b, p.Failures, 1)
		b.ok(b.SettlePush(ctx, p, store.Outcome{OK: true}, time.Hour))
		b.Advance(time.Hour) // it never asked back
		p = claim()
		b.ok(b.ConfirmPush(ctx, "one", 100*time.Hour, 80*time.Hour)) // it asks back before it answers
		b.ok(b.SettlePush(ctx, p, store.Outcome{OK: true}, time.Hour))
		p = must(b.PushOf(ctx, "one"))(b)
		equal(b, p.State, store.PushActive)
		equal(b, p.Error, "")
		equal(b, p.Expires, b.Now().Add(100*time.Hour))
		equal(b, b.hubWork().Next, 80*time.Hour)
		b.Advance(80 * time.Hour)
		b.ok(b.SettlePush(ctx, claim(), store.Outcome{Cut: true}, time.Hour))
		claim()
		b.ok(b.ConfirmPush(ctx, "one", 100*time.Hour, 80*time.Hour))

		// What it tells makes the source due, not too often.
		due := func() time.Duration { return must(b.SourceState(ctx, "elsewhere"))(b).Due.Sub(b.Now()) }
		b.ok(b.PlanSource(ctx, "elsewhere", []byte("{}"), b.Now().Add(24*time.Hour)))
		b.ok(b.Pushed(ctx, "one", 10*time.Second))
		equal(b, due(), 0)
		b.ok(b.PlanSource(ctx, "elsewhere", nil, b.Now().Add(24*time.Hour)))
		b.Advance(4 * time.Second)
		b.ok(b.Pushed(ctx, "one", 10*time.Second))
		equal(b, due(), 6*time.Second)
		b.is(b.Pushed(ctx, "two", 10*time.Second), store.ErrNotFound)

		b.ok(b.DenyPush(ctx, "one", "its hub denied", 24*time.Hour))
		equal(b, must(b.Pushes(ctx))(b)[0].State, store.PushDenied)
		b.Advance(24 * time.Hour)
		claim()
		want("https://other.example.net/", "three") // the feed names another hub
		_, err := b.PushOf(ctx, "one")
		b.is(err, store.ErrNotFound)
		equal(b, claim().Token, "three")
		b.ok(b.WantPushes(ctx, nil)) // the source is taken out
		_, err = b.PushOf(ctx, "three")
		b.is(err, store.ErrNotFound)
	})
}
