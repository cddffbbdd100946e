package source

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestMayBeLocal: the quick look finds what one pattern over all of a text does.
func TestMayBeLocal(t *testing.T) {
	t.Parallel()
	whole := regexp.MustCompile(`(?i)\]\(\s*<|(?:\]\(|\]:|\b(?:src|href|poster|srcset)\s*=)\s*["'<]?\s*(?:\.|[^\s"'<>()/#:.]+[./?#])`)
	pieces := []string{"](", "]:", "]", "(", "src", "HREF", "poster", "srcset", "data-", "x", "_", "é", "=", " ", "\n", "\"", "'", "<", ">", ".", "/", "#", ":", "?", "a/b", "https://"}
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 12).Draw(t, "text"), "")
		want := whole.MatchString(text)
		if want {
			found++
		}
		if got := mayBeLocal(text); got != want {
			t.Fatalf("%q: %t, want %t", text, got, want)
		}
	})
	if found == 0 {
		t.Error("no text refers to anything")
	}
}
