package markup

import (
	"regexp"
	"sync"

	"github.com/microcosm-cc/bluemonday"
)

// policy is the allow list that every rendered body passes last. It is made
// once, never changes, and is safe for concurrent use.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(true) // fragments; the resolver saw to the rest
	p.AllowURLSchemes("http", "https", "mailto", "tel")
	p.AllowDataURIImages()

	p.AllowElements(
		"p", "br", "wbr", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "div", "span", "section", "article", "aside", "header", "footer",
		"em", "strong", "i", "b", "u", "s", "del", "ins", "sub", "sup", "small", "mark", "abbr", "dfn", "cite", "q", "blockquote",
		"kbd", "samp", "var", "code", "pre", "time", "bdi", "bdo", "ruby", "rb", "rt", "rp", "rtc", "address",
		"ul", "ol", "li", "dl", "dt", "dd", "figure", "figcaption", "details", "summary", "a", "img", "picture", "source",
		"audio", "video", "track", "table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td",
	)
	p.AllowNoAttrs().OnElements("a", "span", "bdo", "picture")

	number := regexp.MustCompile(`^[0-9]{1,5}%?$`)
	word := regexp.MustCompile(`^[\p{L}\p{N} _.,:;+/@-]{1,200}$`)
	p.AllowAttrs("lang").Matching(regexp.MustCompile(`^[A-Za-z0-9-]{1,35}$`)).Globally()
	p.AllowAttrs("dir").Matching(regexp.MustCompile(`^(?i:ltr|rtl|auto)$`)).Globally()
	p.AllowAttrs("id").Matching(regexp.MustCompile(`^[\p{L}\p{N}_:.-]{1,250}$`)).Globally()
	p.AllowAttrs("title").OnElements("a", "abbr", "dfn", "img", "span", "time")
	p.AllowAttrs("role").Matching(regexp.MustCompile(`^doc-(noteref|endnotes|backlink)$`)).Globally()
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^(footnotes|footnote-ref|footnote-backref)$`)).OnElements("div", "a")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^language-[A-Za-z0-9_+#.-]{1,40}$`)).OnElements("code", "pre")

	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("cite").OnElements("blockquote", "q", "del", "ins")
	p.AllowAttrs("datetime").Matching(word).OnElements("time", "del", "ins")
	p.AllowAttrs("start", "value").Matching(regexp.MustCompile(`^-?[0-9]{1,9}$`)).OnElements("ol", "li")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`^[1aAiI]$`)).OnElements("ol")
	p.AllowAttrs("reversed").OnElements("ol")
	p.AllowAttrs("open").OnElements("details")

	p.AllowAttrs("src", "alt").OnElements("img")
	p.AllowAttrs("srcset", "sizes").OnElements("img", "source")
	p.AllowAttrs("loading").Matching(regexp.MustCompile(`^lazy$`)).OnElements("img")
	p.AllowAttrs("width", "height").Matching(number).OnElements("img", "video", "source")
	p.AllowAttrs("src").OnElements("audio", "video", "source", "track")
	p.AllowAttrs("controls", "loop", "muted").OnElements("audio", "video")
	p.AllowAttrs("preload").Matching(regexp.MustCompile(`^(none|metadata|auto)$`)).OnElements("audio", "video")
	p.AllowAttrs("poster").OnElements("video")
	p.AllowAttrs("media").OnElements("source")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`^[a-z0-9]+/[A-Za-z0-9.+-]+(; ?codecs=[A-Za-z0-9., "']+)?$`)).OnElements("source")
	p.AllowAttrs("kind", "srclang", "label").Matching(word).OnElements("track")

	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(?i:left|center|right|justify)$`)).OnElements("th", "td")
	p.AllowAttrs("colspan", "rowspan", "span").Matching(number).OnElements("th", "td", "col", "colgroup")
	p.AllowAttrs("scope").Matching(regexp.MustCompile(`^(row|col|rowgroup|colgroup)$`)).OnElements("th")
	p.AllowAttrs("abbr").OnElements("th")
	return p
})
