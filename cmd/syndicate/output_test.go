package main

import "testing"

func TestNumber(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 12345: "12,345", 1234567: "1,234,567", -1: "-1", -123456: "-123,456",
	} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	verbs := []string{"run", "serve", "send", "status", "subscribers", "suppressions"}
	for word, want := range map[string]string{
		"sned": "send", "serv": "serve", "sub": "subscribers", "RUN": "run", "supressions": "suppressions",
		"frobnicate": "", "x": "", "": "", "statut": "status",
	} {
		if got := nearest(word, verbs); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

// TestPlain: nothing that came from outside moves the cursor of a terminal.
func TestPlain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"L’été — « là »":      "L’été — « là »",
		"a\x1b[31mred\r\nb":   "a [31mred  b",
		"c1 \u009b31m":        "c1  31m",
		"line\u2028 breaks":   "line  breaks",
		"not UTF-8: \xff end": "not UTF-8: \ufffd end",
	} {
		if got := plain(text); got != want {
			t.Errorf("plain(%q) = %q, want %q", text, got, want)
		}
	}
}
