package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestValues reads values that are right and shows what they become.
func TestValues(t *testing.T) {
	t.Parallel()
	c := parse(t, `
site:
  title: 2024
  url: https://bücher.example/blog/
  language: EN_us
  time_zone: America/New_York
  description: >
    Two lines
    folded.
  copyright: "$${x} costs $5, ${WHO}${EMPTY}"
  icon: /icon 1.png
newsletters:
  b:
    title: "${WHO}"
    from: '"Jürgen Müller" <letter@bücher.example>'
    reply_to: a+b@example.org
    schedule: " @weekly "
    max_late: 1d12h
  a: &a
    title: A
    from: letter@example.org
    select: {languages: [FR, pt_br], sections: [food]}
    language: fr
  "2024":
    <<: [*a, {min: 3}]
    title: B
relays:
  - host: "[2001:db8::1]"
    port: "${PORT}"
    tls: implicit
    insecure_skip_verify: "${YES}"
    rate: 3000/h
  - {name: backup, host: mail_server, rate: 10 / m, tls: none, timeouts: {dot: 1m30s}}
  - {host: localhost, tls: none, username: u, password: 0123}
dkim:
web: {trusted_proxies: [10.1.2.3/8, "::1"], url: "http://[::1]:80/"}
store: sqlite:/var/lib/syndicate.db
delivery: {lease: 600ms, backoff: {max: 30s}}
`, "WHO", "${me}", "EMPTY", "", "PORT", "2525", "YES", "true")

	n, r := c.Newsletters, c.Relays
	for _, v := range []struct {
		got  any
		want string
	}{
		{c.Site.Title, "2024"},
		{c.Site.URL, "https://xn--bcher-kva.example/blog"},
		{c.Site.Language, "en-US"},
		{c.Site.TimeZone, "America/New_York"},
		{c.Site.Description, "Two lines folded."},
		{c.Site.Copyright, "${x} costs $5, ${me}"},
		{c.Site.Icon, "/icon%201.png"},
		{n[0].Name + " " + n[1].Name + " " + n[2].Name, "b a 2024"},
		{n[0].Title, "${me}"},
		{n[0].From, "{Jürgen Müller letter@xn--bcher-kva.example}"},
		{n[0].ReplyTo.Address, "a+b@example.org"},
		{n[0].Schedule, "@weekly"},
		{n[0].MaxLate, "36h0m0s"},
		{n[0].TimeZone, "America/New_York"},
		{n[0].Language, "en-US"},
		{n[0].Intro, "intros/b.md"},
		{n[2].Title + " " + n[2].From.Address, "B letter@example.org"},
		{n[2].Min, "3"},
		{n[2].Select.Languages, "[fr pt-BR]"},
		{c.Languages(), "[en-US fr pt-BR]"},
		{r[0].Host, "2001:db8::1"},
		{r[0].Port, "2525"},
		{r[0].InsecureSkipVerify, "true"},
		{r[0].Rate, "3000/h"},
		{fmt.Sprintf("%.3f", r[0].Rate.PerSecond()), "0.833"},
		{r[1].Name + " " + r[1].Host, "backup mail_server"},
		{r[1].Rate, "10/m"},
		{r[1].Rate.Count, "10"},
		{r[1].Port, "25"},
		{r[1].Timeouts, "{30s 5m0s 3m0s 1m30s}"},
		{r[2].Password.Reveal(), "0123"},
		{r[2].Rate.PerSecond(), "0"},
		{c.Web.TrustedProxies, "[10.0.0.0/8 ::1/128]"},
		{c.Web.URL, "http://[::1]:80"},
		{c.StoreDSN(), "sqlite:/var/lib/syndicate.db"},
		{c.Delivery.Renew, "100ms"},
		{c.Delivery.Backoff, "{30s 30s}"},
	} {
		if diff := cmp.Diff(v.want, fmt.Sprint(v.got)); diff != "" {
			t.Error(diff)
		}
	}
}

// TestDurations reads one key with many values; an empty want is an error.
func TestDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"48h": "48h0m0s", "7d": "168h0m0s", "1d12h30m": "36h30m0s", "90s": "1m30s", "1.5h": "1h30m0s",
		"30": "", "0": "", "-1h": "", "1d-2h": "", "d": "", "1.5d": "", "1h1d": "", "400d": "", "999999999h": "", "1w": "", "+1h": "", "1d+1h": "",
	} {
		c, err := parseText(minimal + "newsletters: {a: {title: A, from: a@b.org, max_late: " + text + "}}\n")
		switch {
		case want == "" && err == nil:
			t.Errorf("%s: accepted as %s", text, c.Newsletters[0].MaxLate)
		case want != "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && c.Newsletters[0].MaxLate.String() != want:
			t.Errorf("%s: got %s, want %s", text, c.Newsletters[0].MaxLate, want)
		}
	}
}

// TestAddresses does the same for senders; the values are quoted as YAML does it in single quotes.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`letter@example.org`:                      "letter@example.org",
		`The Letter <letter@example.org>`:         "The Letter",
		`"Letter, The" <letter@example.org>`:      "Letter, The",
		`=?utf-8?q?J=C3=BCrgen?= <j@example.org>`: "Jürgen",
		`news@localhost`:                          "news@localhost",
		`news@[127.0.0.1]`:                        "",
		`"a b"@example.org`:                       "",
		`a@b@example.org`:                         "",
		`a@exa mple.org`:                          "",
		`a@-example.org`:                          "",
		`jürgen@example.org`:                      "",
		`=?utf-8?q?a=0Ab?= <j@example.org>`:       "",
		`a@example.org, b@example.org`:            "",
		strings.Repeat("x", 65) + `@example.org`:  "",
	} {
		c, err := parseText(minimal + "newsletters: {a: {title: A, from: '" + text + "'}}\n")
		switch {
		case want == "" && err == nil:
			t.Errorf("%s: accepted as %v", text, c.Newsletters[0].From)
		case want != "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && c.Newsletters[0].From.Name != want && c.Newsletters[0].From.Address != want:
			t.Errorf("%s: got %v, want %s", text, c.Newsletters[0].From, want)
		}
	}
}

// TestSchedules tells schedules that are accepted from those that are not.
func TestSchedules(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"0 7 * * MON": true, "*/15 6-22 * * 1-5": true, "@daily": true, "@weekly": true, "@hourly": true, "0 0 29 2 *": true,
		"@every 1h": false, "@EVERY 1h": false, "TZ=UTC 0 7 * * *": false, "CRON_TZ=UTC 0 7 * * *": false, "TZ=": false,
		"@reboot": false, "0 0 31 4 *": false, "0 7 * *": false, "0 0 7 * * *": false, "*/0 * * * *": false, "": false,
	} {
		_, err := parseText(minimal + "newsletters: {a: {title: A, from: a@b.org, schedule: '" + text + "'}}\n")
		if (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
