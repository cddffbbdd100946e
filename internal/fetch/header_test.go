package fetch_test

import (
	"net/http"
	"testing"
	"time"

	"syndicate/internal/fetch"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "90": 90 * time.Second, " 90 ": 90 * time.Second, "-5": 0, "soon": 0, "1.5": 0,
		"Wed, 25 Nov 2026 12:01:00 GMT": time.Minute, "Wed, 25 Nov 2026 11:00:00 GMT": 0,
		"99999999999999999999": 0, "4000000000": 30 * 24 * time.Hour, "Sun, 25 Nov 2096 12:01:00 GMT": 30 * 24 * time.Hour,
	} {
		if got := fetch.RetryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestFresh(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		h    http.Header
		want time.Duration
	}{
		{http.Header{}, 0},
		{http.Header{"Cache-Control": {"public, max-age=3600"}}, time.Hour},
		{http.Header{"Cache-Control": {"public", "Max-Age=\"60\""}}, time.Minute},
		{http.Header{"Cache-Control": {"max-age=3600"}, "Age": {"600"}}, 50 * time.Minute},
		{http.Header{"Cache-Control": {"max-age=60"}, "Age": {"600"}}, 0},
		{http.Header{"Cache-Control": {"no-cache"}, "Expires": {"Wed, 25 Nov 2026 13:00:00 GMT"}}, 0},
		{http.Header{"Expires": {"Wed, 25 Nov 2026 13:00:00 GMT"}}, time.Hour},
		{http.Header{"Expires": {"Wed, 25 Nov 2026 13:00:00 GMT"}, "Date": {"Wed, 25 Nov 2026 12:45:00 GMT"}}, 15 * time.Minute},
		{http.Header{"Expires": {"0"}}, 0},
	}
	for _, test := range tests {
		if got := fetch.Fresh(test.h, now); got != test.want {
			t.Errorf("%v: got %s, want %s", test.h, got, test.want)
		}
	}
}
