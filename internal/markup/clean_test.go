package markup_test

import (
	"testing"

	"syndicate/internal/markup"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                          "",
		"plain":                     "plain",
		"tab\tand\nline":            "tab\tand\nline",
		"\r\nDOS\r\nMac\rend\r":     "\nDOS\nMac\nend\n",
		"a\x00b\x08c\x0bd\x0ce\x1f": "abcde",
		"del\x7f":                   "del",
		"c1\u0080\u0085\u009f":      "c1",
		"lost\uFFFD":                "lost",
		"bom\uFEFF":                 "bom",
		"non\uFDD0\uFDEF\uFFFE\uFFFF\U0001FFFE\U0010FFFF": "non",
		"bad\xff\xc3(\xe2\x82":                            "bad(",
		"surrogate\xed\xa0\x80":                           "surrogate",
		"« nbsp » 35 °C":                                  "« nbsp » 35 °C",
		"emoji 👩‍🚀 漢字 \u2028\u200b\uE000":                 "emoji 👩‍🚀 漢字 \u2028\u200b\uE000",
	} {
		if got := markup.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCleanLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"  a  b\t\n c ":             "a b c",
		"a":                         "a",
		"\n":                        "",
		"a\r\nb":                    "a b",
		"\u00a0« a\u00a0\u00a0» ":   "\u00a0« a\u00a0\u00a0»",
		"35\u202f°C\x00 and\u2003x": "35\u202f°C and\u2003x",
	} {
		if got := markup.CleanLine(in); got != want {
			t.Errorf("CleanLine(%q) = %q, want %q", in, got, want)
		}
	}
}
