// Package i18n holds the words and dates that subscribers see.
//
// A language is one file, locales/<tag>.toml: its name, how it writes dates,
// numbers, lists and quotations, and its messages. Adding a language is adding
// that file; a test asserts that every file has every message with the same
// {placeholders} and every plural form the language needs.
//
// Plural rules and tags come from golang.org/x/text. go-i18n was the other
// candidate: it brings the same rules, but runs a text/template for each message
// and has no dates, so a second file format would have been needed beside it.
package i18n

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// locales parses the embedded files once. They cannot change, so this is no state.
var locales = sync.OnceValue(func() map[string]*Words {
	m, err := load()
	if err != nil {
		panic(err) // the files are part of the program; the tests load them all
	}
	return m
})

// fallback is the language of readers whose own has no file.
const fallback = "en"

// Words is one language: what is said, and how dates and numbers are written.
// It is immutable and may be shared.
type Words struct {
	tag      language.Tag
	language string
	name     string
	format   format
	messages map[string]message
}

// message is a sentence by plural form. One without plural forms has only Other.
type message struct {
	plural bool
	forms  [plural.Many + 1]string // by plural.Form; empty: not used by the language
}

// For returns the words of the first language in tags that has a file; a
// regional form without its own takes its parent's ("fr-CA" → "fr"). Tags that
// are not BCP 47 are passed over. With no match the words are English.
func For(tags ...string) *Words {
	all := locales()
	for _, s := range tags {
		t, err := language.Parse(s)
		if err != nil {
			continue
		}
		for ; t != language.Und; t = t.Parent() {
			if w, ok := all[t.String()]; ok {
				return w
			}
		}
	}
	return all[fallback]
}

// Languages returns the tags that have a file, English first, then in order.
func Languages() []string {
	var tags []string
	for tag := range locales() {
		if tag != fallback {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	return append([]string{fallback}, tags...)
}

// Direction returns the writing direction of a BCP 47 tag, "ltr" or "rtl", for
// HTML's dir attribute. It knows every language, not only those with a file.
func Direction(tag string) string {
	t, err := language.Parse(tag)
	if err != nil {
		return "ltr"
	}
	script, _ := t.Script()
	switch script.String() {
	case "Adlm", "Arab", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa", "Yezi":
		return "rtl"
	}
	return "ltr"
}

// Language returns the tag of the words, such as "fr".
func (w *Words) Language() string { return w.language }

// Name returns what the language calls itself, such as "Français".
func (w *Words) Name() string { return w.name }

// T returns the message under key with its {placeholders} filled from args,
// which are name, value pairs: T("page.title", "site", "The Harbour Letter").
// A message that does not exist or lacks a value reads "⟦key⟧": a page with a
// hole is better than none. Use Text where a mistake has to stop the work.
func (w *Words) T(key string, args ...any) string {
	s, err := w.Text(key, args...)
	if err != nil {
		return "⟦" + key + "⟧"
	}
	return s
}

// N is T for messages that depend on a number; {n} is that number as the
// language writes it.
func (w *Words) N(key string, n int, args ...any) string {
	s, err := w.Plural(key, n, args...)
	if err != nil {
		return "⟦" + key + "⟧"
	}
	return s
}

// Text is T with an error for an unknown key, a message that needs a number, or
// arguments that are not the message's placeholders.
func (w *Words) Text(key string, args ...any) (string, error) {
	m, ok := w.messages[key]
	if !ok {
		return "", fmt.Errorf("there are no words %q", key)
	}
	if m.plural {
		return "", fmt.Errorf("the words %q depend on a number", key)
	}
	return w.fill(key, m.forms[plural.Other], args)
}

// Plural is N with an error, as Text.
func (w *Words) Plural(key string, n int, args ...any) (string, error) {
	m, ok := w.messages[key]
	if !ok {
		return "", fmt.Errorf("there are no words %q", key)
	}
	if !m.plural {
		return "", fmt.Errorf("the words %q do not depend on a number", key)
	}
	text := m.forms[w.form(n)]
	if text == "" {
		text = m.forms[plural.Other]
	}
	return w.fill(key, text, append(args[:len(args):len(args)], "n", n))
}

// form returns the plural form of a whole number (CLDR's operands n = i, v = w = f = t = 0).
func (w *Words) form(n int) plural.Form {
	return plural.Cardinal.MatchPlural(w.tag, max(n, -n), 0, 0, 0, 0)
}

// fill replaces the placeholders of a message. Every one needs a value; a value
// without a placeholder is fine, as a language may do without it.
func (w *Words) fill(key, text string, args []any) (string, error) {
	if len(args)%2 != 0 {
		return "", fmt.Errorf("the words %q: a placeholder's name without a value", key)
	}
	if !strings.Contains(text, "{") {
		return text, nil
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, after, _ := strings.Cut(rest, "}")
		value, ok := argument(args, name)
		if !ok {
			return "", fmt.Errorf("the words %q: no value for {%s}", key, name)
		}
		if n, isInt := value.(int); isInt {
			value = w.Number(n)
		}
		fmt.Fprint(&out, value)
		text = after
	}
}

func argument(args []any, name string) (any, bool) {
	for i := 0; i < len(args); i += 2 {
		if args[i] == name {
			return args[i+1], true
		}
	}
	return nil, false
}
