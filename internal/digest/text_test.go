package digest

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLayout(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                               "",
		"\n\n a\n":                       "a\n",
		"a  \nb\t\r\n\n\n\n c\n":         "a\nb\n\n c\n",
		"one two three":                  "one two\nthree\n",
		"one two\u00a0three":             "one\ntwo\u00a0three\n",
		"https://example.org/a/b/c x":    "https://example.org/a/b/c\nx\n",
		"- one two three four":           "- one two\n  three\n  four\n",
		"> one two three":                "> one two\n> three\n",
		"  one two three":                "one two\nthree\n", // the first line's indent goes with the rest of the space
		"x\n  one two three":             "x\n  one two\n  three\n",
		"éééé éééé éé":                   "éééé éééé\néé\n",
		"a  b":                           "a  b\n",
		"one  two  three":                "one two\nthree\n",
		"1234567890 1234567890":          "1234567890\n1234567890\n",
		"one two three four five six sx": "one two\nthree four\nfive six\nsx\n",
	} {
		if got := layout(in, 10); got != want {
			t.Errorf("layout(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzLayout(f *testing.F) {
	f.Add("one two three", 10)
	f.Add("> - a\u00a0b  c\n\n\n\td", 3)
	f.Add(" \n- x", 72)
	f.Fuzz(func(t *testing.T, s string, width int) {
		if width < 1 || width > 200 || strings.ContainsAny(s, ">-*") {
			return // marks are repeated on purpose
		}
		got := layout(s, width)
		if a, b := strings.Fields(s), strings.Fields(got); strings.Join(a, " ") != strings.Join(b, " ") {
			t.Errorf("words changed: %q → %q", s, got)
		}
		if strings.Contains(got, "\n\n\n") || strings.Contains(got, " \n") {
			t.Errorf("empty lines or trailing spaces: %q", got)
		}
		for line := range strings.SplitSeq(got, "\n") {
			if utf8.RuneCountInString(line) > width && strings.Contains(strings.TrimLeft(line, " "), " ") {
				t.Errorf("%q is wider than %d", line, width)
			}
		}
	})
}

func TestExcerpt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n        int
		in, want string
	}{
		{20, "", ""},
		{20, "short enough", "short enough"},
		{12, "one two three four", "one two…"},
		{8, "one two three", "one two…"},
		{9, "one two, three", "one two…"},
		{10, "il dit\u00a0: oui, oui", "il dit…"},
		{6, "日本語日本語日本語", "日本語日本…"},
		{5, "unbreakable", "unbr…"},
		{1, "ab", "…"},
		{0, "ab", "…"},
	} {
		if got := excerpt(c.n, c.in); got != c.want {
			t.Errorf("excerpt(%d, %q) = %q, want %q", c.n, c.in, got, c.want)
		}
	}
}
