package digest

import (
	"context"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	texttemplate "text/template"
	"text/template/parse"
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
			return nil, located(err)
		}
	}
	for _, tmpl := range t.html.Templates() {
		if err := guard(tmpl.Tree); err != nil {
			return nil, err
		}
	}
	for _, tmpl := range t.text.Templates() {
		if err := guard(tmpl.Tree); err != nil {
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
		return located(err)
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	err = trial.Funcs(funcs(&run{ctx: over})).ExecuteTemplate(io.Discard, t.htmlPath, nil)
	if wrong := (*htmltemplate.Error)(nil); errors.As(err, &wrong) {
		return located(err)
	}
	return nil
}

// parseText parses a text template that stands alone.
func parseText(name, text string, f map[string]any) (*texttemplate.Template, error) {
	tmpl, err := texttemplate.New(name).Funcs(f).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, located(err)
	}
	for _, x := range tmpl.Templates() {
		if err := guard(x.Tree); err != nil {
			return nil, err
		}
	}
	return tmpl, nil
}

// guard puts {{if alive}}{{end}} at the start of a template and of each of its
// loops. The function fails when the render's time is over, so that a template
// which loops or calls itself for ever is stopped, even one that prints nothing;
// templates cannot be cancelled from outside, only abandoned.
func guard(tree *parse.Tree) error {
	if tree == nil || tree.Root == nil {
		return nil
	}
	place, _ := tree.ErrorContext(tree.Root) // "file:line:column"
	line := 1
	if parts := strings.Split(place, ":"); len(parts) > 2 {
		line, _ = strconv.Atoi(parts[len(parts)-2])
	}
	return guardList(tree.Root, tree.ParseName, line, true)
}

func guardList(list *parse.ListNode, file string, line int, loop bool) error {
	if list == nil {
		return nil
	}
	for _, n := range list.Nodes {
		var err error
		switch n := n.(type) {
		case *parse.IfNode:
			err = errors.Join(guardList(n.List, file, n.Line, false), guardList(n.ElseList, file, n.Line, false))
		case *parse.WithNode:
			err = errors.Join(guardList(n.List, file, n.Line, false), guardList(n.ElseList, file, n.Line, false))
		case *parse.RangeNode:
			err = errors.Join(guardList(n.List, file, n.Line, true), guardList(n.ElseList, file, n.Line, false))
		}
		if err != nil {
			return err
		}
	}
	if loop {
		// Parsed under the file's name at the loop's line: that is what the error will name.
		stop, err := parse.Parse(file, strings.Repeat("\n", max(line-1, 0))+"{{if alive}}{{end}}", "", "", map[string]any{"alive": true})
		if err != nil {
			return located(err)
		}
		nodes := stop[file].Root.Nodes
		list.Nodes = append([]parse.Node{nodes[len(nodes)-1]}, list.Nodes...)
	}
	return nil
}

// templateError is an error of the template packages in fewer words.
type templateError struct {
	message string
	err     error
}

func (e *templateError) Error() string { return e.message }
func (e *templateError) Unwrap() error { return e.err }

// phrases are words of the template packages and what an operator reads instead.
var phrases = []struct {
	theirs *regexp.Regexp
	ours   string
}{
	{regexp.MustCompile(`^(html/)?template: ?|executing "[^"]*" at |<alive>: error calling alive: `), ""},
	{regexp.MustCompile(`can't evaluate field (\w+) in type \S+`), "there is no field $1 here"},
	{regexp.MustCompile(`ends in a non-text context: .*`), "ends inside a tag; is there a quotation mark or a > missing?"},
}

// located strips an error down to "file:line:column: fault".
func located(err error) error {
	message := err.Error()
	for _, p := range phrases {
		message = p.theirs.ReplaceAllString(message, p.ours)
	}
	return &templateError{message, err}
}
