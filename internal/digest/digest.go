// Package digest renders an issue for one group of subscribers: subject, HTML and text.
//
// ReadBundle collects the template files, which an issue freezes; Parse checks
// them; Render fills them in for one language and one list of articles. Each
// recipient's own values are placeholders (newsletter.PlaceholderUnsubscribe and
// the like), spliced in later by the mailer.
//
// Templates are the operator's, so Render trusts none: an unknown field or
// function is an error with file:line:column, a loop without end is stopped, and
// so is output without end. A digest whose HTML would be clipped by receivers
// shortens itself and links to what it left out.
package digest

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
)

// The bounds of a render.
const (
	maxHTML    = 95_000           // bytes; Gmail clips messages at about 102 KB
	maxOutput  = 2_000_000        // bytes that a template may print before it is stopped
	maxTime    = 10 * time.Second // for everything that one digest needs
	maxSubject = 200              // runes
	textWidth  = 72               // columns of the text part
)

// Data is what a digest is made of.
type Data struct {
	Site       newsletter.Site
	Newsletter newsletter.FrozenNewsletter
	Language   string    // BCP 47; empty: the newsletter's, else the site's
	Number     int       // of the issue
	Date       time.Time // in the masthead, shown in the newsletter's time zone
	Intro      string    // Markdown, empty: none
	Articles   []Item    // in order of appearance; the first one leads
	More       int       // articles that are new to the reader and left out of Articles
	MoreURL    string    // where they are; empty: the site
	OnWeb      bool      // the issue can be read on the web, and its mail has a link to it
	OpensURL   string    // of the image that tells of opens; empty: none
}

// Item is one article in a digest. URLs are absolute; texts are plain.
type Item struct {
	Seq            int64
	URL            string
	Counted        string // where the HTML part's links lead instead of URL, to be counted on the way; empty: to URL
	Title          string
	Summary        string
	ImageURL       string // empty: none
	ImageAlt       string
	ImageWidth     int // pixels, 0: unknown
	ImageHeight    int // pixels, 0: unknown
	Section        string
	Tags           []string
	Authors        []string
	Language       string    // BCP 47, empty: the digest's
	Published      time.Time // shown in the zone it comes in, the site's
	ReadingMinutes int       // 0: not shown
}

// Render makes the digest of d; Issue and N of the result are the caller's to
// set. Its Articles are those that are shown, which may be fewer than d's, and
// More counts what is not.
//
// Errors of templates read "templates/email/digest.html:12:5: …". A render stops
// when ctx ends, and after ten seconds in any case. Render may be called by
// several goroutines at once.
func (t *Templates) Render(ctx context.Context, d Data) (newsletter.Digest, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, maxTime, fmt.Errorf("not finished within %v; is there a loop without end in it?", maxTime))
	defer cancel()
	full, err := newView(d)
	if err != nil {
		return newsletter.Digest{}, err
	}
	e, err := t.executor(full)
	if err != nil {
		return newsletter.Digest{}, err
	}
	defer t.release(e)

	view, html, err := e.fit(ctx, full.swapped())
	if err != nil {
		return newsletter.Digest{}, err
	}
	if err := checkNames(t.htmlPath, html); err != nil {
		return newsletter.Digest{}, err
	}
	view = view.swapped()
	text, err := e.execute(ctx, e.text, view)
	if err != nil {
		return newsletter.Digest{}, err
	}
	subject, err := e.subject(ctx, view)
	if err != nil {
		return newsletter.Digest{}, err
	}
	for path, out := range map[string]string{t.htmlPath: html, t.textPath: text} {
		if !strings.Contains(out, newsletter.PlaceholderUnsubscribe) {
			return newsletter.Digest{}, fmt.Errorf("%s: no way to unsubscribe; print {{.UnsubscribeURL}} somewhere", path)
		}
		if err := t.checkTold(path, out, view); err != nil {
			return newsletter.Digest{}, err
		}
	}
	seqs := make([]int64, len(view.Articles))
	for i, a := range view.Articles {
		seqs[i] = a.Seq
	}
	return newsletter.Digest{
		Language: view.Language,
		Articles: seqs,
		More:     view.More,
		Subject:  subject,
		HTML:     html,
		Text:     layout(text, textWidth),
	}, nil
}

// fit renders the HTML part, shortened as little as its limit allows: the last
// articles lose their summaries first, then they go. The lead stays.
func (e *executor) fit(ctx context.Context, full *view) (*view, string, error) {
	html, err := e.page(ctx, full)
	if err != nil || len(html) <= maxHTML {
		return full, html, err
	}
	steps := max(0, 2*(len(full.Articles)-1))
	best := full
	sort.Search(steps, func(i int) bool { // each step is shorter than the one before
		if err != nil {
			return true
		}
		v := full.shortened(i + 1)
		var out string
		if out, err = e.page(ctx, v); err != nil || len(out) > maxHTML {
			return false
		}
		best, html = v, out
		return true
	})
	if err == nil && len(html) > maxHTML {
		err = fmt.Errorf("%s: more than %d KB of HTML with one article alone, which receivers cut off: shorten the introduction or the template",
			e.htmlPath, maxHTML/1000)
	}
	return best, html, err
}

// subject renders the newsletter's subject template, or subject.txt where it has none.
func (e *executor) subject(ctx context.Context, v *view) (string, error) {
	tmpl := e.subjectFile
	if own := v.Newsletter.Subject; own != "" {
		name := "newsletters." + v.Newsletter.Name + ".subject"
		var err error
		if tmpl, err = parseText(name, own, e.funcs); err != nil {
			return "", err
		}
	}
	out, err := e.execute(ctx, tmpl, v)
	if err != nil {
		return "", err
	}
	if strings.Contains(out, placeholderStart) {
		return "", errors.New(tmpl.Name() + ": the subject is the same for everybody and cannot hold a recipient's own links or address")
	}
	out = excerpt(maxSubject, markup.CleanLine(out))
	if out == "" {
		out = v.Newsletter.Title
	}
	return out, nil
}
