package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"syndicate/internal/i18n"
	"syndicate/internal/templating"
)

const (
	viewFolder = "web"
	maxPage    = 16_000_000       // bytes, of a rendered page
	maxTime    = 10 * time.Second // for rendering one
)

// pageFiles are the templates of pages: each defines "main". All other .html
// files define what pages share; layout.html is where rendering begins.
var pageFiles = []string{
	"home.html", "list.html", "article.html", "newsletter.html", "feed.html", "feeds.html", "subscribe.html", "embed.html", "confirm.html",
	"unsubscribe.html", "preferences.html", "access.html", "change.html", "archive.html", "notice.html",
}

const layoutFile = "layout.html"

// views are the parsed templates by language and page file.
type views struct {
	pages map[string]map[string]*view
}

// view is a page's template in one language.
type view struct {
	parsed *template.Template // never executed: html/template clones no template that was
	idle   sync.Pool          // of *renderer
}

// readViews parses the templates of pages: each file from web/ of site, else of
// builtin. Errors carry the file and the line: "templates/web/home.html:12: …".
func readViews(site, builtin fs.FS) (*views, error) {
	texts, err := readTemplates(site, builtin)
	if err != nil {
		return nil, err
	}
	for _, name := range append([]string{layoutFile}, pageFiles...) {
		if _, ok := texts[name]; !ok {
			return nil, fmt.Errorf("templates/web/%s is missing", name)
		}
	}
	shared := template.New("").Funcs(viewFuncs(i18n.For()))
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if !slices.Contains(pageFiles, name) {
			if _, err := shared.New("templates/web/" + name).Parse(texts[name]); err != nil {
				return nil, templating.Located(err)
			}
		}
	}
	v := &views{pages: map[string]map[string]*view{}}
	for _, language := range i18n.Languages() {
		v.pages[language] = map[string]*view{}
		for _, name := range pageFiles {
			page, err := shared.Clone()
			if err != nil {
				return nil, templating.Located(err)
			}
			page.Funcs(viewFuncs(i18n.For(language)))
			if _, err := page.New("templates/web/" + name).Parse(texts[name]); err != nil {
				return nil, templating.Located(err)
			}
			for _, t := range page.Templates() {
				if err := templating.Guard(t.Tree); err != nil {
					return nil, err
				}
			}
			v.pages[language][name] = &view{parsed: page}
		}
	}
	return v, nil
}

// readTemplates returns the texts of all .html files in web/ of the two trees.
func readTemplates(site, builtin fs.FS) (map[string]string, error) {
	texts := map[string]string{}
	for _, tree := range []fs.FS{site, builtin} {
		if tree == nil {
			continue
		}
		entries, err := fs.ReadDir(tree, viewFolder)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("templates/web: %w", err)
		}
		for _, e := range entries {
			name := e.Name()
			if _, have := texts[name]; have || e.IsDir() || path.Ext(name) != ".html" || strings.HasPrefix(name, ".") {
				continue
			}
			if texts[name], err = readFile(tree, name); err != nil {
				return nil, err
			}
		}
	}
	return texts, nil
}

// readFile reads a file of web/.
func readFile(tree fs.FS, name string) (string, error) {
	text, err := templating.Read(tree, path.Join(viewFolder, name))
	if err != nil {
		return "", fmt.Errorf("templates/%s/%s: %w", viewFolder, name, err)
	}
	return text, nil
}

// renderer is one clone of a page's template, used by one render at a time,
// because some functions in it are those of its render.
type renderer struct {
	run  templating.Run
	page *template.Template
}

// render executes a page's template. It ends with ctx, and after ten seconds in
// any case.
func (v *views) render(ctx context.Context, name string, p *page) ([]byte, error) {
	return v.renderPart(ctx, name, "templates/web/"+layoutFile, p)
}

// renderPart executes one of the templates that a page's file has.
func (v *views) renderPart(ctx context.Context, name, part string, p *page) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, maxTime, fmt.Errorf("not finished within %v; is there a loop without end in it?", maxTime))
	defer cancel()
	view := v.pages[p.words.Language()][name]
	r, ok := view.idle.Get().(*renderer)
	if !ok {
		clone, err := view.parsed.Clone()
		if err != nil {
			return nil, templating.Located(err)
		}
		r = &renderer{page: clone}
		r.page.Funcs(r.run.Functions(template.FuncMap{}))
	}
	defer view.idle.Put(r)
	r.run.Begin(ctx)
	out := r.run.Output("templates/web/"+name, maxPage)
	if err := r.page.ExecuteTemplate(out, part, p); err != nil {
		return nil, templating.Located(err)
	}
	return out.Bytes(), nil
}

// viewFuncs are the functions of templates besides the built-in ones: the same
// words, dates and lists as in mail.
func viewFuncs(w *i18n.Words) template.FuncMap {
	return new(templating.Run).Functions(template.FuncMap{ // it stands in until render
		// t "key" "placeholder" value …: words in the page's language (internal/i18n/locales)
		"t": w.Text,
		// n "key" 3: words that depend on a number
		"n": w.Plural,
		// together "text" "part": the text with the part on one line, if it fits
		"together":  templating.Together(`class="together"`),
		"date":      w.Date,
		"fulldate":  w.FullDate,
		"shortdate": w.ShortDate,
		"time":      w.Time,
		"number":    w.Number,
		"list":      w.List,
		"quote":     w.Quote,
		// stamp: a time for <time datetime>
		"stamp": func(t time.Time) string { return t.Format(time.RFC3339) },
		// size: bytes for people
		"size": func(bytes int64) string { return sizeOf(w, bytes) },
	})
}
