// Package websub speaks WebSub (https://www.w3.org/TR/websub/): what publishers,
// hubs and subscribers say to each other, as values; it sends and stores nothing.
//
// The procedure: a subscriber finds hub and self links at a topic and posts a
// Request to the hub. The hub asks the callback whether it meant that (an Intent,
// by GET, with a challenge to be echoed), and from then on posts the topic's
// document to the callback whenever it changes, signed with the subscriber's
// secret. A publisher tells a hub that a topic changed with a Ping.
package websub

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Mode is what a request or an intent is about.
type Mode string

// The modes of section 5.
const (
	Subscribe   Mode = "subscribe"
	Unsubscribe Mode = "unsubscribe"
	Denied      Mode = "denied"
)

// The bounds on what a subscriber sends, in bytes. MaxSecret is section 5.1's.
const (
	MaxURL    = 2048
	MaxSecret = 200
)

// FormType is the media type of requests and pings.
const FormType = "application/x-www-form-urlencoded"

// Request is what a subscriber asks of a hub (section 5.1).
type Request struct {
	Mode     Mode // Subscribe or Unsubscribe
	Topic    string
	Callback string
	Secret   string        // content is signed with it; empty: it is not
	Lease    time.Duration // for how long; 0: what the hub thinks right
}

// Refusal is why a request is not accepted, in words for whoever programmed the
// subscriber.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return r.Reason }

func refuse(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }

// ParseRequest reads a posted form. The error is a *Refusal.
func ParseRequest(form url.Values) (Request, error) {
	r := Request{
		Mode: Mode(form.Get("hub.mode")), Topic: form.Get("hub.topic"),
		Callback: form.Get("hub.callback"), Secret: form.Get("hub.secret"),
	}
	switch {
	case r.Mode != Subscribe && r.Mode != Unsubscribe:
		return r, refuse("hub.mode is to be subscribe or unsubscribe")
	case r.Topic == "":
		return r, refuse("hub.topic is missing")
	case len(r.Topic) > MaxURL:
		return r, refuse("hub.topic is longer than %d bytes", MaxURL)
	case len(r.Secret) > MaxSecret:
		return r, refuse("hub.secret is longer than %d bytes", MaxSecret)
	}
	if err := checkCallback(r.Callback); err != nil {
		return r, err
	}
	lease, err := parseLease(form.Get("hub.lease_seconds"))
	if err != nil {
		return r, err
	}
	r.Lease = lease
	return r, nil
}

func checkCallback(callback string) error {
	if callback == "" {
		return refuse("hub.callback is missing")
	}
	if len(callback) > MaxURL {
		return refuse("hub.callback is longer than %d bytes", MaxURL)
	}
	u, err := url.Parse(callback)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return refuse("hub.callback is to be an http or https URL")
	case u.User != nil:
		return refuse("hub.callback may not hold a name or a password")
	case u.Fragment != "" || strings.HasSuffix(callback, "#"):
		return refuse("hub.callback may not end in a #fragment")
	}
	return nil
}

func parseLease(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, refuse("hub.lease_seconds is to be a number of seconds")
	}
	return time.Duration(min(n, math.MaxInt64/int64(time.Second))) * time.Second, nil
}

// Form returns the request as it is posted.
func (r Request) Form() url.Values {
	form := url.Values{"hub.mode": {string(r.Mode)}, "hub.topic": {r.Topic}, "hub.callback": {r.Callback}}
	if r.Secret != "" {
		form.Set("hub.secret", r.Secret)
	}
	if r.Lease > 0 {
		form.Set("hub.lease_seconds", seconds(r.Lease))
	}
	return form
}

// Ping returns what a publisher posts to a hub when a topic changed. The
// recommendation leaves it open; this is what hubs have understood since
// PubSubHubbub 0.4, under both names for the topic.
func Ping(topic string) url.Values {
	return url.Values{"hub.mode": {"publish"}, "hub.url": {topic}, "hub.topic": {topic}}
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
