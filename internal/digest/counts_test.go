package digest_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"syndicate/internal/digest"
	"syndicate/internal/newsletter"
)

// counting has clicks or opens counted, as the sealing of an issue does.
func counting(d digest.Data, c newsletter.Counts) digest.Data {
	d.Newsletter.Counts = c
	if c.Opens {
		d.OpensURL = "https://harbour.example.org/r/image"
	}
	d.Articles = append([]digest.Item{}, d.Articles...)
	for i := range d.Articles {
		if c.Clicks {
			d.Articles[i].Counted = fmt.Sprintf("https://harbour.example.org/r/link-%d", d.Articles[i].Seq)
		}
	}
	return d
}

// TestGoldenCounted: what changes in a digest that counts.
func TestGoldenCounted(t *testing.T) {
	t.Parallel()
	tmpl := builtinTemplates(t)
	for name, data := range map[string]digest.Data{"english": english(), "french": french()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := tmpl.Render(t.Context(), counting(data, newsletter.Counts{Clicks: true, Opens: true}))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+"-counted.html", d.HTML)
			golden(t, name+"-counted.txt", "Subject: "+d.Subject+"\n\n"+d.Text)
		})
	}
}

// TestCountedByParts: each kind of counting changes what it needs and tells of it,
// and nothing else: taken out again, the digest is as it was.
func TestCountedByParts(t *testing.T) {
	t.Parallel()
	tmpl := builtinTemplates(t)
	plain, err := tmpl.Render(t.Context(), english())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plain.HTML, "/r/") || strings.Contains(plain.HTML, "counted") || strings.Contains(plain.Text, "counted") {
		t.Fatal("a digest that counts nothing has something of it")
	}
	pixel := regexp.MustCompile(`<img src="https://harbour\.example\.org/r/image" width="1" height="1" alt="" style="[^"]*"></body>`)
	note := regexp.MustCompile(`<p class="personal" style="margin:18px 0 0">[^<]* is counted, for all readers together\.[^<]*</p>`)
	noteText := regexp.MustCompile(`(?s)\nHow often [^.]*\bis\s+counted,.*?not\s+recorded\.\n`)
	for _, c := range []newsletter.Counts{{Clicks: true}, {Opens: true}, {Clicks: true, Opens: true}} {
		d, err := tmpl.Render(t.Context(), counting(english(), c))
		if err != nil {
			t.Fatal(err)
		}
		if links := strings.Count(d.HTML, `href="https://harbour.example.org/r/link-`); links == 0 == c.Clicks {
			t.Errorf("%+v: %d counted links", c, links)
		}
		if pixel.MatchString(d.HTML) != c.Opens {
			t.Errorf("%+v: no image, or one too many", c)
		}
		if strings.Contains(d.Text, "/r/") {
			t.Errorf("%+v: the text part counts", c)
		}
		html := pixel.ReplaceAllString(note.ReplaceAllString(d.HTML, ""), "</body>")
		for _, a := range english().Articles {
			html = strings.ReplaceAll(html, fmt.Sprintf(`"https://harbour.example.org/r/link-%d"`, a.Seq), `"`+a.URL+`"`)
		}
		if html != plain.HTML {
			t.Errorf("%+v: something else changed in the HTML part", c)
		}
		if text := noteText.ReplaceAllString(d.Text, ""); text != plain.Text || d.Text == plain.Text {
			t.Errorf("%+v: something else changed in the text part:\n%s", c, d.Text)
		}
		if d.Subject != plain.Subject {
			t.Errorf("%+v: subject %q", c, d.Subject)
		}
	}
}

// TestCountedTold: templates that do not tell subscribers make no digest.
func TestCountedTold(t *testing.T) {
	t.Parallel()
	data := counting(english(), newsletter.Counts{Opens: true})
	told := map[string]string{"digest.html": "<p>{{.UnsubscribeURL}} {{.CountsNote}}</p>", "digest.txt": "{{.UnsubscribeURL}} {{.CountsNote}}"}
	d, err := render(t.Context(), bundle(told), data)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(d.HTML, `border:0">`) { // there is no </body>
		t.Errorf("no image: %s", d.HTML)
	}
	for file, text := range told {
		silent := map[string]string{"digest.html": told["digest.html"], "digest.txt": told["digest.txt"]}
		silent[file] = strings.ReplaceAll(text, "{{.CountsNote}}", "")
		_, err := render(t.Context(), bundle(silent), data)
		want := "templates/email/" + file + ": subscribers are not told what is counted; print {{.CountsNote}} somewhere, or take newsletters.weekly.counts out of the settings"
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if _, err := render(t.Context(), bundle(silent), english()); err != nil {
			t.Errorf("nothing is counted: %v", err)
		}
	}
}

// TestCountedShortened: the image and the longer links are within what receivers
// show, and a shortened digest counts, too.
func TestCountedShortened(t *testing.T) {
	t.Parallel()
	d, err := builtinTemplates(t).Render(t.Context(), counting(many(200), newsletter.Counts{Clicks: true, Opens: true}))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.HTML) > 95_000 || d.More == 0 || len(d.Articles) == 0 {
		t.Fatalf("%d bytes, %d articles, %d more", len(d.HTML), len(d.Articles), d.More)
	}
	for _, seq := range d.Articles {
		if !strings.Contains(d.HTML, fmt.Sprintf(`"https://harbour.example.org/r/link-%d"`, seq)) || !strings.Contains(d.Text, fmt.Sprintf("https://harbour.example.org/articles/%d\n", 1000-seq)) {
			t.Errorf("article %d", seq)
		}
	}
	if regexp.MustCompile(`"https://harbour\.example\.org/articles/\d`).MatchString(d.HTML) {
		t.Error("a link that does not count")
	}
}
