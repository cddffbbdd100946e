package store

import (
	"context"
	"maps"
	"slices"
	"time"
)

// KeepForms keeps the words of the sign-up forms that are shown, by version, each once:
// who consented by one can be told what it said as long as the site lasts.
func (s *Store) KeepForms(ctx context.Context, words map[string]string, now time.Time) error {
	if len(words) == 0 {
		return nil
	}
	return s.write(ctx, "keep the words of sign-up forms", func(x *tx) error {
		for _, version := range slices.Sorted(maps.Keys(words)) { // in one order: two nodes that start at once do not wait for each other
			if _, err := x.exec("INSERT INTO forms (version, words, shown_at) VALUES ($1, $2, $3) ON CONFLICT (version) DO NOTHING", version, words[version], ms(now)); err != nil {
				return err
			}
		}
		return nil
	})
}

// FormWords returns what stood in a sign-up form; ErrNotFound.
func (s *Store) FormWords(ctx context.Context, version string) (string, error) {
	words, err := one(s.reader(ctx), value[string], "SELECT words FROM forms WHERE version = $1", version)
	return words, s.wrap("read the words of a sign-up form", err)
}
