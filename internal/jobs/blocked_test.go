package jobs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestBlocksAreTold: what receivers block is logged once an hour for each system that
// reports, and counted; what strangers send, and what is about the person, is not.
func TestBlocksAreTold(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.newsletter("weekly")
	emails := s.subscribe(2)
	s.article()
	log := s.logged()
	k := newSink(t)
	v := s.service(withRelay(k.relay("main")), withBounces)
	s.run(v)
	key := k.messages()[0].From
	told := 0
	came := func(m string, outcome store.BounceOutcome, more int) {
		t.Helper()
		takes(t, v, m, outcome)
		if told += more; log.of("a receiver blocks mail of this site") != told {
			t.Errorf("told %d times, want %d", log.of("a receiver blocks mail of this site"), told)
		}
	}
	blocked := func(to, reporter string, n int) string {
		return strings.Replace(notice(to, "somebody@example.net", "5.7.1", fmt.Sprintf("550 5.7.1 blocked by policy, %d", n), ""), "dns; mx.example.net", "dns; "+reporter, 1)
	}
	came(blocked(key, "mx.example.net", 0), store.BounceNoted, 1)
	came(blocked(key, "mx.example.net", 1), store.BounceNoted, 0)
	came(blocked(key, "mx.example.net", 1), store.BounceTwice, 0)
	came(blocked(key, "mx.example.com", 2), store.BounceNoted, 1)
	came(blocked(returnPath, "stranger.example", 3), store.BounceNobody, 0)
	came(notice(key, "somebody@example.net", "5.2.2", "552 5.2.2 mailbox full", ""), store.BounceCounted, 0)
	s.clock.add(time.Hour)
	came(blocked(key, "mx.example.net", 4), store.BounceNoted, 1)

	state, err := v.BlockState(t.Context())
	if err != nil || state.Count != 4 || len(state.Most) != 2 || state.Most[0].Count != 3 || state.Most[0].Reporter != "mx.example.net" || state.Most[0].Reason != newsletter.ReasonPolicy || state.Most[0].Issue == 0 {
		t.Errorf("%+v, %v", state, err)
	}
	for _, email := range emails {
		if _, err := s.store.Suppression(t.Context(), email); err == nil {
			t.Error("a block suppressed somebody")
		}
	}
}
