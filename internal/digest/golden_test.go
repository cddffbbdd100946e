package digest_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syndicate/internal/digest"
)

var update = flag.Bool("update", false, "rewrite testdata")

func TestGolden(t *testing.T) {
	t.Parallel()
	tmpl := builtinTemplates(t)
	for name, data := range map[string]digest.Data{"english": english(), "french": french()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := tmpl.Render(t.Context(), data)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".html", d.HTML)
			golden(t, name+".txt", "Subject: "+d.Subject+"\n\n"+d.Text)
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}
