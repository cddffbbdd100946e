package publish_test

import (
	"testing"

	"syndicate/internal/publish"
)

func TestFind(t *testing.T) {
	t.Parallel()
	c := publish.NewCatalogue([]publish.Feed{
		{Kind: publish.Site, Pages: 2},
		{Kind: publish.Tag, Label: "Mer & Pêche", Path: "tags/mer-pêche"},
		{Kind: publish.Section, Label: "archive", Path: "sections/archive", Pages: 1},
	}, map[string]string{"/old.xml": "/feed.rss"}, []string{"tags/gone"})
	for _, x := range []struct{ path, file string }{
		{"/feed.rss", "feed.rss"},
		{"/feed.atom", "feed.atom"},
		{"/feed.json", "feed.json"},
		{"/archive/1.rss", "archive/1.rss"},
		{"/archive/2.json", "archive/2.json"},
		{"/archive/3.json", ""},
		{"/archive/0.rss", ""},
		{"/archive/01.rss", ""},
		{"/archive/+1.rss", ""},
		{"/tags/mer-pêche/feed.rss", "tags/mer-pêche/feed.rss"},
		{"/tags/mer-pêche/archive/1.rss", ""},
		{"/sections/archive/feed.atom", "sections/archive/feed.atom"},
		{"/sections/archive/archive/1.atom", "sections/archive/archive/1.atom"},
		{"/sections/archive/1.atom", ""},
		{"/feed.xml", ""},
		{"/feed.", ""},
		{"/feed", ""},
		{"/feed.rss/", ""},
		{"//feed.rss", ""},
		{"/tags/feed.rss", ""},
		{"feed.rss", ""},
		{"/", ""},
		{"", ""},
	} {
		d, ok := c.Find(x.path)
		switch {
		case ok != (x.file != ""):
			t.Errorf("Find(%q): found %v", x.path, ok)
		case ok && d.File() != x.file:
			t.Errorf("Find(%q) is %s, want %s", x.path, d.File(), x.file)
		}
	}
	if f, ok := c.Of(publish.Tag, "mer & pêche"); !ok || f.Path != "tags/mer-pêche" {
		t.Errorf("the feed of a tag: %+v, %v", f, ok)
	}
	if d, _ := c.Find("/tags/mer-pêche/feed.rss"); d.URL("https://example.org/a") != "https://example.org/a/tags/mer-p%C3%AAche/feed.rss" {
		t.Errorf("its address is %s", d.URL("https://example.org/a"))
	}
	for path, gone := range map[string]bool{
		"/tags/gone/feed.rss": true, "/tags/gone/archive/7.json": true, "/tags/gone/": false, "/tags/gone/x.html": false, "/feed.rss": false, "/tags/other/feed.rss": false,
	} {
		if c.IsGone(path) != gone {
			t.Errorf("IsGone(%q) is %v", path, !gone)
		}
	}
	if to, ok := c.MovedTo("/old.xml"); !ok || to != "/feed.rss" {
		t.Errorf("moved to %q, %v", to, ok)
	}
}
