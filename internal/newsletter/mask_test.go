package newsletter_test

import (
	"strings"
	"testing"

	"syndicate/internal/newsletter"
)

func TestMaskWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"Too much mail", "Too much mail"},
		{"I am ann@example.org, stop it", "I am …, stop it"},
		{"mail Ann.O'Brien+news@mail.example.co.uk!", "mail …!"},
		{`"ann smith"@example.org`, "…"},
		{"anna@bücher.example and ann@[192.0.2.1]", "… and …"},
		{"ann@ example.org", "…"},
		{"ann＠example.org", "…"},
		{"ann [at] example [dot] org", "…"},
		{"ann(at)example.org", "…"},
		{"see ?e=ann%40example.org&x=1", "see …&x=1"},
		{"see ann%2540example.org", "see …"},
		{"bounces+ann=example.org@lists.example", "…"},
		{"it went to bounces-ann=example.org", "it went to …"},
		{"https://news.example.org/unsubscribe/AXVhc2Rm does not work", "https://news.example.org/… does not work"},
		{"https://ann:secret@example.org/", "https://example.org/…"},
		{"I read https://news.example.org/ myself", "I read https://news.example.org/ myself"},
		{"the same at https://news.example.org.", "the same at https://news.example.org."},
		{"Donaudampfschifffahrtsgesellschaft", "Donaudampfschifffahrtsgesellschaft"},
		{"2 + 2 = 4, x=1.5, @ noon", "2 + 2 = 4, x=1.5, @ noon"},
		{"we meet @ noon", "we meet @ noon"},
		{"", ""},
	} {
		if got := newsletter.MaskWords(c.text); got != c.want {
			t.Errorf("%q: %q, not %q", c.text, got, c.want)
		}
	}
}

// The links of mail do not outlive their subscription in what somebody wrote.
func TestMaskWordsOfTokens(t *testing.T) {
	t.Parallel()
	k := keyring(t, 1)
	for i := range int64(200) {
		token := k.Token(newsletter.Claim{Purpose: newsletter.PurposeUnsubscribe, Subscriber: i, Newsletter: "weekly"}, "ann@example.org")
		if got := newsletter.MaskWords("my link ends with " + token + " and"); strings.Contains(got, token[:12]) || strings.Contains(got, token[len(token)-8:]) {
			t.Fatalf("%q", got)
		}
	}
}

func FuzzMaskWords(f *testing.F) {
	f.Add("ann@example.org https://x.example/y?z=a%40b.c")
	f.Fuzz(func(t *testing.T, text string) {
		once := newsletter.MaskWords(text)
		if strings.Contains(once, "ann@example.org") {
			t.Errorf("%q", once)
		}
	})
}
