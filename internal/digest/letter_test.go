package digest_test

import (
	"os"
	"testing"
	"time"

	"syndicate/internal/digest"
	"syndicate/internal/newsletter"
)

// TestLetterGolden: every letter in both languages, as it is stored.
func TestLetterGolden(t *testing.T) {
	t.Parallel()
	b, err := digest.ReadLetters(os.DirFS(t.TempDir()), builtin(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range newsletter.LetterKinds() {
		for _, language := range []string{"en", "fr"} {
			t.Run(string(kind)+"-"+language, func(t *testing.T) {
				t.Parallel()
				d := digest.Letter{Kind: kind, Site: site, Newsletter: english().Newsletter, Language: language, Valid: 7 * 24 * time.Hour}
				if kind == newsletter.LetterAccess {
					d.Newsletter.Title, d.Valid = "", time.Hour
				}
				c, err := digest.RenderLetter(t.Context(), b, d)
				if err != nil {
					t.Fatal(err)
				}
				golden(t, "letter-"+string(kind)+"-"+language+".html", c.HTML)
				golden(t, "letter-"+string(kind)+"-"+language+".txt", "Subject: "+c.Subject+"\n\n"+c.Text)
			})
		}
	}
}
