package templating_test

import (
	"testing"

	"syndicate/internal/templating"
)

func TestTogether(t *testing.T) {
	t.Parallel()
	together := templating.Together("class=x")
	for _, c := range []struct{ text, part, want string }{
		{"For a@b.c. Then <more>.", "a@b.c", "For <span class=x>a@b.c.</span> Then &lt;more&gt;."},
		{"a@b.c gets it", "a@b.c", "<span class=x>a@b.c</span> gets it"},
		{"à «\u00a0a@b.c\u00a0»\u202f? Oui", "a@b.c", "à «\u00a0<span class=x>a@b.c\u00a0»\u202f?</span> Oui"},
		{"to <a>&b", "<a>", "to <span class=x>&lt;a&gt;&amp;b</span>"},
		{"nobody", "a@b.c", "nobody"},
		{"nobody", "", "nobody"},
		{"", "", ""},
	} {
		if got := string(together(c.text, c.part)); got != c.want {
			t.Errorf("%q, %q: %s, want %s", c.text, c.part, got, c.want)
		}
	}
}
