package config

import (
	"net/mail"
	"time"
)

// Newsletter is one thing to subscribe to.
type Newsletter struct {
	// Name is the key it stands under: small letters, digits and hyphens, at most 40. It is part of
	// addresses and file names; renaming makes another newsletter.
	Name string `yaml:",key" kind:"name"`
	// Title is the newsletter's name for its readers.
	Title string `yaml:"title" required:"true" example:"title: The Harbour Letter, weekly"`
	// Description says in a sentence what subscribers get. Default none.
	Description string `yaml:"description" kind:"text"`
	// From is the sender, with or without a name; its domain is in ASCII form.
	From mail.Address `yaml:"from" required:"true" example:"from: The Harbour Letter <letter@example.org>"`
	// ReplyTo is where answers go. Default: the zero address, answers go to From.
	ReplyTo mail.Address `yaml:"reply_to"`
	// Schedule says when an issue is due: five cron fields in TimeZone, or @daily, @weekly and the
	// like. Default empty: only when somebody sends one.
	Schedule string `yaml:"schedule" kind:"schedule"`
	// TimeZone is the zone of Schedule. Default: the site's.
	TimeZone *time.Location `yaml:"time_zone"`
	// Language is the language of the mail around the articles, in canonical form. Default: the site's.
	Language string `yaml:"language" kind:"language"`
	// Select says which articles belong to it.
	Select Select `yaml:"select"`
	// Min is how many new articles an issue needs; with fewer it waits. 1 to Max. Default 1.
	Min int `yaml:"min" default:"1" range:"1..500"`
	// Max is how many articles an issue shows; it links to the rest. Default 20, at most 500.
	Max int `yaml:"max" default:"20" range:"1..500"`
	// Subject is a Go text/template for the subject line. Default empty: the mail template's own.
	Subject string `yaml:"subject" kind:"template"`
	// Intro is a Markdown file, relative to the site folder; while it exists with words that no issue
	// has carried yet, the next issue begins with them. Default intros/<name>.md.
	Intro string `yaml:"intro" kind:"inside"`
	// Missed says what becomes of occurrences during which nothing ran: once makes one issue for all
	// of them, skip makes none. Default once.
	Missed string `yaml:"missed" default:"once" oneof:"once skip"`
	// MaxLate is how long after its time an issue may still be composed. Default zero: until the next
	// occurrence.
	MaxLate time.Duration `yaml:"max_late" range:"1s..366d"`
	// Approval is required if somebody has to approve each issue before it is sent, else none.
	// Default none.
	Approval string `yaml:"approval" default:"none" oneof:"none required"`
	// MaxRate is the most messages of one issue in a time, in all processes together. Default zero: as
	// fast as the relays take them.
	MaxRate Rate `yaml:"max_rate"`
	// Quiet are the hours, in TimeZone, in which no message is begun. Default none.
	Quiet Quiet `yaml:"quiet"`
	// Canary is the slice of the audience that goes before the rest. Default none.
	Canary Canary `yaml:"canary"`
	// SignUp is open if people can subscribe on the web, else closed. Default open.
	SignUp string `yaml:"signup" default:"open" oneof:"open closed"`
	// Archive is public if everybody can read past issues on the web, private if only those can who come
	// by a link in the mail, none if nobody can. Default public.
	Archive string `yaml:"archive" default:"public" oneof:"public private none"`
	// Counts is what is counted of its issues, of all readers together. Default nothing.
	Counts Counts `yaml:"counts"`
	// Templates is a folder below templates/ whose files are used before those of templates/email.
	// Default none.
	Templates string `yaml:"templates" kind:"folder"`
}

// Quiet are hours of each day. They may go over midnight. Where both ends are the same there are none.
type Quiet struct {
	// From is when they begin.
	From Clock `yaml:"from"`
	// To is when they end.
	To Clock `yaml:"to"`
}

// Canary is a random slice of an issue's audience that gets it before the rest does: at least some tens
// of people, and none where the audience is small.
type Canary struct {
	// Share is its part of the audience. Default zero, no canary; 1% where only Wait is given.
	Share Share `yaml:"share"`
	// Wait is how long its outcome is waited for after all of it was sent. Default 30m.
	Wait time.Duration `yaml:"wait" default:"30m" range:"1s..7d"`
}

// Counts says what is counted, for each issue and link, of all readers together. Subscribers are told.
type Counts struct {
	// Clicks are how often links to articles in mail are followed: they lead through web.url. Default no.
	Clicks bool `yaml:"clicks"`
	// Opens are how often mail is opened, as far as its images are loaded. Default no.
	Opens bool `yaml:"opens"`
}

// Select says which articles belong to a newsletter. An article has to match every list that is not
// empty, and matches a list by any one of its entries. With no list at all, every article belongs.
type Select struct {
	// Tags are tags of articles. Default any.
	Tags []string `yaml:"tags" kind:"path"`
	// Languages are language tags in canonical form. Default any.
	Languages []string `yaml:"languages" kind:"language"`
	// Authors are names of authors. Default any.
	Authors []string `yaml:"authors" kind:"path"`
	// Sections are sections of the site: all folders of an article's path below its source, joined by
	// slashes. A section also stands for those below it. Default any.
	Sections []string `yaml:"sections" kind:"path"`
}
