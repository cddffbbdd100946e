package digest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"maps"
	"path"
	"slices"
	"strings"
	texttemplate "text/template"
	"time"

	"syndicate/internal/i18n"
	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
	"syndicate/internal/templating"
)

// Letter is what a letter on request is made of.
type Letter struct {
	Kind       newsletter.LetterKind
	Site       newsletter.Site
	Newsletter newsletter.FrozenNewsletter // of the site, if Title is empty
	Language   string                      // BCP 47
	Valid      time.Duration               // how long its link is good, 0: it does not end
	PageURL    string                      // the newsletter's page
}

// letterView is the dot of a letter's templates.
type letterView struct {
	Letter
	Direction string // ltr or rtl
	Title     string // of the newsletter, else of the site
	SiteLine  string // the site's title, empty if Title says it too
	Valid     string // "7 days", empty: the link does not end

	// The recipient's own, spliced in later.
	LinkURL string
	Address string // masked
}

// RenderLetter renders a letter from kind.html and kind.txt of a bundle that
// ReadLetters read. In the text template stands the subject, too, as a template of
// that name. Errors and limits are those of Render.
func RenderLetter(ctx context.Context, b Bundle, d Letter) (newsletter.LetterContent, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, maxTime, fmt.Errorf("not finished within %v; is there a loop without end in it?", maxTime))
	defer cancel()
	language := cmp.Or(d.Language, d.Newsletter.Language, d.Site.Language, "en")
	words := i18n.For(language, d.Newsletter.Language, d.Site.Language)
	v := &view{mark: newMark(), words: words}
	dot := letterView{
		Letter: d, Direction: i18n.Direction(language), Title: cmp.Or(d.Newsletter.Title, d.Site.Title), Valid: duration(words, d.Valid),
		LinkURL: marked(v.mark, newsletter.PlaceholderLink), Address: marked(v.mark, newsletter.PlaceholderAddress),
	}
	dot.Language = language
	if !strings.Contains(strings.ToLower(dot.Title), strings.ToLower(d.Site.Title)) {
		dot.SiteLine = d.Site.Title
	}
	r := run{words: words, mark: v.mark}
	html, text, err := parseLetters(b, funcs(&r))
	if err != nil {
		return newsletter.LetterContent{}, err
	}
	kind := string(d.Kind)
	htmlPart, textPart, subject := html.Lookup(b.find(kind+".html")), text.Lookup(b.find(kind+".txt")), text.Lookup(kind+" subject")
	if htmlPart == nil || textPart == nil || subject == nil {
		return newsletter.LetterContent{}, fmt.Errorf("templates/letters: %s.html, %s.txt or the template %q in it is missing", kind, kind, kind+" subject")
	}
	out := map[string]string{}
	for part, t := range map[string]template{"html": htmlPart, "text": textPart, "subject": subject} {
		r.Begin(ctx)
		to := r.Output(t.Name(), maxOutput)
		if err := t.Execute(to, &dot); err != nil {
			return newsletter.LetterContent{}, templating.Located(err)
		}
		out[part] = v.personal(to.String())
	}
	if err := checkLetter(b, d.Kind, out); err != nil {
		return newsletter.LetterContent{}, err
	}
	return newsletter.LetterContent{
		FromName: d.Newsletter.FromName, FromAddress: d.Newsletter.FromAddress, ReplyTo: d.Newsletter.ReplyTo, Language: language,
		Subject: excerpt(maxSubject, markup.CleanLine(out["subject"])), HTML: out["html"], Text: layout(out["text"], textWidth),
	}, nil
}

// checkLetter wants a letter to hold the link it is written for.
func checkLetter(b Bundle, kind newsletter.LetterKind, out map[string]string) error {
	for part, file := range map[string]string{"html": b.find(string(kind) + ".html"), "text": b.find(string(kind) + ".txt")} {
		if kind.Purpose() != 0 && !strings.Contains(out[part], newsletter.PlaceholderLink) {
			return fmt.Errorf("%s: its link is missing; print {{.LinkURL}} somewhere", file)
		}
	}
	if strings.Contains(out["subject"], placeholderStart) {
		return errors.New("templates/letters: a subject is the same for everybody and cannot hold a recipient's own link or address")
	}
	return checkNames(b.find(string(kind)+".html"), out["html"])
}

// parseLetters parses the files of a bundle with the functions of one render.
func parseLetters(b Bundle, f map[string]any) (*htmltemplate.Template, *texttemplate.Template, error) {
	html := htmltemplate.New("").Funcs(f).Option("missingkey=error")
	text := texttemplate.New("").Funcs(f).Option("missingkey=error")
	for _, p := range slices.Sorted(maps.Keys(b)) {
		var err error
		if path.Ext(p) == ".html" {
			_, err = html.New(p).Parse(b[p])
		} else {
			_, err = text.New(p).Parse(b[p])
		}
		if err != nil {
			return nil, nil, templating.Located(err)
		}
	}
	for _, t := range html.Templates() {
		if err := templating.Guard(t.Tree); err != nil {
			return nil, nil, err
		}
	}
	for _, t := range text.Templates() {
		if err := templating.Guard(t.Tree); err != nil {
			return nil, nil, err
		}
	}
	return html, text, nil
}

// duration writes how long something lasts: in days, or in hours where that is
// less than two days.
func duration(w *i18n.Words, d time.Duration) string {
	key, n := "letter.hours", int(d/time.Hour)
	if n == 0 {
		return ""
	}
	if n >= 48 {
		key, n = "letter.days", n/24
	}
	return w.N(key, n)
}
