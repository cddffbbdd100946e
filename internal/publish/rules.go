package publish

import (
	"errors"
	"fmt"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/language"

	"syndicate/internal/feeds"
)

// Rule names what a document or an entry has to keep to. The builder keeps back
// what breaks one; where the finding is only a warning, readers cope and it goes out.
type Rule string

// The rules.
const (
	RulePresent   Rule = "present"   // the file is there
	RuleUnchanged Rule = "unchanged" // and as it was built
	RuleSize      Rule = "size"
	RuleForm      Rule = "form"     // UTF-8, well-formed XML or valid JSON, of its format
	RuleRequired  Rule = "required" // titles and addresses that the formats demand
	RuleSelf      Rule = "self"     // it names its own address
	RuleID        Rule = "id"
	RuleUnique    Rule = "unique" // no two entries have one id
	RuleAddress   Rule = "address"
	RuleDate      Rule = "date"
	RuleLanguage  Rule = "language" // BCP 47
	RuleEnclosure Rule = "enclosure"
	RuleSame      Rule = "same"    // all formats hold the same articles
	RuleBody      Rule = "body"    // the article can be rendered
	RuleKept      Rule = "kept"    // the next build does not empty a feed
	RuleLasting   Rule = "lasting" // nor give an article another id
)

// hints say what to do where a rule is broken and the finding has nothing better.
var hints = map[Rule]string{
	RulePresent:   "syndicate build makes it again",
	RuleUnchanged: "syndicate build makes it again",
	RuleSize:      "a lower feeds.items makes feeds smaller",
	RuleRequired:  "site.title and the titles in newsletters and feeds.named are what feeds are called",
	RuleSelf:      "was site.url changed? Then syndicate build makes it again",
	RuleLanguage:  "languages are written as in en or pt-BR",
}

// Finding is a fault in a document, or in an article that would be in one.
type Finding struct {
	File    string // slash-separated, below public/; of what was never built: the article's
	Item    string // id of the entry, empty: it is about the whole document
	Rule    Rule
	Text    string
	Hint    string // empty: none
	Warning bool   // readers cope
}

// outline is what rules are about.
type outline struct {
	self     string
	title    string
	home     string // the page that the feed is about
	language string
	updated  string // RFC 3339, Atom only
	entries  []outlineEntry
}

type outlineEntry struct {
	id, link, language string
	dates              []string
	enclosures         []outlineEnclosure
}

type outlineEnclosure struct{ url, mediaType, length string }

// CheckDocument checks a document by the rules of its format that readers depend
// on: self is the address that it should name as its own.
func CheckDocument(format Format, data []byte, self string, now time.Time) []Finding {
	_, found := readAndCheck(format, data, self, now)
	return found
}

func readAndCheck(format Format, data []byte, self string, now time.Time) (o outline, found []Finding) {
	if len(data) > maxDocument {
		found = append(found, tooLarge(len(data)))
	}
	if !utf8.Valid(data) {
		found = append(found, broken(RuleForm, "it is not UTF-8"))
	}
	o, err := readOutline(format, data)
	if err != nil {
		return o, append(found, broken(RuleForm, "it is not well-formed: %v", err))
	}
	found = append(found, o.checkHead(format, self)...)
	ids := make([]string, 0, len(o.entries))
	for i := range o.entries {
		e := &o.entries[i]
		ids = append(ids, e.id)
		found = append(found, e.check(format, now)...)
	}
	return o, append(found, checkUnique(ids)...)
}

// broken is a finding that keeps a document or an entry back.
func broken(rule Rule, text string, args ...any) Finding {
	return Finding{Rule: rule, Text: fmt.Sprintf(text, args...), Hint: hints[rule]}
}

// doubtful is a warning.
func doubtful(rule Rule, text string, args ...any) Finding {
	f := broken(rule, text, args...)
	f.Warning = true
	return f
}

func tooLarge(size int) Finding {
	return broken(RuleSize, "it has %d MB, and readers take %d MB at most", size>>20, maxDocument>>20)
}

// checkHead checks what a document says of itself.
func (o *outline) checkHead(format Format, self string) (found []Finding) {
	if !sameAddress(o.self, self) {
		found = append(found, broken(RuleSelf, "it calls itself %q, and stands at %s", o.self, self))
	}
	if o.title == "" {
		found = append(found, doubtful(RuleRequired, "it has no title"))
	}
	if !isAbsolute(o.home) {
		found = append(found, broken(RuleAddress, "the address %q of what it is about is not absolute", o.home))
	}
	if format == Atom && !isTime(o.updated, time.RFC3339) {
		found = append(found, broken(RuleDate, "its date of change is %q", o.updated))
	}
	if !isLanguage(o.language) {
		found = append(found, doubtful(RuleLanguage, "%q is no language", o.language))
	}
	return found
}

// check checks an entry.
func (e *outlineEntry) check(format Format, now time.Time) (found []Finding) {
	add := func(f Finding) {
		f.Item = e.id
		found = append(found, f)
	}
	switch u, err := url.Parse(e.id); {
	case e.id == "":
		add(broken(RuleID, "an article has no id"))
	case err != nil || u.Scheme == "":
		add(broken(RuleID, "the id %q is no URI", e.id))
	}
	if e.link != "" && !isAbsolute(e.link) {
		add(broken(RuleAddress, "its address %q is not absolute", e.link))
	}
	layout := time.RFC3339
	if format == RSS {
		layout = time.RFC1123Z
	}
	for _, d := range e.dates {
		switch at, err := time.Parse(layout, d); {
		case err != nil:
			add(broken(RuleDate, "its date %q is none", d))
		case at.After(now.Add(24 * time.Hour)): // clocks and zones differ by less
			add(doubtful(RuleDate, "its date %s is in the future", d))
		}
	}
	if !isLanguage(e.language) {
		add(doubtful(RuleLanguage, "%q is no language", e.language))
	}
	for _, x := range e.enclosures {
		if !isAbsolute(x.url) {
			add(broken(RuleEnclosure, "the address %q of its enclosure is not absolute", x.url))
		}
		if t, _, err := mime.ParseMediaType(x.mediaType); err != nil || !strings.Contains(t, "/") {
			add(broken(RuleEnclosure, "the type %q of its enclosure %s is none", x.mediaType, x.url))
		}
		if n, err := strconv.ParseInt(x.length, 10, 64); (format == RSS || x.length != "") && (err != nil || n < 0) {
			add(broken(RuleEnclosure, "the size %q of its enclosure %s is none", x.length, x.url))
		}
	}
	return found
}

// checkUnique checks the ids of a document.
func checkUnique(ids []string) (found []Finding) {
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if id != "" && seen[id] {
			f := broken(RuleUnique, "two articles have the id %s", id)
			f.Item = id
			found = append(found, f)
		}
		seen[id] = true
	}
	return found
}

// outlineOf is the outline of an entry that was encoded just now. Its dates were
// written by us.
func outlineOf(e *feeds.Entry) outlineEntry {
	o := outlineEntry{id: e.ID, link: e.URL, language: e.Language}
	for _, x := range e.Enclosures {
		o.enclosures = append(o.enclosures, outlineEnclosure{x.URL, x.Type, strconv.FormatInt(x.Size, 10)})
	}
	return o
}

// firstBroken makes an error of the first finding that is more than a warning.
func firstBroken(found []Finding) error {
	for _, f := range found {
		if !f.Warning && f.Hint != "" {
			return fmt.Errorf("%s (%s)", f.Text, f.Hint)
		}
		if !f.Warning {
			return errors.New(f.Text)
		}
	}
	return nil
}

func isTime(s, layout string) bool {
	_, err := time.Parse(layout, s)
	return err == nil
}

func isAbsolute(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs()
}

// isLanguage reports whether a tag is well-formed; it may name a language that
// nobody knows, and none is fine.
func isLanguage(s string) bool {
	_, err := language.Parse(s)
	var unknown language.ValueError
	return s == "" || err == nil || errors.As(err, &unknown)
}

// sameAddress compares addresses, one of which may have an international name for
// its host and the other the ASCII one that feeds show.
func sameAddress(a, b string) bool {
	u, err := url.Parse(a)
	v, err2 := url.Parse(b)
	if err != nil || err2 != nil {
		return false
	}
	for _, x := range []*url.URL{u, v} {
		if host, err := idna.Lookup.ToASCII(x.Hostname()); err == nil && x.Port() == "" {
			x.Host = host
		} else if err == nil {
			x.Host = host + ":" + x.Port()
		}
	}
	return u.String() == v.String()
}
