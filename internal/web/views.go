package web

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"syndicate/internal/i18n"
)

const (
	viewFolder  = "web"
	maxTemplate = 1_000_000 // bytes
	maxPage     = 16 << 20  // bytes, of a rendered page
)

// pageFiles are the templates of pages: each defines "main". All other .html
// files define what pages share; layout.html is where rendering begins.
var pageFiles = []string{"home.html", "article.html", "newsletter.html", "unsubscribe.html", "preferences.html", "notice.html"}

const layoutFile = "layout.html"

// views are the parsed templates by language and page file.
type views struct {
	pages map[string]map[string]*template.Template
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
				return nil, located(err)
			}
		}
	}
	v := &views{pages: map[string]map[string]*template.Template{}}
	for _, language := range i18n.Languages() {
		v.pages[language] = map[string]*template.Template{}
		for _, name := range pageFiles {
			page, err := shared.Clone()
			if err != nil {
				return nil, located(err)
			}
			page.Funcs(viewFuncs(i18n.For(language)))
			if _, err := page.New("templates/web/" + name).Parse(texts[name]); err != nil {
				return nil, located(err)
			}
			v.pages[language][name] = page
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
			b, err := readFile(tree, name)
			if err != nil {
				return nil, err
			}
			if !utf8.Valid(b) {
				return nil, fmt.Errorf("templates/web/%s is not UTF-8; save it as UTF-8", name)
			}
			texts[name] = strings.ReplaceAll(strings.TrimPrefix(string(b), "\ufeff"), "\r\n", "\n")
		}
	}
	return texts, nil
}

// readFile reads a file of web/ that is not too large to be meant.
func readFile(tree fs.FS, name string) ([]byte, error) {
	file := path.Join(viewFolder, name)
	info, err := fs.Stat(tree, file)
	if err != nil {
		return nil, fmt.Errorf("templates/%s: %w", file, err)
	}
	if info.Size() > maxTemplate {
		return nil, fmt.Errorf("templates/%s has %d MB; the limit is 1 MB", file, info.Size()/1_000_000)
	}
	b, err := fs.ReadFile(tree, file)
	if err != nil {
		return nil, fmt.Errorf("templates/%s: %w", file, err)
	}
	return b, nil
}

// render executes a page's template.
func (v *views) render(name string, p *page) ([]byte, error) {
	var b bytes.Buffer
	t := v.pages[p.words.Language()][name]
	if err := t.ExecuteTemplate(&limited{w: &b}, "templates/web/"+layoutFile, p); err != nil {
		return nil, located(err)
	}
	return b.Bytes(), nil
}

// viewFuncs are the functions of templates besides the built-in ones: the same
// words, dates and lists as in mail.
func viewFuncs(w *i18n.Words) template.FuncMap {
	return template.FuncMap{
		// t "key" "placeholder" value …: words in the page's language (internal/i18n/locales)
		"t": w.Text,
		// n "key" 3: words that depend on a number
		"n":         w.Plural,
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
	}
}

// limited fails a template that does not come to an end.
type limited struct {
	w    io.Writer
	have int
}

func (l *limited) Write(b []byte) (int, error) {
	if l.have += len(b); l.have > maxPage {
		return 0, fmt.Errorf("the page is larger than %d MB", maxPage>>20)
	}
	return l.w.Write(b)
}

// noise is what stands around the place and the fault in errors of the template packages.
var noise = regexp.MustCompile(`^(html/)?template: ?|executing "[^"]*" at |error calling \w+: `)

// located strips an error of the template packages down to "file:line:column: fault".
func located(err error) error { return &templateError{noise.ReplaceAllString(err.Error(), ""), err} }

type templateError struct {
	message string
	err     error
}

func (e *templateError) Error() string { return e.message }
func (e *templateError) Unwrap() error { return e.err }
