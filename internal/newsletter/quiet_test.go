package newsletter_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"syndicate/internal/newsletter"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestQuiet(t *testing.T) {
	t.Parallel()
	night, noon, gap := newsletter.Quiet{From: 22 * 60, To: 7 * 60}, newsletter.Quiet{From: 12 * 60, To: 13*60 + 30}, newsletter.Quiet{From: 60, To: 150}
	for _, c := range []struct {
		name  string
		quiet newsletter.Quiet
		now   string // in Paris
		until string // empty: not quiet
		next  string
	}{
		{"evening", night, "2026-06-01T21:59:59+02:00", "", "2026-06-01T22:00:00+02:00"},
		{"begins", night, "2026-06-01T22:00:00+02:00", "2026-06-02T07:00:00+02:00", "2026-06-02T22:00:00+02:00"},
		{"after midnight", night, "2026-06-02T00:30:00+02:00", "2026-06-02T07:00:00+02:00", "2026-06-02T22:00:00+02:00"},
		{"ends", night, "2026-06-02T07:00:00+02:00", "", "2026-06-02T22:00:00+02:00"},
		{"by day", noon, "2026-06-02T12:30:00+02:00", "2026-06-02T13:30:00+02:00", "2026-06-03T12:00:00+02:00"},
		{"the short night", night, "2026-03-28T23:00:00+01:00", "2026-03-29T07:00:00+02:00", "2026-03-29T22:00:00+02:00"},
		{"the long night", night, "2026-10-24T23:00:00+02:00", "2026-10-25T07:00:00+01:00", "2026-10-25T22:00:00+01:00"},
		{"an end that the clock jumps over", gap, "2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T01:00:00+02:00"},
		{"an end that comes twice", gap, "2026-10-25T01:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00"},
		{"none", newsletter.Quiet{}, "2026-06-01T23:00:00+02:00", "", ""},
	} {
		paris := zone(t, "Europe/Paris")
		show := func(at time.Time) string {
			if at.IsZero() {
				return ""
			}
			return at.In(paris).Format(time.RFC3339)
		}
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := show(c.quiet.Until(now, paris)); got != c.until {
			t.Errorf("%s: until %s, want %s", c.name, got, c.until)
		}
		if got := show(c.quiet.Next(now, paris)); got != c.next {
			t.Errorf("%s: next %s, want %s", c.name, got, c.next)
		}
	}
}

// What Until, Within and After say agrees with looking at the clock again and again.
func TestQuietByTheClock(t *testing.T) {
	t.Parallel()
	zones := []*time.Location{time.UTC, zone(t, "Europe/Paris"), zone(t, "America/New_York"), zone(t, "Australia/Lord_Howe"), zone(t, "Asia/Kathmandu")}
	const step = 5
	rapid.Check(t, func(rt *rapid.T) {
		q := newsletter.Quiet{From: step * rapid.IntRange(0, 287).Draw(rt, "from"), To: step * rapid.IntRange(0, 287).Draw(rt, "to")}
		z := rapid.SampledFrom(zones).Draw(rt, "zone")
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 365*24*12).Draw(rt, "at")) * step * time.Minute)
		if until := q.Until(now, z); q.At(now.In(z)) {
			want := now
			for q.At(want.In(z)) {
				want = want.Add(step * time.Minute)
			}
			if !until.Equal(want) {
				rt.Fatalf("until %s, want %s", until, want)
			}
		} else if !until.IsZero() {
			rt.Fatalf("it is not quiet, but until %s", until)
		}
		long := time.Duration(rapid.IntRange(0, 300).Draw(rt, "long")) * step * time.Minute
		quiet := time.Duration(0)
		for at := now; at.Before(now.Add(long)); at = at.Add(step * time.Minute) {
			if q.At(at.In(z)) {
				quiet += step * time.Minute
			}
		}
		if got := q.Within(now, now.Add(long), z); got != quiet {
			rt.Fatalf("%s quiet of %s, want %s", got, long, quiet)
		}
		if end := q.After(now, long, z); end.Sub(now)-q.Within(now, end, z) != long {
			rt.Fatalf("work of %s ends at %s", long, end)
		}
	})
}

func TestCanary(t *testing.T) {
	t.Parallel()
	c := newsletter.Canary{Share: 0.01}
	for audience, want := range map[int]float64{0: 0, 99: 0, 100: 0.3, 1000: 0.03, 3000: 0.01, 1_000_000: 0.01} {
		if got := c.Of(audience); got != want {
			t.Errorf("of %d: %v, want %v", audience, got, want)
		}
	}
	k, err := newsletter.NewKeyring(map[byte][]byte{1: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	in, both := 0, 0
	for id := range int64(10_000) {
		if k.InCanary(1, id, 0.1) {
			in++
			if k.InCanary(2, id, 0.1) {
				both++
			}
		}
		if k.InCanary(1, id, 0) || !k.InCanary(1, id, 1) {
			t.Fatal("all or nobody")
		}
	}
	if in < 850 || in > 1150 || both > in/4 {
		t.Errorf("%d of 10,000 are in a canary of 10 %%, %d of them in the next one too", in, both)
	}
}

func TestReplyKind(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"5.1.1 <ann@example.org>: Recipient address rejected": "5.1.1 <…>: Recipient address rejected",
		"4.7.1 Ok: queued as 4XyZ12345abc, try later":         "4.7.1 Ok: queued as …, try later",
		"5.7.1 [gsmtp 98e67ed59e1d1-2a4f8 si123456ab] no":     "5.7.1 [gsmtp … …] no",
		"mailbox  full":           "mailbox full",
		"":                        "",
		"5.2.2 over quota (1024)": "5.2.2 over quota (…)",
	} {
		if got := newsletter.ReplyKind(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
