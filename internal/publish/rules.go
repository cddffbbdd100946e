package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"
	"unicode/utf8"
)

// Finding is a fault in a document.
type Finding struct {
	File string `json:"file"` // slash-separated, below public/
	Text string `json:"text"`
}

// Check looks at all documents in public/ as readers would: whether they are
// there, as they were built, and keep the rules of their formats. It returns how
// many it looked at.
func (b *Builder) Check(ctx context.Context) (documents int, found []Finding, err error) {
	s, err := readState(b.o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil, fmt.Errorf("no feeds were built into %s yet: %w", b.o.Dir, err)
	}
	if err != nil {
		return 0, nil, err
	}
	c := s.catalogue()
	for i := range c.Feeds {
		f := &c.Feeds[i]
		for page := range f.Pages + 1 {
			if err := ctx.Err(); err != nil {
				return documents, found, err
			}
			var ids []string // of the page in the first format
			for n, format := range Formats {
				d := Document{Feed: f, Format: format, Page: page}
				documents++
				these, texts := b.checkFile(s, d)
				if n == 0 {
					ids = these
				} else if len(texts) == 0 && !slices.Equal(ids, these) {
					texts = append(texts, "it holds other articles than "+Document{Feed: f, Format: Formats[0], Page: page}.File())
				}
				for _, text := range texts {
					found = append(found, Finding{d.File(), text})
				}
			}
		}
	}
	return documents, found, nil
}

// checkFile checks a document where it stands.
func (b *Builder) checkFile(s *state, d Document) (ids, texts []string) {
	name := d.File()
	data, err := os.ReadFile(filepath.Join(b.o.Dir, filepath.FromSlash(name)))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, []string{"it is missing; syndicate build makes it again"}
	case err != nil:
		return nil, []string{err.Error()}
	case Hash(data) != s.Files[name].Hash:
		texts = append(texts, "somebody changed it since it was built; syndicate build makes it again")
	}
	ids, more := CheckDocument(d.Format, data, d.URL(b.o.Site.URL))
	return ids, append(texts, more...)
}

// outline is what rules are about.
type outline struct {
	self    string
	updated string // RFC 3339, Atom only
	entries []outlineEntry
}

type outlineEntry struct{ id, link, date string }

// CheckDocument checks a document by the rules of its format that readers depend
// on: self is the address that it should name as its own. It returns the ids of
// its entries and what is wrong.
func CheckDocument(format Format, data []byte, self string) (ids, texts []string) {
	fault := func(text string, args ...any) { texts = append(texts, fmt.Sprintf(text, args...)) }
	if len(data) > maxDocument {
		fault("it has %d MB, more than readers take; lower feeds.items", len(data)>>20)
	}
	if !utf8.Valid(data) {
		fault("it is not UTF-8")
	}
	o, err := readOutline(format, data)
	if err != nil {
		fault("it is not well-formed: %v", err)
		return nil, texts
	}
	if o.self != self {
		fault("it calls itself %q, and stands at %s", o.self, self)
	}
	if format == Atom && !isTime(o.updated, time.RFC3339) {
		fault("its date of change is %q", o.updated)
	}
	seen := map[string]bool{}
	for _, e := range o.entries {
		ids = append(ids, e.id)
		switch u, err := url.Parse(e.id); {
		case e.id == "":
			fault("an article has no id")
		case err != nil || u.Scheme == "":
			fault("the id %q is no URI", e.id)
		case seen[e.id]:
			fault("two articles have the id %s", e.id)
		}
		seen[e.id] = true
		if e.link != "" && !isAbsolute(e.link) {
			fault("the address %q of %s is not absolute", e.link, e.id)
		}
		layout := time.RFC3339
		if format == RSS {
			layout = time.RFC1123Z
		}
		if (e.date != "" || format == Atom) && !isTime(e.date, layout) {
			fault("the date %q of %s is none", e.date, e.id)
		}
	}
	return ids, texts
}

func isTime(s, layout string) bool {
	_, err := time.Parse(layout, s)
	return err == nil
}

func isAbsolute(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs()
}

// readOutline reads what rules are about.
func readOutline(format Format, data []byte) (o outline, err error) {
	switch format {
	case RSS:
		return readRSS(data)
	case Atom:
		return readAtom(data)
	}
	var x struct {
		Self  string `json:"feed_url"`
		Items []struct {
			ID   string `json:"id"`
			URL  string `json:"url"`
			Date string `json:"date_published"`
		} `json:"items"`
	}
	err = json.Unmarshal(data, &x)
	o.self = x.Self
	for _, it := range x.Items {
		o.entries = append(o.entries, outlineEntry{it.ID, it.URL, it.Date})
	}
	return o, err
}

const atomNamespace = "http://www.w3.org/2005/Atom"

type linkElement struct {
	XMLName xml.Name
	Rel     string `xml:"rel,attr"`
	Href    string `xml:"href,attr"`
	Text    string `xml:",chardata"`
}

func readRSS(data []byte) (o outline, err error) {
	var x struct {
		XMLName xml.Name `xml:"rss"`
		Channel struct {
			Links []linkElement `xml:"link"`
			Items []struct {
				GUID  string        `xml:"guid"`
				Date  string        `xml:"pubDate"`
				Links []linkElement `xml:"link"`
			} `xml:"item"`
		} `xml:"channel"`
	}
	if err = whole(data, &x); err != nil {
		return o, err
	}
	for _, l := range x.Channel.Links {
		if l.XMLName.Space == atomNamespace && l.Rel == "self" {
			o.self = l.Href
		}
	}
	for _, it := range x.Channel.Items {
		e := outlineEntry{id: it.GUID, date: it.Date}
		for _, l := range it.Links {
			if l.XMLName.Space == "" {
				e.link = l.Text
			}
		}
		o.entries = append(o.entries, e)
	}
	return o, nil
}

func readAtom(data []byte) (o outline, err error) {
	var x struct {
		XMLName xml.Name      `xml:"http://www.w3.org/2005/Atom feed"`
		Updated string        `xml:"updated"`
		Links   []linkElement `xml:"link"`
		Entries []struct {
			ID      string        `xml:"id"`
			Updated string        `xml:"updated"`
			Links   []linkElement `xml:"link"`
		} `xml:"entry"`
	}
	if err = whole(data, &x); err != nil {
		return o, err
	}
	o.updated = x.Updated
	for _, l := range x.Links {
		if l.Rel == "self" {
			o.self = l.Href
		}
	}
	for _, it := range x.Entries {
		e := outlineEntry{id: it.ID, date: it.Updated}
		for _, l := range it.Links {
			if l.Rel == "alternate" {
				e.link = l.Href
			}
		}
		o.entries = append(o.entries, e)
	}
	return o, nil
}

// whole decodes a document and sees to it that nothing is behind it.
func whole(data []byte, v any) error {
	if err := parseXML(data); err != nil {
		return err
	}
	return xml.NewDecoder(bytes.NewReader(data)).Decode(v)
}
