package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	siteTimeout  = 10 * time.Second // for a server to say which site it is
	linksFirst   = time.Second      // until Serve asks again; doubled each time
	linksLongest = 15 * time.Second
)

// LinksError says why no mail may go through a relay: the links in it would lead
// nowhere, or to another site.
type LinksError struct {
	URL  string // web.url
	Why  string // follows the URL: "is not https"
	Err  error  // the cause, may be nil
	hint string
}

func (e *LinksError) Error() string {
	return fmt.Sprintf("the links in mail lead to %s, which %s", e.URL, e.Why)
}

// Unwrap returns the cause.
func (e *LinksError) Unwrap() error { return e.Err }

// Hint returns what an operator can do about it.
func (e *LinksError) Hint() string { return e.hint + "; --offline-links sends all the same" }

// CheckWebURL reports whether web.url can be right, without asking anybody: with a
// relay it must be https. The error is a *LinksError.
func (s *Service) CheckWebURL() error {
	if s.Rehearsal() || s.o.OfflineLinks || strings.HasPrefix(strings.ToLower(s.o.WebURL), "https://") {
		return nil
	}
	return &LinksError{
		URL: s.o.WebURL, Why: "is not https",
		hint: "set web.url in config.yaml to the https address where syndicate serve answers",
	}
}

// CheckLinks reports whether mail may go out: always to the catcher; through a
// relay once the links in it lead to this site, which is asked at the very address
// that subscribers will ask. Once they did, nobody is asked again: a web server
// that is away for a moment does not stop an issue. The error is a *LinksError.
func (s *Service) CheckLinks(ctx context.Context) error {
	if s.Rehearsal() || s.o.OfflineLinks || s.linked.Load() {
		return nil
	}
	if err := s.CheckWebURL(); err != nil {
		return err
	}
	e := &LinksError{URL: s.o.WebURL}
	id, err := SiteAt(ctx, s.o.HTTP, s.o.WebURL)
	switch {
	case err != nil:
		e.Why, e.Err = "does not answer as this site: "+err.Error(), err
		e.hint = "syndicate serve must run and be reached there: web.url in config.yaml, and the proxy that leads to it"
	case id != s.store.SiteID():
		e.Why, e.hint = "is another site", "web.url in config.yaml must lead to the syndicate serve of this very database"
	default:
		s.linked.Store(true)
		return nil
	}
	return e
}

// mayMail is CheckLinks in the words of a verb that wanted to mail.
func (s *Service) mayMail(ctx context.Context) error {
	if err := s.CheckLinks(ctx); err != nil {
		return fmt.Errorf("nothing was mailed: %w", err)
	}
	return nil
}

// awaitLinks waits until mail may go out; false: ctx ended. A daemon is often up
// before the proxy that leads to it, so it asks again, and says once why it waits.
// It keeps nobody else back: another worker may reach what this one does not.
func (s *Service) awaitLinks(ctx context.Context) bool {
	said := ""
	for pause := linksFirst; ; pause = min(2*pause, linksLongest) {
		err := s.CheckLinks(ctx)
		if ctx.Err() != nil {
			return false
		}
		if err == nil {
			if said != "" {
				s.log.Info("mail goes out, its links lead here", "url", s.o.WebURL)
			}
			return true
		}
		text := err.Error()
		if text != said {
			hint := ""
			if e := (*LinksError)(nil); errors.As(err, &e) {
				hint = e.Hint()
			}
			s.log.Error("mail is held back", "error", err, "hint", hint)
			said = text
		}
		if !sleep(ctx, pause) {
			return false
		}
	}
}

// SiteAt asks the server at an address which site it is; client nil: the default
// one. A redirect is no answer: the button of mail programs (RFC 8058, section 3.1)
// does not follow it either.
func SiteAt(ctx context.Context, client *http.Client, address string) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, siteTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/healthz", http.NoBody)
	if err != nil {
		return "", err
	}
	direct := http.Client{}
	if client != nil {
		direct = *client
	}
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := direct.Do(req)
	if err != nil {
		var e *url.Error // repeats the address
		if errors.As(err, &e) {
			err = e.Err
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %s: %w", siteTimeout, err)
		}
		return "", err
	}
	defer resp.Body.Close()
	switch to := resp.Header.Get("Location"); {
	case resp.StatusCode/100 == 3 && to != "":
		return "", fmt.Errorf("it redirects to %s", strings.TrimSuffix(to, "/healthz"))
	case resp.StatusCode != http.StatusOK:
		return "", fmt.Errorf("it answers %s", resp.Status)
	}
	var answer struct {
		Site string `json:"site"`
	}
	if json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&answer) != nil || answer.Site == "" {
		return "", errors.New("it is no syndicate serve")
	}
	return answer.Site, nil
}
