// Package config reads config.yaml: the one file an operator writes.
//
// The procedure: the bytes are checked (size, UTF-8, control characters) and parsed to YAML nodes, which
// know their line and column; one generic decoder walks the nodes beside the struct tags below, so that
// every unknown key, wrong type and impossible value is reported where it stands; ${NAME} is replaced
// from the environment and secret files are read on the way; then what one key implies for another
// (a language inherited from the site, a relay's port) is filled in, and what two keys say together is
// checked. Nothing stops at the first mistake: all of them come back at once, in the order of the file.
//
// The struct tags are the schema:
//
//	yaml:"name"      the key; yaml:",key" takes the key of the mapping the value stands under,
//	                 yaml:",value" the value, where that is all there is
//	default:"…"      written as in the file
//	required:"true"  the key has to be there; example:"…" shows how it is written
//	oneof:"a b"      the words allowed
//	range:"1..10"    the smallest and the largest value, written as in the file
//	kind:"…"         what a string has to be, see check.go
//
// Only cmd reads this package; it hands plain values to the rooms below.
package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// MaxSize is the largest configuration file that is read, in bytes.
const MaxSize = 1 << 20

// Config is a checked configuration with every default filled in.
type Config struct {
	// Dir is the folder that relative paths start from: the folder of the configuration file.
	// Whoever works on another site folder sets it before calling Path.
	Dir string `yaml:"-"`

	// Site is the publication: its name, address, language and clock.
	Site Site `yaml:"site"`
	// Store is the database. Default sqlite:data/syndicate.db.
	Store DSN `yaml:"store" default:"sqlite:data/syndicate.db"`
	// Sources say where articles come from. Default: the folder articles.
	Sources []Source `yaml:"sources"`
	// Feeds says what is built for feed readers, and where.
	Feeds Feeds `yaml:"feeds"`
	// Podcast makes the feeds a podcast. Default none: audio is in the feeds without what programs that
	// play podcasts ask for.
	Podcast *Podcast `yaml:"podcast"`
	// Newsletters are what people subscribe to, in the order of the file. Default none: feeds only.
	Newsletters []Newsletter `yaml:"newsletters"`
	// SignUp bounds what the forms of the site take in.
	SignUp SignUp `yaml:"signup"`
	// Relays are the SMTP servers to hand mail to.
	// Default none: mail goes to the catcher on loopback.
	Relays []Relay `yaml:"relays"`
	// Delivery says how mail is sent, retried and given up.
	Delivery Delivery `yaml:"delivery"`
	// DKIM are the keys messages are signed with. Default none: the relay signs, or nobody does.
	DKIM []DKIM `yaml:"dkim"`
	// Web is the server behind syndicate serve.
	Web Web `yaml:"web"`
	// Bounces says where undeliverable mail comes back to.
	Bounces Bounces `yaml:"bounces"`
	// Retention says how long what is held about people is kept.
	Retention Retention `yaml:"retention"`
	// Log says what is logged and how.
	Log Log `yaml:"log"`

	where map[string]position
	file  string
}

// Load reads and checks the configuration file at path. env looks up a variable of the environment
// (os.LookupEnv); nil knows none. The error is an *Error if the file could be read.
func Load(path string, env func(string) (string, bool)) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	defer f.Close()
	// One byte more than allowed tells a file that is too large from one that just fits.
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return Parse(path, data, env)
}

// Parse checks the bytes of a configuration file. name is what errors call it; its folder is where
// relative secret files are looked for. The error is always an *Error.
func Parse(name string, data []byte, env func(string) (string, bool)) (*Config, error) {
	if env == nil {
		env = func(string) (string, bool) { return "", false }
	}
	d := &decoder{file: name, dir: filepath.Dir(name), env: env, where: map[string]position{}}
	c := &Config{Dir: d.dir, where: d.where, file: name}
	if root, ok := d.parse(data); ok {
		d.root(root, c)
		d.inherit(c)
		d.validate(c)
	}
	if len(d.problems) > 0 {
		return nil, newError(d.problems)
	}
	return c, nil
}

// Path returns p as seen from the working directory: relative paths start at Dir. Empty stays empty.
func (c *Config) Path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.Dir, p)
}

// StoreDSN returns the database for opening it: Store with the file's path seen from the working directory.
// It may hold a password.
func (c *Config) StoreDSN() string {
	dsn := c.Store.Reveal()
	if file, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		return "sqlite:" + c.Path(file)
	}
	return dsn
}

// Languages are those the site speaks of, without repetition, the site's own first: what the languages
// of articles can be told from.
func (c *Config) Languages() []string {
	all := []string{c.Site.Language}
	for _, n := range c.Newsletters {
		all = append(append(all, n.Language), n.Select.Languages...)
	}
	for _, n := range c.Feeds.Named {
		all = append(append(all, n.Language), n.Select.Languages...)
	}
	var list []string
	for _, l := range all {
		if !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	return list
}

// Where tells where a key stands in the file, as file:line:column, for faults that only show later
// (a key file that is missing, a relay that does not answer). Keys are written as in errors:
// "site.url", "newsletters.weekly.from", "relays[0].host". A key that is not in the file stands where
// its section does.
func (c *Config) Where(key string) string {
	p := nearest(c.where, key)
	return fmt.Sprintf("%s:%d:%d", c.file, p.line, p.column)
}
