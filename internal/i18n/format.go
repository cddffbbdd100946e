package i18n

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// format is how a language writes dates, numbers, lists and quotations. The
// patterns have {weekday}, {day}, {month}, {year}, {hour} and {minute}.
type format struct {
	Weekdays  []string `toml:"weekdays"`   // Monday first
	Months    []string `toml:"months"`     // January first
	FirstDay  string   `toml:"first_day"`  // {day} on the first of a month; empty: 1
	FullDate  string   `toml:"full_date"`  // with the weekday
	Date      string   `toml:"date"`       //
	ShortDate string   `toml:"short_date"` // where the year is known
	Time      string   `toml:"time"`       // of day, 24 hours
	Group     string   `toml:"group"`      // between groups of three digits
	Comma     string   `toml:"comma"`      // between the members of a list
	And       string   `toml:"and"`        // before its last member
	Quote     string   `toml:"quote"`      // a quotation: “{text}”
}

// check reports what a locale file lacks.
func (f *format) check() error {
	if len(f.Weekdays) != 7 || len(f.Months) != 12 || slices.Contains(f.Weekdays, "") || slices.Contains(f.Months, "") {
		return errors.New("format: seven weekdays and twelve months are needed")
	}
	for _, need := range []struct{ name, text, placeholder string }{
		{"full_date", f.FullDate, "{weekday}"},
		{"date", f.Date, "{year}"},
		{"short_date", f.ShortDate, "{month}"},
		{"time", f.Time, "{minute}"},
		{"comma", f.Comma, ""},
		{"and", f.And, ""},
		{"quote", f.Quote, "{text}"},
	} {
		if need.text == "" || !strings.Contains(need.text, need.placeholder) {
			return fmt.Errorf("format.%s: a pattern with %q is needed", need.name, need.placeholder)
		}
	}
	return nil
}

// Date returns the day in t's own location, such as "23 November 2026".
func (w *Words) Date(t time.Time) string { return w.pattern(w.format.Date, t) }

// FullDate is Date with the weekday: "Monday 23 November 2026".
func (w *Words) FullDate(t time.Time) string { return w.pattern(w.format.FullDate, t) }

// ShortDate is Date without the year: "23 November".
func (w *Words) ShortDate(t time.Time) string { return w.pattern(w.format.ShortDate, t) }

// Time returns the time of day in t's own location, such as "07:00".
func (w *Words) Time(t time.Time) string { return w.pattern(w.format.Time, t) }

func (w *Words) pattern(pattern string, t time.Time) string {
	day := strconv.Itoa(t.Day())
	if t.Day() == 1 && w.format.FirstDay != "" {
		day = w.format.FirstDay
	}
	return strings.NewReplacer(
		"{weekday}", w.format.Weekdays[(int(t.Weekday())+6)%7],
		"{day}", day,
		"{month}", w.format.Months[t.Month()-1],
		"{year}", strconv.Itoa(t.Year()),
		"{hour}", fmt.Sprintf("%02d", t.Hour()),
		"{minute}", fmt.Sprintf("%02d", t.Minute()),
	).Replace(pattern)
}

// Number returns a whole number with its digits grouped: 12,345. Four digits
// stay together.
func (w *Words) Number(n int) string {
	s := strconv.Itoa(n)
	digits := strings.TrimPrefix(s, "-")
	if len(digits) <= 4 {
		return s
	}
	sign := s[:len(s)-len(digits)]
	var out strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out.WriteString(w.format.Group)
		}
		out.WriteRune(d)
	}
	return sign + out.String()
}

// List joins names: "A, B and C".
func (w *Words) List(items []string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	last := len(items) - 1
	return strings.Join(items[:last], w.format.Comma) + w.format.And + items[last]
}

// Quote puts a text between the language's quotation marks.
func (w *Words) Quote(text string) string {
	return strings.Replace(w.format.Quote, "{text}", text, 1)
}

// SectionName returns what readers see of an article's section, in mail as on
// pages: "sea-and-sky/tides" is "Sea and sky".
func SectionName(section string) string {
	section, _, _ = strings.Cut(section, "/")
	return Capital(strings.TrimSpace(strings.NewReplacer("-", " ", "_", " ").Replace(section)))
}

// Capital begins a text with a capital.
func Capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return ""
	}
	return string(unicode.ToTitle(r)) + s[size:]
}
