package i18n

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/feature/plural"
)

// placeholders returns the {names} in a message, sorted, {n} left out: a form
// such as "one" may spell its number out.
func placeholders(text string) []string {
	var names []string
	for _, m := range regexp.MustCompile(`\{([^{}]*)\}`).FindAllString(text, -1) {
		if m != "{n}" {
			names = append(names, m)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// A language that lacks words, or fills in other things, is found here and not
// by a subscriber.
func TestEveryLanguageSaysTheSame(t *testing.T) {
	t.Parallel()
	all, err := load()
	if err != nil {
		t.Fatal(err)
	}
	want := all[fallback]
	wantKeys := slices.Sorted(maps.Keys(want.messages))
	if len(wantKeys) < 50 {
		t.Fatalf("only %d messages in en.toml", len(wantKeys))
	}
	for tag, w := range all {
		if w.name == "" {
			t.Errorf("%s: no name", tag)
		}
		if d := cmp.Diff(wantKeys, slices.Sorted(maps.Keys(w.messages))); d != "" {
			t.Errorf("%s has other messages than %s (-%s +%s):\n%s", tag, fallback, fallback, tag, d)
			continue
		}
		for key, m := range w.messages {
			ref := want.messages[key]
			if m.plural != ref.plural {
				t.Errorf("%s: %s: plural %v, in %s %v", tag, key, m.plural, fallback, ref.plural)
				continue
			}
			used := map[plural.Form]bool{plural.Other: true}
			if m.plural {
				for n := range 2000 {
					used[w.form(n)] = true
				}
			}
			for form, text := range m.forms {
				if (text != "") != used[plural.Form(form)] {
					t.Errorf("%s: %s: plural form %d: written %v, used by the language %v", tag, key, form, text != "", used[plural.Form(form)])
				}
				if text == "" {
					continue
				}
				if d := cmp.Diff(placeholders(ref.forms[plural.Other]), placeholders(text)); d != "" {
					t.Errorf("%s: %s: other placeholders than %s: %s", tag, key, fallback, d)
				}
				if strings.Count(text, "{") != strings.Count(text, "}") || strings.TrimSpace(text) != text || strings.ContainsAny(text, "<>&\n'\"") {
					t.Errorf("%s: %s: stray space, brace, markup or typewriter quote in %q", tag, key, text)
				}
			}
		}
	}
}

// French wants a no-break space before : and inside « », a thin one before ; ! ?.
func TestFrenchTypography(t *testing.T) {
	t.Parallel()
	wrong := regexp.MustCompile(`[^\x{202f}…][;!?]|[^\x{a0}]:|«[^\x{a0}]|[^\x{a0}]»|\.\.\.`)
	for _, bad := range []string{"quoi ?", "quoi?", "voir : ici", "« mot »", "mot ; mot", "eh..."} {
		if !wrong.MatchString(bad) {
			t.Fatalf("the check does not see %q", bad)
		}
	}
	w := For("fr")
	for key, m := range w.messages {
		for _, text := range m.forms {
			if found := wrong.FindString(text); found != "" {
				t.Errorf("%s: %q in %q", key, found, text)
			}
		}
	}
	if found := wrong.FindString(strings.ReplaceAll(w.format.Quote, "{text}", "x")); found != "" {
		t.Errorf("format.quote: %q", found)
	}
}

func TestBrokenLocaleFiles(t *testing.T) {
	t.Parallel()
	good, err := files.ReadFile("locales/en.toml")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ tag, text, want string }{
		"tag":         {"no tag", string(good), "not a language"},
		"syntax":      {"de", "name = ", ""},
		"unknown key": {"de", "nome = 'x'\n" + string(good), "nome"},
		"months":      {"de", strings.Replace(string(good), `"January", `, "", 1), "twelve months"},
		"pattern":     {"de", strings.Replace(string(good), `{minute}`, "", 1), "format.time"},
		"number":      {"de", string(good) + "\nx = 3\n", "neither text"},
		"form":        {"de", string(good) + "\n[messages.x]\nother = 'a'\nsome = 'b'\n", "messages.x.some"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(c.tag, []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
		})
	}
}
