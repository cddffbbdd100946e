package i18n_test

import (
	"testing"
	"time"

	"syndicate/internal/i18n"
)

func TestFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want string
		tags []string
	}{
		{"en", nil},
		{"fr", []string{"fr"}},
		{"fr", []string{"fr-CA"}},
		{"fr", []string{"FR_be"}},
		{"fr", []string{"tlh", "fr", "en"}},
		{"en", []string{"en-GB", "fr"}},
		{"en", []string{"tlh"}},
		{"en", []string{"", "no such tag!"}},
		{"en", []string{"und"}},
	} {
		if got := i18n.For(c.tags...).Language(); got != c.want {
			t.Errorf("For(%q) = %s, want %s", c.tags, got, c.want)
		}
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	monday := time.Date(2026, 11, 22, 23, 5, 0, 0, time.UTC).In(paris) // 00:05 the next day
	first := time.Date(2026, 8, 1, 7, 0, 0, 0, paris)                  // a Saturday
	en, fr := i18n.For("en"), i18n.For("fr")
	for _, c := range []struct{ got, want string }{
		{en.FullDate(monday), "Monday 23 November 2026"},
		{en.Date(first), "1 August 2026"},
		{en.ShortDate(first), "1 August"},
		{en.Time(monday), "00:05"},
		{fr.FullDate(monday), "lundi 23 novembre 2026"},
		{fr.FullDate(first), "samedi 1er août 2026"},
		{fr.Date(first), "1er août 2026"},
		{fr.ShortDate(monday), "23 novembre"},
		{fr.Time(first), "07\u00a0h\u00a000"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestPlurals(t *testing.T) {
	t.Parallel()
	en, fr := i18n.For("en"), i18n.For("fr")
	for _, c := range []struct{ got, want string }{
		{en.N("site.articles", 0), "0 articles"},
		{en.N("site.articles", 1), "1 article"},
		{en.N("site.articles", 2), "2 articles"},
		{en.N("site.articles", 1234), "1234 articles"},
		{en.N("site.articles", 12345), "12,345 articles"},
		{fr.N("site.articles", 0), "0 article"}, // French: nought is singular
		{fr.N("site.articles", 1), "1 article"},
		{fr.N("site.articles", 2), "2 articles"},
		{fr.N("site.articles", 10_000_000), "10\u202f000\u202f000 articles"},
		{en.N("site.articles", -1), "-1 article"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	en, fr := i18n.For("en"), i18n.For("fr")
	for _, c := range []struct{ got, want string }{
		{en.T("digest.subject", "newsletter", "Weekly", "title", "A {title}"), "Weekly: A {title}"},
		{fr.T("digest.subject", "newsletter", "Quotidien", "title", "Un titre"), "Quotidien\u00a0: Un titre"},
		{en.T("digest.number", "number", 12), "No.\u00a012"},
		{en.T("no.such"), "⟦no.such⟧"},
		{en.T("digest.subject", "newsletter", "Weekly"), "⟦digest.subject⟧"},
		{en.T("site.articles"), "⟦site.articles⟧"},
		{en.N("digest.view", 1), "⟦digest.view⟧"},
		{en.Quote("it"), "“it”"},
		{fr.Quote("ça"), "«\u00a0ça\u00a0»"},
		{en.List(nil), ""},
		{en.List([]string{"A"}), "A"},
		{fr.List([]string{"A", "B"}), "A et B"},
		{en.List([]string{"A", "B", "C"}), "A, B and C"},
		{en.Number(-1234567), "-1,234,567"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	for _, key := range []string{"no.such", "site.articles"} {
		if _, err := en.Text(key); err == nil {
			t.Errorf("Text(%q): no error", key)
		}
	}
	if _, err := en.Text("digest.number", "number"); err == nil {
		t.Error("a name without a value: no error")
	}
}

func TestDirection(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{
		"en": "ltr", "fr-CA": "ltr", "": "ltr", "??": "ltr", "ja": "ltr",
		"ar": "rtl", "he-IL": "rtl", "fa": "rtl", "ur": "rtl", "az-Arab": "rtl", "az": "ltr", "yi": "rtl", "dv": "rtl",
	} {
		if got := i18n.Direction(tag); got != want {
			t.Errorf("Direction(%q) = %s, want %s", tag, got, want)
		}
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	got := i18n.Languages()
	if len(got) < 2 || got[0] != "en" {
		t.Fatalf("Languages() = %q, want English first and at least one more", got)
	}
	if name := i18n.For("fr").Name(); name != "Français" {
		t.Errorf("French calls itself %q", name)
	}
}

func TestSectionName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"sea-and-sky/tides": "Sea and sky", "été": "Été", "web_log": "Web log", "": "", "/x": ""} {
		if got := i18n.SectionName(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}
