// Package newsletter holds Syndicate's nouns and their rules.
//
// It is the bottom of the house: values only, no I/O, no clock (now is an
// argument), the standard library only. Every other package speaks in these
// words, so that store, feeds, digest and mailer need not know each other.
package newsletter

import (
	"net/mail"
	"slices"
	"strings"
	"time"
)

// Site is what feeds, digests and pages say about the whole site.
type Site struct {
	ID            string // random, minted with the store; /healthz answers with it
	Title         string
	Description   string
	URL           string // absolute, without trailing slash
	Language      string // BCP 47
	Location      *time.Location
	Author        string
	Copyright     string
	PostalAddress string
	Icon, Logo    string   // absolute URLs or site paths, empty: none
	License       string   `json:",omitempty"` // URL of the licence of what is published, empty: none
	Podcast       *Podcast `json:",omitempty"` // nil: the site is none
}

// Newsletter is what one subscribes to: sender, schedule, selection, templates, language.
type Newsletter struct {
	Name        string // [a-z0-9-]+, unique in a site
	Title       string
	Description string
	From        mail.Address
	ReplyTo     string // address, empty: From
	Schedule    string // five cron fields or a descriptor; empty: by hand only
	Location    *time.Location
	Language    string // BCP 47
	Select      Selection
	Min, Max    int    // articles in an issue; fewer than Min: nothing new
	Subject     string // text/template
	Intro       string // Markdown file relative to the site, used while it exists
	Missed      Missed
	MaxLate     time.Duration // 0: until the next occurrence
	Approval    bool          // an issue waits for an operator
	MaxRate     float64       // messages a second of one issue, in all processes together; 0: no limit
	Quiet       Quiet         // in Location
	Canary      Canary        //
	Closed      bool          // nobody can sign up by a form
	Archive     Archive       // where its issues can be read besides in mail
	Counts      Counts        // of clicks and opens; none by default
	Templates   string        // folder under templates/ that overrides email/, empty: none
}

// Archive says where the issues of a newsletter can be read besides in mail.
type Archive string

// The kinds of archives.
const (
	ArchivePublic  Archive = ""        // on pages and in feeds, by everybody
	ArchivePrivate Archive = "private" // on pages behind the links in its mail; the newsletter is listed nowhere
	ArchiveNone    Archive = "none"    // nowhere
)

// Missed says what becomes of occurrences that passed while nobody was running.
type Missed string

// The missed-run policies.
const (
	MissedOnce Missed = "once" // the latest missed occurrence is made up for, if not later than MaxLate
	MissedSkip Missed = "skip" // they are recorded as skipped
)

// Selection chooses articles. An empty list does not restrict; within a list
// one match is enough; all lists must match. Letter case does not matter.
type Selection struct {
	Tags      []string `json:"tags,omitempty"`
	Languages []string `json:"languages,omitempty"`
	Authors   []string `json:"authors,omitempty"`
	Sections  []string `json:"sections,omitempty"`
}

// Matches reports whether the selection takes the article. A language matches
// its regional forms: "fr" takes "fr-CA".
func (s Selection) Matches(a *Article) bool {
	return (len(s.Tags) == 0 || overlap(s.Tags, a.Tags)) &&
		(len(s.Languages) == 0 || slices.ContainsFunc(s.Languages, func(l string) bool { return LanguageWithin(a.Language, l) })) &&
		(len(s.Authors) == 0 || slices.ContainsFunc(a.Authors, func(x Author) bool { return containsFold(s.Authors, x.Name) })) &&
		(len(s.Sections) == 0 || slices.ContainsFunc(s.Sections, func(x string) bool { return sectionWithin(a.Section, x) }))
}

// LanguageWithin reports whether tag is want or a regional form of it.
func LanguageWithin(tag, want string) bool {
	return len(tag) >= len(want) && strings.EqualFold(tag[:len(want)], want) &&
		(len(tag) == len(want) || tag[len(want)] == '-' || tag[len(want)] == '_')
}

func sectionWithin(section, want string) bool {
	return len(section) >= len(want) && strings.EqualFold(section[:len(want)], want) &&
		(len(section) == len(want) || section[len(want)] == '/')
}

func overlap(want, have []string) bool {
	return slices.ContainsFunc(have, func(x string) bool { return containsFold(want, x) })
}

func containsFold(list []string, x string) bool {
	return slices.ContainsFunc(list, func(y string) bool { return strings.EqualFold(x, y) })
}
