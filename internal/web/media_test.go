package web_test

import (
	"testing"

	"syndicate/internal/newsletter"
	"syndicate/internal/store"
)

// TestMedia: audio and video can be played, other files taken, at addresses that
// were resolved as those in the body.
func TestMedia(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, err := s.store.UpsertArticles(t.Context(), store.UpsertBatch{Source: "articles", SiteURL: siteURL, Articles: []newsletter.Article{{
		Key: "pod/index.md", File: "pod/index.md", Slug: "pod", Title: "Listen", Language: "en", Published: start, Format: newsletter.Markdown, Body: "Words.",
		Enclosures: []newsletter.Enclosure{
			{URL: "one.mp3", Type: "audio/mpeg", Size: 1},
			{URL: "https://cdn.example.net/two.mp4", Type: "video/mp4"},
			{URL: "three.pdf", Type: "application/pdf", Size: 2_345_678},
			{URL: "four.pdf", Type: "application/pdf"},
		},
		Image: &newsletter.Image{URL: "cover.svg", Alt: "A cover"},
	}}}, start)
	s.check(err)
	body := text(t, s.get("/articles/pod"), 200)
	contains(t, body,
		`<audio controls preload="none" src="/files/articles/pod/one.mp3" aria-label="Listen"`, `<video controls preload="metadata" src="https://cdn.example.net/two.mp4"`,
		`href="/files/articles/pod/three.pdf"`, "Download (2\u00a0MB)", ">four.pdf</a>", `src="/files/articles/pod/cover.svg"`,
	)
	lacks(t, body, "og:image") // previews draw no SVG
}
