package remote

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// What an item may have.
const (
	maxLabels = 50      // tags
	maxLabel  = 255     // bytes of each
	maxTitle  = 500     // characters
	maxBody   = 1 << 20 // bytes of its text
	maxLine   = 8 << 10 // bytes of a title, a name, a tag, with their markup
)

var (
	tag = regexp.MustCompile(`<(?:/?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?|!--)`)
	// inline are the elements that titles are written with.
	inline = regexp.MustCompile(`(?i)</?(?:a|abbr|b|bdi|bdo|big|br|cite|code|del|dfn|em|font|i|img|ins|kbd|mark|p|q|s|samp|small|span|strike|strong|sub|sup|tt|u|var|wbr|h[1-6]|div)(?:\s[^<>]*)?/?>`)
)

// Title is Plain, and no longer than a title can be meant to be.
func Title(text string) string {
	title := Plain(text)
	if r := []rune(title); len(r) > maxTitle {
		title = strings.TrimSpace(string(r[:maxTitle-1])) + "…"
	}
	return title
}

// Plain makes one line of plain text of a title, in which some write HTML and
// others "a < b".
func Plain(title string) string {
	if len(title) > maxLine {
		title = strings.ToValidUTF8(title[:maxLine], "")
	}
	if strings.Contains(title, "<") {
		title = inline.ReplaceAllString(title, "")
	}
	return markup.CleanLine(html.UnescapeString(title))
}

// Body cleans the text of an item; references in it are made absolute. What has no tags is plain text.
func Body(text string, base *url.URL) (newsletter.Format, string) {
	text = strings.TrimSpace(markup.Clean(text))
	if len(text) > maxBody {
		text = strings.ToValidUTF8(text[:maxBody], "")
	}
	if !tag.MatchString(text) {
		return newsletter.PlainText, html.UnescapeString(text)
	}
	safe, err := markup.Render(newsletter.HTML, text, func(ref string, _ markup.Kind) string { return Resolve(base, ref) })
	if err != nil { // nested beyond all reason
		return newsletter.PlainText, markup.Text(text)
	}
	return newsletter.HTML, safe
}

// Labels cleans tags, and leaves out what is said twice.
func Labels(names []string) (out []string) {
	for _, c := range names {
		t := Plain(c)
		known := slices.ContainsFunc(out, func(x string) bool { return strings.EqualFold(x, t) })
		if t != "" && len(t) <= maxLabel && !known && len(out) < maxLabels {
			out = append(out, t)
		}
	}
	return out
}

// Resolve makes a reference absolute; empty: it leads to nothing on the web.
func Resolve(base *url.URL, ref string) string {
	ref = markup.CleanLine(ref)
	if ref == "" {
		return ""
	}
	u, err := base.Parse(strings.ReplaceAll(ref, " ", "%20"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return u.String()
}
