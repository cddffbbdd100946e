package jobs_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"syndicate/internal/mailer"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// TestSignedAhead: where messages are signed, the next one is made while one is on its
// way, and beside it the one after that (TestAhead; how fast, BenchmarkSend tells).
// Everybody gets his own, once; who leaves meanwhile gets none, though it may be signed
// already.
func TestSignedAhead(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		key, err := mailer.NewKey("news.example.org", "s1", private)
		if err != nil {
			t.Fatal(err)
		}
		s.options.Signer = mailer.NewSigner(key)
		s.options.Delivery.Lease = 2 * time.Minute // no slowness shall take a chunk away
		s.article()
		readers := s.subscribe(120)
		const before = 40
		var mu sync.Mutex
		taken := map[string]bool{}
		leave := func(address string) error {
			who, err := s.store.SubscriberByEmail(t.Context(), address)
			if err == nil {
				_, err = s.store.Unsubscribe(t.Context(), who.ID, "weekly", "link", s.clock.now())
			}
			return err
		}
		k := newSink(t, func(k *sink) {
			k.onData = func(_ *smtp.Conn, m received) error {
				mu.Lock() // nothing else is taken meanwhile
				defer mu.Unlock()
				if taken[m.To] = true; len(taken) != before {
					return nil
				}
				for _, r := range readers {
					if taken[r] {
						continue
					}
					if err := leave(r); err != nil {
						t.Error(err)
					}
				}
				return nil
			}
		})
		relay := k.relay("main")
		relay.Timeouts = mailer.Timeouts{} // as long as they are: eighty people leave while one message is on its way
		i := s.issue(s.run(s.service(withRelay(relay))))
		got := k.messages()
		if i.Issue.State != newsletter.IssueSent || i.Sent != len(got) || i.Sent+i.Cancelled != len(readers) {
			t.Errorf("%s, %d sent, %d cancelled; %d arrived", i.Issue.State, i.Sent, i.Cancelled, len(got))
		}
		// Besides those that were taken, each connection may have had one on its way.
		if most := before + relay.Connections; len(got) > most {
			t.Errorf("%d arrived, want at most %d", len(got), most)
		}
		ids := map[string]bool{}
		for _, m := range got {
			if to := m.Header.Get("To"); !strings.Contains(to, m.To) {
				t.Errorf("%s got the message to %s", m.To, to)
			}
			if m.Header.Get("DKIM-Signature") == "" || ids[m.MessageID] {
				t.Errorf("%s: no signature, or the Message-ID of another", m.To)
			}
			ids[m.MessageID] = true
		}
	})
}
