package store_test

import (
	"errors"
	"testing"

	"syndicate/internal/store"
)

// TestForms: the words of each version are kept once, as they were first.
func TestForms(t *testing.T) {
	each(t, func(b *bench) {
		b.ok(b.KeepForms(ctx, nil, b.Now()))
		b.ok(b.KeepForms(ctx, map[string]string{"a": "Subscribe", "b": "S’abonner"}, b.Now()))
		b.ok(b.KeepForms(ctx, map[string]string{"a": "Subscribe", "c": "Leave"}, b.Now()))
		for version, want := range map[string]string{"a": "Subscribe", "b": "S’abonner", "c": "Leave"} {
			equal(b, must(b.FormWords(ctx, version))(b), want)
		}
		if _, err := b.FormWords(ctx, "d"); !errors.Is(err, store.ErrNotFound) {
			b.Errorf("a form that nobody saw: %v", err)
		}
	})
}
