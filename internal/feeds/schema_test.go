package feeds_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"syndicate/internal/feeds"
	"syndicate/internal/test/atomschema"
	"syndicate/internal/test/jsonfeed"
)

// TestJSONSchema: JSON Feeds are as the schema wants them, and the schema is not
// content with what is broken.
func TestJSONSchema(t *testing.T) {
	t.Parallel()
	schema, err := jsonfeed.Compile()
	if err != nil {
		t.Fatal(err)
	}
	format := feeds.Formats()[2]
	for name, d := range documents() {
		if err := schema.Check(d.render(t, format)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	d := chapters()
	good := d.render(t, format)
	for _, c := range []struct{ from, to string }{
		{`version/1.1"`, `version/1"`},
		{`"title": "News`, `"heading": "News`},
		{`"items": [`, `"entries": [`},
		{`"content_html"`, `"html"`},
		{`"mime_type": "audio/mpeg"`, `"mime_type": "audio"`},
		{`"url": "https://news.example.org/a.mp3"`, `"url": "a b.mp3"`},
		{`"size_in_bytes"`, `"size"`},
		{`"date_published": "2026-11-03T`, `"date_published": "2026-11-03 `},
		{`"language": "fr"`, `"language": "le français"`},
		{`"authors": [`, `"author": [`},
		{`"id": "urn:uuid:`, `"id": "`},
		{`"WebSub"`, `1`},
	} {
		bad := bytes.Replace(good, []byte(c.from), []byte(c.to), 1)
		if bytes.Equal(bad, good) {
			t.Errorf("%s is not in\n%s", c.from, good)
		} else if schema.Check(bad) == nil {
			t.Errorf("%s instead of %s is taken", c.to, c.from)
		}
	}
}

// TestAtomSchema: Atom documents are as RFC 4287's schema wants them, and as ours,
// which closes what that one leaves open; and those are not content with what is
// broken.
func TestAtomSchema(t *testing.T) {
	t.Parallel()
	jing := atomschema.Find(t)
	format, dir := feeds.Formats()[1], t.TempDir()
	keep := func(name string, data []byte) string {
		file := filepath.Join(dir, name+".atom")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	var good, bad []string
	for name, d := range documents() {
		good = append(good, keep(name, d.render(t, format)))
	}
	if err := jing.Check(t.Context(), good...); err != nil {
		t.Error(err)
	}

	s, a := sample(), archived()
	for i, c := range []struct{ from, to string }{
		{"<id>urn:uuid:5f0c2f3e-0000-4000-8000-000000000000</id>", ""},
		{"<title>Plain</title>", ""},
		{"<generator>", "<generator/><generator>"},
		{"<published>2026-11-03T07:30:00Z", "<published>3 November 2026"},
		{`type="html"`, `type="markdown"`},
		{`xml:lang="fr"`, `xml:lang="le français"`},
		{"bo@example.org", "bo at example.org"},
		{`<category term="mer">`, `<category label="mer">`},
		// Which only ours faults.
		{"https://news.example.org/a.mp3", "/a.mp3"},
		{"https://news.example.org/articles/plain", "https://news.example.org/articles/pläin"},
		{`length="12"`, `length="-1"`},
		{`rel="self"`, `rel="selfish"`},
		{`medium="image"`, `medium="picture"`},
		{"<summary>Only a summary.</summary>", ""},
		{"<media:thumbnail url", "<media:thumbnail href"},
		{"<fh:archive></fh:archive>", "<fh:archive>yes</fh:archive>"},
		{"<entry ", `<entry media:x="y" `},
	} {
		whole := s.render(t, format)
		if !bytes.Contains(whole, []byte(c.from)) {
			whole = a.render(t, format)
		}
		if !bytes.Contains(whole, []byte(c.from)) {
			t.Fatalf("%s is not in\n%s", c.from, whole)
		}
		bad = append(bad, keep("bad-"+string(rune('a'+i)), bytes.Replace(whole, []byte(c.from), []byte(c.to), 1)))
	}
	err := jing.Check(t.Context(), bad...)
	if err == nil {
		t.Fatal("everything is taken")
	}
	for i, file := range bad {
		if !strings.Contains(err.Error(), file) {
			t.Errorf("the change %d is taken", i)
		}
	}
}
