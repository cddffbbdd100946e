package fetch

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestWish is the longest time that a server is believed to mean.
const longestWish = 30 * 24 * time.Hour

// RetryAfter returns how long a server asks to be left alone (RFC 9110, section
// 10.2.3): seconds, or a date; 0: it does not ask.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if d, ok := seconds(text); ok {
		return d
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return bounded(at.Sub(now))
}

// Fresh returns how long an answer says that it stays what it is (RFC 9111, section
// 4.2): max-age less Age, else Expires; 0: it does not say.
func Fresh(h http.Header, now time.Time) time.Duration {
	for _, directive := range strings.Split(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			age, _ := seconds(h.Get("Age"))
			fresh, _ := seconds(strings.Trim(value, `"`))
			return max(0, fresh-age)
		}
	}
	expires, err := http.ParseTime(h.Get("Expires"))
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date // by the server's own clock
	}
	return bounded(expires.Sub(now))
}

func seconds(text string) (time.Duration, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return 0, false
	}
	return bounded(time.Duration(n) * time.Second), true
}

func bounded(d time.Duration) time.Duration { return min(max(d, 0), longestWish) }
