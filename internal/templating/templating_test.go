package templating_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"text/template"

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
			tmpl := template.Must(template.New("page.html").Funcs(template.FuncMap{
				templating.Alive: run.Alive,
				"tick":           func() string { cancel(errOver); return "" },
			}).Parse(c.text))
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

// A text that doubles in a loop fails long before memory is short; others are as
// the template packages print them.
func TestPrinting(t *testing.T) {
	t.Parallel()
	render := func(text string) (string, error) {
		var out strings.Builder
		err := template.Must(template.New("page.html").Funcs(templating.Printing(template.FuncMap{})).Parse(text)).Execute(&out, nil)
		return out.String(), err
	}
	for _, f := range []string{"print", "println", `printf "%v%v"`} {
		_, err := render(`{{$x := "x"}}{{range 60}}` + "\n" + `{{$x = ` + f + ` $x $x}}{{end}}`)
		if err == nil || !strings.HasPrefix(templating.Located(err).Error(), "page.html:2:") || !strings.Contains(err.Error(), "grows beyond 2 MB") {
			t.Errorf("%s: error %v", f, err)
		}
	}
	if got, err := render(`{{print 1 2 "a" "b" 3}}|{{printf "%03d" 7}}|{{println 1 "x"}}`); err != nil || got != "1 2ab3|007|1 x\n" {
		t.Errorf("%q, %v", got, err)
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
