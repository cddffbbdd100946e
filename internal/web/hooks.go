package web

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"syndicate/internal/bounce"
)

// hookPath is where sending services report what came back.
const hookPath = "/hooks/"

// maxHook bounds a call, in bytes: the largest are SendGrid's, of many events.
const maxHook = 1 << 20

// HookOptions is what calls of sending services are verified by. One without it is
// answered 404.
type HookOptions struct {
	SESTopic                       string // the ARN of the SNS topic
	SendGridKey                    string // public, base64
	PostmarkUser, PostmarkPassword string
	MailgunKey                     string
	// Fetch gets a document of Amazon's: certificates, confirmations. Its size is bounded.
	Fetch func(ctx context.Context, url string) ([]byte, error)
}

// hook is one service's: what is reported, and what the call is known by if it comes
// again. An error that is no bounce.ErrSignature nor elsewhere means that the call cannot be read.
type hook func(r *http.Request, body []byte) (reports []bounce.Report, identity string, err error)

// elsewhere is a failure that is not the caller's: it is to come again.
type elsewhere struct{ error }

func (e *elsewhere) Unwrap() error { return e.error }

func (s *server) hookOf(provider string) hook {
	h := &s.o.Hooks
	switch {
	case provider == "ses" && h.SESTopic != "":
		return s.sesHook
	case provider == "sendgrid" && h.SendGridKey != "":
		return s.sendGridHook
	case provider == "postmark" && h.PostmarkPassword != "":
		return s.postmarkHook
	case provider == "mailgun" && h.MailgunKey != "":
		return s.mailgunHook
	}
	return nil
}

// takeHook takes a sending service's call. Whoever does not sign as agreed is told so
// in one way for all reasons, and only so often.
func (s *server) takeHook(w http.ResponseWriter, r *http.Request) error {
	provider := r.PathValue("provider")
	read := s.hookOf(provider)
	if read == nil {
		return plainAnswer(w, http.StatusNotFound, "this site takes no reports here\n")
	}
	client, now := s.client(r), s.now()
	if wait, over := s.wrong.over(client, now); over {
		return s.hubFull(w, wait, "too many calls that were not signed")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	reports, identity, err := read(r, body)
	var other *elsewhere
	switch {
	case errors.Is(err, bounce.ErrSignature):
		s.wrong.add(client, now)
		s.log.WarnContext(r.Context(), "webhook refused", "provider", provider, "error", err)
		return plainAnswer(w, http.StatusUnauthorized, "this call is not signed as agreed\n")
	case errors.As(err, &other):
		s.wrong.add(client, now)
		return err
	case err != nil:
		s.wrong.add(client, now)
		s.log.WarnContext(r.Context(), "webhook not understood", "provider", provider, "error", err)
		return plainAnswer(w, http.StatusBadRequest, "this call is not understood\n")
	}
	if len(reports) > 0 {
		if _, err := s.o.Service.TakeReports(r.Context(), reports, []byte(provider+" "+identity), nil); err != nil {
			return err
		}
	}
	return plainAnswer(w, http.StatusOK, "thank you\n")
}

func (s *server) sendGridHook(r *http.Request, body []byte) ([]bounce.Report, string, error) {
	if err := bounce.VerifySendGrid(r.Header, body, s.o.Hooks.SendGridKey, s.now()); err != nil {
		return nil, "", err
	}
	reports, err := bounce.ParseSendGrid(body)
	return reports, hashed(body), err
}

func (s *server) postmarkHook(r *http.Request, body []byte) ([]bounce.Report, string, error) {
	if err := bounce.VerifyPostmark(r, s.o.Hooks.PostmarkUser, s.o.Hooks.PostmarkPassword); err != nil {
		return nil, "", err
	}
	reports, err := bounce.ParsePostmark(body)
	return reports, hashed(body), err
}

func (s *server) mailgunHook(_ *http.Request, body []byte) ([]bounce.Report, string, error) {
	reports, err := bounce.ReadMailgun(body, s.o.Hooks.MailgunKey, s.now())
	if err != nil {
		return nil, "", err
	}
	var call struct { // tried again, it is signed anew
		Event json.RawMessage `json:"event-data"`
	}
	err = json.Unmarshal(body, &call)
	return reports, hashed(call.Event), err
}

func hashed(b []byte) string {
	h := sha256.Sum256(b)
	return string(h[:])
}

// sesHook reads what SES reports through SNS, and confirms the subscription to the
// topic when Amazon asks.
func (s *server) sesHook(r *http.Request, body []byte) ([]bounce.Report, string, error) {
	m, err := bounce.ReadSNS(body, s.o.Hooks.SESTopic, func(url string) (*x509.Certificate, error) {
		c, err := s.certs.get(r.Context(), url, s.o.Hooks.Fetch, s.now())
		if err != nil {
			return nil, &elsewhere{err}
		}
		return c, nil
	})
	if err != nil {
		return nil, "", err
	}
	switch m.Type {
	case "SubscriptionConfirmation":
		if _, err := s.o.Hooks.Fetch(r.Context(), m.SubscribeURL); err != nil {
			return nil, "", &elsewhere{fmt.Errorf("confirming the subscription to the SNS topic: %w", err)}
		}
		s.log.InfoContext(r.Context(), "subscribed to the SNS topic", "topic", m.TopicARN)
		return nil, "", nil
	case "Notification":
		reports, err := bounce.ParseSES([]byte(m.Message))
		return reports, m.MessageID, err
	}
	s.log.WarnContext(r.Context(), "unsubscribed from the SNS topic", "topic", m.TopicARN)
	return nil, "", nil
}

// certificates keeps those of Amazon, whose addresses do not change their content.
type certificates struct {
	mu  sync.Mutex
	all map[string]*x509.Certificate
}

// maxCertificates is how many are kept: there is one for a region and a year.
const maxCertificates = 16

func (c *certificates) get(ctx context.Context, url string, fetch func(context.Context, string) ([]byte, error), now time.Time) (*x509.Certificate, error) {
	c.mu.Lock()
	cert := c.all[url]
	c.mu.Unlock()
	if cert == nil {
		text, err := fetch(ctx, url)
		if err != nil {
			return nil, err
		}
		block, _ := pem.Decode([]byte(strings.TrimSpace(string(text))))
		if block == nil {
			return nil, errors.New("it is not in PEM")
		}
		if cert, err = x509.ParseCertificate(block.Bytes); err != nil {
			return nil, err
		}
		c.mu.Lock()
		if c.all == nil || len(c.all) >= maxCertificates {
			c.all = map[string]*x509.Certificate{}
		}
		c.all[url] = cert
		c.mu.Unlock()
	}
	if now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return nil, errors.New("it is not valid today")
	}
	return cert, nil
}
