package websub_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/websub"
)

// TestParseRequest: what subscribers get wrong is refused with a reason, the rest
// is read as it stands.
func TestParseRequest(t *testing.T) {
	t.Parallel()
	const good = "hub.mode=subscribe&hub.topic=https%3A%2F%2Fnews.example.org%2Ffeed.atom&hub.callback=https%3A%2F%2Freader.example.com%2Fpush%3Fid%3D7"
	for _, c := range []struct {
		name, form, reason string
		want               websub.Request
	}{
		{name: "all of it", form: good + "&hub.secret=s3&hub.lease_seconds=864000", want: websub.Request{
			Mode: websub.Subscribe, Topic: "https://news.example.org/feed.atom", Callback: "https://reader.example.com/push?id=7", Secret: "s3", Lease: 10 * 24 * time.Hour,
		}},
		{name: "no lease", form: good, want: websub.Request{
			Mode: websub.Subscribe, Topic: "https://news.example.org/feed.atom", Callback: "https://reader.example.com/push?id=7",
		}},
		{name: "a lease beyond all time", form: good + "&hub.lease_seconds=9223372036854775807", want: websub.Request{
			Mode: websub.Subscribe, Topic: "https://news.example.org/feed.atom", Callback: "https://reader.example.com/push?id=7", Lease: 9223372036 * time.Second,
		}},
		{name: "publish", form: "hub.mode=publish&hub.url=x", reason: "hub.mode is to be subscribe or unsubscribe"},
		{name: "no topic", form: "hub.mode=subscribe&hub.callback=https://a.example", reason: "hub.topic is missing"},
		{name: "no callback", form: "hub.mode=subscribe&hub.topic=https://a.example", reason: "hub.callback is missing"},
		{name: "a file", form: "hub.mode=subscribe&hub.topic=t&hub.callback=file:///etc/passwd", reason: "hub.callback is to be an http or https URL"},
		{name: "no host", form: "hub.mode=subscribe&hub.topic=t&hub.callback=https:///x", reason: "hub.callback is to be an http or https URL"},
		{name: "a password", form: "hub.mode=subscribe&hub.topic=t&hub.callback=https://me:pw@a.example/", reason: "hub.callback may not hold a name or a password"},
		{name: "a fragment", form: "hub.mode=subscribe&hub.topic=t&hub.callback=https://a.example/%23x", reason: "hub.callback may not end in a #fragment"},
		{name: "a long callback", form: "hub.mode=subscribe&hub.topic=t&hub.callback=https://a.example/" + strings.Repeat("x", 2048), reason: "hub.callback is longer than 2048 bytes"},
		{name: "a long secret", form: good + "&hub.secret=" + strings.Repeat("x", 201), reason: "hub.secret is longer than 200 bytes"},
		{name: "no number", form: good + "&hub.lease_seconds=ten", reason: "hub.lease_seconds is to be a number of seconds"},
		{name: "a lease in the past", form: good + "&hub.lease_seconds=-1", reason: "hub.lease_seconds is to be a number of seconds"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			form, err := url.ParseQuery(c.form)
			if err != nil {
				t.Fatal(err)
			}
			got, err := websub.ParseRequest(form)
			var refusal *websub.Refusal
			if errors.As(err, &refusal) != (c.reason != "") || err != nil && refusal.Reason != c.reason {
				t.Fatalf("refused with %v, want %q", err, c.reason)
			}
			if c.reason != "" {
				return
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			again, err := websub.ParseRequest(got.Form())
			if err != nil || again != got {
				t.Errorf("what is posted is read as %+v, %v", again, err)
			}
		})
	}
}

// TestIntent: the callback's own query stays, and what it is asked arrives whole.
func TestIntent(t *testing.T) {
	t.Parallel()
	i := websub.Intent{Mode: websub.Subscribe, Topic: "https://news.example.org/tags/caf%C3%A9/feed.rss?a=b&c", Challenge: "c+/=", Lease: 90 * time.Second}
	for callback, before := range map[string]string{
		"https://reader.example.com/push":                "https://reader.example.com/push?",
		"https://reader.example.com/push?id=%7e7&x;y=+1": "https://reader.example.com/push?id=%7e7&x;y=+1&",
	} {
		got, err := i.URL(callback)
		if err != nil || !strings.HasPrefix(got, before+"hub.challenge=") {
			t.Errorf("%s became %s (%v)", callback, got, err)
		}
		query, err := url.ParseQuery(strings.TrimPrefix(got, before))
		if err != nil {
			t.Fatal(err)
		}
		if back, err := websub.ParseIntent(query); err != nil || back != i {
			t.Errorf("read as %+v (%v), want %+v", back, err, i)
		}
	}
	for answer, want := range map[string]bool{"c+/=": true, "c+/=\n": true, "c+/=x": false, "": false, "<p>c+/=": false} {
		if i.Echoes([]byte(answer)) != want {
			t.Errorf("the answer %q counts as %t", answer, !want)
		}
	}
	if (websub.Intent{}).Echoes(nil) {
		t.Error("nothing echoes nothing")
	}
}

// TestSignature: the vectors of RFC 4231 (test cases 2) and RFC 2202 (2), and what
// is not signed.
func TestSignature(t *testing.T) {
	t.Parallel()
	const secret, text = "Jefe", "what do ya want for nothing?"
	const sha256 = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
	if got := websub.Sign(secret, []byte(text)); got != sha256 {
		t.Errorf("signed %s", got)
	}
	for header, want := range map[string]bool{
		sha256: true,
		"SHA256=5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843":                                                                 true,
		"sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79":                                                                                           true,
		"sha384=af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649":                                 true,
		"sha512=164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737": true,
		"sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3844":                                                                 false,
		"sha256=5bdcc146":                      false,
		"sha256=":                              false,
		"md5=750c783e6ab0b503eaa86e310a5db738": false,
		"sha256=xyz":                           false,
		"":                                     false,
	} {
		check, err := websub.NewCheck(header, secret)
		got := err == nil
		if got {
			for _, part := range strings.SplitAfter(text, " ") {
				if _, err := check.Write([]byte(part)); err != nil {
					t.Fatal(err)
				}
			}
			got = check.OK()
		}
		if got != want {
			t.Errorf("%q counts as %t", header, got)
		}
	}
}

// TestOwner: names below one registered domain are one owner's, tenants of a
// platform are not.
func TestOwner(t *testing.T) {
	t.Parallel()
	for callback, want := range map[string]string{
		"https://a.b.Reader.example.com:8443/x?y": "example.com",
		"https://reader.co.uk./":                  "reader.co.uk",
		"https://one.github.io/":                  "one.github.io",
		"http://192.0.2.7/":                       "192.0.2.7",
		"http://[::ffff:192.0.2.7]/":              "192.0.2.7",
		"http://[2001:db8:1:2:3::4]:80/":          "2001:db8:1:2::/64",
		"http://localhost:1/":                     "localhost",
	} {
		if got := websub.Owner(callback); got != want {
			t.Errorf("%s is %q's, want %q", callback, got, want)
		}
	}
}
