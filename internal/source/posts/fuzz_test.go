package posts_test

import (
	"context"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"syndicate/internal/markup"
	"syndicate/internal/newsletter"
	"syndicate/internal/source"
	"syndicate/internal/source/posts"
	"syndicate/internal/source/remote"
)

// FuzzPost reads any bytes as a post. Whatever they are: its article is whole, clean and
// safe, and the next visit finds it as it was.
func FuzzPost(f *testing.F) {
	f.Add([]byte(`{"id":1,"link":"https://x.example/1","title":{"rendered":"&lt;b&gt; &#0;"},"content":{"rendered":"<p onclick=x>a<script>b</script>"},"date_gmt":"2026-11-01T08:00:00"}`), false)
	f.Add([]byte(`{"id":-1,"lang":["x"],"_embedded":{"author":[null,{}],"wp:term":[[null,3]],"wp:featuredmedia":[{"source_url":"//x","media_details":[]}]}}`), false)
	f.Add([]byte(`{"id":"a\u0001  b","title":"<b>","html":"<a href='java\nscript:x'>x</a>","visibility":"public","updated_at":"0000-00-00","url":"x://"}`), true)
	f.Add([]byte(`{"id":"","visibility":"members","excerpt":"\ud800","tags":[{"name":""},{}],"authors":[{"name":" "}],"feature_image":"data:x"}`), true)
	f.Fuzz(func(t *testing.T, data []byte, isGhost bool) {
		now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		src := remote.New(remote.Options{Name: "blog", Backlog: 3, Detect: func(string) string { return "en" }, Now: func() time.Time { return now }},
			posts.Document{Data: data, Ghost: isGhost})
		l, err := src.List(context.Background(), source.Ask{})
		if err != nil {
			return
		}
		err = l.Read(context.Background(), func(batch []newsletter.Article) error {
			for i := range batch {
				checkArticle(t, &batch[i], now)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		state, _ := l.State(nil)
		now = now.Add(48 * time.Hour)
		again, err := src.List(context.Background(), source.Ask{State: state})
		if err != nil || again.Changed > 0 || again.Held != "" || len(again.Vanished) > 0 {
			t.Errorf("the same again: %+v, %v", again, err)
		}
	})
}

func checkArticle(t *testing.T, a *newsletter.Article, now time.Time) {
	t.Helper()
	if a.Key == "" || len(a.Key) > 255 || a.Title == "" || a.Language == "" || a.Published.IsZero() || a.Published.After(now.Add(time.Hour)) {
		t.Errorf("article %+v", a)
	}
	for _, text := range []string{a.Key, a.Title, a.Summary, a.Body, a.Permalink, a.Slug, strings.Join(a.Tags, "")} {
		if !utf8.ValidString(text) || markup.Clean(text) != text {
			t.Errorf("not clean: %q", text)
		}
	}
	if a.Format == newsletter.HTML && strings.Contains(strings.ToLower(a.Body), "<script") {
		t.Errorf("body %q", a.Body)
	}
}
