package web_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/store"
	"syndicate/internal/web"
)

// hookSite is a site with the keys of those that may report to it.
type hookSite struct {
	*site
	amazon   *rsa.PrivateKey
	sendGrid *ecdsa.PrivateKey
	fetched  []string
	down     bool // Amazon does not answer
}

const (
	topic   = "arn:aws:sns:eu-west-1:123456789012:bounces"
	certURL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
)

func newHookSite(t *testing.T) *hookSite {
	t.Helper()
	s := &hookSite{}
	var err error
	if s.amazon, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if s.sendGrid, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: start.AddDate(-1, 0, 0), NotAfter: start.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, s.amazon.Public(), s.amazon)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	public, err := x509.MarshalPKIXPublicKey(s.sendGrid.Public())
	if err != nil {
		t.Fatal(err)
	}
	s.site = newSite(t, func(o *web.Options) {
		o.Hooks = web.HookOptions{
			SESTopic: topic, SendGridKey: base64.StdEncoding.EncodeToString(public),
			PostmarkUser: "postmark", PostmarkPassword: "a password", MailgunKey: "a signing key",
			Fetch: func(_ context.Context, url string) ([]byte, error) {
				s.fetched = append(s.fetched, url)
				if s.down {
					return nil, errors.New("no answer")
				}
				return cert, nil
			},
		}
	})
	return s
}

// sns is a message as Amazon signs it.
func (s *hookSite) sns(id, message string, more ...string) string {
	s.t.Helper()
	m := map[string]string{
		"Type": "Notification", "MessageId": id, "TopicArn": topic, "Message": message, "Timestamp": "2026-11-05T12:00:00.000Z",
		"SignatureVersion": "2", "SigningCertURL": certURL,
	}
	for i := 0; i+1 < len(more); i += 2 {
		m[more[i]] = more[i+1]
	}
	var text strings.Builder
	for _, name := range []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"} {
		if m[name] != "" {
			text.WriteString(name + "\n" + m[name] + "\n")
		}
	}
	sum := sha256.Sum256([]byte(text.String()))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.amazon, crypto.SHA256, sum[:])
	s.check(err)
	m["Signature"] = base64.StdEncoding.EncodeToString(signature)
	b, err := json.Marshal(m)
	s.check(err)
	return string(b)
}

// signedAs returns the headers that SendGrid sends.
func (s *hookSite) signedAs(body string, at time.Time) []string {
	s.t.Helper()
	timestamp := strconv.FormatInt(at.Unix(), 10)
	sum := sha256.Sum256([]byte(timestamp + body))
	signature, err := ecdsa.SignASN1(rand.Reader, s.sendGrid, sum[:])
	s.check(err)
	return []string{"X-Twilio-Email-Event-Webhook-Timestamp", timestamp, "X-Twilio-Email-Event-Webhook-Signature", base64.StdEncoding.EncodeToString(signature)}
}

func (s *hookSite) mailgun(event, token, key string) string {
	timestamp := strconv.FormatInt(s.clock().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(timestamp + token))
	return fmt.Sprintf(`{"signature":{"timestamp":%q,"token":%q,"signature":%q},"event-data":%s}`, timestamp, token, hex.EncodeToString(mac.Sum(nil)), event)
}

// taken lists what the store has, the first report first.
func (s *hookSite) taken() []string {
	s.t.Helper()
	all, err := s.store.Bounces(s.t.Context(), store.BounceQuery{Limit: 100})
	s.check(err)
	list := []string{}
	for i := range all {
		b := all[len(all)-1-i]
		list = append(list, b.Reporter+" "+string(b.Kind))
	}
	return list
}

const (
	sesEvent      = `{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"nobody@example.com","status":"5.1.1"}]}}`
	sendGridEvent = `[{"event":"bounce","type":"bounce","email":"nobody@example.com","status":"5.1.1","reason":"550 5.1.1 no such user"},{"event":"spamreport","email":"ann@example.com"}]`
	postmarkEvent = `{"RecordType":"SpamComplaint","Type":"SpamComplaint","Email":"ann@example.com"}`
	mailgunEvent  = `{"event":"complained","recipient":"ann@example.com"}`
)

func basic(user, password string) []string {
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
}

// TestHooks: what the services sign is taken, once however often they try.
func TestHooks(t *testing.T) {
	t.Parallel()
	s := newHookSite(t)
	for range 2 {
		text(t, s.do("POST", "/hooks/ses", s.sns("1", sesEvent)), 200)
		text(t, s.do("POST", "/hooks/sendgrid", sendGridEvent, s.signedAs(sendGridEvent, s.clock())...), 200)
		text(t, s.do("POST", "/hooks/postmark", postmarkEvent, basic("postmark", "a password")...), 200)
		s.pass(time.Second) // tried again, Mailgun signs anew
		text(t, s.do("POST", "/hooks/mailgun", s.mailgun(mailgunEvent, strconv.Itoa(int(s.clock().Unix())), "a signing key")), 200)
	}
	want := []string{"Amazon SES hard", "SendGrid hard", "SendGrid complaint", "Postmark complaint", "Mailgun complaint"}
	if d := cmp.Diff(want, s.taken()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
	text(t, s.do("POST", "/hooks/ses", s.sns("2", `{"eventType":"Open"}`)), 200) // nothing came back
	if d := cmp.Diff([]string{certURL}, s.fetched); d != "" {
		t.Errorf("fetched (-want +got):\n%s", d)
	}
	confirm := "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
	text(t, s.do("POST", "/hooks/ses", s.sns("3", "confirm", "Type", "SubscriptionConfirmation", "Token", "t", "SubscribeURL", confirm)), 200)
	if d := cmp.Diff([]string{certURL, confirm}, s.fetched); d != "" {
		t.Errorf("fetched (-want +got):\n%s", d)
	}
	lacks(t, s.log.String(), "nobody@example.com", "ann@example.com", "a password", "a signing key")
}

// TestHooksRefused: what is not signed as agreed changes nothing, whatever is wrong.
func TestHooksRefused(t *testing.T) {
	t.Parallel()
	s := newHookSite(t)
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		path, body string
		headers    []string
		want       int
	}{
		"ses unsigned":         {"ses", strings.Replace(s.sns("1", sesEvent), `"Signature":"`, `"Signature":"AAAA`, 1), nil, 401},
		"ses changed":          {"ses", strings.Replace(s.sns("1", sesEvent), "nobody@", "somebody@", 1), nil, 401},
		"ses of another topic": {"ses", s.sns("1", sesEvent, "TopicArn", topic+"2"), nil, 401},
		"ses of others":        {"ses", s.sns("1", sesEvent, "SigningCertURL", "https://sns.example.org/1.pem"), nil, 401},
		"ses confirm others":   {"ses", s.sns("1", "x", "Type", "SubscriptionConfirmation", "Token", "t", "SubscribeURL", "https://example.org/"), nil, 401},
		"ses broken":           {"ses", `{`, nil, 400},
		"sendgrid unsigned":    {"sendgrid", sendGridEvent, nil, 401},
		"sendgrid changed":     {"sendgrid", sendGridEvent, s.signedAs(sendGridEvent+" ", s.clock()), 401},
		"sendgrid old":         {"sendgrid", sendGridEvent, s.signedAs(sendGridEvent, s.clock().Add(-3*day)), 401},
		"sendgrid broken":      {"sendgrid", `[`, s.signedAs(`[`, s.clock()), 400},
		"postmark without":     {"postmark", postmarkEvent, nil, 401},
		"postmark guessed":     {"postmark", postmarkEvent, basic("postmark", "a passwore"), 401},
		"postmark user":        {"postmark", postmarkEvent, basic("", "a password"), 401},
		"mailgun guessed":      {"mailgun", s.mailgun(mailgunEvent, "t", "another key"), nil, 401},
		"too large":            {"mailgun", strings.Repeat(" ", 1<<20) + s.mailgun(mailgunEvent, "t", "a signing key"), nil, 413},
		"nobody":               {"elsewhere", mailgunEvent, nil, 404},
	} {
		if r := s.do("POST", "/hooks/"+c.path, c.body, c.headers...); r.StatusCode != c.want {
			t.Errorf("%s: answered %d, want %d", name, r.StatusCode, c.want)
		}
	}
	text(t, s.get("/hooks/mailgun"), 404)
	if got := s.taken(); len(got) > 0 {
		t.Errorf("taken: %v", got)
	}
	for _, url := range s.fetched {
		if url != certURL {
			t.Errorf("fetched %s", url)
		}
	}

	for range 100 {
		s.do("POST", "/hooks/postmark", postmarkEvent, append(basic("postmark", "x"), "remote", "198.51.100.1:5")...)
	}
	right := basic("postmark", "a password")
	text(t, s.do("POST", "/hooks/postmark", postmarkEvent, append(right, "remote", "198.51.100.1:6")...), http.StatusTooManyRequests)
	text(t, s.do("POST", "/hooks/postmark", postmarkEvent, append(right, "remote", "198.51.100.2:6")...), 200)
}

// TestHooksLater: what could not be done at once is answered so that it comes again.
func TestHooksLater(t *testing.T) {
	t.Parallel()
	s := newHookSite(t)
	s.down = true
	text(t, s.do("POST", "/hooks/ses", s.sns("1", sesEvent)), 500)
	s.down = false
	text(t, s.do("POST", "/hooks/ses", s.sns("1", sesEvent)), 200)
	if got := s.taken(); len(got) != 1 {
		t.Errorf("taken: %v", got)
	}
}

// TestHooksOff: a site that was given no keys takes nothing.
func TestHooksOff(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, provider := range []string{"ses", "sendgrid", "postmark", "mailgun"} {
		text(t, s.do("POST", "/hooks/"+provider, "{}"), 404)
	}
}
