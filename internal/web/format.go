package web

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"syndicate/internal/i18n"
)

// languageName returns what a language calls itself, "Français" for "fr"; the
// tag where that is unknown.
func languageName(tag string) string {
	t, err := language.Parse(tag)
	if err != nil {
		return tag
	}
	name := display.Self.Name(t)
	if name == "" {
		return tag
	}
	return capital(name)
}

// sectionName returns what readers see of a section: "sea-and-sky/tides" is "Sea
// and sky", in mail as on pages.
func sectionName(s string) string {
	s, _, _ = strings.Cut(s, "/")
	return capital(strings.TrimSpace(strings.NewReplacer("-", " ", "_", " ").Replace(s)))
}

func capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return ""
	}
	return string(unicode.ToTitle(r)) + s[size:]
}

// wordsPerMinute is how fast people read on a screen, without hurry.
const wordsPerMinute = 220

// readingMinutes is how long a body takes to read, as mail says too; 0: it is empty.
func readingMinutes(body string) int {
	words, inside := 0, false
	for _, r := range body {
		space := unicode.IsSpace(r)
		if !space && !inside {
			words++
		}
		inside = !space
	}
	return (words + wordsPerMinute - 1) / wordsPerMinute
}

// sizeOf writes a number of bytes for people, in steps of a thousand.
func sizeOf(w *i18n.Words, bytes int64) string {
	unit, units := "kB", []string{"MB", "GB"}
	if strings.HasPrefix(w.Language(), "fr") {
		unit, units = "ko", []string{"Mo", "Go"}
	}
	size := max(1, (bytes+500)/1000)
	for size >= 1000 && len(units) > 0 {
		size, unit, units = (size+500)/1000, units[0], units[1:]
	}
	return strconv.FormatInt(size, 10) + "\u00a0" + unit
}
