package mailer_test

import (
	"crypto/tls"
	"testing"

	"syndicate/internal/mailer"
)

// sessions counts the sessions that were found.
type sessions struct {
	tls.ClientSessionCache
	found int
}

func (s *sessions) Get(key string) (*tls.ClientSessionState, bool) {
	state, ok := s.ClientSessionCache.Get(key)
	if ok && state != nil {
		s.found++
	}
	return state, ok
}

// TestResume: a relay's second connection resumes the TLS session of the first.
func TestResume(t *testing.T) {
	t.Parallel()
	cert, pool, _ := certificate(t, "localhost")
	for name, implicit := range map[string]bool{"starttls": false, "implicit": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, relay := startBackend(t, &cert, implicit)
			cache := &sessions{ClientSessionCache: tls.NewLRUClientSessionCache(0)}
			relay.Host, relay.RootCAs, relay.Sessions = "localhost", pool, cache
			for range 2 {
				c, _, err := mailer.Dial(t.Context(), relay)
				if err != nil {
					t.Fatal(err)
				}
				c.Quit()
			}
			if cache.found != 1 {
				t.Errorf("%d sessions resumed, want 1", cache.found)
			}
		})
	}
}
