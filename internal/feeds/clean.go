package feeds

import (
	"mime"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// clean returns a copy in which no string can break a document.
func (f Feed) clean() Feed {
	line := markup.CleanLine
	f.ID, f.Title, f.Description = line(f.ID), line(f.Title), line(f.Description)
	f.Language, f.Author, f.Copyright = line(f.Language), line(f.Author), line(f.Copyright)
	for _, u := range []*string{
		&f.HomeURL, &f.License, &f.Icon, &f.Logo, &f.Self, &f.Pages.Current, &f.Pages.PrevArchive, &f.Pages.NextArchive,
	} {
		*u = address(*u)
	}
	hubs := make([]string, 0, len(f.Hubs))
	for _, h := range f.Hubs {
		if h = address(h); h != "" {
			hubs = append(hubs, h)
		}
	}
	f.Hubs = hubs
	if f.Podcast != nil {
		p := *f.Podcast
		p.Author, p.Email, p.Image, p.Categories = line(p.Author), mailbox(p.Email), address(p.Image), cleanList(p.Categories)
		f.Podcast = &p
	}
	return f
}

// clean returns a copy in which no string can break a document.
func (it Item) clean() Item {
	line, block := markup.CleanLine, markup.Clean
	it.ID, it.URL, it.Title, it.Language = line(it.ID), address(it.URL), line(it.Title), line(it.Language)
	it.Published, it.Updated = moment(it.Published), moment(it.Updated)
	if it.Title == "" { // RSS and Atom want a title; an untitled note is called by its day
		it.Title = it.Published.UTC().Format(time.DateOnly)
	}
	it.Summary, it.HTML = block(it.Summary), block(it.HTML)
	it.License, it.Copyright = address(it.License), line(it.Copyright)
	it.Tags = cleanList(it.Tags)
	authors := make([]newsletter.Author, 0, len(it.Authors))
	for _, a := range it.Authors {
		a.Name, a.Email, a.URL = line(a.Name), mailbox(a.Email), address(a.URL)
		if a.Name != "" {
			authors = append(authors, a)
		}
	}
	it.Authors = authors
	it.Image = cleanImage(it.Image)
	enclosures := make([]newsletter.Enclosure, 0, len(it.Enclosures))
	for _, e := range it.Enclosures {
		e.URL, e.Type, e.Size = address(e.URL), mediaType(e.Type, e.URL), max(e.Size, 0)
		if e.URL != "" && e.Type != "" {
			enclosures = append(enclosures, e)
		}
	}
	if i := slices.IndexFunc(enclosures, func(e newsletter.Enclosure) bool { return isPlayed(e.Type) }); i > 0 {
		// First, because some formats and readers know one only.
		enclosures = slices.Insert(slices.Delete(slices.Clone(enclosures), i, i+1), 0, enclosures[i])
	}
	it.Enclosures = enclosures
	it.Episode = cleanEpisode(it.Episode)
	if it.Origin != nil {
		o := *it.Origin
		o.URL, o.Title, o.Feed, o.ID = address(o.URL), line(o.Title), address(o.Feed), address(o.ID)
		it.Origin = &o
	}
	return it
}

// moment returns a time that formats can write, zero if they cannot.
func moment(t time.Time) time.Time {
	if year := t.UTC().Year(); year < 1 || year > 9999 {
		return time.Time{}
	}
	return t
}

func cleanImage(in *newsletter.Image) *newsletter.Image {
	if in == nil {
		return nil
	}
	img := *in
	img.URL, img.Alt, img.Type = address(img.URL), markup.CleanLine(img.Alt), mediaType(img.Type, img.URL)
	img.Caption = markup.CleanLine(img.Caption)
	img.Width, img.Height, img.Size = max(img.Width, 0), max(img.Height, 0), max(img.Size, 0)
	if img.URL == "" {
		return nil
	}
	return &img
}

func cleanEpisode(in *newsletter.Episode) *newsletter.Episode {
	if in == nil {
		return &newsletter.Episode{}
	}
	e := *in
	e.Type, e.ChaptersURL, e.Transcript = markup.CleanLine(e.Type), address(e.ChaptersURL), address(e.Transcript)
	chapters := make([]newsletter.Chapter, 0, len(e.Chapters))
	for _, c := range e.Chapters {
		c.Title, c.URL = markup.CleanLine(c.Title), address(c.URL)
		if c.Title != "" && c.Start >= 0 {
			chapters = append(chapters, c)
		}
	}
	e.Chapters = chapters
	return &e
}

func cleanList(in []string) []string {
	out := make([]string, 0, len(in))
	for _, s := range in {
		if s = markup.CleanLine(s); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// address makes an absolute address one of ASCII characters: RSS and JSON Feed
// know URIs only (RFC 3986), and few readers of Atom know IRIs. What is no
// absolute address is none: empty.
func address(s string) string {
	s = markup.CleanLine(s)
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" {
		return ""
	}
	if u.Opaque != "" { // urn:uuid:…, tag:…
		if strings.EqualFold(u.Scheme, "javascript") || strings.EqualFold(u.Scheme, "data") {
			return ""
		}
		return escapeRest(s)
	}
	if u.Host == "" {
		return ""
	}
	if !isASCII(u.Host) {
		host, err := idna.Lookup.ToASCII(u.Hostname())
		if err != nil {
			return ""
		}
		if port := u.Port(); port != "" {
			host += ":" + port
		}
		u.Host = host
	}
	return escapeRest(u.String())
}

// mailbox returns a mail address, empty if it is none that formats and their
// validators take.
func mailbox(s string) string {
	s = markup.CleanLine(s)
	at := strings.LastIndexByte(s, '@')
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s || a.Name != "" || !isASCII(s) || !strings.Contains(s[at+1:], ".") {
		return ""
	}
	return s
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > '~' }) < 0
}

// escapeRest escapes what net/url leaves as it is in queries, hosts and opaque
// parts, and must not stand in a URI.
func escapeRest(s string) string {
	const hex = "0123456789ABCDEF"
	bad := func(c byte) bool { return c <= ' ' || c >= 0x7F || strings.IndexByte("\"<>\\^`{|}", c) >= 0 }
	i := 0
	for i < len(s) && !bad(s[i]) {
		i++
	}
	if i == len(s) {
		return s
	}
	out := append(make([]byte, 0, len(s)+16), s[:i]...)
	for ; i < len(s); i++ {
		if c := s[i]; bad(c) {
			out = append(out, '%', hex[c>>4], hex[c&15])
		} else {
			out = append(out, c)
		}
	}
	return string(out)
}

// mediaType returns a media type as it is said to be, or guesses it from the
// ending of a URL; empty: neither helps.
func mediaType(said, ref string) string {
	if t, params, err := mime.ParseMediaType(markup.CleanLine(said)); err == nil && strings.Contains(t, "/") {
		if s := mime.FormatMediaType(t, params); isASCII(s) {
			return s
		}
	}
	ref, _, _ = strings.Cut(ref, "?")
	return newsletter.MediaType(ref)
}

// isType reports whether t is of the main type, such as "image".
func isType(t, main string) bool { return strings.HasPrefix(t, main+"/") }
