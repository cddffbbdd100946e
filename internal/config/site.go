package config

import (
	"net/mail"
	"net/netip"
	"time"
)

// Site is the publication.
type Site struct {
	// Title is the site's name, on pages, in feeds and in mail.
	Title string `yaml:"title" required:"true" example:"title: The Harbour Letter"`
	// Description says in a sentence what the site is about. Default none.
	Description string `yaml:"description" kind:"text"`
	// URL is where the site is found, http or https, without a slash at the end.
	URL string `yaml:"url" required:"true" kind:"url" example:"url: https://news.example.org"`
	// Language is the language of articles that do not say theirs, of pages and of newsletters:
	// a BCP 47 tag in its canonical form. Default en.
	Language string `yaml:"language" default:"en" kind:"language"`
	// TimeZone is the zone of dates without one and of newsletters without their own. Default UTC.
	TimeZone *time.Location `yaml:"time_zone" default:"UTC"`
	// Author is the author of the feeds as a whole; it does not sign articles. Default none.
	Author string `yaml:"author"`
	// Copyright is the notice in feeds and on pages. Default none.
	Copyright string `yaml:"copyright"`
	// License is the address of the licence under which articles are published that do not say
	// theirs. Default none.
	License string `yaml:"license" kind:"anyurl"`
	// PostalAddress stands at the foot of every mail, which many countries' law asks for; it may have
	// several lines. Default none.
	PostalAddress string `yaml:"postal_address" kind:"text"`
	// Icon is a small square image for browsers and feed readers: a URL, or a path on the site that
	// begins with a slash. Default none.
	Icon string `yaml:"icon" kind:"link"`
	// Logo is a wide image for the head of mails and pages, given like Icon. Default none.
	Logo string `yaml:"logo" kind:"link"`
}

// Podcast tells programs that play podcasts about the site.
type Podcast struct {
	// Author stands under the title. Default: the site's author.
	Author string `yaml:"author"`
	// Email is the owner's address, which directories write to. Everybody can read it. Default none.
	Email mail.Address `yaml:"email"`
	// Image is a square picture of 1400 to 3000 pixels, JPEG or PNG: a URL, or a path on the site that
	// begins with a slash. Default: the site's logo.
	Image string `yaml:"image" kind:"link"`
	// Categories are of Apple's list: Arts, or "Arts > Food".
	Categories []string `yaml:"categories" required:"true" example:"categories: [Arts > Food]"`
	// Explicit warns of strong language. Default false.
	Explicit bool `yaml:"explicit"`
	// Type is episodic (the newest first) or serial (from the first one on). Default episodic.
	Type string `yaml:"type" default:"episodic" oneof:"episodic serial"`
}

// Web is the server behind syndicate serve.
type Web struct {
	// Listen is the address and port to listen on. Default 127.0.0.1:8080: this machine only.
	Listen string `yaml:"listen" default:"127.0.0.1:8080" kind:"listen"`
	// URL is where links in mail lead (confirm, unsubscribe, preferences), without a slash at the end.
	// Default: the site's URL.
	URL string `yaml:"url" kind:"url"`
	// Timeouts bound each request.
	Timeouts WebTimeouts `yaml:"timeouts"`
	// TrustedProxies are the addresses and networks whose X-Forwarded-For is believed. Default none.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`
}

// WebTimeouts bound how long one HTTP request may take.
type WebTimeouts struct {
	// Read is for a request to arrive, body included. Default 15s.
	Read time.Duration `yaml:"read" default:"15s" range:"100ms..1h"`
	// Write is for the answer to leave. Default 60s.
	Write time.Duration `yaml:"write" default:"60s" range:"100ms..1h"`
	// Idle is how long an unused connection is kept. Default 2m.
	Idle time.Duration `yaml:"idle" default:"2m" range:"100ms..1h"`
}

// Log says what is logged and how.
type Log struct {
	// Level is debug, info, warn or error. Default info.
	Level string `yaml:"level" default:"info" oneof:"debug info warn error"`
	// Format is text or json. Default text.
	Format string `yaml:"format" default:"text" oneof:"text json"`
}
