package templating_test

import (
	"context"
	"errors"
	htmltemplate "html/template"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"text/template"
	"time"

	"syndicate/internal/templating"
)

var errOver = errors.New("time is over")

// The render's time ends while the loop runs: tick ends it, and the template is
// stopped where it is.
func TestGuardStopsLoops(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"loop":           {"\n\n{{range 9000000000000000}}{{tick}}{{end}}", "page.html:3:"},
		"loop in a loop": {"{{range 9000000000000000}}\n{{if true}}{{range 9000000000000000}}{{tick}}{{end}}{{end}}{{end}}", "page.html:2:"},
		"else":           {"{{with false}}{{else}}\n{{range 9000000000000000}}{{tick}}{{end}}{{end}}", "page.html:2:"},
		"doubling calls": {"\n{{define \"x\"}}{{tick}}{{if lt (len .) 60}}{{template \"x\" (print . \"y\")}}{{template \"x\" (print . \"y\")}}{{end}}{{end}}{{template \"x\" \"\"}}", "page.html:2:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var run templating.Run
			run.Begin(ctx)
			tmpl := template.Must(template.New("page.html").Funcs(run.Functions(template.FuncMap{
				"tick": func() string { cancel(errOver); return "" },
			})).Parse(c.text))
			for _, x := range tmpl.Templates() {
				if err := templating.Guard(x.Tree); err != nil {
					t.Fatal(err)
				}
			}
			err := tmpl.Execute(io.Discard, nil)
			if !errors.Is(err, errOver) {
				t.Fatalf("error %v, want %v", err, errOver)
			}
			if got := templating.Located(err).Error(); !strings.HasPrefix(got, c.want) || !strings.HasSuffix(got, ": time is over") {
				t.Errorf("error %q, want %s… time is over", got, c.want)
			}
		})
	}
}

// A text that grows in a loop, or from call to call, fails long before memory is
// short, by whatever function it grows.
func TestGuardBoundsTexts(t *testing.T) {
	t.Parallel()
	november := time.Date(2026, time.November, 11, 11, 11, 11, 0, time.UTC)
	render := func(text string) (string, error) {
		var run templating.Run
		run.Begin(t.Context())
		tmpl := htmltemplate.Must(htmltemplate.New("page.html").Funcs(run.Functions(htmltemplate.FuncMap{
			"twice": func(s string) string { return s + s },
			"mark":  func(s string) htmltemplate.HTML { return htmltemplate.HTML("<b>" + s + "</b>") },
		})).Parse(text))
		for _, x := range tmpl.Templates() {
			if err := templating.Guard(x.Tree); err != nil {
				t.Fatal(err)
			}
		}
		out := run.Output("page.html", 1_000_000)
		err := tmpl.Execute(out, map[string]any{"Now": november, "Nil": nil, "List": []string{"a", "b"}, "None": (*struct{ X string })(nil)})
		return out.String(), err
	}
	for _, f := range []string{"print $x $x", "println $x $x", `printf "%v%v" $x $x`, "twice $x", `js $x`, `$x | js`, "$.Now.Format $x", "html $x $x", "print (twice $x)", "or (twice $x) 1"} {
		for _, text := range []string{
			"{{$x := `11\\`}}{{range 60}}\n{{$x = " + f + "}}{{end}}",
			"{{define `again`}}{{$x := .}}\n{{template `again` " + f + "}}{{end}}{{template `again` `11\\`}}",
			"{{define `again`}}{{$x := .}}\n{{with " + f + "}}{{template `again` .}}{{end}}{{end}}{{template `again` `11\\`}}",
		} {
			if strings.Contains(text, "define") && strings.Contains(text, "$.Now") {
				continue // the dot of a template that calls itself is its text
			}
			_, err := render(text)
			if err == nil || !strings.HasPrefix(templating.Located(err).Error(), "page.html:2:") || !strings.Contains(err.Error(), "grows beyond 2 MB") {
				t.Errorf("%s: error %v", text, err)
			}
		}
	}
	// Each call keeps its own text while the one it calls runs.
	_, err := render("{{define `deep`}}\n{{template `deep` (print . `xxxxxxxxxx`)}}{{end}}{{template `deep` ``}}")
	if err == nil || !strings.Contains(err.Error(), "more than 200 MB") {
		t.Errorf("calls that keep their texts: error %v", err)
	}

	// What does not grow is as it would be without.
	for text, want := range map[string]string{
		`{{print 1 2 "a" "b" 3}}|{{printf "%03d" 7}}|{{println 1 "x"}}`:                   "1 2ab3|007|1 x\n",
		`{{$x := mark "a"}}{{$x}}{{with mark "b"}}{{.}}{{end}}{{with "<"}}{{.}}{{end}}`:   "<b>a</b><b>b</b>&lt;",
		`{{with .Nil}}x{{else}}nil{{end}}{{with .None}}x{{else}}none{{end}}`:              "nilnone",
		`{{$n := 2}}{{if eq $n 2}}two{{end}}{{range $i, $x := .List}}{{$i}}{{$x}}{{end}}`: "two0a1b",
		`{{(index .List 1)}}{{len (index .List 0)}}{{"<" | html}}`:                        "b1&lt;",
	} {
		if got, err := render(text); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestOutputEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	var run templating.Run
	run.Begin(ctx)
	out := run.Output("page.html", 1_000_000)
	if _, err := out.Write(make([]byte, 1_000_000)); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write([]byte("x")); err == nil || !strings.HasPrefix(err.Error(), "page.html: prints more than 1 MB") {
		t.Errorf("one byte too many: %v", err)
	}
	cancel(errOver)
	if _, err := run.Output("page.html", 10).Write([]byte("x")); !errors.Is(err, errOver) {
		t.Errorf("after the end: %v", err)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"windows.html": {Data: []byte("\ufeffone\r\ntwo\r\n")},
		"latin.html":   {Data: []byte("\xe9t\xe9")},
		"large.html":   {Data: make([]byte, 2_500_000)},
	}
	if got, err := templating.Read(files, "windows.html"); err != nil || got != "one\ntwo\n" {
		t.Errorf("%q, %v", got, err)
	}
	for name, want := range map[string]string{"latin.html": "not UTF-8", "large.html": "a template of 2 MB", "none.html": "not exist"} {
		if _, err := templating.Read(files, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}
