package store_test

import (
	"testing"
	"time"

	"syndicate/internal/store"
)

// TestClaims: one at a time does a job; who dies over it, or fails, is followed
// when its time is up.
func TestClaims(t *testing.T) {
	each(t, func(b *bench) {
		const name, ttl = "seal 12", 30 * time.Second
		state := func() store.Claim { return must(b.Claims(ctx))(b)[name] }

		a := must(b.Claim(ctx, name, 0, ttl))(b)
		equal(b, state(), store.Claim{Fence: a, Held: true, Left: ttl})
		_, err := b.Claim(ctx, name, 0, ttl)
		b.is(err, store.ErrStale) // two were asked to do it

		b.Advance(ttl / 2)
		b.ok(b.KeepClaim(ctx, name, a, ttl))
		b.Advance(ttl)
		equal(b, state(), store.Claim{Fence: a, Held: true}) // its worker died
		c := must(b.Claim(ctx, name, a, ttl))(b)
		b.is(b.KeepClaim(ctx, name, a, ttl), store.ErrStale) // or did not, after all
		b.is(b.EndClaim(ctx, name, a, true), store.ErrStale)
		b.is(b.FailClaim(ctx, name, a, time.Second, time.Minute, 0), store.ErrStale)

		b.ok(b.EndClaim(ctx, name, c, false)) // told to stop
		equal(b, state(), store.Claim{Fence: c})
		d := must(b.Claim(ctx, name, c, ttl))(b)
		b.ok(b.EndClaim(ctx, name, d, true))
		equal(b, state(), store.Claim{})
		_, err = b.Claim(ctx, name, c, ttl)
		b.is(err, store.ErrStale) // it was done since
	})
}

// TestClaimsFailed: a job that fails waits, longer each time, until somebody says
// that something changed.
func TestClaimsFailed(t *testing.T) {
	each(t, func(b *bench) {
		const name, ttl = "compose weekly", 30 * time.Second
		fence := int64(0)
		fail := func() time.Duration {
			b.Helper()
			held := must(b.Claim(ctx, name, fence, ttl))(b)
			b.ok(b.FailClaim(ctx, name, held, time.Second, 5*time.Second, 0.5))
			c := must(b.Claims(ctx))(b)[name]
			fence = c.Fence
			equal(b, c.Held, false)
			return c.Left
		}
		first, second := fail(), fail()
		if first <= 0 || second <= first {
			b.Errorf("%s, then %s", first, second)
		}
		for range 10 {
			fail()
		}
		if longest := fail(); longest > 10*time.Second {
			b.Errorf("it waits for %s", longest)
		}
		busy := must(b.Claim(ctx, "ingest", 0, ttl))(b)
		b.ok(b.ForgetFailures(ctx))
		equal(b, must(b.Claims(ctx))(b), map[string]store.Claim{
			name: {Fence: fence}, "ingest": {Fence: busy, Held: true, Left: ttl},
		})
		if again := fail(); again > first+second {
			b.Errorf("it waits for %s, as if nothing had changed", again)
		}
	})
}
