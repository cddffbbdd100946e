package feeds_test

import (
	"bytes"
	"testing"

	"syndicate/internal/feeds"
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
