package jobs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"syndicate/internal/jobs"
	"syndicate/internal/mailer"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// caughtFor returns what the catcher kept for an address.
func (s *site) caughtFor(address string) received {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.outbox, "*-"+address+".eml"))
	if err != nil || len(files) != 1 {
		s.t.Fatalf("%d messages for %s, %v", len(files), address, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := parse(data)
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// TestBounceOfRehearsal: what comes back of a rehearsal's mail acts as it would of mail
// that left: by the key, by the Message-ID and, where there are no keys, by the address.
// With a relay, only what went through that counts as mailed.
func TestBounceOfRehearsal(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		emails := s.subscribe(4)
		s.article()
		keyed := s.service(withBounces)
		s.run(keyed)
		first, second := s.caughtFor(emails[0]), s.caughtFor(emails[1])
		key := strings.Trim(first.Header.Get("Return-Path"), "<>")
		if !strings.HasPrefix(key, "bounces+") || first.Header.Get("Delivered-To") != emails[0] {
			t.Errorf("%v", first.Header)
		}

		takes(t, keyed, notice(returnPath, emails[2], "5.1.1", "550 5.1.1 no such user", ""), store.BounceNobody)
		takes(t, keyed, notice(key, "else@example.net", "5.1.1", "550 5.1.1 no such user", ""), store.BounceSuppressed)
		takes(t, keyed, notice(returnPath, emails[1], "5.1.1", "550 5.1.1 no such user", "Message-ID: "+second.MessageID), store.BounceSuppressed)

		plain := func(o *jobs.Options) { o.OfflineLinks = true }
		relayed := s.service(plain, withRelay(mailer.Relay{Name: "main", Host: "127.0.0.1", Port: 25}))
		takes(t, relayed, notice("weekly@news.example.org", emails[2], "5.1.1", "550 5.1.1 no such user", ""), store.BounceNobody)
		takes(t, s.service(plain), notice("weekly@news.example.org", emails[2], "5.1.1", "550 5.1.1 gone", ""), store.BounceSuppressed)
		for i, want := range []bool{true, true, true, false} {
			if _, err := s.store.Suppression(t.Context(), emails[i]); (err == nil) != want {
				t.Errorf("%s is suppressed: %v", emails[i], !want)
			}
		}
	})
}

// TestWhyNobody: a report that leads to nothing says why.
func TestWhyNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	emails := s.subscribe(2)
	s.article()
	keyed := s.service(withBounces)
	s.run(keyed)
	key := strings.Trim(s.caughtFor(emails[0]).Header.Get("Return-Path"), "<>")
	if err := s.store.Erase(t.Context(), emails[0], s.clock.now()); err != nil {
		t.Fatal(err)
	}
	const gone = "550 5.1.1 no such user"
	for _, tt := range []struct {
		v          *jobs.Service
		name, text string
		want       string
	}{
		{keyed, "erased", notice(key, emails[0], "5.1.1", gone, ""), "no subscriber any more"},
		{keyed, "no key", notice(returnPath, emails[1], "5.1.1", gone, ""), "anybody could have written it"},
		{keyed, "no address", strings.Replace(notice(returnPath, emails[1], "5.1.1", gone, ""), "rfc822; "+emails[1], "x", 1), "it names no address"},
		{keyed, "a wish", "From: " + emails[1] + "\r\nTo: " + leaveAt + "\r\nSubject: unsubscribe\r\n\r\n", "anybody can ask that"},
		{keyed, "strange", "\r\nhello\r\n", "it was not understood"},
		{s.service(), "unknown", notice("weekly@news.example.org", "else@example.net", "5.1.1", gone, ""), "no subscriber's"},
	} {
		taken, err := tt.v.TakeMessage(t.Context(), strings.NewReader(tt.text))
		if err != nil || len(taken) != 1 || taken[0].Outcome != store.BounceNobody || !strings.Contains(taken[0].Why, tt.want) {
			t.Errorf("%s: %+v, %v", tt.name, taken, err)
		}
	}
}
