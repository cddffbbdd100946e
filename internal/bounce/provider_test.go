package bounce_test

import (
	"bytes"
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
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/bounce"
)

const (
	sesBounce = `{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":[` +
		`{"emailAddress":"nobody@example.com","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"},{"emailAddress":"gone@example.com"}]},` +
		`"mail":{"source":"b+k@bounces.example.org","headers":[{"name":"Message-ID","value":"<17@news.example.org>"}]}}`
	sendGridEvents = `[{"event":"bounce","type":"bounce","email":"nobody@example.com","status":"5.1.1","reason":"550 5.1.1 no such user","smtp-id":"<17@news.example.org>"},` +
		`{"event":"bounce","type":"blocked","email":"ann@example.com","status":"5.7.1","reason":"550 5.7.1 blocked using a blocklist"},` +
		`{"event":"bounce","type":"blocked","email":"ann@example.com","reason":"no such user"},` +
		`{"event":"dropped","email":"old@example.com","reason":"Bounced Address"},{"event":"dropped","email":"ann@example.com","reason":"Unsubscribed Address"},` +
		`{"event":"deferred","email":"ann@example.com","response":"451 4.2.2 mailbox full"},{"event":"spamreport","email":"ann@example.com"},` +
		`{"event":"group_unsubscribe","email":"ann@example.com"},{"event":"open","email":"ann@example.com"}]`
	postmarkBounce = `{"RecordType":"Bounce","Type":"HardBounce","Email":"nobody@example.com","Details":"smtp;550 5.1.1 no such user","Metadata":{"message-id":"17@news.example.org"}}`
)

func mailgunFailure(timestamp, token, signature string) string {
	return fmt.Sprintf(`{"signature":{"timestamp":%q,"token":%q,"signature":%q},"event-data":{"event":"failed","severity":"permanent","reason":"bounce",`+
		`"recipient":"nobody@example.com","delivery-status":{"code":605,"message":"","description":"Not delivering to previously bounced address"},`+
		`"envelope":{"sender":"b+k@bounces.example.org"},"message":{"headers":{"message-id":"17@news.example.org"}}}}`, timestamp, token, signature)
}

func kinds(reports []bounce.Report) string {
	var b strings.Builder
	for _, r := range reports {
		fmt.Fprintf(&b, "%s %q %s; ", r.Kind, r.Reason, r.Recipient)
	}
	return b.String()
}

func TestProviders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		parse func([]byte) ([]bounce.Report, error)
		body  string
		want  string
	}{
		{"SES", bounce.ParseSES, sesBounce, `hard "no such user" nobody@example.com; hard "" gone@example.com; `},
		{"SES full", bounce.ParseSES, `{"eventType":"Bounce","bounce":{"bounceType":"Transient","bounceSubType":"MailboxFull","bouncedRecipients":[{"emailAddress":"ann@example.com"}]}}`, `soft "mailbox full" ann@example.com; `},
		{"SES blocked", bounce.ParseSES, `{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":[{"emailAddress":"ann@example.com","diagnosticCode":"smtp; 550 5.7.1 policy"}]}}`, `block "policy" ann@example.com; `},
		{"SES transient no user", bounce.ParseSES, `{"notificationType":"Bounce","bounce":{"bounceType":"Transient","bounceSubType":"General","bouncedRecipients":[{"emailAddress":"ann@example.com","diagnosticCode":"smtp; 550 5.1.1 no such user"}]}}`, `soft "no such user" ann@example.com; `},
		{"SES away", bounce.ParseSES, `{"notificationType":"Bounce","bounce":{"bounceType":"Transient","bounceSubType":"General","bouncedRecipients":[{"emailAddress":"ann@example.com"}]}}`, `auto-reply "" ann@example.com; `},
		{"SES undetermined", bounce.ParseSES, `{"notificationType":"Bounce","bounce":{"bounceType":"Undetermined","bounceSubType":"Undetermined","bouncedRecipients":[{"emailAddress":"ann@example.com"},` +
			`{"emailAddress":"nobody@example.com","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"}]}}`, `soft "" ann@example.com; hard "no such user" nobody@example.com; `},
		{
			"SES several", bounce.ParseSES, `{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":[` +
				`{"status":"5.0.0","action":"failed","diagnosticCode":"X-Postfix; unknown user","emailAddress":"nobody@example.com"},{"status":"4.0.0","action":"delayed","emailAddress":"ann@example.com"},{"status":"4.4.1","emailAddress":"bob@example.com"}]}}`,
			`hard "no such user" nobody@example.com; delayed "" ann@example.com; soft "receiver not reached" bob@example.com; `,
		},
		{"SES suppressed", bounce.ParseSES, `{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"OnAccountSuppressionList","bouncedRecipients":[{"emailAddress":"gone@example.com"}]}}`, `hard "no such user" gone@example.com; `},
		{"SES complaint", bounce.ParseSES, `{"notificationType":"Complaint","complaint":{"complaintFeedbackType":"abuse","complainedRecipients":[{"emailAddress":"ann@example.com"}]}}`, `complaint "" ann@example.com; `},
		{"SES not spam", bounce.ParseSES, `{"notificationType":"Complaint","complaint":{"complaintFeedbackType":"not-spam","complainedRecipients":[{"emailAddress":"ann@example.com"}]}}`, `notice "" ann@example.com; `},
		{"SES delay", bounce.ParseSES, `{"eventType":"DeliveryDelay","deliveryDelay":{"delayedRecipients":[{"emailAddress":"ann@example.com","status":"4.2.2"}]}}`, `delayed "mailbox full" ann@example.com; `},
		{"SES delivery", bounce.ParseSES, `{"notificationType":"Delivery","delivery":{"recipients":["ann@example.com"]}}`, `delivered "" ann@example.com; `},
		{"SES reject", bounce.ParseSES, `{"eventType":"Reject","reject":{"reason":"Bad content"},"mail":{"destination":["ann@example.com"]}}`, `block "content refused" ann@example.com; `},
		{"SES open", bounce.ParseSES, `{"eventType":"Open"}`, ``},
		{"SendGrid", bounce.ParseSendGrid, sendGridEvents, `hard "no such user" nobody@example.com; block "sender's reputation" ann@example.com; soft "no such user" ann@example.com; ` +
			`hard "no such user" old@example.com; unsubscribe "" ann@example.com; delayed "mailbox full" ann@example.com; complaint "" ann@example.com; unsubscribe "" ann@example.com; `},
		{
			"SendGrid classes", bounce.ParseSendGrid, `[{"event":"bounce","type":"bounce","email":"gone@example.com","reason":"550 5.2.1 The account is disabled","bounce_classification":"Mailbox Unavailable"},` +
				`{"event":"bounce","type":"bounce","email":"ann@example.com","reason":"552 5.2.2 over quota","bounce_classification":"Mailbox Unavailable"},` +
				`{"event":"bounce","type":"bounce","email":"bob@example.com","reason":"554 rejected","bounce_classification":"Unclassified"},` +
				`{"event":"bounce","type":"bounce","email":"nobody@example.com","reason":"554 rejected","bounce_classification":"Invalid Address"},` +
				`{"event":"dropped","email":"ann@example.com","reason":"Spam Content"}]`,
			`hard "mailbox disabled" gone@example.com; soft "mailbox full" ann@example.com; soft "" bob@example.com; hard "" nobody@example.com; block "policy" ann@example.com; `,
		},
		{"Postmark", bounce.ParsePostmark, postmarkBounce, `hard "no such user" nobody@example.com; `},
		{"Postmark soft", bounce.ParsePostmark, `{"RecordType":"Bounce","Type":"SoftBounce","Email":"ann@example.com","Details":"550 user unknown"}`, `soft "no such user" ann@example.com; `},
		{"Postmark's own", bounce.ParsePostmark, `{"RecordType":"Bounce","Type":"SMTPApiError","Email":"ann@example.com","Details":"not accepted"}`, `block "policy" ann@example.com; `},
		{"Postmark inbound", bounce.ParsePostmark, `{"RecordType":"Bounce","Type":"InboundError","Email":"ann@example.com"}`, `notice "" ann@example.com; `},
		{"Postmark complaint", bounce.ParsePostmark, `{"RecordType":"SpamComplaint","Type":"SpamComplaint","Email":"ann@example.com"}`, `complaint "" ann@example.com; `},
		{"Postmark leaves", bounce.ParsePostmark, `{"RecordType":"SubscriptionChange","Recipient":"ann@example.com","SuppressSending":true,"SuppressionReason":"ManualSuppression"}`, `unsubscribe "" ann@example.com; `},
		{"Postmark comes", bounce.ParsePostmark, `{"RecordType":"SubscriptionChange","Recipient":"ann@example.com","SuppressSending":false}`, ``},
		{"Postmark away", bounce.ParsePostmark, `{"RecordType":"Bounce","Type":"AutoResponder","Email":"ann@example.com"}`, `auto-reply "" ann@example.com; `},
	} {
		got, err := tt.parse([]byte(tt.body))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, kinds(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	for name, parse := range map[string]func([]byte) ([]bounce.Report, error){"SES": bounce.ParseSES, "SendGrid": bounce.ParseSendGrid, "Postmark": bounce.ParsePostmark} {
		for _, body := range []string{``, `[`, `"x"`, strings.Repeat(" ", 2<<20)} {
			if _, err := parse([]byte(body)); err == nil {
				t.Errorf("%s takes %.10q", name, body)
			}
		}
	}
}

func TestMailgun(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	sign := func(key string, at time.Time) string {
		timestamp := strconv.FormatInt(at.Unix(), 10)
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(timestamp + "token"))
		return mailgunFailure(timestamp, "token", hex.EncodeToString(mac.Sum(nil)))
	}
	got, err := bounce.ReadMailgun([]byte(sign("key", now)), "key", now)
	if err != nil || kinds(got) != `hard "" nobody@example.com; ` || got[0].MessageID != "17@news.example.org" || !cmp.Equal(got[0].To, []string{"b+k@bounces.example.org"}) {
		t.Errorf("%+v, %v", got, err)
	}
	const said = `"severity":"permanent","reason":"bounce","recipient":"nobody@example.com","delivery-status":{"code":605,"message":"","description":"Not delivering to previously bounced address"}`
	for _, tt := range []struct{ severity, reason, status, want string }{
		{"permanent", "generic", `"code":550,"message":"5.1.1 user unknown"`, `hard "no such user" nobody@example.com; `},
		{"permanent", "generic", `"code":550,"message":"rejected"`, `soft "" nobody@example.com; `},
		{"permanent", "espblock", `"code":550,"message":"user unknown, and listed"`, `block "no such user" nobody@example.com; `},
		{"permanent", "old", `"code":602,"message":"Too old"`, `soft "given up after retries" nobody@example.com; `},
		{"permanent", "suppress-bounce", `"code":605,"description":"Not delivering to previously bounced address"`, `hard "no such user" nobody@example.com; `},
		{"permanent", "suppress-complaint", `"code":607`, `complaint "" nobody@example.com; `},
		{"temporary", "greylisted", `"code":451,"message":"4.7.1 Greylisted"`, `delayed "greylisted" nobody@example.com; `},
	} {
		body := strings.Replace(sign("key", now), said, fmt.Sprintf(`"severity":%q,"reason":%q,"recipient":"nobody@example.com","delivery-status":{%s}`, tt.severity, tt.reason, tt.status), 1)
		got, err := bounce.ReadMailgun([]byte(body), "key", now)
		if err != nil || kinds(got) != tt.want {
			t.Errorf("%s %s: %s, %v, want %s", tt.severity, tt.reason, kinds(got), err, tt.want)
		}
	}
	for name, body := range map[string]string{
		"another key": sign("other", now), "no key": sign("", now), "old": sign("key", now.AddDate(0, 0, -3)), "to come": sign("key", now.AddDate(0, 0, 3)),
		"unsigned": mailgunFailure(strconv.FormatInt(now.Unix(), 10), "token", ""),
	} {
		key := "key"
		if name == "no key" {
			key = ""
		}
		if _, err := bounce.ReadMailgun([]byte(body), key, now); !errors.Is(err, bounce.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSendGridSignature(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	key := base64.StdEncoding.EncodeToString(der)
	header := func(at time.Time, body string) http.Header {
		timestamp := strconv.FormatInt(at.Unix(), 10)
		sum := sha256.Sum256([]byte(timestamp + body))
		signature, err := ecdsa.SignASN1(rand.Reader, private, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		h.Set("X-Twilio-Email-Event-Webhook-Timestamp", timestamp)
		h.Set("X-Twilio-Email-Event-Webhook-Signature", base64.StdEncoding.EncodeToString(signature))
		return h
	}
	if err := bounce.VerifySendGrid(header(now, sendGridEvents), []byte(sendGridEvents), key, now); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"another body": bounce.VerifySendGrid(header(now, sendGridEvents), []byte("[]"), key, now),
		"old":          bounce.VerifySendGrid(header(now.AddDate(0, 0, -3), "[]"), []byte("[]"), key, now),
		"unsigned":     bounce.VerifySendGrid(http.Header{}, []byte("[]"), key, now),
	} {
		if !errors.Is(err, bounce.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := bounce.VerifySendGrid(header(now, "[]"), []byte("[]"), "no key", now); err == nil {
		t.Error("a key that is none is taken")
	}
}

func TestPostmarkPassword(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.SetBasicAuth("user", "right")
	if err := bounce.VerifyPostmark(r, "user", "right"); err != nil {
		t.Error(err)
	}
	if err := bounce.VerifyPostmark(r, "user", "wrong"); !errors.Is(err, bounce.ErrSignature) {
		t.Error(err)
	}
	r.SetBasicAuth("", "")
	if err := bounce.VerifyPostmark(r, "", ""); !errors.Is(err, bounce.ErrSignature) {
		t.Error("no password is a password")
	}
}

func TestSNS(t *testing.T) {
	t.Parallel()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	certificate := func(string) (*x509.Certificate, error) {
		return &x509.Certificate{PublicKey: &private.PublicKey}, nil
	}
	const topic = "arn:aws:sns:eu-west-1:1:bounces"
	good := map[string]string{
		"Type": "Notification", "MessageId": "m", "TopicArn": topic, "Message": sesBounce, "Timestamp": "2026-11-20T07:00:00.000Z",
		"SignatureVersion": "2", "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
	}
	confirmation := map[string]string{
		"Type": "SubscriptionConfirmation", "MessageId": "m", "TopicArn": topic, "Message": "You have chosen", "Timestamp": "2026-11-20T07:00:00.000Z", "Token": "t",
		"SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription", "SignatureVersion": "2", "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/1.pem",
	}
	sign := func(m map[string]string, change ...string) []byte {
		var signed bytes.Buffer
		for _, name := range []string{"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"} {
			if v, ok := m[name]; ok {
				signed.WriteString(name + "\n" + v + "\n")
			}
		}
		hash := crypto.SHA256
		if m["SignatureVersion"] == "1" {
			hash = crypto.SHA1
		}
		sum := hash.New()
		sum.Write(signed.Bytes())
		signature, err := rsa.SignPKCS1v15(rand.Reader, private, hash, sum.Sum(nil))
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{"Signature": base64.StdEncoding.EncodeToString(signature)}
		for k, v := range m {
			out[k] = v
		}
		for i := 0; i < len(change); i += 2 {
			out[change[i]] = change[i+1]
		}
		body, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	m, err := bounce.ReadSNS(sign(good), topic, certificate)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := bounce.ParseSES([]byte(m.Message)); err != nil || got[0].MessageID != "17@news.example.org" {
		t.Errorf("%+v, %v", got, err)
	}
	old := maps.Clone(good) // as new topics are
	old["SignatureVersion"] = "1"
	if m, err := bounce.ReadSNS(sign(old), topic, certificate); err != nil || m.Message != sesBounce {
		t.Errorf("signed with SHA-1: %+v, %v", m, err)
	}
	if m, err := bounce.ReadSNS(sign(confirmation), topic, certificate); err != nil || m.SubscribeURL == "" {
		t.Errorf("%+v, %v", m, err)
	}
	for name, body := range map[string][]byte{
		"another message":   sign(good, "Message", "{}"),
		"another hash":      sign(good, "SignatureVersion", "1"),
		"another hash, too": sign(old, "SignatureVersion", "2"),
		"no hash":           sign(good, "SignatureVersion", "3"),
		"another, SHA-1":    sign(old, "Message", "{}"),
		"topic, SHA-1":      sign(old, "TopicArn", "arn:aws:sns:eu-west-1:2:bounces"),
		"elsewhere, SHA-1":  sign(old, "SigningCertURL", "https://example.org/1.pem"),
		"another topic":     sign(good, "TopicArn", "arn:aws:sns:eu-west-1:2:bounces"),
		"no signature":      sign(good, "Signature", ""),
		"not Amazon":        sign(good, "SigningCertURL", "https://sns.eu-west-1.amazonaws.com.example.org/1.pem"),
		"not quite Amazon":  sign(good, "SigningCertURL", "https://evil.example/sns.eu-west-1.amazonaws.com"),
		"a bucket":          sign(good, "SigningCertURL", "https://s3.amazonaws.com/mine/1.pem"),
		"another port":      sign(good, "SigningCertURL", "https://sns.eu-west-1.amazonaws.com:444/1.pem"),
		"a user":            sign(good, "SigningCertURL", "https://sns.eu-west-1.amazonaws.com@example.org/1.pem"),
		"not https":         sign(good, "SigningCertURL", "http://sns.eu-west-1.amazonaws.com/1.pem"),
		"confirm elsewhere": sign(confirmation, "SubscribeURL", "https://example.org/"),
	} {
		if _, err := bounce.ReadSNS(body, topic, certificate); !errors.Is(err, bounce.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := bounce.ReadSNS(sign(good), "", certificate); !errors.Is(err, bounce.ErrSignature) {
		t.Error("no topic is any topic")
	}
}
