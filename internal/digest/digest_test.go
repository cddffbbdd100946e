package digest_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/digest"
	"syndicate/internal/newsletter"
)

// bundle is a small one whose parts may be replaced.
func bundle(replace map[string]string) digest.Bundle {
	b := digest.Bundle{
		"templates/email/digest.html": "<p>{{.UnsubscribeURL}}</p>",
		"templates/email/digest.txt":  "{{.UnsubscribeURL}}",
		"templates/email/subject.txt": "{{.Newsletter.Title}}",
	}
	for name, text := range replace {
		b["templates/email/"+name] = text
	}
	return b
}

// render parses and renders a bundle, whichever fails first.
func render(ctx context.Context, b digest.Bundle, d digest.Data) (newsletter.Digest, error) {
	tmpl, err := digest.Parse(b)
	if err != nil {
		return newsletter.Digest{}, err
	}
	return tmpl.Render(ctx, d)
}

// many returns an issue of n articles with long summaries in a few sections.
func many(n int) digest.Data {
	d := english()
	d.Articles = nil
	for i := range n {
		d.Articles = append(d.Articles, digest.Item{
			Seq: int64(1000 - i), URL: fmt.Sprintf("https://harbour.example.org/articles/%d", i),
			Title: fmt.Sprintf("Article %d", i), Summary: strings.Repeat("Some words about it. ", 20),
			Section: []string{"sea", "web", "food"}[i%3], Authors: []string{"Ines Falk"},
			Published: date("2026-11-17 07:00"), ReadingMinutes: i%9 + 1,
		})
	}
	return d
}

func TestBrokenTemplatesNameTheirLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, text string
		want       string
	}{
		"unclosed action":       {"digest.html", "one\ntwo {{.Number", `templates/email/digest.html:2: unclosed action`},
		"unclosed if":           {"digest.txt", "one\n{{if .Number}}\n", `templates/email/digest.txt:3: unexpected EOF`},
		"unknown function":      {"digest.html", "\n\n{{dat .Date}}", `templates/email/digest.html:3: function "dat" not defined`},
		"unknown field":         {"digest.html", "\n{{.Nope}}", `templates/email/digest.html:2:2: <.Nope>: there is no field Nope here`},
		"field of article":      {"digest.txt", "{{range .Articles}}\n{{.Nope}}{{end}}", `templates/email/digest.txt:2:2: <.Nope>: there is no field Nope here`},
		"in a part":             {"part.html", "\n{{define \"x\"}}\n{{.Nope}}{{end}}", `templates/email/part.html:3:2: <.Nope>`},
		"unknown template":      {"digest.html", "\n{{template \"nope\"}}", `templates/email/digest.html:2:11: no such template "nope"`},
		"unknown words":         {"digest.html", "\n{{t \"no.such\"}}", `templates/email/digest.html:2:2: <t "no.such">: there are no words "no.such"`},
		"words without a value": {"digest.html", "{{t \"digest.why\" \"address\" \"x\"}}", `no value for {newsletter}`},
		"index out of range":    {"digest.html", "\n{{(index .Articles 99).Title}}", `templates/email/digest.html:2:3: <index .Articles 99>`},
		"unclosed attribute":    {"digest.html", "\n<a href=\"{{.WebURL}}>x</a>", `templates/email/digest.html: ends inside a tag`},
		"a comment's end":       {"digest.html", `{{comment "a --> b"}}`, `a comment cannot hold`},
		"unsubscribe, HTML":     {"digest.html", "<p>Hello</p>", `templates/email/digest.html: no way to unsubscribe`},
		"unsubscribe, text":     {"digest.txt", "Hello", `templates/email/digest.txt: no way to unsubscribe`},
		"empty":                 {"digest.html", "", `templates/email/digest.html`},
		"subject":               {"subject.txt", "{{.Nope}}", `templates/email/subject.txt:1:2: <.Nope>`},
		"personal subject":      {"subject.txt", "{{.Address}}", `templates/email/subject.txt: the subject is the same for everybody`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bundle(map[string]string{"part.html": "", c.file: c.text})
			if c.file == "part.html" {
				b["templates/email/digest.html"] = `{{template "x" .}}`
			}
			_, err := render(t.Context(), b, english())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v\nwant %s", err, c.want)
			}
			if err != nil && strings.HasPrefix(err.Error(), "template: ") {
				t.Errorf("the library's prefix: %v", err)
			}
		})
	}
}

func TestIncompleteBundle(t *testing.T) {
	t.Parallel()
	for _, missing := range []string{"digest.html", "digest.txt", "subject.txt"} {
		b := bundle(nil)
		delete(b, "templates/email/"+missing)
		if _, err := digest.Parse(b); err == nil || !strings.Contains(err.Error(), missing+" is missing") {
			t.Errorf("without %s: error %v", missing, err)
		}
	}
}

// A template that never ends is stopped, whether it prints or not; internal/templating
// sees that the error names the loop. (If it were not, this test would not end.)
func TestEndlessTemplates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, text, want string
		is               error
	}{
		"silent loop":       {"digest.html", "\n\n{{range 9000000000000000}}{{end}}", `templates/email/`, context.DeadlineExceeded},
		"loop in a loop":    {"digest.txt", "{{range 3000000000}}\n{{if true}}{{range 3000000000}}{{end}}{{end}}{{end}}", `templates/email/`, context.DeadlineExceeded},
		"subject":           {"subject.txt", "{{range 9000000000000000}}{{end}}", `templates/email/`, context.DeadlineExceeded},
		"doubling calls":    {"part.html", "\n{{define \"x\"}}{{if lt (len .) 60}}{{template \"x\" (print . \"y\")}}{{template \"x\" (print . \"y\")}}{{end}}{{end}}", `templates/email/`, context.DeadlineExceeded},
		"calls itself":      {"part.html", "{{define \"x\"}}\n{{template \"x\" .}}{{end}}", `templates/email/part.html:`, nil},
		"prints for ever":   {"digest.html", "{{range 9000000000000000}}more {{end}}", `templates/email/digest.html: prints more than 2 MB`, nil},
		"prints in text":    {"digest.txt", "{{range 9000000000000000}}more {{end}}", `templates/email/digest.txt: prints more than 2 MB`, nil},
		"one giant literal": {"digest.txt", strings.Repeat("x", 2_000_001), `prints more than 2 MB`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bundle(map[string]string{"part.html": "", c.file: c.text})
			if c.file == "part.html" {
				b["templates/email/digest.html"] = `{{template "x" ""}}`
			}
			ctx := t.Context()
			if c.is != nil {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
				defer cancel()
			}
			_, err := render(ctx, b, english())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v\nwant %s", err, c.want)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error %v is not %v", err, c.is)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := builtinTemplates(t).Render(ctx, english()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestShortened(t *testing.T) {
	t.Parallel()
	tmpl := builtinTemplates(t)
	summary := regexp.MustCompile(`Some words about it`)
	item := regexp.MustCompile(`>Article \d+<`)
	for _, n := range []int{1, 40, 70, 120, 500} {
		d, err := tmpl.Render(t.Context(), many(n))
		if err != nil {
			t.Fatal(err)
		}
		shown, whole := len(d.Articles), len(summary.FindAllString(d.HTML, -1))
		t.Logf("%d articles: %d shown, %d bytes", n, shown, len(d.HTML))
		if len(d.HTML) > 95_000 {
			t.Errorf("%d articles: %d bytes of HTML", n, len(d.HTML))
		}
		if got := len(item.FindAllString(d.HTML, -1)); got != shown {
			t.Errorf("%d articles: %d in the HTML, %d in the list", n, got, shown)
		}
		if got := strings.Count(d.Text, "https://harbour.example.org/articles/"); got != shown+1 { // and one in the introduction
			t.Errorf("%d articles: %d in the text, %d in the list", n, got-1, shown)
		}
		wantMore := fmt.Sprintf("%d more articles on the site", 3+n-shown)
		if !strings.Contains(d.HTML, wantMore) || !strings.Contains(d.Text, wantMore) {
			t.Errorf("%d articles: %q is not in both parts", n, wantMore)
		}
		if d.Articles[0] != 1000 {
			t.Errorf("%d articles: the lead is not the first one", n)
		}
		switch {
		case n <= 40 && (shown != n || whole == 0):
			t.Errorf("%d articles: shortened without need: %d shown", n, shown)
		case n == 70 && shown != n:
			t.Errorf("%d articles: %d shown; their summaries go first", n, shown)
		case n == 500 && shown == n:
			t.Errorf("%d articles: all shown", n)
		case len(d.HTML) < 93_000 && shown < n:
			t.Errorf("%d articles: %d bytes, shortened more than needed", n, len(d.HTML))
		}
	}
}

func TestShorteningHasAnEnd(t *testing.T) {
	t.Parallel()
	d := english()
	d.Intro = strings.Repeat("word ", 25_000)
	_, err := builtinTemplates(t).Render(t.Context(), d)
	if err == nil || !strings.Contains(err.Error(), "shorten the introduction or the template") {
		t.Errorf("error %v", err)
	}
}

func TestEscaping(t *testing.T) {
	t.Parallel()
	const evil = `<b>&"'</td><script>alert(1)</script>`
	d := english()
	d.Newsletter.Title, d.Site.PostalAddress = evil, evil
	a := &d.Articles[0]
	a.Title, a.Summary, a.ImageAlt, a.Section, a.Authors = evil, evil, evil, evil, []string{evil}
	a.URL, a.ImageURL = `javascript:alert(1)`, `https://harbour.example.org/a.png?x="><script>`
	d.Intro = "Hello <script>alert(1)</script> **you** & <b>me</b> [x](javascript:alert)"
	got, err := builtinTemplates(t).Render(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "<b>&", `&"`, "'</td>", "javascript:"} {
		if strings.Contains(got.HTML, bad) {
			t.Errorf("%s in the HTML", bad)
		}
	}
	if !strings.Contains(got.HTML, "&lt;b&gt;&amp;") || !strings.Contains(got.HTML, "<strong>you</strong> &amp; <b>me</b>") {
		t.Error("the title or the introduction is not in the HTML")
	}
	if !strings.Contains(got.Text, evil) || !strings.HasPrefix(got.Subject, evil) {
		t.Errorf("plain texts are not to be escaped: %q", got.Subject)
	}
}

// A site may live below a path: its own paths begin there, in introductions too.
func TestIntroductionLinks(t *testing.T) {
	t.Parallel()
	d := english()
	d.Site.URL = "https://example.org/letter"
	d.Intro = "[a](/articles/bread) [b](articles/soup) [c](https://example.org/x) [d](//example.net/y)"
	got, err := builtinTemplates(t).Render(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"https://example.org/letter/articles/bread", "https://example.org/letter/articles/soup", "https://example.org/x", "https://example.net/y"} {
		if !strings.Contains(got.HTML, `href="`+want+`"`) {
			t.Errorf("no link to %s", want)
		}
	}
}

func TestSubject(t *testing.T) {
	t.Parallel()
	tmpl := builtinTemplates(t)
	for name, c := range map[string]struct {
		subject  string
		articles int
		want     string
	}{
		"default":            {"", 7, "The Harbour Letter, weekly: The lamp on the north pier"},
		"nothing to lead":    {"", 0, "The Harbour Letter, weekly"},
		"own":                {`{{.Newsletter.Title}}: {{(index .Articles 0).Title}} +{{len .Articles}}`, 7, "The Harbour Letter, weekly: The lamp on the north pier +7"},
		"one line":           {"A\r\nBcc: x@example.org\n\tB  {{.Number}}", 7, "A Bcc: x@example.org B 12"},
		"empty":              {`{{if false}}x{{end}}`, 7, "The Harbour Letter, weekly"},
		"no markup":          {`{{(index .Articles 4).Title}} & <b>`, 7, "A feed of one’s own & <b>"},
		"200 runes":          {strings.Repeat("désespérément ", 40), 7, strings.TrimSpace(strings.Repeat("désespérément ", 14)) + "…"},
		"dates and sections": {`{{shortdate .Date}}, {{(index .Sections 0).Name}}`, 7, "23 November, Web"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := english()
			d.Newsletter.Subject, d.Articles = c.subject, d.Articles[:c.articles]
			got, err := tmpl.Render(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			if got.Subject != c.want {
				t.Errorf("subject %q, want %q", got.Subject, c.want)
			}
		})
	}
	d := english()
	d.Newsletter.Subject = "x\n{{(index .Articles 7).Title}}"
	if _, err := tmpl.Render(t.Context(), d); err == nil || !strings.Contains(err.Error(), "newsletters.weekly.subject:2:") {
		t.Errorf("error %v", err)
	}
}

func TestSections(t *testing.T) {
	t.Parallel()
	b := bundle(map[string]string{"digest.txt": `{{range .Sections}}
[{{.Name}}{{if .OfLead}}, the lead's{{end}}]{{range .Articles}} {{.Title}}{{end}}{{end}}
{{.UnsubscribeURL}}`})
	for name, c := range map[string]struct {
		sections []string // of the articles A, B, C …
		want     string
	}{
		"one article":       {[]string{"sea"}, ""},
		"one section":       {[]string{"web", "sea", "sea"}, "[] B C\n"},
		"no section":        {[]string{"", "", ""}, "[] B C\n"},
		"in order":          {[]string{"food", "web", "sea", "web"}, "[Web] B D\n[Sea] C\n"},
		"the lead's first":  {[]string{"sea", "web", "sea", "web"}, "[Sea, the lead's] C\n[Web] B D\n"},
		"none comes last":   {[]string{"sea", "", "web", "", "éditions-du-port/x"}, "[Web] C\n[Éditions du port] E\n[And also] B D\n"},
		"subsections agree": {[]string{"", "sea/lights", "sea/tides", "web"}, "[Sea] B C\n[Web] D\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := english()
			d.Articles = nil
			for i, s := range c.sections {
				d.Articles = append(d.Articles, digest.Item{Title: string(rune('A' + i)), Section: s})
			}
			got, err := render(t.Context(), b, d)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want+newsletter.PlaceholderUnsubscribe+"\n", got.Text); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlaceholders(t *testing.T) {
	t.Parallel()
	d, err := builtinTemplates(t).Render(t.Context(), english())
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{newsletter.PlaceholderUnsubscribe, newsletter.PlaceholderPreferences, newsletter.PlaceholderWeb} {
		if !strings.Contains(d.HTML, `href="`+link+`"`) {
			t.Errorf("%s is no link in the HTML", link)
		}
		if !slices.Contains(strings.Split(d.Text, "\n"), link) {
			t.Errorf("%s has no line of its own in the text", link)
		}
	}
	if !strings.Contains(d.HTML, newsletter.PlaceholderAddress) || !strings.Contains(d.Text, newsletter.PlaceholderAddress) {
		t.Error("the address is not in both parts")
	}
}

// What an author, an operator or a site writes never becomes a reader's own link.
func TestPlaceholdersInContent(t *testing.T) {
	t.Parallel()
	foreign := newsletter.PlaceholderUnsubscribe + newsletter.PlaceholderPreferences + newsletter.PlaceholderName + newsletter.PlaceholderAddress + newsletter.PlaceholderWeb
	count := func(d newsletter.Digest) [2]int {
		return [2]int{strings.Count(d.HTML, "SYNDICATEx"), strings.Count(d.Text, "SYNDICATEx")}
	}
	tmpl := builtinTemplates(t)
	plain, err := tmpl.Render(t.Context(), english())
	if err != nil {
		t.Fatal(err)
	}
	d := english()
	d.Site.Title, d.Site.PostalAddress, d.Site.Logo = foreign, foreign, "/logo.png?"+foreign
	d.Newsletter.Title = foreign
	d.MoreURL += "?" + foreign
	d.Intro += "\n\n" + foreign + " [link](https://evil.example/?" + foreign + ") ![picture](https://evil.example/p.png?" + foreign + ")"
	for i := range d.Articles {
		a := &d.Articles[i]
		a.URL += "?" + foreign
		a.Title, a.Summary, a.ImageAlt, a.Section = foreign, foreign, foreign, foreign
		a.ImageURL = "https://evil.example/p.png?" + foreign
		a.Authors, a.Tags = []string{foreign}, []string{foreign}
	}
	got, err := tmpl.Render(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if count(got) != count(plain) {
		t.Errorf("%d placeholders in HTML and text, want those of the template: %d", count(got), count(plain))
	}
	if !strings.Contains(got.HTML, "https://evil.example/p.png?SYNDICATEXUNSUBSCRIBE") {
		t.Error("the picture is not shown: the test sees nothing")
	}

	// Nor does it do for the template's own way to unsubscribe.
	files := bundle(map[string]string{"digest.html": "{{.Site.Title}}"})
	if _, err := render(t.Context(), files, d); err == nil || !strings.Contains(err.Error(), "no way to unsubscribe") {
		t.Errorf("a title stands for the unsubscribe link: error %v", err)
	}
}

// Words, dates, direction and images follow the reader.
func TestLanguages(t *testing.T) {
	t.Parallel()
	tmpl := builtinTemplates(t)
	d := english()
	d.Language = "fr-CA" // a subscriber's own
	got, err := tmpl.Render(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<html lang="fr-CA" dir="ltr"`, "lundi 23 novembre 2026", "3 autres articles", "Se désabonner"} {
		if !strings.Contains(got.HTML, want) {
			t.Errorf("no %s in the French digest", want)
		}
	}
	if got.Language != "fr-CA" || strings.Contains(got.HTML, `lang="fr"`) {
		t.Errorf("language %q, or French marked in French", got.Language)
	}
	d = english()
	d.Language, d.Newsletter.Language = "ar", "en"
	if got, err = tmpl.Render(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got.HTML, `<html lang="ar" dir="rtl"`) || !strings.Contains(got.HTML, "Unsubscribe") {
		t.Error("Arabic runs from right to left, its words fall back to the newsletter's")
	}
	if !strings.Contains(got.HTML, `<h3 lang="fr"`) || !strings.Contains(got.HTML, `<p lang="fr"`) {
		t.Error("an article in another language does not say so")
	}
}

func TestImagesThatMailCannotShow(t *testing.T) {
	t.Parallel()
	tmpl := builtinTemplates(t)
	for image, want := range map[string]bool{
		"https://harbour.example.org/lamp.png":      true,
		"http://localhost:8080/lamp.png?size=x.svg": true,
		"https://harbour.example.org/lamp.SVG?v=1":  false,
		"lighthouse.png":             false,
		"/lighthouse.png":            false,
		"data:image/png;base64,AAAA": false,
		"https://[::1/broken.png":    false,
	} {
		d := english()
		d.Articles[0].ImageURL = image
		got, err := tmpl.Render(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(got.HTML, "<img") != want {
			t.Errorf("%s: shown %v, want %v", image, !want, want)
		}
	}
}

var frenchFaults = regexp.MustCompile(`(?m)[ ][;:!?»]|«[ ]|^[;:!?»]|«$`)

// No French line has a plain space, or a break, where a no-break one belongs.
func TestFrenchTypography(t *testing.T) {
	t.Parallel()
	d, err := builtinTemplates(t).Render(t.Context(), french())
	if err != nil {
		t.Fatal(err)
	}
	body := regexp.MustCompile(`(?s)<style>.*?</style>|<!--.*?-->|<[^>]*>`).ReplaceAllString(d.HTML, "\n")
	for name, text := range map[string]string{"subject": d.Subject, "text": d.Text, "HTML": body} {
		if found := frenchFaults.FindAllString(text, -1); found != nil {
			t.Errorf("%s: %q", name, found)
		}
		if !strings.Contains(text, "\u00a0") {
			t.Errorf("%s: the no-break spaces are gone", name)
		}
	}
}

// One Templates serves renders in several languages at once.
func TestConcurrentRenders(t *testing.T) {
	t.Parallel()
	tmpl := builtinTemplates(t)
	data := []digest.Data{english(), french()}
	var want [2]newsletter.Digest
	for i := range data {
		var err error
		if want[i], err = tmpl.Render(t.Context(), data[i]); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			got, err := tmpl.Render(t.Context(), data[i%2])
			if err != nil || !cmp.Equal(got, want[i%2]) {
				t.Errorf("render %d differs, error %v", i, err)
			}
		})
	}
	wg.Wait()
}

func BenchmarkParse(b *testing.B) {
	files, err := digest.ReadBundle(builtin(), builtin(), "")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := digest.Parse(files); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRender40(b *testing.B) {
	tmpl := builtinTemplates(b)
	d := many(40)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tmpl.Render(b.Context(), d); err != nil {
			b.Fatal(err)
		}
	}
}

// The name is known to the mailer only; where there is none, the template's word
// stands. A place where a name could do harm is refused.
func TestName(t *testing.T) {
	t.Parallel()
	d := english()
	got, err := render(t.Context(), bundle(map[string]string{
		"digest.html": `<p title="a & b">Hello {{name "friend & reader"}}!</p>{{range .Articles}}{{name ""}}{{end}} {{.UnsubscribeURL}}`,
		"digest.txt":  `Hello {{name "friend & reader"}}! {{.UnsubscribeURL}}`,
	}), d)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = newsletter.PlaceholderName, newsletter.PlaceholderNameEnd
	if want := `<p title="a & b">Hello ` + begin + `friend &amp; reader` + end + `!</p>` + strings.Repeat(begin+end, len(d.Articles)); !strings.HasPrefix(got.HTML, want) {
		t.Errorf("%q, want %q", got.HTML, want)
	}
	if text := strings.Join(strings.Fields(got.Text), " "); !strings.HasPrefix(text, "Hello "+begin+"friend & reader"+end+"!") {
		t.Errorf("%q", got.Text)
	}
	for _, where := range []string{
		`<p title="Dear {{name "x"}}">`, `<p title={{name "x"}}>`, `<a href="/?for={{name "x"}}">`, `<style>p::before{content:"{{name "x"}}"}</style>`,
		`<script>hello({{name "x"}})</script>`, `{{comment (name "x")}}`,
	} {
		_, err := render(t.Context(), bundle(map[string]string{"digest.html": where + " {{.UnsubscribeURL}}"}), d)
		if err == nil || !strings.Contains(err.Error(), "digest.html: {{name …}} can stand in text only") {
			t.Errorf("%s: error %v", where, err)
		}
	}
	d.Newsletter.Subject = `News for {{name "you"}}`
	if _, err := builtinTemplates(t).Render(t.Context(), d); err == nil || !strings.Contains(err.Error(), "the same for everybody") {
		t.Errorf("in the subject: error %v", err)
	}
}
