package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"syndicate/internal/config"
)

// FuzzParse wants no panic and a place in every problem, whatever the file.
func FuzzParse(f *testing.F) {
	sample, err := os.ReadFile(filepath.Join(root, "config.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample)
	f.Add(uncomment(sample))
	archive, err := txtar.ParseFile("testdata/bad.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		f.Add(file.Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse("testdata/config.yaml", data, environment("A", "b\x00\xff", "SMTP_PASSWORD", "p"))
		if err == nil {
			if c.Site.URL == "" || c.Site.TimeZone == nil || c.Web.URL == "" || len(c.Sources) == 0 && c.Sources == nil {
				t.Errorf("accepted, but incomplete: %+v", c)
			}
			return
		}
		var e *config.Error
		if !errors.As(err, &e) || len(e.Problems) == 0 || c != nil {
			t.Fatalf("got %T %v", err, err)
		}
		for _, p := range e.Problems {
			if p.File == "" || p.Line < 1 || p.Column < 1 || p.Message == "" {
				t.Errorf("incomplete problem: %#v", p)
			}
		}
	})
}
