package newsletter_test

import (
	"testing"
	"time"

	"syndicate/internal/newsletter"
)

func TestSoftLimit(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	limit := newsletter.SoftLimit{Count: 3, Over: 7 * day, Within: 30 * day}
	now := time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		what string
		ago  []time.Duration
		want bool
	}{
		{"one", []time.Duration{0}, false},
		{"three on one day", []time.Duration{0, time.Minute, time.Hour}, false},
		{"three days in a row", []time.Duration{0, day, 2 * day}, false},
		{"three over a week", []time.Duration{8 * day, 0, 3 * day}, true},
		{"two, and one that is long ago", []time.Duration{31 * day, 8 * day, 0}, false},
		{"a daily newsletter", []time.Duration{0, day, 2 * day, 3 * day, 4 * day, 5 * day, 6 * day, 7 * day}, true},
	} {
		var at []time.Time
		for _, d := range tt.ago {
			at = append(at, now.Add(-d))
		}
		if got := limit.Reached(at, now); got != tt.want {
			t.Errorf("%s: %v", tt.what, got)
		}
		if (newsletter.SoftLimit{}).Reached(at, now) {
			t.Errorf("%s: reached, without a limit", tt.what)
		}
	}
}
