package web_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"syndicate/internal/newsletter"
	"syndicate/internal/web"
)

// madeField is the hidden field of a form that says which it is.
var madeField = regexp.MustCompile(`name="made" value="([^"]+)"`)

// consentBy signs an address up by a form and confirms it, and returns which words the
// proof names, and those words.
func (s *site) consentBy(made string, mail int, fields url.Values) (version, words string) {
	s.t.Helper()
	s.pass(3 * time.Second)
	if made != "" {
		fields.Set("made", made)
	}
	if r := s.post("/newsletters/weekly/subscribe", fields); r.StatusCode != 200 {
		s.t.Fatalf("status %d", r.StatusCode)
	}
	link := regexp.MustCompile(`/confirm/[A-Za-z0-9_-]+`).FindString(s.mail(mail).text)
	if r := s.post(link, url.Values{"confirm": {"1"}}); r.StatusCode != 200 {
		s.t.Fatalf("%s: status %d", link, r.StatusCode)
	}
	sub := s.subscriber(fields.Get("email"), "weekly")
	var proof newsletter.Consent
	s.check(json.Unmarshal([]byte(sub.Proof), &proof))
	record, err := s.service.Record(s.t.Context(), sub.Subscriber.ID)
	s.check(err)
	return proof.Form, record.Subscriptions[0].FormWords
}

// TestFormWords: a proof names the words of the form that was shown, in its language,
// whatever language was chosen for the mail; and they are kept, also when the form says
// something else by then.
func TestFormWords(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.serve()
	form := func() string {
		t.Helper()
		return madeField.FindStringSubmatch(text(t, s.get("/newsletters/weekly"), 200))[1]
	}
	english, words := s.consentBy(form(), 1, url.Values{"email": {"a@example.net"}, "language": {"en"}})
	contains(t, words, "The Weekly", "All of it, on Mondays.", "Your email address", "We send you a mail first, to confirm the address.", "Subscribe")
	lacks(t, words, "empty")
	if version, again := s.consentBy(form(), 2, url.Values{"email": {"b@example.net"}, "language": {"fr"}}); version != english || again != words {
		t.Errorf("with mail in French the form is %s and not %s: %s", version, english, again)
	}
	elsewhere, there := s.consentBy("", 3, url.Values{"email": {"c@example.net"}, "language": {"fr"}})
	contains(t, there, "The Weekly", "Votre adresse électronique")
	if elsewhere == english || there == words {
		t.Error("a form of another site is taken for ours")
	}

	// The operator changes the form while somebody looks at it.
	open := form()
	builtin, err := os.ReadFile("../../templates/web/signup.html")
	s.check(err)
	s.again(func(o *web.Options) {
		o.Templates = fstest.MapFS{filepath.Join("web", "signup.html"): {Data: []byte(strings.Replace(string(builtin), `<p class="hint">{{t "signup.promise"}}</p>`, `<p>We sell your address to nobody but Bob.</p>`, 1))}}
	})
	if version, then := s.consentBy(open, 4, url.Values{"email": {"d@example.net"}}); version != english || then != words {
		t.Errorf("the form that was open is %s: %s", version, then)
	}
	changed, now := s.consentBy(form(), 5, url.Values{"email": {"e@example.net"}})
	contains(t, now, "We sell your address to nobody but Bob.")
	if changed == english {
		t.Error("what the operator wrote makes no difference")
	}
	// Another version than that of the stamp is none of ours: as from another site.
	_, stamp, _ := strings.Cut(form(), ".")
	if version, _ := s.consentBy(english+"."+stamp, 6, url.Values{"email": {"f@example.net"}, "language": {"fr"}}); version == english {
		t.Error("a version is taken that nobody signed")
	}
}
