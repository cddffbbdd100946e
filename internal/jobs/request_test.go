package jobs_test

import (
	"context"
	"mime"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/emersion/go-smtp"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// work delivers until the test ends.
func (s *site) work(v *jobs.Service) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- v.Work(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("work: %v", err)
		}
	})
}

func (s *site) person(email string) newsletter.Subscriber {
	s.t.Helper()
	b, err := s.store.SubscriberByEmail(s.t.Context(), email)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *site) letter(v *jobs.Service, r jobs.LetterRequest) bool {
	s.t.Helper()
	sent, err := v.Letter(s.t.Context(), r)
	if err != nil {
		s.t.Fatal(err)
	}
	return sent
}

// TestLetters: each letter arrives where it is to, looks like no newsletter, and its
// link says what it is good for and until when.
func TestLetters(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(...storetest.Option) *store.Store) {
		s := newSiteOn(t, open)
		k := newSink(t)
		v := s.service(withRelay(k.relay("main")))
		s.work(v)
		ann := s.person(s.subscribe(1)[0])
		for n, c := range []struct {
			request jobs.LetterRequest
			to      string
			subject string
			path    string
			purpose newsletter.Purpose
			valid   time.Duration // 0: its link does not end
		}{
			{jobs.LetterRequest{Kind: newsletter.LetterConfirm, Newsletter: "weekly"}, ann.Email, "Confirm: The Harbour Letter, weekly", "confirm", newsletter.PurposeConfirm, 7 * 24 * time.Hour},
			{jobs.LetterRequest{Kind: newsletter.LetterKnown, Newsletter: "weekly", Language: "fr"}, ann.Email, "Abonnement déjà en cours\u00a0: The Harbour Letter, weekly", "preferences", newsletter.PurposePreferences, 0},
			{jobs.LetterRequest{Kind: newsletter.LetterAccess}, ann.Email, "Your link: The Harbour Letter", "access", newsletter.PurposeAccess, time.Hour},
			{jobs.LetterRequest{Kind: newsletter.LetterChange, Address: "new@example.net"}, "new@example.net", "Confirm your new address: The Harbour Letter", "change", newsletter.PurposeChange, 24 * time.Hour},
			{jobs.LetterRequest{Kind: newsletter.LetterChanged, Address: "old@example.net"}, "old@example.net", "Your address was changed: The Harbour Letter", "", 0, 0},
		} {
			c.request.Subscriber = ann.ID
			if !s.letter(v, c.request) {
				t.Fatalf("%s was not sent", c.request.Kind)
			}
			eventually(t, "the letter "+string(c.request.Kind), func() bool { return len(k.messages()) > n })
			m := k.messages()[n]
			if m.To != c.to || subject(t, m) != c.subject {
				t.Errorf("%s went to %s as %q", c.request.Kind, m.To, subject(t, m))
			}
			for header, want := range map[string]string{"Auto-Submitted": "auto-generated", "List-Unsubscribe": "", "List-Id": "", "Precedence": ""} {
				if got := m.Header.Get(header); got != want {
					t.Errorf("%s: %s: %q", c.request.Kind, header, got)
				}
			}
			if strings.Contains(m.Text, "SYNDICATE") || !strings.Contains(m.Text, newsletter.MaskAddress(c.to)) || strings.Contains(m.Text, c.to) {
				t.Errorf("%s shows an address or a placeholder:\n%s", c.request.Kind, m.Text)
			}
			link := regexp.MustCompile(`https://news\.example\.org/([a-z]+)/(\S+)`).FindStringSubmatch(m.Text)
			if c.path == "" {
				if link != nil {
					t.Errorf("%s has a link: %v", c.request.Kind, link)
				}
				continue
			}
			if len(link) == 0 || link[1] != c.path || !strings.Contains(m.HTML, link[0]) {
				t.Fatalf("%s has the link %v in\n%s", c.request.Kind, link, m.Text)
			}
			claim, err := s.store.Keyring().ParseToken(link[2], c.purpose)
			want := newsletter.Claim{Purpose: c.purpose, Subscriber: ann.ID, Newsletter: c.request.Newsletter}
			if c.valid > 0 {
				want.Expires = s.clock.now().Add(c.valid)
				if l, err := s.store.Letter(t.Context(), claim.Letter); err != nil || l.Kind != c.request.Kind || l.Address != c.to {
					t.Errorf("the link of %s belongs to %+v, %v", c.request.Kind, l, err)
				}
				want.Letter = claim.Letter
			}
			if err != nil || claim != want || claim.Expired(s.clock.now()) {
				t.Errorf("%s claims %+v, %v; want %+v", c.request.Kind, claim, err, want)
			}
			signedFor := ann.Email
			if c.request.Kind == newsletter.LetterChange {
				signedFor = newsletter.ChangeKey(ann.Email, c.to)
			}
			if !s.store.Keyring().Verify(link[2], signedFor) {
				t.Errorf("%s is not signed for its owner", c.request.Kind)
			}
		}
	})
}

// subject decodes a message's subject.
func subject(t *testing.T, m received) string {
	t.Helper()
	s, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLetterCapped: somebody who asks again and again fills nobody's mailbox.
func TestLetterCapped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	k := newSink(t)
	v := s.service(withRelay(k.relay("main")))
	ann := s.person(s.subscribe(1)[0])
	sent := 0
	for range 20 {
		if s.letter(v, jobs.LetterRequest{Kind: newsletter.LetterConfirm, Newsletter: "weekly", Subscriber: ann.ID}) {
			sent++
		}
	}
	s.run(v)
	if sent != 3 || len(k.messages()) != 3 {
		t.Errorf("%d letters are said to be sent, %d arrived", sent, len(k.messages()))
	}
}

// TestLetterRehearsed: without a relay the catcher keeps letters like all mail.
func TestLetterRehearsed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.service()
	s.work(v)
	ann := s.person(s.subscribe(1)[0])
	s.letter(v, jobs.LetterRequest{Kind: newsletter.LetterConfirm, Newsletter: "weekly", Subscriber: ann.ID})
	var files []string
	eventually(t, "a file in the outbox", func() bool {
		files, _ = filepath.Glob(filepath.Join(s.outbox, "*.eml"))
		return len(files) > 0
	})
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	m, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(regexp.MustCompile(`https://\S+/confirm/\S+`).FindString(m.Text))
	if err != nil || !strings.HasPrefix(u.Path, "/confirm/") {
		t.Errorf("no link in\n%s", m.Text)
	}
}

// TestLetterTemplates: a site's own letter is used, and one that cannot be right is
// refused before anything is written down.
func TestLetterTemplates(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ann := s.person(s.subscribe(1)[0])
	request := jobs.LetterRequest{Kind: newsletter.LetterConfirm, Newsletter: "weekly", Subscriber: ann.ID}
	s.files["templates/letters/confirm.txt"] = &fstest.MapFile{Data: []byte(`{{define "confirm subject"}}Ahoy{{end}}Aboard: {{.LinkURL}}`)}
	k := newSink(t)
	v := s.service(withRelay(k.relay("main")))
	s.letter(v, request)
	s.run(v)
	if m := k.messages(); len(m) != 1 || subject(t, m[0]) != "Ahoy" || !strings.HasPrefix(m[0].Text, "Aboard: https://news.example.org/confirm/") {
		t.Errorf("%+v", m)
	}
	for text, want := range map[string]string{
		`{{define "confirm subject"}}Ahoy{{end}}Aboard!`:              "templates/letters/confirm.txt: its link is missing",
		`{{define "confirm subject"}}{{.Address}}{{end}}{{.LinkURL}}`: "a subject is the same for everybody",
		`{{.LinkURL}}`: "missing",
		`{{define "confirm subject"}}Ahoy{{end}}{{.Lnk}}`: "templates/letters/confirm.txt:1:",
	} {
		s.files["templates/letters/confirm.txt"] = &fstest.MapFile{Data: []byte(text)}
		if _, err := v.Letter(t.Context(), request); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestLetterHeld: a letter that may have arrived is held where the operator wants it,
// and goes out again, as the same message, when they say so.
func TestLetterHeld(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.options.Delivery.Hold = true
	var once sync.Once
	k := newSink(t, func(k *sink) {
		k.onData = func(c *smtp.Conn, _ received) (err error) {
			once.Do(func() { err = cut(c) })
			return err
		}
	})
	v := s.service(withRelay(k.relay("main")))
	s.work(v)
	ann := s.person(s.subscribe(1)[0])
	if !s.letter(v, jobs.LetterRequest{Kind: newsletter.LetterConfirm, Newsletter: "weekly", Subscriber: ann.ID}) {
		t.Fatal("not sent")
	}
	var held []store.HeldLetter
	eventually(t, "it is held", func() bool {
		var err error
		if held, err = s.store.HeldLetters(t.Context(), false, 0); err != nil {
			t.Fatal(err)
		}
		return len(held) > 0
	})
	if len(held) != 1 || held[0].Kind != newsletter.LetterConfirm || held[0].Address != ann.Email || len(k.messages()) > 0 {
		t.Errorf("%+v", held)
	}
	if n, err := v.ReleaseLetters(t.Context(), []int64{held[0].Chunk}); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	eventually(t, "it goes out again", func() bool { return len(k.messages()) > 0 })
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.seen) != 2 || k.seen[0].MessageID != k.seen[1].MessageID {
		t.Errorf("%d messages: %+v", len(k.seen), k.seen)
	}
}
