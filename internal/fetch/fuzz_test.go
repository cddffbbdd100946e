package fetch_test

import (
	"net/http"
	"testing"
	"time"

	"syndicate/internal/fetch"
)

// FuzzHeaders: whatever a server says about time, it means something between now and
// thirty days.
func FuzzHeaders(f *testing.F) {
	f.Add("max-age=60, public", "7", "Wed, 26 Nov 2026 08:00:00 GMT", "Wed, 26 Nov 2026 07:00:00 GMT", "120")
	f.Add("no-cache", "", "0", "", "Wed, 26 Nov 2099 08:00:00 GMT")
	f.Add(`MAX-AGE="99999999999999999999"`, "-1", "Sunday, 06-Nov-94 08:49:37 GMT", "x", "-5")
	f.Fuzz(func(t *testing.T, control, age, expires, date, retry string) {
		h := http.Header{"Cache-Control": {control}, "Age": {age}, "Expires": {expires}, "Date": {date}, "Retry-After": {retry}}
		now := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
		for name, d := range map[string]time.Duration{"fresh": fetch.Fresh(h, now), "retry": fetch.RetryAfter(h, now)} {
			if d < 0 || d > 30*24*time.Hour {
				t.Errorf("%s for %s: %q", name, d, h)
			}
		}
	})
}
