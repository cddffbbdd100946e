package websub_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"syndicate/internal/websub"
)

// FuzzRequest: what a stranger posts is refused, or is within bounds, names a callback
// that can be called, and says the same when it is posted again.
func FuzzRequest(f *testing.F) {
	f.Add("hub.mode=subscribe&hub.topic=https://a.example/f&hub.callback=https://b.example/c?d=%7e&hub.secret=s&hub.lease_seconds=60")
	f.Add("hub.mode=unsubscribe&hub.topic=t&hub.callback=http://[::1]:80/&hub.lease_seconds=-1")
	f.Add("hub.mode=denied&hub.mode=subscribe&hub.callback=http://a%00b/&hub.topic=%ff")
	f.Fuzz(func(t *testing.T, form string) {
		values, err := url.ParseQuery(form)
		if err != nil {
			return
		}
		r, err := websub.ParseRequest(values)
		if err != nil {
			return
		}
		u, err := url.Parse(r.Callback)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
			t.Errorf("callback %q", r.Callback)
		}
		if r.Lease < 0 || len(r.Secret) > websub.MaxSecret || len(r.Topic) > websub.MaxURL || websub.Owner(r.Callback) == "" {
			t.Errorf("%+v", r)
		}
		if again, err := websub.ParseRequest(r.Form()); err != nil || again != r {
			t.Errorf("read again as %+v (%v), before %+v", again, err, r)
		}
		i := websub.Intent{Mode: r.Mode, Topic: r.Topic, Challenge: "c", Lease: r.Lease.Truncate(time.Second)}
		if i.Mode == websub.Unsubscribe {
			i.Lease = 0
		}
		asked, err := i.URL(r.Callback)
		if err != nil {
			t.Fatal(err)
		}
		rest, ok := strings.CutPrefix(asked, r.Callback)
		if _, query, found := strings.Cut(asked, "?"); !ok && found { // the callback is written as it parses
			rest = query[strings.LastIndex(query, "hub.challenge=c&"):]
		}
		query, err := url.ParseQuery(strings.TrimLeft(rest, "?&"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := websub.ParseIntent(query); err != nil || got != i {
			t.Errorf("%s is read as %+v (%v), meant %+v", asked, got, err, i)
		}
	})
}

// FuzzSignature: nothing but the signature of the document passes.
func FuzzSignature(f *testing.F) {
	f.Add(websub.Sign("secret", []byte("text")), "secret", []byte("text"))
	f.Add("sha1=", "", []byte(nil))
	f.Add("SHA512 = 00", "s", []byte("x"))
	f.Fuzz(func(t *testing.T, header, secret string, document []byte) {
		check := func(header string) bool {
			c, err := websub.NewCheck(header, secret)
			if err != nil {
				return false
			}
			if _, err := c.Write(document); err != nil {
				t.Fatal(err)
			}
			return c.OK()
		}
		good := websub.Sign(secret, document)
		if !check(good) {
			t.Error("a good signature does not pass")
		}
		if strings.HasPrefix(strings.ToLower(strings.TrimSpace(header)), "sha256") && check(header) && !strings.Contains(strings.ToLower(header), strings.TrimPrefix(good, "sha256=")) {
			t.Errorf("%q passes, good is %s", header, good)
		}
	})
}
