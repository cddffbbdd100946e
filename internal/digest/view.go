package digest

import (
	"cmp"
	"fmt"
	htmltemplate "html/template"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"syndicate/internal/i18n"
	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

const (
	imageWidth      = 600 // pixels, of the layout
	preheaderLength = 120 // runes
)

// view is the dot of the templates.
type view struct {
	Site       newsletter.Site
	Newsletter newsletter.FrozenNewsletter
	Language   string // BCP 47
	Direction  string // ltr or rtl
	SiteLine   string // the site's title, empty if the newsletter's says it too
	LogoURL    string // absolute, empty: none
	Number     int
	Date       time.Time
	Preheader  string            // what mail programs show beside the subject
	IntroHTML  htmltemplate.HTML // empty: no introduction
	IntroText  string
	Articles   []article // all of them
	Lead       *article  // the first one; nil: none
	Sections   []section // the others
	More       int       // articles left out, on MoreURL
	MoreURL    string
	CountsNote string // says what is counted of this issue; empty: nothing is

	// Spliced in later, most of them for each recipient.
	WebURL         string // of this digest; empty: no link
	UnsubscribeURL string
	PreferencesURL string
	Address        string // masked

	opensURL string // see Data
	words    *i18n.Words
	mark     string // begins each recipient's own values while templates run (personal.go)
}

// article is an Item, ready to be shown.
type article struct {
	Item
	Lang        string // of its texts, where it differs from the digest's; else empty
	SectionName string
}

// section is a group of articles. There is one without a name if the articles
// are of one section.
type section struct {
	Name     string
	OfLead   bool // comes right after the lead article, whose section it is
	Articles []article
}

// newView prepares everything but the shortening.
func newView(d Data) (*view, error) {
	language := cmp.Or(d.Language, d.Newsletter.Language, d.Site.Language, "en")
	mark := newMark()
	web := ""
	if d.OnWeb {
		web = marked(mark, newsletter.PlaceholderWeb)
	}
	v := &view{
		Site: d.Site, Newsletter: d.Newsletter, Language: language, Direction: i18n.Direction(language),
		Number: d.Number, Date: d.Date.In(zone(d)), More: d.More, MoreURL: cmp.Or(d.MoreURL, d.Site.URL),
		UnsubscribeURL: marked(mark, newsletter.PlaceholderUnsubscribe), PreferencesURL: marked(mark, newsletter.PlaceholderPreferences),
		Address: marked(mark, newsletter.PlaceholderAddress), WebURL: web,
		opensURL: d.OpensURL, words: i18n.For(language, d.Newsletter.Language, d.Site.Language), mark: mark,
	}
	if what := d.Newsletter.Counts.What(); what != "" {
		v.CountsNote = v.words.T("digest.counts_" + what)
	}
	if !strings.Contains(strings.ToLower(d.Newsletter.Title), strings.ToLower(d.Site.Title)) {
		v.SiteLine = d.Site.Title
	}
	resolve := absolute(d.Site.URL)
	if d.Site.Logo != "" {
		v.LogoURL = drawable(resolve(d.Site.Logo, markup.Media))
	}
	intro, err := markup.Render(newsletter.Markdown, d.Intro, resolve, language)
	if err != nil {
		return nil, fmt.Errorf("the introduction: %w", err)
	}
	// Sanitised by markup. The page has its first-level heading already.
	v.IntroHTML = htmltemplate.HTML(strings.NewReplacer("<h1", "<h2", "</h1>", "</h2>").Replace(strings.TrimSpace(intro)))
	v.IntroText = strings.TrimSpace(markup.Text(intro))
	for _, item := range d.Articles {
		v.Articles = append(v.Articles, newArticle(item, language))
	}
	v.arrange()
	v.Preheader = v.IntroText
	if v.Preheader == "" && v.Lead != nil {
		v.Preheader = v.Lead.Summary
	}
	v.Preheader = excerpt(preheaderLength, markup.CleanLine(v.Preheader))
	return v, nil
}

func newArticle(item Item, language string) article {
	a := article{Item: item, SectionName: i18n.SectionName(item.Section)}
	if !newsletter.LanguageWithin(item.Language, language) && !newsletter.LanguageWithin(language, item.Language) {
		a.Lang = item.Language
	}
	a.ImageURL = drawable(a.ImageURL)
	if a.ImageWidth <= 0 || a.ImageHeight <= 0 {
		a.ImageWidth, a.ImageHeight = imageWidth, 0
	} else if a.ImageWidth > imageWidth {
		a.ImageHeight = a.ImageHeight * imageWidth / a.ImageWidth
		a.ImageWidth = imageWidth
	}
	return a
}

// drawable returns the address of an image, or nothing where mail programs would
// not draw it: SVG, and what is not on the web.
func drawable(image string) string {
	if u, err := url.Parse(image); err != nil || u.Scheme != "https" && u.Scheme != "http" || strings.EqualFold(path.Ext(u.Path), ".svg") {
		return ""
	}
	return image
}

// arrange fills Lead and Sections from Articles: groups in order of appearance,
// articles without a section last.
func (v *view) arrange() {
	v.Lead, v.Sections = nil, nil
	if len(v.Articles) == 0 {
		return
	}
	v.Lead = &v.Articles[0]
	for _, a := range v.Articles[1:] {
		i := slices.IndexFunc(v.Sections, func(s section) bool { return s.Name == a.SectionName })
		if i < 0 {
			i = len(v.Sections)
			v.Sections = append(v.Sections, section{Name: a.SectionName})
		}
		v.Sections[i].Articles = append(v.Sections[i].Articles, a)
	}
	if len(v.Sections) == 1 {
		v.Sections[0].Name = ""
		return
	}
	for i := range v.Sections {
		v.Sections[i].OfLead = v.Sections[i].Name != "" && v.Sections[i].Name == v.Lead.SectionName
	}
	slices.SortStableFunc(v.Sections, func(a, b section) int {
		switch {
		case a.OfLead != b.OfLead:
			return map[bool]int{true: -1, false: 1}[a.OfLead]
		case a.Name == "" && b.Name != "":
			return 1
		case b.Name == "" && a.Name != "":
			return -1
		}
		return 0
	})
	for i := range v.Sections {
		if v.Sections[i].Name == "" {
			v.Sections[i].Name = v.words.T("digest.more_section")
		}
	}
}

// shortened returns the view by so many steps shorter: first the articles lose
// their summaries, from the last to the second, then they go in the same order.
func (v *view) shortened(steps int) *view {
	s := *v
	others := len(v.Articles) - 1
	gone := max(0, steps-others)
	s.Articles = slices.Clone(v.Articles[:len(v.Articles)-gone])
	for i := max(1, len(v.Articles)-steps); i < len(s.Articles); i++ {
		s.Articles[i].Summary = ""
	}
	s.More += gone
	s.arrange()
	return &s
}

// zone returns the time zone of the newsletter, else of the site, else of the date.
func zone(d Data) *time.Location {
	if d.Newsletter.TimeZone != "" {
		if l, err := time.LoadLocation(d.Newsletter.TimeZone); err == nil {
			return l
		}
	}
	if d.Site.Location != nil {
		return d.Site.Location
	}
	return d.Date.Location()
}

// absolute resolves the references of an introduction against the site. As in
// articles, a path that begins with a slash is one of the site, which may live
// below a path itself.
func absolute(site string) func(ref string, kind markup.Kind) string {
	base, err := url.Parse(site + "/")
	return func(ref string, _ markup.Kind) string {
		u, bad := url.Parse(ref)
		if err != nil || bad != nil {
			return ref
		}
		if u.Scheme == "" && u.Host == "" && strings.HasPrefix(u.Path, "/") {
			return site + u.String()
		}
		return base.ResolveReference(u).String()
	}
}
