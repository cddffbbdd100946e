package digest_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/digest"
)

func TestReadBundle(t *testing.T) {
	t.Parallel()
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	site := fstest.MapFS{
		"email/digest.html":     file("site"),
		"email/extra.txt":       file("\ufeffone\r\ntwo\r\n"),
		"email/notes.md":        file("not a template"),
		"email/.#digest.html":   file("an editor's"),
		"email/old/digest.html": file("in a folder"),
		"weekly/digest.html":    file("weekly"),
		"weekly/item.html":      file("weekly item"),
		"broken/item.html":      file("\xff\xfe"),
		"huge/item.html":        file(strings.Repeat("x", 1_000_001)),
	}
	builtin := fstest.MapFS{
		"email/digest.html": file("built in"), "email/digest.txt": file("built in"), "email/item.html": file("built in"),
	}
	for name, c := range map[string]struct {
		site     fstest.MapFS
		override string
		want     digest.Bundle
		err      string
	}{
		"site before built-in": {site, "", digest.Bundle{
			"templates/email/digest.html": "site", "templates/email/extra.txt": "one\ntwo\n",
			"built-in/email/digest.txt": "built in", "built-in/email/item.html": "built in",
		}, ""},
		"own before site": {site, "weekly", digest.Bundle{
			"templates/weekly/digest.html": "weekly", "templates/weekly/item.html": "weekly item",
			"templates/email/extra.txt": "one\ntwo\n", "built-in/email/digest.txt": "built in",
		}, ""},
		"no site templates": {fstest.MapFS{}, "", digest.Bundle{
			"built-in/email/digest.html": "built in", "built-in/email/digest.txt": "built in", "built-in/email/item.html": "built in",
		}, ""},
		"no such folder": {site, "weakly", nil, "templates/weakly: there is no such folder"},
		"not below":      {site, "../secrets", nil, "templates/../secrets: not a folder below templates/"},
		"not UTF-8":      {site, "broken", nil, "templates/broken/item.html: the file is not UTF-8"},
		"too large":      {site, "huge", nil, "templates/huge/item.html: a template of"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := digest.ReadBundle(c.site, builtin, c.override)
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Fatalf("error %v, want %q", err, c.err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
