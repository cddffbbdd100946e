package digest

import (
	"context"
	"fmt"
	htmltemplate "html/template"
	"io"
	"strings"
	texttemplate "text/template"
	"time"
	"unicode/utf8"

	"syndicate/internal/i18n"
	"syndicate/internal/newsletter"
	"syndicate/internal/templating"
)

// run is what the functions of a template know about the render that calls them.
type run struct {
	templating.Run
	words *i18n.Words
	mark  string // of the view; see personal.go
}

// funcs are all the functions that templates have besides the built-in ones.
func funcs(r *run) map[string]any {
	// Times are shown in the zone they come in, which newView and Data decide.
	date := func(f func(*i18n.Words, time.Time) string) func(time.Time) string {
		return func(t time.Time) string { return f(r.words, t) }
	}
	return r.Functions(map[string]any{
		// t "key" "placeholder" value …: words in the reader's language (internal/i18n/locales)
		"t": func(key string, args ...any) (string, error) { return r.words.Text(key, args...) },
		// n "key" number "placeholder" value …: the same, by plural form
		"n": func(key string, n int, args ...any) (string, error) { return r.words.Plural(key, n, args...) },

		"date":      date((*i18n.Words).Date),      // 23 November 2026
		"fulldate":  date((*i18n.Words).FullDate),  // Monday 23 November 2026
		"shortdate": date((*i18n.Words).ShortDate), // 23 November
		"time":      date((*i18n.Words).Time),      // 07:00
		"number":    func(n int) string { return r.words.Number(n) },
		"list":      func(items []string) string { return r.words.List(items) }, // A, B and C
		"quote":     func(text string) string { return r.words.Quote(text) },    // “text”
		"excerpt":   excerpt,                                                    // excerpt 200 .Summary
		"lines":     lines,                                                      // range lines .Site.PostalAddress
		"underline": underline,                                                  // a line as long as the text
		"comment":   comment,                                                    // comment "[if mso]>…<![endif]": html/template drops comments
		// name "reader": the subscriber's name, or that word where none is known
		"name": func(otherwise string) string {
			return marked(r.mark, newsletter.PlaceholderName) + otherwise + marked(r.mark, newsletter.PlaceholderNameEnd)
		},
		// together "text" "part": the text with the part on one line, if it fits
		"together": templating.Together(`style="display:inline-block;max-width:100%"`),
	})
}

// comment returns an HTML comment, which Outlook reads as a condition.
func comment(text string) (htmltemplate.HTML, error) {
	if strings.Contains(text, "--") {
		return "", fmt.Errorf("a comment cannot hold %q", "--")
	}
	return htmltemplate.HTML("<!--" + text + "-->"), nil
}

// lines returns those of a text, for <br> between them: Outlook knows no white-space.
func lines(text string) []string { return strings.Split(strings.TrimSpace(text), "\n") }

// underline repeats with below text.
func underline(with, text string) string {
	return strings.Repeat(with, min(utf8.RuneCountInString(text), textWidth))
}

// executor is one clone of the templates, used by one render at a time, because
// the functions of a template are those of its render.
type executor struct {
	run   run
	funcs map[string]any

	html, text, subjectFile template
	htmlPath                string
}

// template is what html/template and text/template have in common.
type template interface {
	Name() string
	Execute(w io.Writer, data any) error
}

// executor returns an idle executor, or a new one, set up for v.
func (t *Templates) executor(v *view) (*executor, error) {
	e, ok := t.idle.Get().(*executor)
	if !ok {
		html, err := t.html.Clone()
		if err != nil {
			return nil, templating.Located(err)
		}
		text, err := t.text.Clone()
		if err != nil {
			return nil, templating.Located(err)
		}
		e = &executor{htmlPath: t.htmlPath}
		e.funcs = funcs(&e.run)
		e.html = html.Funcs(e.funcs).Lookup(t.htmlPath)
		e.text = text.Funcs(e.funcs).Lookup(t.textPath)
		e.subjectFile = text.Lookup(t.subjectPath)
	}
	e.run.words, e.run.mark = v.words, v.mark
	return e, nil
}

func (t *Templates) release(e *executor) {
	e.run = run{}
	t.idle.Put(e)
}

// execute runs one template within the limits. What it returns holds the
// placeholders that the template itself printed, and no others.
func (e *executor) execute(ctx context.Context, tmpl template, v *view) (string, error) {
	e.run.Begin(ctx)
	out := e.run.Output(tmpl.Name(), maxOutput)
	if err := tmpl.Execute(out, v); err != nil {
		return "", templating.Located(err)
	}
	return v.personal(out.String()), nil
}

var _ template = (*texttemplate.Template)(nil)
