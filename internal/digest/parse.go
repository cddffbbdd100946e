package digest

import (
	"context"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"maps"
	"path"
	"slices"
	"sync"
	texttemplate "text/template"

	"syndicate/internal/templating"
)

// Templates are parsed mail templates, for any number of renders at once.
type Templates struct {
	htmlPath, textPath, subjectPath string

	html *htmltemplate.Template // never executed: html/template clones no template that was
	text *texttemplate.Template
	idle sync.Pool // of *executor
}

// Parse parses a bundle. Its errors carry the file and the line:
// "templates/email/digest.html:12: function "dat" not defined".
func Parse(b Bundle) (*Templates, error) {
	t := &Templates{htmlPath: b.find("digest.html"), textPath: b.find("digest.txt"), subjectPath: b.find("subject.txt")}
	for name, p := range map[string]string{"digest.html": t.htmlPath, "digest.txt": t.textPath, "subject.txt": t.subjectPath} {
		if p == "" {
			return nil, fmt.Errorf("templates/email/%s is missing", name)
		}
	}
	known := funcs(&run{})
	t.html = htmltemplate.New("").Funcs(known).Option("missingkey=error")
	t.text = texttemplate.New("").Funcs(known).Option("missingkey=error")
	for _, p := range slices.Sorted(maps.Keys(b)) {
		var err error
		if path.Ext(p) == ".html" {
			_, err = t.html.New(p).Parse(b[p])
		} else {
			_, err = t.text.New(p).Parse(b[p])
		}
		if err != nil {
			return nil, templating.Located(err)
		}
	}
	for _, tmpl := range t.html.Templates() {
		if err := templating.Guard(tmpl.Tree); err != nil {
			return nil, err
		}
	}
	for _, tmpl := range t.text.Templates() {
		if err := templating.Guard(tmpl.Tree); err != nil {
			return nil, err
		}
	}
	return t, t.escape()
}

// escape has html/template look at every context now: it would find an attribute
// without its closing quote only when executing. The guards stop it after that.
func (t *Templates) escape() error {
	trial, err := t.html.Clone()
	if err != nil {
		return templating.Located(err)
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	trialRun := run{}
	trialRun.Begin(over)
	err = trial.Funcs(funcs(&trialRun)).ExecuteTemplate(io.Discard, t.htmlPath, nil)
	if wrong := (*htmltemplate.Error)(nil); errors.As(err, &wrong) {
		return templating.Located(err)
	}
	return nil
}

// parseText parses a text template that stands alone.
func parseText(name, text string, f map[string]any) (*texttemplate.Template, error) {
	tmpl, err := texttemplate.New(name).Funcs(f).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, templating.Located(err)
	}
	for _, x := range tmpl.Templates() {
		if err := templating.Guard(x.Tree); err != nil {
			return nil, err
		}
	}
	return tmpl, nil
}
