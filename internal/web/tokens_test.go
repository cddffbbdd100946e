package web_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/jobs"
	"syndicate/internal/newsletter"
	"syndicate/internal/store/storetest"
)

// everything is a form that does all that the pages behind mailed links can do.
func everything() url.Values {
	f := chosen("weekly", url.Values{"items": {"3"}})
	for name, value := range map[string]string{
		"confirm": "1", "undo": "1", "again": "1", "access": "1", "do": "erase for good", "email": "taken@example.net",
		"List-Unsubscribe": "One-Click", "reason": "often",
	} {
		f.Set(name, value)
	}
	return f
}

// mailedPages are the pages behind mailed links, and what they say where a link is not
// good.
var mailedPages = []struct {
	path    string
	purpose newsletter.Purpose
	dead    string
}{
	{"unsubscribe", newsletter.PurposeUnsubscribe, "This link does not work"},
	{"preferences", newsletter.PurposePreferences, "This link does not work"},
	{"confirm", newsletter.PurposeConfirm, "This link does not work"},
	{"access", newsletter.PurposeAccess, "This link does not work any more"},
	{"change", newsletter.PurposeChange, "This link does not work any more"},
	{"read", newsletter.PurposeRead, "This link does not work"},
}

// letters are those of a token.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// owned is one person's links, by path; and what they are signed for.
type owned struct{ token, signedFor map[string]string }

// links has every kind of link mailed to somebody.
func (s *site) links(email string, issue newsletter.Issue) owned {
	s.t.Helper()
	ctx := s.t.Context()
	l := owned{map[string]string{}, map[string]string{}}
	sub := s.subscriber(email, "weekly")
	for path, purpose := range map[string]newsletter.Purpose{"unsubscribe": newsletter.PurposeUnsubscribe, "preferences": newsletter.PurposePreferences} {
		l.token[path] = s.store.Keyring().Token(newsletter.Claim{Purpose: purpose, Subscriber: sub.Subscriber.ID, Issue: 1, Newsletter: "weekly"}, email)
		l.signedFor[path] = email
	}
	l.token["read"] = strings.TrimPrefix(s.readLink(email, issue, 1), "/read/")
	l.signedFor["read"] = email
	to := "new-" + email
	s.check(s.service.AskAccess(ctx, &sub))
	s.check(s.service.AskChange(ctx, &sub, to))
	_, err := s.service.Letter(ctx, jobs.LetterRequest{
		Kind: newsletter.LetterConfirm, Newsletter: "weekly", Subscriber: sub.Subscriber.ID, Asked: `{"source":"form"}`,
	})
	s.check(err)
	paths := map[newsletter.LetterKind]string{newsletter.LetterAccess: "access", newsletter.LetterChange: "change", newsletter.LetterConfirm: "confirm"}
	for _, letter := range s.letters() {
		if letter.Subscriber != sub.Subscriber.ID {
			continue
		}
		letter.Owner = email
		l.signedFor[paths[letter.Kind]] = letter.SignedFor()
		l.token[paths[letter.Kind]] = s.store.Keyring().Token(newsletter.Claim{
			Purpose: letter.Kind.Purpose(), Subscriber: letter.Subscriber, Newsletter: letter.Newsletter, Letter: letter.Chunk, Expires: letter.Expires,
		}, letter.SignedFor())
	}
	if len(l.token) != len(mailedPages) {
		s.t.Fatalf("links for %d of %d pages", len(l.token), len(mailedPages))
	}
	return l
}

// TestTokens: a mailed link that is cut, forged, somebody else's, for something else,
// over, or of before a change of address does nothing, and its page says what helps. Only
// leaving goes on working (leaving_test.go).
func TestTokens(t *testing.T) {
	t.Parallel()
	dsn := storetest.SQLite(t)
	s := newSiteOn(t, dsn, withBoard(newsletter.ArchivePrivate))
	s.join(her, "board", nil)
	s.join(other, "board", nil)
	issue := s.board(1)[0]
	mine, theirs := s.links(her, issue), s.links(other, issue)
	stranger, err := newsletter.NewKeyring(map[byte][]byte{1: bytes.Repeat([]byte{7}, 32)})
	s.check(err)
	before := storetest.Dump(t, dsn)

	clients := 0
	refused := func(what, path, token, dead string) {
		t.Helper()
		methods := []string{"HEAD", "GET", "POST"}
		if path == "read" { // there is nothing to be sent to it
			methods = methods[:2]
		}
		for _, method := range methods {
			clients++ // each guess comes from elsewhere: nobody is slowed down
			r := s.do(method, "/"+path+"/"+token, everything().Encode(), "Content-Type", formType, "remote", fmt.Sprintf("[2001:db8:%x:%x::1]:1", clients>>16, clients&0xffff))
			wantPrivate(t, r)
			said := func(body string) bool { // one that is whole was genuine once, for all that can be told
				return strings.Contains(body, dead) || path == "preferences" && what != "cut" && strings.Contains(body, "This link has ended")
			}
			if body := text(t, r, 404); method != "HEAD" && (!said(body) || !strings.Contains(body, `href="/"`) || strings.Contains(body, "@example")) {
				t.Errorf("%s, %s %s: %.300s", what, method, path, body)
			}
		}
	}
	swapped := func(a, b string) string { // the claim of one, the signature of the other
		x, err := base64.RawURLEncoding.DecodeString(a)
		s.check(err)
		y, err := base64.RawURLEncoding.DecodeString(b)
		s.check(err)
		return base64.RawURLEncoding.EncodeToString(append(x[:len(x)-16:len(x)-16], y[len(y)-16:]...))
	}
	for _, p := range mailedPages {
		good := mine.token[p.path]
		text(t, s.get("/"+p.path+"/"+good), 200)
		for _, cut := range []int{1, 2, 10, len(good) / 2, len(good) - 1} {
			refused("cut", p.path, good[:len(good)-cut], p.dead)
		}
		raw, err := base64.RawURLEncoding.DecodeString(good)
		s.check(err)
		for i := range raw {
			for _, bit := range []byte{1, 0x80} {
				forged := bytes.Clone(raw)
				forged[i] ^= bit
				refused(fmt.Sprintf("byte %d forged", i), p.path, base64.RawURLEncoding.EncodeToString(forged), p.dead)
			}
		}
		last := len(good) - 1
		for _, c := range letters { // also those that change nothing but bits that say nothing
			if byte(c) != good[last] {
				refused("another last letter", p.path, good[:last]+string(c), p.dead)
			}
		}
		for i := range last {
			refused(fmt.Sprintf("letter %d forged", i), p.path, good[:i]+flip(good[i:i+1])+good[i+1:], p.dead)
		}
		refused("a line that ends inside", p.path, good[:9]+"%0A"+good[9:], p.dead)
		refused("with a tail", p.path, good+"AAAA", p.dead)
		refused("mine, signed as theirs", p.path, swapped(good, theirs.token[p.path]), p.dead)
		refused("theirs, signed as mine", p.path, swapped(theirs.token[p.path], good), p.dead)
		claim, err := s.store.Keyring().ParseToken(good, p.purpose)
		s.check(err)
		refused("of another site", p.path, stranger.Token(claim, mine.signedFor[p.path]), p.dead)
		if p.path != "unsubscribe" { // that is theirs then, as they had it before an operator removed and added them
			refused("for another address", p.path, s.store.Keyring().Token(claim, theirs.signedFor[p.path]), p.dead)
		}
		for _, q := range mailedPages {
			if q.path != p.path {
				refused("for "+q.path, p.path, mine.token[q.path], p.dead)
				refused("signed for "+q.path, p.path, swapped(good, mine.token[q.path]), p.dead)
			}
		}
	}
	if diff := cmp.Diff(before, storetest.Dump(t, dsn)); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}

	// Over: the page offers another link, and does nothing else.
	over := everything()
	over.Del("again")
	over.Del("access")
	s.pass(31 * 24 * time.Hour)
	for path, heading := range map[string]string{"confirm": "You are subscribed", "access": "This link has expired", "change": "This link has expired"} {
		for _, method := range []string{"HEAD", "GET", "POST"} {
			if body := text(t, s.do(method, "/"+path+"/"+mine.token[path], over.Encode(), "Content-Type", formType), 200); method != "HEAD" && !strings.Contains(body, heading) {
				t.Errorf("%s: %.300s", path, body)
			}
		}
	}
	if diff := cmp.Diff(before, storetest.Dump(t, dsn)); diff != "" {
		t.Errorf("a link that is over changed something (-before +after):\n%s", diff)
	}
	s.pass(-31 * 24 * time.Hour)

	// After a change of address no link of before does anything but leave; the one that
	// made the change says so.
	text(t, s.post("/change/"+mine.token["change"], url.Values{"confirm": {"1"}}), 200)
	before = storetest.Dump(t, dsn)
	for _, p := range mailedPages {
		switch p.path {
		case "unsubscribe":
		case "change":
			contains(t, text(t, s.post("/change/"+mine.token["change"], everything()), 200), "Your address is changed already")
			refused("forged, of before the change", p.path, swapped(mine.token["change"], theirs.token["change"]), p.dead)
		default:
			refused("of before the change", p.path, mine.token[p.path], p.dead)
		}
	}
	if diff := cmp.Diff(before, storetest.Dump(t, dsn)); diff != "" {
		t.Errorf("a link of before changed something (-before +after):\n%s", diff)
	}
	text(t, s.get("/preferences/"+theirs.token["preferences"]), 200) // others are not concerned
}
