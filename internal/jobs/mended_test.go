package jobs_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
)

// TestMendedRelay: a run by hand tries a relay that is paused still, since somebody
// may have mended it; cron's leaves it alone, and does not wait for the pause.
func TestMendedRelay(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		s.article()
		readers := s.subscribe(5)
		s.run(s.service(withRelay(nobodyHome(t))))
		k := newSink(t)
		v := s.service(withRelay(k.relay("main")))
		if err := s.store.PauseRelay(t.Context(), "main", s.clock.now().Add(time.Hour), "535 who are you"); err != nil {
			t.Fatal(err)
		}
		r := s.runWith(v, jobs.RunOptions{Due: true})
		s.counts(s.issue(r), newsletter.IssueSending, 0, 0, 5, 0)
		if r.ExitCode() != 1 || len(r.Relays) != 1 || r.Relays[0].Error != "535 who are you" {
			t.Errorf("exit code %d, relays %+v", r.ExitCode(), r.Relays)
		}
		same(t, k.to(), nil)
		r = s.run(v)
		s.counts(s.issue(r), newsletter.IssueSent, 5, 0, 0, 0)
		same(t, k.to(), readers)
		s.resumed("main")
	})
}

// resumed checks that no worker is kept from a relay any more.
func (s *site) resumed(name string) {
	s.t.Helper()
	eventually(s.t, "the relay's pause is over", func() bool {
		known, _, err := s.store.Relays(s.t.Context())
		return err == nil && len(known) > 0 && known[len(known)-1].Name == name && known[len(known)-1].PausedUntil.IsZero()
	})
}

// TestServeMendedRelay: a daemon that is started anew tries the relay; one that
// runs leaves it alone as long as another worker says so.
func TestServeMendedRelay(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		log := s.logged()
		s.article()
		k := newSink(t)
		v := s.service(withRelay(k.relay("main")))
		pause := func(pause time.Duration) time.Time {
			until := s.clock.now().Add(pause)
			if err := s.store.PauseRelay(t.Context(), "main", until, "535 who are you"); err != nil {
				t.Fatal(err)
			}
			return until
		}
		pause(time.Hour)
		s.subscribe(3)
		if _, err := v.Send(t.Context(), sendNoWait); err != nil {
			t.Fatal(err)
		}
		s.serve(v)
		eventually(t, "everybody has the issue", func() bool { return len(k.to()) == 3 })
		s.resumed("main")

		until := pause(2 * time.Hour)
		eventually(t, "the daemon leaves the relay alone", func() bool { return log.of("relay left alone") == 1 })
		s.article()
		if _, err := v.Send(t.Context(), sendNoWait); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the second issue is sealed", func() bool {
			i, err := s.store.Issue(t.Context(), 2)
			return err == nil && i.Sealed
		})
		if n := len(k.to()); n != 3 {
			t.Errorf("%d messages went to a relay that is left alone", n-3)
		}
		if err := s.store.ResumeRelay(t.Context(), "main", until); err != nil {
			t.Fatal(err)
		}
		eventually(t, "everybody has the second issue", func() bool { return len(k.to()) == 6 })
	})
}

// TestRunBesideMendedRelay: beside a daemon, a run by hand makes it try a relay
// that it left alone.
func TestRunBesideMendedRelay(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.options.Delivery.BackoffFirst, s.options.Delivery.BackoffMax = time.Hour, time.Hour
	s.article()
	readers := s.subscribe(3)
	var mended atomic.Bool
	k := newSink(t, func(k *sink) {
		k.onMail = func(string) error {
			if mended.Load() {
				return nil
			}
			return smtpError(550, smtp.EnhancedCode{5, 7, 1}, "not your domain")
		}
	})
	v := s.service(withRelay(k.relay("main")))
	if _, err := v.Send(t.Context(), sendNoWait); err != nil {
		t.Fatal(err)
	}
	s.serve(v)
	eventually(t, "the relay is paused", func() bool {
		known, _, err := s.store.Relays(t.Context())
		return err == nil && len(known) == 1 && known[0].PausedUntil.After(s.clock.now())
	})
	mended.Store(true)
	s.run(s.service(withRelay(k.relay("main"))))
	eventually(t, "everybody has the issue", func() bool { return len(k.to()) == 3 })
	same(t, k.to(), readers)
}
