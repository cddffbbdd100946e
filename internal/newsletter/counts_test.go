package newsletter_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"syndicate/internal/newsletter"
)

func TestVisitorOf(t *testing.T) {
	t.Parallel()
	const (
		firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
		iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
		outlook = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.18025; Pro)"
		cubot   = "Mozilla/5.0 (Linux; Android 11; CUBOT X50) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
		gmail   = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
	)
	for _, c := range []struct {
		agent        string
		ahead, image bool
		after        time.Duration
		want         newsletter.Visitor
	}{
		{firefox, false, false, time.Hour, newsletter.VisitorPerson},
		{firefox, false, false, newsletter.AtOnce, newsletter.VisitorPerson},
		{firefox, false, false, newsletter.AtOnce - time.Second, newsletter.VisitorAtOnce},
		{firefox, false, true, time.Second, newsletter.VisitorAtOnce},
		{firefox, false, false, -time.Second, newsletter.VisitorAtOnce}, // clocks differ
		{firefox, true, false, time.Hour, newsletter.VisitorScanner},
		{iphone, false, true, time.Hour, newsletter.VisitorPerson},
		{outlook, false, true, time.Hour, newsletter.VisitorPerson},
		{cubot, false, false, time.Hour, newsletter.VisitorPerson},
		{gmail, false, true, time.Hour, newsletter.VisitorGmail},
		{gmail, false, true, time.Second, newsletter.VisitorGmail},
		{"YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", false, true, time.Hour, newsletter.VisitorYahoo},
		{"Mozilla/5.0", false, true, time.Hour, newsletter.VisitorApple},
		{"Mozilla/5.0", false, false, time.Hour, newsletter.VisitorScanner},
		{"", false, false, time.Hour, newsletter.VisitorScanner},
		{"curl/8.17.0", false, false, time.Hour, newsletter.VisitorScanner},
		{"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", false, false, time.Hour, newsletter.VisitorScanner},
		{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36", false, false, time.Hour, newsletter.VisitorScanner},
		{"Mozilla/5.0 (Windows NT 10.0) BarracudaCentral", false, false, time.Hour, newsletter.VisitorScanner},
		{"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", false, false, time.Hour, newsletter.VisitorScanner},
		{firefox + strings.Repeat(" x", 10_000), false, false, time.Hour, newsletter.VisitorPerson},
	} {
		got := newsletter.VisitorOf(newsletter.Visit{Agent: c.agent, Ahead: c.ahead, Image: c.image}, c.after)
		if got != c.want || got.Machine() == (c.want == newsletter.VisitorPerson) {
			t.Errorf("%.80s (ahead %v, image %v, after %v): %s, want %s", c.agent, c.ahead, c.image, c.after, got, c.want)
		}
	}
}

// TestLink: the name of a link is read back, and no other that differs from it by
// anything.
func TestLink(t *testing.T) {
	t.Parallel()
	keys, err := newsletter.NewKeyring(map[byte][]byte{1: []byte(strings.Repeat("a", 32))})
	if err != nil {
		t.Fatal(err)
	}
	both, err := newsletter.NewKeyring(map[byte][]byte{1: []byte(strings.Repeat("a", 32)), 2: []byte(strings.Repeat("b", 32))})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]int64{{1, 0}, {1, 1}, {127, 128}, {1 << 20, 1 << 30}, {1<<63 - 1, 1<<63 - 1}} {
		name := keys.Link(c[0], c[1])
		for _, k := range []*newsletter.Keyring{keys, both} { // an old key reads for ever
			if issue, link, err := k.ParseLink(name); err != nil || issue != c[0] || link != c[1] {
				t.Errorf("%v: %s is %d, %d, %v", c, name, issue, link, err)
			}
		}
		if both.Link(c[0], c[1]) == name {
			t.Errorf("%v: the new key is not used", c)
		}
		for _, bad := range variants(name) {
			if issue, link, err := keys.ParseLink(bad); !errors.Is(err, newsletter.ErrToken) || issue != 0 || link != 0 {
				t.Errorf("%q passes for %q: %d, %d, %v", bad, name, issue, link, err)
			}
		}
	}
	if _, _, err := keys.ParseLink(both.Link(1, 1)); !errors.Is(err, newsletter.ErrToken) {
		t.Errorf("an unknown key: %v", err)
	}
}

// variants are names that differ from one.
func variants(name string) []string {
	out := []string{"", "=", name + "=", name + "A", name + "\n", "\r" + name, name[:4] + "\n" + name[4:], strings.Repeat(name, 9), "ü" + name}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range name {
		out = append(out, name[:i], name[:i]+name[i+1:])
		for _, c := range alphabet {
			if byte(c) != name[i] {
				out = append(out, name[:i]+string(c)+name[i+1:])
			}
		}
	}
	return out
}
