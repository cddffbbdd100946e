package config

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Feeds says what is built for feed readers.
type Feeds struct {
	// Dir is the folder the feeds are written to, relative to the site folder. Default public.
	Dir string `yaml:"dir" default:"public" kind:"path"`
	// Items is how many of the newest articles a feed holds, 1 to 1000. Default 50.
	Items int `yaml:"items" default:"50" range:"1..1000"`
	// Content is full (the whole article) or summary. Default full.
	Content string `yaml:"content" default:"full" oneof:"full summary"`
	// Archives says which feeds have pages with everything that is no longer in the feed itself: main
	// (those of the site and of the newsletters), all, or none. Default main.
	Archives string `yaml:"archives" default:"main" oneof:"main all none"`
	// Compressed puts a gzip and a brotli twin beside each document. Default false.
	Compressed bool `yaml:"compressed" default:"false"`
	// Hubs are the WebSub hubs told of changes: URLs, or self for Syndicate's own. Default none.
	Hubs []string `yaml:"hubs" kind:"hub"`
	// Hub bounds what Syndicate's own hub does for strangers.
	Hub Hub `yaml:"hub"`
	// Named are feeds of selections, beside those that every site has. Default none.
	Named []NamedFeed `yaml:"named"`
	// Moved are former addresses of feeds, and where they are now. Default none.
	Moved []Moved `yaml:"moved"`
}

// Hub bounds what the hub of this site does for strangers. An owner of callbacks is a registered
// domain, an IPv4 address or an IPv6 network of 64 bits; a client is an address that asks.
type Hub struct {
	// Lease is how long a subscription lasts whose subscriber does not say. Default 10d.
	Lease time.Duration `yaml:"lease" default:"10d" range:"10m..365d"`
	// MaxLease is how long a subscription may last at most. Default 30d.
	MaxLease time.Duration `yaml:"max_lease" default:"30d" range:"10m..365d"`
	// Subscriptions is how many there may be. Default 100000.
	Subscriptions int `yaml:"subscriptions" default:"100000" range:"1..10000000"`
	// PerOwner is how many the callbacks of one owner may have. Default 2000.
	PerOwner int `yaml:"per_owner" default:"2000" range:"1..10000000"`
	// PerClient is how many one client may ask for. Default 5000.
	PerClient int `yaml:"per_client" default:"5000" range:"1..10000000"`
	// Verify is how many requests are verified at the callbacks of one owner in a minute. Default 60.
	Verify int `yaml:"verify" default:"60" range:"1..6000"`
	// Connections is how many calls are under way at once. Default 64.
	Connections int `yaml:"connections" default:"64" range:"1..1000"`
	// GiveUpAfter is how long a callback may take nothing before its subscription ends. Default 3d.
	GiveUpAfter time.Duration `yaml:"give_up_after" default:"3d" range:"1m..365d"`
	// Private are hosts of callbacks that may be at private addresses. Default none.
	Private []string `yaml:"private" kind:"host"`
}

// NamedFeed is a feed of a selection of articles.
type NamedFeed struct {
	// Name is the key it stands under: small letters, digits and hyphens, at most 40.
	Name string `yaml:",key" kind:"feedname"`
	// Title is the feed's name for its readers.
	Title string `yaml:"title" required:"true" example:"title: Boats and bread"`
	// Description says in a sentence what is in it. Default none.
	Description string `yaml:"description" kind:"text"`
	// Path is the folder of its documents on the site. Default feeds/<name>.
	Path string `yaml:"path" kind:"feedpath"`
	// Language is the language of the feed. Default: the site's.
	Language string `yaml:"language" kind:"language"`
	// Select says which articles belong to it.
	Select Select `yaml:"select"`
	// Content is full or summary. Default: as in feeds.content.
	Content string `yaml:"content" oneof:"full summary"`
	// Items is how many of the newest articles it holds, 1 to 1000. Default: as in feeds.items.
	Items int `yaml:"items" range:"1..1000"`
}

// Moved is the former address of a feed.
type Moved struct {
	// From is the key: a path on the site.
	From string `yaml:",key" kind:"oldpath"`
	// To is where the feed is now: a path on the site or a URL.
	To string `yaml:",value" kind:"link"`
}

// inheritFeeds fills in what feeds say for named ones.
func (d *decoder) inheritFeeds(c *Config) {
	for i := range c.Feeds.Named {
		n := &c.Feeds.Named[i]
		n.Path = cmp.Or(n.Path, "feeds/"+n.Name)
		n.Language = cmp.Or(n.Language, c.Site.Language)
		n.Content = cmp.Or(n.Content, c.Feeds.Content)
		n.Items = cmp.Or(n.Items, c.Feeds.Items)
	}
}

// feeds checks that no two feeds stand at one place and that no address leads round in a circle.
func (d *decoder) feeds(c *Config) {
	if h := c.Feeds.Hub; h.Lease > h.MaxLease {
		d.key(cmp.Or(d.first("feeds.hub.lease", "feeds.hub.max_lease"), "feeds.hub"), "", "expected a lease of at most max_lease, which is %s", h.MaxLease)
	}
	seen := map[string]string{}
	for _, n := range c.Feeds.Named {
		if other, ok := seen[n.Path]; ok {
			at := join("feeds.named", n.Name)
			d.key(cmp.Or(d.first(at+".path"), at), "give one of them another path", "the feed %s has the path %s already", other, quote(n.Path))
			continue
		}
		seen[n.Path] = n.Name
	}
	to := map[string]string{}
	for _, m := range c.Feeds.Moved {
		to[m.From] = m.To
	}
	for _, m := range c.Feeds.Moved {
		if next := to[m.To]; m.To != "" && next != "" {
			d.key(join("feeds.moved", m.From), "write "+next, "%s has moved itself", quote(m.To))
		}
	}
}

// feedName accepts the name of a named feed.
func feedName(s string) (string, error) {
	if _, err := newsletterName(s); err != nil {
		return "", wrong("", "%s is no name for a feed: it takes small letters, digits and hyphens, at most 40", quote(s))
	}
	return s, nil
}

// taken are the folders of a site that have another meaning.
var taken = []string{
	"api", "archive", "articles", "assets", "authors", "confirm", "console", "feeds", "files", "healthz", "hub", "languages", "metrics",
	"newsletters", "preferences", "readyz", "sections", "tags", "unsubscribe", "websub",
}

// feedPath accepts the path of a folder on the site.
func feedPath(s string) (string, error) {
	s = path.Clean(strings.Trim(s, "/"))
	if s == "." || len(s) > 200 {
		return "", not("")
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || part[0] == '.' || strings.ContainsFunc(part, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.", r)
		}) {
			return "", not("letters, digits, hyphens and slashes, such as podcast or feeds/boats")
		}
	}
	first, rest, _ := strings.Cut(s, "/")
	if slices.Contains(taken, first) && (first != "feeds" || rest == "") {
		return "", wrong("take another one, or leave it out for feeds/<name>", "the folder %s of the site has another meaning", quote(first))
	}
	return s, nil
}

// oldPath accepts a path on the site that may lead elsewhere.
func oldPath(s string) (string, error) {
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || len(s) < 2 || strings.ContainsAny(s, " ?#*:") {
		return "", wrong("such as /old/feed.xml", "%s is no path that begins with /", quote(s))
	}
	if path.Clean(s) != strings.TrimSuffix(s, "/") {
		return "", wrong("write "+path.Clean(s), "%s is a way round", quote(s))
	}
	if s == "/feed.rss" || s == "/feed.atom" || s == "/feed.json" {
		return "", wrong("", "%s is where a feed is", quote(s))
	}
	return s, nil
}
