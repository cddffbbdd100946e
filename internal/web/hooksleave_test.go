package web_test

import (
	"fmt"
	"testing"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// mailed sends a real issue of a newsletter to all who subscribe, and returns how its
// message to an address is known.
func (s *site) mailed(name, email string) (messageID string) {
	s.t.Helper()
	ctx := s.t.Context()
	highest, err := s.store.HighestSeq(ctx)
	s.check(err)
	i, err := s.store.CreateIssue(ctx, store.NewIssue{
		Newsletter: name, Hash: name, Subject: name, Horizon: highest, Turn: newsletter.Turn{Day: newsletter.Always},
		Frozen: newsletter.Frozen{Newsletter: newsletter.FrozenNewsletter{Name: name, TimeZone: "UTC"}},
	}, s.clock())
	s.check(err)
	d, err := s.store.PutDigest(ctx, newsletter.Digest{Issue: i.ID, Language: "en", Articles: []int64{1}, Subject: name, HTML: "<p>", Text: "t"})
	s.check(err)
	for after := int64(0); ; {
		groups, through, err := s.store.NextGroups(ctx, i, after, 100, s.clock())
		s.check(err)
		if len(groups) == 0 {
			break
		}
		digests := map[newsletter.Group]int{}
		for _, g := range groups {
			digests[g.Group] = d
		}
		_, err = s.store.SealBatch(ctx, i.ID, after, through, digests, 100, s.clock())
		s.check(err)
		after = through
	}
	s.check(s.store.FinishSeal(ctx, i.ID, s.clock()))
	ledger := store.NewLedger(ctx, s.store)
	defer ledger.Close()
	l, err := s.store.LeaseChunk(ctx, "w", false, time.Minute, false)
	s.check(err)
	for _, row := range l.Rows {
		s.check(ledger.Settle(ctx, store.Settlement{Chunk: l.Chunk, N: row.N, Fence: l.Fence, State: newsletter.Sent, Subscriber: row.Subscriber, Issue: l.Issue}))
	}
	s.check(s.store.Release(ctx, l.Chunk, l.Fence))
	return s.store.Keyring().MessageID(i.ID, s.subscriber(email, name).Subscriber.ID, "letter.example.org")
}

// TestHooksLeave: who leaves by a button of the sending service's has left: the
// newsletter of the mail, or the latest that they got, however old that is.
func TestHooksLeave(t *testing.T) {
	t.Parallel()
	for name, report := range map[string]func(s *hookSite, id string){
		"sendgrid": func(s *hookSite, id string) {
			body := fmt.Sprintf(`[{"event":"unsubscribe","email":%q,"smtp-id":"<%s>","sg_event_id":"1","timestamp":1}]`, her, id)
			text(t, s.do("POST", "/hooks/sendgrid", body, s.signedAs(body, s.clock())...), 200)
		},
		"sendgrid group": func(s *hookSite, id string) {
			body := fmt.Sprintf(`[{"event":"group_unsubscribe","email":%q,"smtp-id":"<%s>","asm_group_id":1}]`, her, id)
			text(t, s.do("POST", "/hooks/sendgrid", body, s.signedAs(body, s.clock())...), 200)
		},
		"postmark": func(s *hookSite, id string) {
			body := fmt.Sprintf(`{"RecordType":"SubscriptionChange","Recipient":%q,"SuppressSending":true,"SuppressionReason":"ManualSuppression","Origin":"Recipient","Metadata":{"message-id":%q}}`, her, id)
			text(t, s.do("POST", "/hooks/postmark", body, basic("postmark", "a password")...), 200)
		},
		"mailgun": func(s *hookSite, id string) {
			event := fmt.Sprintf(`{"event":"unsubscribed","recipient":%q,"message":{"headers":{"message-id":%q}}}`, her, id)
			text(t, s.do("POST", "/hooks/mailgun", s.mailgun(event, "token", "a signing key")), 200)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newHookSite(t)
			id := s.mailed("weekly", her)
			s.mailed("quotidien", her)
			s.pass(20 * 24 * time.Hour)
			report(s, id)
			s.wantState(sheLeft)
			if got := s.subscriber(her, "weekly").LeftBy; got != "mail" {
				t.Errorf("she left by %q", got)
			}
			report(s, "")
			s.wantState("unsubscribed unsubscribed confirmed")
			lacks(t, s.log.String(), her)
		})
	}
}

// TestHooksComeBack: what Postmark says of somebody who is to be mailed again changes
// nothing: only its owner brings a subscription back.
func TestHooksComeBack(t *testing.T) {
	t.Parallel()
	s := newHookSite(t)
	s.mailed("weekly", her)
	for _, suppress := range []bool{true, false} {
		body := fmt.Sprintf(`{"RecordType":"SubscriptionChange","Recipient":%q,"SuppressSending":%v,"SuppressionReason":"ManualSuppression"}`, her, suppress)
		text(t, s.do("POST", "/hooks/postmark", body, basic("postmark", "a password")...), 200)
		s.wantState(sheLeft)
	}
}
