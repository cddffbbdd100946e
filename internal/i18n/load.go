package i18n

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:embed locales/*.toml
var files embed.FS

// file is the shape of locales/<tag>.toml.
type file struct {
	Name     string         `toml:"name"`
	Format   format         `toml:"format"`
	Messages map[string]any `toml:"messages"` // nested tables: keys are joined by dots
}

// load reads every locale file.
func load() (map[string]*Words, error) {
	names, err := files.ReadDir("locales")
	if err != nil {
		return nil, err
	}
	all := make(map[string]*Words, len(names))
	for _, e := range names {
		b, err := files.ReadFile("locales/" + e.Name())
		if err != nil {
			return nil, err
		}
		w, err := parse(strings.TrimSuffix(e.Name(), path.Ext(e.Name())), b)
		if err != nil {
			return nil, fmt.Errorf("locales/%s: %w", e.Name(), err)
		}
		all[w.language] = w
	}
	if all[fallback] == nil {
		return nil, errors.New("locales/en.toml is missing")
	}
	return all, nil
}

// parse reads one locale file.
func parse(tag string, text []byte) (*Words, error) {
	t, err := language.Parse(tag)
	if err != nil {
		return nil, fmt.Errorf("the name of the file is not a language: %w", err)
	}
	var f file
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&f); err != nil {
		if strict := (*toml.StrictMissingError)(nil); errors.As(err, &strict) {
			return nil, errors.New(strict.String()) // with the line
		}
		return nil, err
	}
	if err := f.Format.check(); err != nil {
		return nil, err
	}
	w := &Words{tag: t, language: t.String(), name: f.Name, format: f.Format, messages: map[string]message{}}
	return w, w.add("", f.Messages)
}

// categories are CLDR's names of the plural forms.
var categories = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// add takes a table of messages in. A table with "other" in it is a message with
// plural forms, any other one a group.
func (w *Words) add(prefix string, table map[string]any) error {
	for name, v := range table {
		key := prefix + name
		switch v := v.(type) {
		case string:
			w.messages[key] = message{forms: [6]string{plural.Other: v}}
		case map[string]any:
			if _, ok := v["other"]; !ok {
				if err := w.add(key+".", v); err != nil {
					return err
				}
				continue
			}
			m := message{plural: true}
			for category, text := range v {
				form, known := categories[category]
				s, isText := text.(string)
				if !known || !isText {
					return fmt.Errorf("messages.%s.%s is not a plural form", key, category)
				}
				m.forms[form] = s
			}
			w.messages[key] = m
		default:
			return fmt.Errorf("messages.%s is neither text nor a table of plural forms", key)
		}
	}
	return nil
}
