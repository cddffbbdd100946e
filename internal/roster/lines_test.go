package roster_test

import (
	"slices"
	"strings"
	"testing"

	"syndicate/internal/roster"
)

// TestLinesOf: an address is found wherever it stands on a list.
func TestLinesOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		list, address string
		want          []int
	}{
		"columns":            {"email,name\nann@example.org,Ann\nbob@example.org,Bob\n", "ann@example.org", []int{2}},
		"twice, other cases": {"email\nAnn@Example.org\nx@example.org\nann@example.org", "ann@example.org", []int{2, 4}},
		"a line left out":    {"email;language\r\nann@example.org;english\r\n", "ann@example.org", []int{2}},
		"an open quotation":  {"email,name\nann@example.org,\"Ann\nbob@example.org,Bob\n", "ann@example.org", []int{2}},
		"cell of two lines":  {"name,email\n\"Ann\nExample\",ann@example.org\n", "ann@example.org", []int{3}},
		"plain":              {"Ann Example <ann@example.org>\n", "ann@example.org", []int{1}},
		"commented out":      {"bob@example.org\n# ann@example.org (left)\n", "ann@example.org", []int{2}},
		"another column":     {"email,note\nbob@example.org,was ann@example.org before\n", "ann@example.org", []int{2}},
		"apostrophe":         {"email\n'+ann@example.org\n", "+ann@example.org", []int{2}},
		"own apostrophe":     {"email\n'ann@example.org\n", "'ann@example.org", []int{2}},
		"quoted":             {"email,name\n\"ann@example.org\",\"Ann\"\n", "ann@example.org", []int{2}},
		"international":      {"email\nanna@bücher.example\n", "anna@xn--bcher-kva.example", []int{2}},
		"UTF-16":             {utf16le("email\tname\nann@example.org\tÉlise\n"), "ann@example.org", []int{2}},
		"Windows-1252":       {"email;name\nann@example.org;\xc9lise\n", "ann@example.org", []int{2}},
		"byte order mark":    {"\xef\xbb\xbfann@example.org\n", "ann@example.org", []int{1}},
		"part of others":     {"email\njoann@example.org\nann@example.organic\nann@example.org.example\n", "ann@example.org", nil},
		"empty":              {"", "ann@example.org", nil},
	} {
		got, err := roster.LinesOf(strings.NewReader(c.list), c.address)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := roster.LinesOf(strings.NewReader("email\n"+strings.Repeat("x", 3<<20)), "ann@example.org"); err == nil || !strings.HasPrefix(err.Error(), "line 2: ") {
		t.Errorf("%v", err)
	}
}
