package web

import (
	"strconv"
	"strings"

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
	return i18n.Capital(name)
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
