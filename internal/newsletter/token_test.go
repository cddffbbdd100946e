package newsletter_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"syndicate/internal/newsletter"
)

func keyring(t testing.TB, versions ...byte) *newsletter.Keyring {
	t.Helper()
	keys := map[byte][]byte{}
	for _, v := range versions {
		keys[v] = bytes.Repeat([]byte{v}, 32)
	}
	k, err := newsletter.NewKeyring(keys)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestTokenRoundTrip(t *testing.T) {
	t.Parallel()
	k := keyring(t, 1, 2)
	rapid.Check(t, func(t *rapid.T) {
		c := newsletter.Claim{
			Purpose:    newsletter.PurposeUnsubscribe,
			Subscriber: rapid.Int64Min(0).Draw(t, "subscriber"),
			Issue:      rapid.Int64Min(0).Draw(t, "issue"),
			Newsletter: rapid.StringMatching(`[a-z0-9-]{0,40}`).Draw(t, "newsletter"),
		}
		if rapid.Bool().Draw(t, "expires") {
			c.Purpose, c.Issue, c.Letter = newsletter.PurposeConfirm, 0, c.Issue
			c.Expires = time.Unix(rapid.Int64Range(0, 1<<36).Draw(t, "at"), 0).UTC()
			if c.Expired(c.Expires.Add(-time.Second)) || !c.Expired(c.Expires) {
				t.Fatal("it does not expire at its time")
			}
		}
		if c.Purpose == newsletter.PurposeUnsubscribe && rapid.Bool().Draw(t, "reads") {
			c.Purpose, c.Digest = newsletter.PurposeRead, rapid.IntRange(0, 1<<30).Draw(t, "digest")
		}
		token := k.Token(c, "ann@example.org")
		if c.Purpose == newsletter.PurposeUnsubscribe {
			c.Owner = k.AddressHash("ann@example.org")
		}
		if k.VerifyOwner(token) != (c.Owner != "") {
			t.Fatal("whose it was is not known, or of a token that dies with its address")
		}
		got, err := k.ParseToken(token, c.Purpose)
		if err != nil || got != c {
			t.Fatalf("%+v came back as %+v, %v", c, got, err)
		}
		if !k.Verify(token, "ann@example.org") {
			t.Fatal("an honest token is refused")
		}
	})
}

func TestTokenRefused(t *testing.T) {
	t.Parallel()
	old, now := keyring(t, 1), keyring(t, 1, 2)
	c := newsletter.Claim{Purpose: newsletter.PurposeUnsubscribe, Subscriber: 7, Newsletter: "weekly"}
	token := old.Token(c, "ann@example.org")

	if !now.Verify(token, "ann@example.org") {
		t.Error("a token of an old secret must verify for ever")
	}
	if old.Verify(now.Token(c, "ann@example.org"), "ann@example.org") {
		t.Error("a token of an unknown secret version verifies")
	}
	if now.Verify(token, "bo@example.org") {
		t.Error("a token verifies for another address")
	}
	if _, err := now.ParseToken(token, newsletter.PurposePreferences); !errors.Is(err, newsletter.ErrToken) {
		t.Errorf("a token serves another purpose: %v", err)
	}
	for i := range token { // every single character counts
		for _, forged := range changed(token, i, base64URL) {
			if _, err := now.ParseToken(forged, newsletter.PurposeUnsubscribe); err == nil && now.Verify(forged, "ann@example.org") {
				t.Errorf("forged at %d and accepted: %q", i, forged)
			}
		}
	}
	for i := range token {
		for _, forged := range changed(token, i, base64URL) {
			if now.VerifyOwner(forged) {
				t.Errorf("forged at %d, and of whoever it was: %q", i, forged)
			}
		}
	}
	if !now.VerifyOwner(token) || old.VerifyOwner(now.Token(c, "ann@example.org")) {
		t.Error("ours is nobody's, or one of an unknown secret is somebody's")
	}
	for _, bad := range []string{"", "a", token[:len(token)-2], token + "AA", strings.Repeat("A", 5000), "%%%", token + "=", token + "\n", "\r\n" + token, token[:9] + "\n" + token[9:]} {
		if now.Verify(bad, "ann@example.org") {
			t.Errorf("%.20q… verifies", bad)
		}
	}
}

// TestTokenOfBefore: a link to unsubscribe that was mailed before such tokens said whose
// they were works as long as the address is its subscriber's.
func TestTokenOfBefore(t *testing.T) {
	t.Parallel()
	const mailed = "AXUHDHdlZWtseTdMEZDEt-a1Gn37MIGt-0g"
	k := keyring(t, 1)
	c, err := k.ParseToken(mailed, newsletter.PurposeUnsubscribe)
	if want := (newsletter.Claim{Purpose: newsletter.PurposeUnsubscribe, Subscriber: 7, Issue: 12, Newsletter: "weekly"}); err != nil || c != want {
		t.Fatalf("%+v, %v", c, err)
	}
	if !k.Verify(mailed, "ann@example.org") || k.Verify(mailed, "bo@example.org") || k.VerifyOwner(mailed) {
		t.Error("it is not whose it was")
	}
}

const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// changed returns text with each other letter in the place of the one at i: some of them
// change nothing but bits that say nothing.
func changed(text string, i int, letters string) []string {
	var all []string
	for _, c := range letters {
		if byte(c) != text[i] {
			all = append(all, text[:i]+string(c)+text[i+1:])
		}
	}
	return all
}

func FuzzParseToken(f *testing.F) {
	k := keyring(f, 1)
	f.Add(k.Token(newsletter.Claim{Purpose: newsletter.PurposeConfirm, Subscriber: 1, Newsletter: "n"}, "a@example.org"))
	f.Add("AXU")
	f.Add(k.Token(newsletter.Claim{Purpose: newsletter.PurposeRead, Subscriber: 1, Issue: 2, Digest: 3, Newsletter: "n"}, "a@example.org"))
	f.Fuzz(func(t *testing.T, token string) {
		if c, err := k.ParseToken(token, newsletter.PurposeRead); err == nil && (c.Subscriber < 0 || c.Issue < 0 || c.Digest < 0) {
			t.Fatalf("negative numbers: %+v", c)
		}
		c, err := k.ParseToken(token, newsletter.PurposeConfirm)
		if err == nil && (c.Subscriber < 0 || c.Letter < 0 || c.Expires.Year() > 9999) {
			t.Fatalf("negative ids: %+v", c)
		}
		k.Verify(token, "a@example.org")
	})
}

func TestMaskAddress(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"mary@example.org": "m…@example.org", "m@example.org": "m…@example.org", "": "…", "@": "…", "nobody": "…",
	} {
		if got := newsletter.MaskAddress(in); got != want {
			t.Errorf("MaskAddress(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAddressHashIgnoresCase(t *testing.T) {
	t.Parallel()
	k := keyring(t, 1, 2)
	if k.AddressHash("Ann@example.org") != k.AddressHash("ann@example.org") {
		t.Error("a suppressed address comes back in capitals")
	}
	if k.AddressHash("ann@example.org") != keyring(t, 1).AddressHash("ann@example.org") {
		t.Error("a new secret version lifts every suppression")
	}
}
