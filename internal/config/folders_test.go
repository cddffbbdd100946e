package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"syndicate/internal/config"
)

// TestLocate: a source that holds the site, or what it writes, is refused however
// it leads there.
func TestLocate(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	site := filepath.Join(top, "srv", "letter")
	for _, dir := range []string{"srv/letter/articles", "srv/letter-2", "texts", "web/public"} {
		if err := os.MkdirAll(filepath.Join(top, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"srv/letter/up": "../..", "srv/letter/here": ".", "srv/letter/texts": top + "/texts", "srv/letter/out": "../../web/public", "srv/letter/web": top + "/web",
	} {
		if err := os.Symlink(target, filepath.Join(top, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ dir, want string }{
		{"articles", ""},
		{site + "/articles", ""},
		{top + "/texts", ""},
		{top + "/srv/letter-2", ""},
		{"texts", ""},
		{"not/there/yet", ""},
		{top, "the site folder"},
		{top + "/srv", "the site folder"},
		{site, "the site folder"},
		{site + "/../letter/", "the site folder"},
		{"up", "the site folder"},
		{"here", "the site folder"},
		{"up/srv/letter/data", "data, which"},
		{top + "/web/public", "out, which"},
		{"web", "out, which"},
	} {
		text := fmt.Sprintf("site: {title: T, url: https://news.example.org}\nsources:\n  - dir: %s\nfeeds: {dir: out}\n", c.dir)
		cfg, err := config.Parse("config.yaml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		err = cfg.Locate(site)
		var e *config.Error
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.dir, err)
		case c.want != "" && (!errors.As(err, &e) || !strings.HasPrefix(err.Error(), "config.yaml:3:") || !strings.Contains(err.Error(), " has "+c.want)):
			t.Errorf("%s: %v, want %q", c.dir, err, c.want)
		}
		if cfg.Dir != site {
			t.Errorf("the site folder is %s", cfg.Dir)
		}
	}
}
