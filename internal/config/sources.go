package config

import (
	"cmp"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"syndicate/internal/newsletter"
)

// Source is one place that articles come from. Exactly one of Dir, Feed, SQL, WordPress and Ghost is
// given.
type Source struct {
	// Name tells sources apart in messages and in the store. Default: the folder, or the address
	// without what stands before the host and after the path.
	Name string `yaml:"name"`
	// Dir is a folder of Markdown, HTML and text files, relative to the site folder.
	Dir string `yaml:"dir" kind:"path"`
	// Ignore are shell patterns (path.Match) of files under Dir to leave out, matched against the name
	// and against the slash-separated path below Dir. Default none.
	Ignore []string `yaml:"ignore" kind:"pattern"`
	// Feed is the URL of an RSS, Atom or JSON feed, or of a page that names one.
	Feed string `yaml:"feed" kind:"anyurl"`
	// SQL is a query of another database.
	SQL *SQLSource `yaml:"sql"`
	// WordPress is the URL of a WordPress site, or of its REST API.
	WordPress string `yaml:"wordpress" kind:"anyurl"`
	// Ghost is a Ghost site.
	Ghost *GhostSource `yaml:"ghost"`

	// The rest is for sources elsewhere.

	// Every is how often the source is asked. Default zero: as often as it says, or every half hour.
	Every time.Duration `yaml:"every" range:"1m..30d"`
	// Backlog is how many of the articles that the source has when it is added are new to newsletters.
	// Default 3.
	Backlog int `yaml:"backlog" default:"3" range:"0..1000"`
	// FullText takes the text of articles from their pages. Default false: what the feed has.
	FullText bool `yaml:"full_text"`
	// AllowPrivate lets the source's host be on a private network. Default false.
	AllowPrivate bool `yaml:"allow_private"`
	// Language is that of all its articles. Default: what they say, or what they are found to be in.
	Language string `yaml:"language" kind:"language"`
	// Tags are added to those of its articles. Default none.
	Tags []string `yaml:"tags"`
	// Author signs its articles that name nobody. Default none.
	Author string `yaml:"author"`
}

// Kind is the key that says what kind of source it is.
func (s *Source) Kind() string {
	switch {
	case s.Feed != "":
		return "feed"
	case s.SQL != nil:
		return "sql"
	case s.WordPress != "":
		return "wordpress"
	case s.Ghost != nil:
		return "ghost"
	}
	return "dir"
}

// SQLSource is a query of somebody else's database.
type SQLSource struct {
	// DSN is the database, which may hold a password; or dsn_file. It begins with postgres://, mysql:// or
	// sqlite:, after which comes a file, relative to the site folder.
	DSN Secret `yaml:"dsn" required:"true" example:"dsn: postgres://reader@db.example.org/site"`
	// Query returns one row for each article.
	Query string `yaml:"query" kind:"text" required:"true" example:"query: SELECT id, title, body, published FROM posts"`
	// Columns are the columns of fields that are named otherwise. Default: each is the field of its name.
	Columns []Column `yaml:"columns"`
	// Format is how bodies are written. Default markdown.
	Format string `yaml:"format" default:"markdown" oneof:"markdown html text"`
	// Cursor is the column that grows with every change; the query has the parameter :since then.
	// Default none: all rows are read each time.
	Cursor string `yaml:"cursor"`
	// Overlap is how much lower than the highest time that was seen :since is. Default 10m.
	Overlap time.Duration `yaml:"overlap" default:"10m" range:"1s..30d"`
	// Complete is how often all rows are read all the same. Default 1d.
	Complete time.Duration `yaml:"complete" default:"1d" range:"1m..30d"`
	// Timeout ends a query. Default 1m.
	Timeout time.Duration `yaml:"timeout" default:"1m" range:"1s..1h"`
	// TimeZone is that of times in it that name none. Default UTC.
	TimeZone *time.Location `yaml:"time_zone"`
}

// Column is the column of a query that has a field of articles.
type Column struct {
	// Field is the field's name, as in front matter.
	Field string `yaml:",key"`
	// Column is the column's name.
	Column string `yaml:",value"`
}

// GhostSource is a Ghost site's content API.
type GhostSource struct {
	// URL is the site's address.
	URL string `yaml:"url" kind:"url" required:"true" example:"url: https://ghost.example.org"`
	// Key is the content API key; or key_file.
	Key Secret `yaml:"key" required:"true" example:"key: ${GHOST_KEY}"`
}

// inheritSources names sources that have no name.
func inheritSources(c *Config) {
	if c.Sources == nil {
		c.Sources = []Source{{Dir: "articles"}}
	}
	for i := range c.Sources {
		s := &c.Sources[i]
		s.Name = cmp.Or(s.Name, s.Dir, bare(s.Feed), bare(s.WordPress))
		switch {
		case s.Ghost != nil:
			s.Name = cmp.Or(s.Name, bare(s.Ghost.URL))
		case s.SQL != nil:
			s.Name = cmp.Or(s.Name, databaseName(s.SQL.DSN.Reveal()))
			s.SQL.TimeZone = cmp.Or(s.SQL.TimeZone, time.UTC)
		}
	}
}

func (d *decoder) sources(sources []Source) {
	seen := map[string]int{}
	for i := range sources {
		path := fmt.Sprintf("sources[%d]", i)
		var kinds []string
		for _, k := range []string{"dir", "feed", "sql", "wordpress", "ghost"} {
			if d.given(path + "." + k) {
				kinds = append(kinds, k)
			}
		}
		if !d.given(path) {
			continue // the default, or not a section at all
		}
		switch {
		case len(kinds) == 0:
			d.key(path, "for example dir: articles", "%s: a source needs one of dir, feed, sql, wordpress and ghost", path)
		case len(kinds) > 1:
			d.key(path+"."+kinds[1], "make it a source of its own", "%s: a source has only one of %s", path, strings.Join(kinds, ", "))
		default:
			d.fits(path, kinds[0], &sources[i])
		}
		name := sources[i].Name
		if name == newsletter.PushSource {
			d.key(cmp.Or(d.first(path+".name", path+".dir"), path), "give it another name", "%s: %s is the name of what articles add takes in", path, newsletter.PushSource)
		}
		if first, ok := seen[name]; ok && name != "" {
			d.key(cmp.Or(d.first(path+".name", path+".dir", path+".feed", path+".wordpress", path+".ghost", path+".sql"), path), "give one of them another name", "%s has the same name as sources[%d], %s", path, first, quote(name))
			continue
		}
		seen[name] = i
	}
}

// fits checks what a source of a kind is told.
func (d *decoder) fits(path, kind string, s *Source) {
	only := map[string]string{"full_text": "feeds", "allow_private": "servers that are asked over the web"}
	for _, k := range []string{"every", "backlog", "full_text", "allow_private", "language", "tags", "author"} {
		switch {
		case !d.given(path + "." + k):
		case kind == "dir":
			d.key(path+"."+k, "take it out", "%s.%s is for sources elsewhere, not for folders", path, k)
		case k == "full_text" && kind != "feed", k == "allow_private" && kind == "sql":
			d.key(path+"."+k, "take it out", "%s.%s is for %s", path, k, only[k])
		}
	}
	if kind != "dir" && d.given(path+".ignore") {
		d.key(path+".ignore", "take it out", "%s.ignore is for folders", path)
	}
	if kind != "sql" || s.SQL == nil {
		return
	}
	path += ".sql"
	scheme, _, _ := strings.Cut(s.SQL.DSN.Reveal(), ":")
	if s.SQL.DSN.IsSet() && !slices.Contains([]string{"postgres", "postgresql", "mysql", "mariadb", "sqlite"}, scheme) {
		d.key(cmp.Or(d.first(path+".dsn", path+".dsn_file"), path), "write postgres://reader:password@host/database", "%s.dsn: expected postgres://, mysql:// or sqlite:", path)
	}
	since := strings.Contains(strings.ToLower(s.SQL.Query), ":since")
	switch {
	case s.SQL.Query == "":
	case since && s.SQL.Cursor == "":
		d.key(path+".query", "for example cursor: updated_at", "%s.query has the parameter :since, but there is no cursor", path)
	case !since && s.SQL.Cursor != "":
		d.key(path+".cursor", "for example WHERE updated_at >= :since", "%s.cursor: the query has no parameter :since", path)
	}
	for _, k := range []string{"overlap", "complete"} {
		if d.given(path+"."+k) && s.SQL.Cursor == "" {
			d.key(path+"."+k, "take it out, or name the cursor", "%s.%s is for a query with a cursor", path, k)
		}
	}
}

// bare is an address without scheme, user and query: what tells sources apart, and may
// be shown.
func bare(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return strings.TrimSuffix(u.Host+u.Path, "/")
}

// databaseName is what is told of a database: its host and name, or its file, and never
// more.
func databaseName(dsn string) string {
	if file, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		return file
	}
	u, err := url.Parse(dsn)
	if err != nil || u.Host == "" {
		return "sql"
	}
	return strings.TrimSuffix(u.Host+u.Path, "/")
}

// apart refuses a source that holds what Syndicate itself writes: it would publish
// what it published, without end.
func (d *decoder) apart(c *Config) {
	const site = "/the/folder/of/the/site" // stands for where that is
	at := func(p string) string {
		if filepath.IsAbs(p) {
			return filepath.Clean(p)
		}
		return filepath.Join(site, p)
	}
	for i, s := range c.Sources {
		key := fmt.Sprintf("sources[%d].dir", i)
		if s.Dir == "" || !d.given(key) {
			continue
		}
		for _, own := range []string{c.Feeds.Dir, "data"} {
			if own == "" {
				continue
			}
			in, err := filepath.Rel(at(s.Dir), at(own))
			if err != nil || in == ".." || strings.HasPrefix(in, ".."+string(filepath.Separator)) {
				continue
			}
			d.key(key, "give the articles a folder of their own", "the folder %s has %s in it, which Syndicate writes itself", quote(s.Dir), own)
			break
		}
	}
}
