package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// inherit fills in what one key implies for another.
func (d *decoder) inherit(c *Config) {
	if c.Site.TimeZone == nil {
		c.Site.TimeZone = time.UTC // wrong in the file, and reported
	}
	inheritSources(c)
	for i := range c.Newsletters {
		n := &c.Newsletters[i]
		n.TimeZone = cmp.Or(n.TimeZone, c.Site.TimeZone)
		n.Language = cmp.Or(n.Language, c.Site.Language)
		if at := join("newsletters", n.Name) + ".canary"; d.given(at) && !d.given(at+".share") {
			n.Canary.Share = 0.01
		}
		n.Intro = cmp.Or(n.Intro, "intros/"+n.Name+".md")
	}
	for i := range c.Relays {
		r := &c.Relays[i]
		r.Name = cmp.Or(r.Name, r.Host)
		if i == 0 && !d.given("relays[0].weight") {
			r.Weight = 1
		}
		if r.Port == 0 {
			r.Port = map[string]int{"starttls": 587, "implicit": 465, "none": 25}[r.TLS]
		}
	}
	inheritIMAP(c.Bounces.IMAP)
	if !d.given("delivery.renew") {
		c.Delivery.Renew = c.Delivery.Lease / 6
	}
	if b := &c.Delivery.Backoff; !d.given("delivery.backoff.first") {
		b.First = min(b.First, b.Max)
	}
	if r := &c.Retention; !d.given("retention.bounces") {
		r.Bounces = max(r.Bounces, Period(c.Bounces.Soft.Within))
	}
	d.inheritFeeds(c)
	c.Web.URL = cmp.Or(c.Web.URL, c.Site.URL)
}

// validate checks what several keys say together. It asks which keys were given rather than which have
// a value, so that a value reported as wrong is not missed here a second time.
func (d *decoder) validate(c *Config) {
	d.sources(c.Sources)
	d.apart(c)
	for _, n := range c.Newsletters {
		if n.Min > n.Max {
			d.key(join("newsletters", n.Name)+".min", "", "min is %d, but max is %d", n.Min, n.Max)
		}
	}
	for _, n := range c.Newsletters {
		at := join("newsletters", n.Name) + ".quiet"
		if from, to := d.given(at+".from"), d.given(at+".to"); from != to {
			d.key(at, "for example quiet: {from: \"22:00\", to: \"07:00\"}", "quiet needs both from and to")
		}
	}
	if c.SignUp.ForgetAfter < c.SignUp.ConfirmWithin {
		key := "signup.forget_after"
		if !d.given(key) {
			key = "signup.confirm_within"
		}
		d.key(key, "or the link outlives what it confirms", "forget_after is %s, less than confirm_within, which is %s", c.SignUp.ForgetAfter, c.SignUp.ConfirmWithin)
	}
	d.feeds(c)
	d.relays(c.Relays)
	d.bounces(c.Bounces)
	d.webhooks(c.Bounces.Webhooks)
	d.retention(c)
	d.imap(c.Bounces.IMAP)
	if c.Delivery.Renew > c.Delivery.Lease/2 {
		d.key("delivery.renew", "so that one renewal may fail", "expected at most half of lease, which is %s", c.Delivery.Lease)
	}
	if c.Delivery.Backoff.First > c.Delivery.Backoff.Max {
		d.key("delivery.backoff.first", "", "expected at most max, which is %s", c.Delivery.Backoff.Max)
	}
	seen := map[string]int{}
	for i, k := range c.DKIM {
		id := k.Selector + "._domainkey." + k.Domain
		if first, ok := seen[id]; ok && k.Selector != "" && k.Domain != "" {
			d.key(fmt.Sprintf("dkim[%d].selector", i), "each key has a selector of its own", "the same domain and selector as in dkim[%d]", first)
			continue
		}
		seen[id] = i
	}
}

func (d *decoder) relays(relays []Relay) {
	seen := map[string]int{}
	for i, r := range relays {
		path := fmt.Sprintf("relays[%d]", i)
		if first, ok := seen[r.Name]; ok && r.Name != "" {
			d.key(cmp.Or(d.first(path+".name", path+".host"), path), "give one of them another name", "%s has the same name as relays[%d], %s", path, first, quote(r.Name))
		} else {
			seen[r.Name] = i
		}
		username, password := d.given(path+".username"), d.first(path+".password", path+".password_file")
		switch {
		case r.Auth == "none" && username:
			d.key(path+".auth", "", "auth is none, but there is a username")
		case username && password == "":
			d.key(path+".username", "add password or password_file", "there is no password for this username")
		case !username && password != "":
			d.key(password, "add username", "there is no username for this password")
		case !username && d.given(path+".auth") && r.Auth != "none":
			d.key(path+".auth", "add username", "there is no username to log in with")
		case username && r.TLS == "none" && !isLoopback(r.Host) && (r.Auth == "auto" || r.Auth == "plain" || r.Auth == "login"):
			d.key(path+".tls", "use starttls or implicit", "the password would cross the network unencrypted")
		}
		d.warmUp(path+".warm_up", r.WarmUp)
		if r.InsecureSkipVerify && r.CAFile != "" {
			d.key(path+".insecure_skip_verify", "take one of them out", "ca_file has no effect if every certificate is accepted")
		}
	}
}

func (d *decoder) warmUp(path string, w WarmUp) {
	switch {
	case !d.given(path):
	case !d.given(path + ".from"):
		d.key(path, "for example from: 2026-12-01", "%s.from is missing", path)
	case d.given(path+".until") && !w.Until.IsZero() && !w.From.IsZero() && !w.Until.After(w.From.Time):
		d.key(path+".until", "", "expected a day after from, which is %s", w.From.Format(time.DateOnly))
	}
}

// key notes a problem with a key, where it or what it is part of stands.
func (d *decoder) key(path, hint, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if !strings.HasPrefix(message, path) {
		message = path + ": " + message
	}
	d.note(nearest(d.where, path), hint, "%s", message)
}

// given tells whether a key is in the file.
func (d *decoder) given(path string) bool {
	_, ok := d.where[path]
	return ok
}

// first returns the first of the keys that is in the file.
func (d *decoder) first(paths ...string) string {
	for _, p := range paths {
		if d.given(p) {
			return p
		}
	}
	return ""
}

// isLoopback tells hosts that are this machine.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
