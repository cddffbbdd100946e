package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
	"syndicate/internal/store/storetest"
)

// move gives somebody another address, as they do it themselves.
func (s *site) move(t *testing.T, from, name, to string) {
	t.Helper()
	text(t, s.post(s.accessLink(from, name), doing("change", "email", to)), 200)
	text(t, s.post(s.letterLink(newsletter.LetterChange), url.Values{"confirm": {"1"}}), 200)
}

// TestLeavingAfterMoving: the link in a mail of before a change of address ends the
// subscription where its owner is now, and does nothing else; it does not show their
// address to whoever reads at the old one.
func TestLeavingAfterMoving(t *testing.T) {
	t.Parallel()
	const moved = "m.tanguide@example.net"
	for name, to := range map[string]string{"to an address that is nobody's": moved, "to one that subscribes": other} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.SQLite(t)
			s := newSiteOn(t, dsn)
			link, preferences := s.link(newsletter.PurposeUnsubscribe, her, "weekly"), s.link(newsletter.PurposePreferences, her, "weekly")
			s.move(t, her, "weekly", to)
			before := storetest.Dump(t, dsn)
			hidden := []string{her, to, "m…@", "o…@"}

			contains(t, text(t, s.get(preferences), 404), "This link has ended")
			for _, method := range []string{"HEAD", "GET"} {
				body := text(t, s.do(method, link, ""), 200)
				if lacks(t, body, hidden...); method == "GET" {
					contains(t, body, "Unsubscribe from The Weekly?", "Your address is another one", `name="confirm" value="1"`)
				}
			}
			for _, fields := range []url.Values{{"undo": {"1"}}, {"reason": {"often"}}, {"access": {"1"}}, chosen("weekly", nil), {}} {
				contains(t, text(t, s.post(link, fields), 200), "Unsubscribe from The Weekly?")
			}
			if diff := cmp.Diff(before, storetest.Dump(t, dsn)); diff != "" {
				t.Errorf("something changed (-before +after):\n%s", diff)
			}

			body := text(t, s.post(link, url.Values{"confirm": {"1"}}), 200)
			contains(t, body, "You are unsubscribed", "Your present address gets no further issues", `href="/newsletters/weekly/subscribe"`)
			lacks(t, body, append(hidden, "<form", `name="undo"`)...)
			if got := s.subscriber(to, "weekly"); got.State != newsletter.SubscriptionUnsubscribed || got.LeftBy != "unsubscribe page" {
				t.Errorf("%s by %q", got.State, got.LeftBy)
			}
			contains(t, text(t, s.get(link), 200), "You were unsubscribed already")
			contains(t, text(t, s.post(link, url.Values{"undo": {"1"}}), 200), "You were unsubscribed already") // others may have the link
			if got := s.subscriber(to, "quotidien").State; got != newsletter.SubscriptionConfirmed {
				t.Errorf("the other newsletter is %s", got)
			}
		})
	}
}

// TestOneClickAfterMoving: so does a mail program's button.
func TestOneClickAfterMoving(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	link := s.link(newsletter.PurposeUnsubscribe, her, "weekly")
	s.move(t, her, "weekly", other)
	for range 2 {
		if body := text(t, s.do("POST", link, oneClick, "Content-Type", formType), 200); body != "Unsubscribed.\n" {
			t.Errorf("%q", body)
		}
	}
	if got := s.subscriber(other, "weekly"); got.State != newsletter.SubscriptionUnsubscribed || got.LeftBy != "one-click" {
		t.Errorf("%s by %q", got.State, got.LeftBy)
	}
}

// TestLeavingForEver: a link to leave works when nothing is known of its owner any more,
// whatever became of them, and changes nothing then. One that is not ours does not tell
// whom we know.
func TestLeavingForEver(t *testing.T) {
	t.Parallel()
	imported := func(s *site) store.Import {
		ctx := s.t.Context()
		i, err := s.store.BeginImport(ctx, store.Import{Newsletter: "weekly", File: "list.csv", Format: "csv", Hash: "x"}, s.clock())
		s.check(err)
		_, err = s.store.ImportLines(ctx, &i, []newsletter.Line{{N: 2, Email: newcomer}}, 2, s.clock())
		s.check(err)
		s.check(s.store.EndImport(ctx, &i, s.clock()))
		return i
	}
	for name, lose := range map[string]func(t *testing.T, s *site, i store.Import) error{
		"removed": func(t *testing.T, s *site, _ store.Import) error {
			return s.store.RemoveSubscriber(t.Context(), newcomer, "", s.clock())
		},
		"removed from it": func(t *testing.T, s *site, _ store.Import) error {
			s.join(newcomer, "quotidien", nil)
			return s.store.RemoveSubscriber(t.Context(), newcomer, "weekly", s.clock())
		},
		"erased": func(t *testing.T, s *site, _ store.Import) error {
			return s.store.Erase(t.Context(), newcomer, s.clock())
		},
		"erased after moving": func(t *testing.T, s *site, _ store.Import) error {
			s.move(t, newcomer, "weekly", "nadia@example.com")
			return s.store.Erase(t.Context(), "nadia@example.com", s.clock())
		},
		"import undone": func(t *testing.T, s *site, i store.Import) error {
			_, err := s.store.UndoImport(t.Context(), i.ID, s.clock(), func(int) {})
			return err
		},
		"forgotten": func(t *testing.T, s *site, _ store.Import) error {
			if _, err := s.store.Unsubscribe(t.Context(), s.subscriber(newcomer, "weekly").Subscriber.ID, "weekly", "page", s.clock()); err != nil {
				return err
			}
			s.pass(400 * 24 * time.Hour)
			_, err := s.service.Retain(t.Context())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.SQLite(t)
			s := newSiteOn(t, dsn)
			i := imported(s)
			link, preferences := s.link(newsletter.PurposeUnsubscribe, newcomer, "weekly"), s.link(newsletter.PurposePreferences, newcomer, "weekly")
			text(t, s.get(link), 200)
			s.check(lose(t, s, i))
			before := storetest.Dump(t, dsn)
			want := ""
			for k := range 100 { // never counted as guesses
				r := s.get(link)
				if want = text(t, r, 200); k == 0 {
					contains(t, want, "There is nothing left to do", "No issues of The Weekly are sent to the address that this mail went to.")
					lacks(t, want, newcomer, "n…@", "<form", "cut off")
					wantPrivate(t, r)
				}
			}
			text(t, s.do("HEAD", link, ""), 200)
			for _, fields := range []url.Values{{"confirm": {"1"}}, {"undo": {"1"}}, {"reason": {"often"}}, {}} {
				if got := text(t, s.post(link, fields), 200); got != want {
					t.Errorf("%v: another answer: %s", fields, got)
				}
			}
			if body := text(t, s.do("POST", link, oneClick, "Content-Type", formType), 200); body != "Unsubscribed.\n" {
				t.Errorf("%q", body)
			}
			if diff := cmp.Diff(before, storetest.Dump(t, dsn)); diff != "" {
				t.Errorf("something changed (-before +after):\n%s", diff)
			}
			at := len(link) - 10 // in the signature
			guess := link[:at] + map[bool]string{true: "B", false: "A"}[link[at] == 'A'] + link[at+1:]
			contains(t, text(t, s.get(guess), 404), "This link does not work")
			contains(t, text(t, s.get(preferences), 404), "This link has ended", "Your newest mail has the link that works")
			for cut := 1; cut < len(preferences)-len("/preferences/"); cut += 9 {
				contains(t, text(t, s.get(preferences[:len(preferences)-cut]), 404), "This link does not work", "cut off")
			}
		})
	}
}

// TestLeavingAgain: who was removed and added again leaves by the mails of before, too.
func TestLeavingAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.join(newcomer, "weekly", nil)
	link := s.link(newsletter.PurposeUnsubscribe, newcomer, "weekly")
	s.check(s.store.RemoveSubscriber(t.Context(), newcomer, "", s.clock()))
	s.join(newcomer, "weekly", nil)
	text(t, s.do("POST", link, oneClick, "Content-Type", formType), 200)
	if got := s.subscriber(newcomer, "weekly").State; got != newsletter.SubscriptionUnsubscribed {
		t.Errorf("it is %s", got)
	}
	contains(t, text(t, s.get(link), 200), "You were unsubscribed already", "n…@example.net", `name="undo"`)
}

// TestReadOn: only where everybody can read on, the page says so.
func TestReadOn(t *testing.T) {
	t.Parallel()
	for _, archive := range []newsletter.Archive{newsletter.ArchivePublic, newsletter.ArchivePrivate, newsletter.ArchiveNone} {
		t.Run(fmt.Sprintf("archive %q", archive), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, withBoard(archive))
			s.join(her, "board", nil)
			body := text(t, s.post(s.link(newsletter.PurposeUnsubscribe, her, "board"), url.Values{"confirm": {"1"}}), 200)
			contains(t, body, "You are unsubscribed")
			if said := strings.Contains(body, "still read everything"); said != (archive == newsletter.ArchivePublic) {
				t.Errorf("it is said: %v", said)
			}
		})
	}
}
