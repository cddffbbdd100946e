package web_test

import (
	"net/http"
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

// TestMediaFiles: what a source publishes beside articles is served, as the type
// that feeds say it is.
func TestMediaFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, want := range map[string]string{
		"a.png": "image/png", "a.jpg": "image/jpeg", "a.jpeg": "image/jpeg", "a.gif": "image/gif", "a.webp": "image/webp", "a.avif": "image/avif", "a.svg": "image/svg+xml",
		"a.mp3": "audio/mpeg", "a.m4a": "audio/mp4", "a.aac": "audio/aac", "a.ogg": "audio/ogg", "a.oga": "audio/ogg", "a.opus": "audio/ogg", "a.flac": "audio/flac", "a.wav": "audio/wav",
		"a.mp4": "video/mp4", "a.m4v": "video/mp4", "a.webm": "video/webm", "a.ogv": "video/ogg", "a.mov": "video/quicktime", "a.vtt": "text/vtt",
		"a.pdf": "application/pdf", "a.EPUB": "application/epub+zip", "a.html": "", "a.md": "", "a": "",
	} {
		s.write("files/articles/"+name, "content")
		if got := newsletter.MediaType("articles/" + name); got != want {
			t.Errorf("%s is of type %q, want %q", name, got, want)
		}
		r := s.get("/files/articles/" + name)
		if served := r.StatusCode == http.StatusOK; served != (want != "") || served && r.Header.Get("Content-Type") != want {
			t.Errorf("%s: %d %q, want %q", name, r.StatusCode, r.Header.Get("Content-Type"), want)
		}
	}
}
